"""How many names may stand side by side before any name takes their place, by dimension: every threshold of a trie is here.

- ``file``: 50 files and 50 folders in a folder, 100 below ``/etc``. Two depths of nothing but ``*`` become ``**``.
- ``exec``: 500 programs in a folder and 500 names of a program, 50 programs in a folder below ``/tmp``, ``/var/tmp`` and
  ``/dev/shm``. Never ``**``.
- ``args``: programs as in ``exec``; 20 first arguments, 20 flags and 5 other arguments at a place. Six lengths of nothing but
  ``*`` become ``**``. For a program that runs what its arguments say (a shell), flags and the argument behind a flag have a limit
  of 200, its flags are no ``*``, and it has no ``**``.
- ``dns``: 50 names below a parent of at least two labels.
- ``api``: 50 namespaces of a verb and resource.

Whatever a rule or policy looks at, what leads there and what is below, has a limit of 500. Below ``/proc`` itself ``*`` is the
folder of any process, beside which other names stand, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from schemas.baseline import literal
from streams.baseline.steps import ANY_FLAG, ANY_FOLDER, FLAG, FOLDER, ROOT, Steps, folders_of
from streams.baseline.trie import Limits, Rules

__all__ = [
    "PROCESSES",
    "ApiLimits",
    "ArgsLimits",
    "ExecLimits",
    "FileLimits",
    "NameLimits",
    "Pinned",
    "api_rules",
    "args_rules",
    "exec_rules",
    "file_rules",
    "is_interpreter",
    "name_rules",
    "rules_of",
]

PROCESSES: Final[Steps] = (ROOT, "proc/")
"""The folder of which ``*`` is not any name but any process: sensors write it so."""

_CONFIGURATION: Final[Steps] = (ROOT, "etc/")
_SCRATCH: Final[tuple[Steps, ...]] = ((ROOT, "tmp/"), (ROOT, "var/", "tmp/"), (ROOT, "dev/", "shm/"))
_INTERPRETER: Final = re.compile(r"(?:|ba|da|a|z|k|mk)sh|busybox|(?:python|pypy|perl|ruby|node|nodejs|php|lua)[0-9.]*")
_REQUEST: Final = 2


def is_interpreter(program: str) -> bool:
    """Return whether the name of a program is that of a shell or another one that runs what its arguments say."""
    return _INTERPRETER.fullmatch(program) is not None


@dataclass(frozen=True, slots=True)
class Pinned:
    """Folders that stay literal as long as they can: prefixes, what is below them, and what leads to them."""

    prefixes: frozenset[Steps] = frozenset()
    leading: frozenset[Steps] = frozenset()

    @classmethod
    def of(cls, prefixes: Iterable[str]) -> Pinned:
        """Compile absolute paths as people write them, stars included."""
        found = frozenset(_folder(prefix) for prefix in prefixes)
        return cls(found, frozenset(path[:end] for path in found for end in range(1, len(path))))

    def holds(self, path: Steps) -> bool:
        """Return whether the folder with these steps is pinned."""
        return path in self.leading or any(path[:end] in self.prefixes for end in range(1, len(path) + 1))


def _folder(path: str) -> Steps:
    return (ROOT, *(literal(segment) + FOLDER for segment in path.split("/") if segment))


@dataclass(frozen=True, slots=True)
class FileLimits:
    """The limits of ``file``."""

    pinned: Pinned = field(default_factory=Pinned)
    children: int = 50
    configuration: int = 100
    watched: int = 500

    def at(self, trail: Steps) -> Limits:
        """Return the limits of a folder; neither the access nor what tells absolute from relative is one."""
        path = trail[1:]
        if not path:
            return Limits(names=None)
        if path == PROCESSES:
            return Limits(names=None, lengths=1)
        if self.pinned.holds(path):
            return Limits(names=self.watched, lengths=1)
        return Limits(names=self.configuration if path[:2] == _CONFIGURATION else self.children, lengths=1)


@dataclass(frozen=True, slots=True)
class ExecLimits:
    """The limits of ``exec``."""

    pinned: Pinned = field(default_factory=Pinned)
    programs: int = 500
    scratch: int = 50
    watched: int = 500

    def at(self, trail: Steps) -> Limits:
        """Return the limits of a folder of programs, or of the names of one."""
        if not trail or trail == PROCESSES:
            return Limits(names=None)
        if self.pinned.holds(trail):
            return Limits(names=self.watched)
        return Limits(names=self.scratch if _is_scratch(trail) else self.programs)


def _is_scratch(trail: Steps) -> bool:
    """Return whether a trail of folders is, or with its patterns may be, one where programs come and go."""
    if not trail[-1].endswith(FOLDER):
        return False
    return any(
        len(trail) >= len(folder) and all(step in (name, ANY_FOLDER) for step, name in zip(trail, folder, strict=False))
        for folder in _SCRATCH
    )


@dataclass(frozen=True, slots=True)
class ArgsLimits:
    """The limits of ``args``."""

    programs: ExecLimits = field(default_factory=ExecLimits)
    others: int = 5
    first: int = 20
    flags: int = 20
    scripts: int = 200
    lengths: int = 5

    def at(self, trail: Steps) -> Limits:
        """Return the limits of a folder of programs, or of what follows some arguments."""
        folders = len(folders_of(trail))
        if folders == len(trail):
            return self.programs.at(trail)
        program, words = trail[folders], trail[folders + 1 :]
        names = self.others if words else self.first
        if not is_interpreter(program):
            return Limits(names=names, flags=self.flags, lengths=self.lengths)
        return Limits(names=self.scripts if _is_flag(words[-1:]) else names, flags=self.scripts)


def _is_flag(words: Steps) -> bool:
    return bool(words) and words[0].startswith(FLAG) and words[0] != ANY_FLAG


@dataclass(frozen=True, slots=True)
class NameLimits:
    """The limits of ``dns``."""

    names: int = 50
    parents: int = 2

    def at(self, trail: Steps) -> Limits:
        """Return the limits of what is directly below some labels."""
        return Limits(names=self.names if len(trail) >= self.parents else None)


@dataclass(frozen=True, slots=True)
class ApiLimits:
    """The limits of ``api``."""

    namespaces: int = 50

    def at(self, trail: Steps) -> Limits:
        """Return the limit of the namespaces of a verb and resource."""
        return Limits(names=self.namespaces if len(trail) == _REQUEST else None)


def rules_of(dimension: str, protected: frozenset[str] = frozenset()) -> Rules | None:
    """Return where a dimension collapses, with what of it is protected; None for one that is no trie or stays literal."""
    pinned = Pinned.of(protected)
    if dimension == "file":
        return file_rules(FileLimits(pinned))
    if dimension == "exec":
        return exec_rules(ExecLimits(pinned))
    if dimension == "args":
        return args_rules(ArgsLimits(ExecLimits(pinned)))
    if dimension == "dns":
        return name_rules(NameLimits())
    return api_rules(ApiLimits()) if dimension == "api" else None


def file_rules(limits: FileLimits) -> Rules:
    return Rules(limits.at, min(limits.children, limits.configuration, limits.watched), deep_folders=True)


def exec_rules(limits: ExecLimits) -> Rules:
    return Rules(limits.at, min(limits.programs, limits.scratch, limits.watched))


def args_rules(limits: ArgsLimits) -> Rules:
    least = min(limits.others, limits.first, limits.flags, limits.scripts, exec_rules(limits.programs).least)
    return Rules(limits.at, least, flags=True)


def name_rules(limits: NameLimits) -> Rules:
    return Rules(limits.at, limits.names)


def api_rules(limits: ApiLimits) -> Rules:
    return Rules(limits.at, limits.namespaces, folders=False)
