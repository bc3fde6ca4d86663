"""A KubeArmorPolicy (``security.kubearmor.com/v1``) from ``exec``, ``file``, ``egress`` and ``ingress``.

- Written so that both of KubeArmor's enforcers read it the same: its BPF LSM has no patterns, and its AppArmor profile comments
  those of programs out. So ``/a/*`` is the directory ``/a/``, ``/a/**`` the same with all below it, and for ``/a/*/b`` all below
  ``/a/`` is open, with a comment.
- KubeArmor puts paths into AppArmor profiles as they are: a name that would mean something there is left out, with a comment.
- What a person took out is blocked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.baseline import Baseline
from streams.baseline.exports.files import (
    FILE_NOTE,
    READ,
    WRITE,
    Paths,
    files_of,
    forbidden_files,
    forbidden_programs,
    programs_of,
)
from streams.baseline.exports.heading import heading, left_open, never_notes, required
from streams.baseline.exports.sockets import transports_of
from streams.baseline.exports.types import Options
from streams.baseline.exports.words import PathPattern
from streams.baseline.exports.workload import label_notes, metadata, selector, workload_of
from streams.baseline.exports.yamltext import dump_yaml

__all__ = ["kubearmor"]

_KIND: Final = "A KubeArmorPolicy"
_SAFE: Final = re.compile(r"/[A-Za-z0-9._/@:=~%-]*")
_MAX_BYTES: Final = 255
_PROTOCOLS: Final[tuple[str, ...]] = ("icmp", "raw", "tcp", "udp")
_EVERYTHING: Final = {"dir": "/", "recursive": True}


def kubearmor(baseline: Baseline, options: Options) -> str:
    """Return a KubeArmorPolicy; programs, files and network each stay open where they are not in the baseline."""
    workload = workload_of(baseline, _KIND)
    required(baseline, ("exec", "file"), _KIND, "a sensor of programs and files, such as auditd, Falco or Tetragon")
    programs = _Section.of("exec", programs_of(baseline.elements.get("exec", ())), forbidden_programs(baseline))
    files = _Section.of("file", files_of(baseline.elements.get("file", ())), forbidden_files(baseline))
    network, notes = _network(baseline)
    spec = {
        "selector": {"matchLabels": selector(workload, options)},
        "process": programs.matches(),
        "file": files.matches(),
        **({"network": {"matchProtocols": network}} if network else {}),
        "action": "Allow",
    }
    manifest = {
        "apiVersion": "security.kubearmor.com/v1",
        "kind": "KubeArmorPolicy",
        "metadata": metadata(baseline, workload),
        "spec": spec,
    }
    opened = [
        *left_open(baseline, "exec", "every program", sayable=not programs.is_open),
        *left_open(baseline, "file", "every file", sayable=not files.is_open),
    ]
    notes = [*label_notes(options), *_general(baseline), *opened, *programs.notes, *files.notes, *notes]
    return heading(baseline, _KIND, notes) + dump_yaml(manifest)


def _general(baseline: Baseline) -> Iterator[str]:
    yield "Note: what it does not allow is blocked or only reported, as kubearmor-file-posture and kubearmor-network-posture of the namespace say."
    yield "Note: it selects whole pods; what other containers of the pod do must be allowed too."
    yield "Note: arguments, hashes, peers, ports and names are not in it, nor capabilities."
    yield FILE_NOTE
    yield from (note for name in ("egress", "ingress") for note in left_open(baseline, name, "every kind of socket"))
    others = [name for name in baseline.never if name not in ("exec", "file")]
    yield from never_notes(baseline, others, "KubeArmor cannot forbid it by itself")


def _network(baseline: Baseline) -> tuple[list[dict[str, str]], list[str]]:
    used = transports_of(baseline)
    if used is None:
        return [], []
    unknown = sorted(used - {*_PROTOCOLS, "unix"})
    if unknown:
        return [], [f"Open: every kind of socket, since KubeArmor cannot say {', '.join(unknown)}."]
    listed = [{"protocol": name} for name in _PROTOCOLS if name in used]
    return listed or [{"protocol": name, "action": "Block"} for name in _PROTOCOLS], []


@dataclass(frozen=True, slots=True)
class _Place:
    """Where KubeArmor looks for a path: itself, or its directory, with all below it if recursive; not exact if that is more."""

    text: str
    is_directory: bool = False
    is_recursive: bool = False
    is_exact: bool = True

    @classmethod
    def of(cls, path: PathPattern) -> _Place:
        if path.is_literal and path.segments:
            return cls(path.text)
        stars = [number for number, segment in enumerate(path.segments) if segment is None]
        stem = "".join(f"/{segment}" for segment in path.segments[: stars[0] if stars else None]) + "/"
        only_last = stars == [len(path.segments) - 1] and not path.deep
        recursive = not (only_last or path.is_literal)
        return cls(stem, is_directory=True, is_recursive=recursive, is_exact=only_last or (path.deep and not stars))


@dataclass(slots=True)
class _Section:
    """The programs or files of a policy in the making."""

    dimension: str
    paths: list[dict[str, Any]] = field(default_factory=list)
    directories: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    is_open: bool = False

    @classmethod
    def of(cls, dimension: str, allowed: Paths, forbidden: Paths) -> _Section:
        """Return a section with every path placed, or told in a note."""
        made = cls(dimension, notes=[*allowed.notes, *forbidden.notes])
        for path, kinds in allowed.kinds.items():
            made.allow(path, {"readOnly": True} if kinds == READ else {})
        made.is_open = not made.matches()
        made.directories.extend([_EVERYTHING] if made.is_open else [])
        for path, kinds in forbidden.kinds.items():
            made.forbid(path, kinds, allowed.kinds)
        return made

    def allow(self, path: PathPattern, more: Mapping[str, Any]) -> None:
        """Place what is allowed; a pattern that KubeArmor cannot say is as wide as the directory before its first star."""
        place = _Place.of(path)
        if not place.is_exact:
            self._note("Open", path, f"KubeArmor cannot say it exactly, so what lies below {place.text} is allowed")
        self._put(path, place, more)

    def forbid(self, path: PathPattern, kinds: str, allowed: Mapping[PathPattern, str]) -> None:
        """Place what was taken out, unless that would block more."""
        place = _Place.of(path)
        if not place.is_exact or path in allowed:
            self._note("Never", path, "KubeArmor cannot block it without blocking more")
        else:
            self._put(path, place, {**({"readOnly": True} if kinds == WRITE else {}), "action": "Block"})

    def matches(self) -> dict[str, Any]:
        """Return the section, without the lists that are empty."""
        parts = {"matchPaths": self.paths, "matchDirectories": self.directories}
        return {name: listed for name, listed in parts.items() if listed}

    def _put(self, path: PathPattern, place: _Place, more: Mapping[str, Any]) -> None:
        if not _SAFE.fullmatch(place.text) or len(place.text) > _MAX_BYTES:
            self._note("Left out", path, "KubeArmor would take its name for something else, or cut it")
        elif place.is_directory:
            self.directories.append({"dir": place.text, "recursive": place.is_recursive, **more})
        else:
            self.paths.append({"path": place.text, **more})

    def _note(self, kind: str, path: PathPattern, text: str) -> None:
        self.notes.append(f"{kind}: {self.dimension} {path.text}: {text}.")
