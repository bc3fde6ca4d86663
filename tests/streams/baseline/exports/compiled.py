"""AppArmor profiles compiled by its own parser, and asked what they let happen to a path."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass, field

import pytest

__all__ = ["READ", "RUN", "WRITE", "Compiled", "compile_profile", "needs_parser"]

RUN = 0x1
WRITE = 0x2
READ = 0x4
PARSER = shutil.which("apparmor_parser", path="/usr/sbin:/sbin:/usr/bin:/bin")
needs_parser = pytest.mark.skipif(PARSER is None, reason="apparmor_parser is missing: apt-get install apparmor")

_START = "{1} <=="
_STATE = re.compile(r"\{(\d+)\} perms:")
_ACCEPTING = re.compile(r"\{(\d+)\} \(0x ([0-9a-f]+)/([0-9a-f]+)")
_STEP = re.compile(r"\s+.*?0x([0-9a-f]{1,2}) -> \{(\d+)\}(?:  \(.*)?")
_OTHERWISE = re.compile(r"\s+\[\^?(.*)\] -> \{(\d+)\}")


@dataclass(slots=True)
class Compiled:
    """The automaton of a profile: where each byte leads from each state, and what is allowed where it ends."""

    steps: dict[tuple[int, int], int] = field(default_factory=dict)
    otherwise: dict[int, int] = field(default_factory=dict)
    excluded: dict[int, set[int]] = field(default_factory=dict)
    allowed: dict[int, int] = field(default_factory=dict)
    denied: dict[int, int] = field(default_factory=dict)

    def permissions(self, path: str) -> int:
        """Return what the kernel would allow, as bits."""
        state: int | None = 1
        for byte in path.encode():
            if state is None:
                return 0
            state = self._next(state, byte)
        return 0 if state is None else self.allowed.get(state, 0) & ~self.denied.get(state, 0)

    def _next(self, state: int, byte: int) -> int | None:
        if (state, byte) in self.steps:
            return self.steps[state, byte]
        return None if byte in self.excluded.get(state, ()) else self.otherwise.get(state)


def compile_profile(text: str) -> Compiled:
    """Return a profile as the parser compiles it; fail with what the parser says of one that it does not take."""
    assert PARSER is not None
    command = [PARSER, "--skip-kernel-load", "--skip-cache", "--quiet", "--dump=dfa-states"]
    ran = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr.decode(errors="replace") + text
    return _read((ran.stdout + ran.stderr).decode(errors="replace"))


def _read(dump: str) -> Compiled:
    """Read the first automaton of a dump, which is that of files."""
    compiled, state = Compiled(), 0
    for line in dump.split(_START)[1].split("\n"):
        if accepting := _ACCEPTING.match(line):
            compiled.allowed[int(accepting[1])] = int(accepting[2], 16)
            compiled.denied[int(accepting[1])] = int(accepting[3], 16)
        elif started := _STATE.match(line):
            state = int(started[1])
        elif step := _STEP.fullmatch(line):
            compiled.steps[state, int(step[1], 16)] = int(step[2])
        elif rest := _OTHERWISE.match(line):
            compiled.otherwise[state] = int(rest[2])
            compiled.excluded[state] = {ord("/")} if "/" in rest[1] else set()
    return compiled
