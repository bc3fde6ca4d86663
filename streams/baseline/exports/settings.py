"""What a container was started with, from the ``settings`` of a baseline.

A setting may have several values, of several releases. ``none`` is what was not set. A value that stands for any, that the
learner cut (it ends in a digest) or that has a zero byte cannot be given to anything again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from schemas.baseline import Baseline
from streams.baseline.exports.words import ANY, literal_of, spread

__all__ = ["ALL", "Settings", "settings_of"]

ALL: Final = "ALL"
_DEFAULTS: Final = frozenset(
    [
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "NET_RAW",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    ]
)
"""What Docker and containerd grant unless told otherwise."""

_KNOWN: Final = _DEFAULTS | frozenset(
    [
        "AUDIT_CONTROL",
        "AUDIT_READ",
        "BLOCK_SUSPEND",
        "BPF",
        "CHECKPOINT_RESTORE",
        "DAC_READ_SEARCH",
        "IPC_LOCK",
        "IPC_OWNER",
        "LEASE",
        "LINUX_IMMUTABLE",
        "MAC_ADMIN",
        "MAC_OVERRIDE",
        "NET_ADMIN",
        "NET_BROADCAST",
        "PERFMON",
        "SYSLOG",
        "SYS_ADMIN",
        "SYS_BOOT",
        "SYS_MODULE",
        "SYS_NICE",
        "SYS_PACCT",
        "SYS_PTRACE",
        "SYS_RAWIO",
        "SYS_RESOURCE",
        "SYS_TIME",
        "SYS_TTY_CONFIG",
        "WAKE_ALARM",
    ]
)
_NONE: Final = "none"
_CUT: Final = re.compile(r"…[0-9a-f]{16}\Z")


@dataclass(frozen=True, slots=True)
class Settings:
    """The values of each setting, sorted; ``unclear`` are those that cannot be given again."""

    values: Mapping[str, tuple[str, ...]]
    unclear: Mapping[str, tuple[str, ...]]

    def of(self, name: str) -> tuple[str, ...]:
        """Return what a setting was set to."""
        return tuple(value for value in self.values.get(name, ()) if value != _NONE)

    def is_on(self, name: str) -> bool:
        """Return whether a flag was set in every start that was learned."""
        return self.of(name) == ("true",)

    def was_on(self, name: str) -> bool:
        """Return whether a flag was set in any start that was learned."""
        return "true" in self.of(name)

    @property
    def capabilities(self) -> frozenset[str]:
        """What was granted: the runtime's own set without what was always dropped, and what was added; ``ALL`` for every one."""
        drops = [set(words.split()) - {_NONE} for words in self.values.get("capabilities.drop", ())]
        dropped = set.intersection(*drops) if drops else set()
        kept = frozenset() if ALL in dropped else _DEFAULTS - dropped
        added = self.of("capabilities.add")
        return frozenset({ALL}) if self.was_on("privileged") or ALL in added else kept | (_KNOWN & set(added))

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes on added capabilities that no kernel knows."""
        unknown = [name for name in self.of("capabilities.add") if name not in _KNOWN and name != ALL]
        return tuple(f"Left out: settings capabilities.add {name}: is no capability of Linux." for name in unknown)


def settings_of(baseline: Baseline) -> Settings:
    """Return the settings of a baseline; where it has none, nothing is set."""
    values: dict[str, list[str]] = {}
    unclear: dict[str, list[str]] = {}
    for element in baseline.elements.get("settings", ()):
        name, word = spread(element, 2)
        place = unclear if word == ANY or _CUT.search(word) or "\0" in word else values
        place.setdefault(name, []).append(literal_of(word))
    return Settings(_tuples(values), _tuples(unclear))


def _tuples(values: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(sorted(set(found))) for name, found in values.items()}
