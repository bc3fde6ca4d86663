"""What can keep the local stack from running; each is one line that says what to do.

::

    schemas.errors.StackError
    ├── PreconditionsFailed     everything that is missing on this machine, one line each; nothing was started
    ├── PortInUse               somebody else listens on a port of ours
    ├── JavaMissing             no Java at all was found
    ├── JavaTooOld              Java was found, but none new enough
    ├── MavenMissing            something has to be downloaded and ``mvn`` is not on PATH
    ├── MemoryTooSmall          less memory is free than the servers' heaps need
    ├── DownloadFailed          Maven ended with an error
    ├── ChecksumMismatch        a downloaded file is not the file that the checksums name
    ├── ChildCrashed            a supervised process ended by itself
    └── ChildNotReady           a supervised process runs but did not become ready in time
"""

from __future__ import annotations

from pathlib import Path

from schemas.errors import StackError

__all__ = [
    "ChecksumMismatch",
    "ChildCrashed",
    "ChildNotReady",
    "DownloadFailed",
    "JavaMissing",
    "JavaTooOld",
    "MavenMissing",
    "MemoryTooSmall",
    "PortInUse",
    "PreconditionsFailed",
    "StackError",
]


class PreconditionsFailed(StackError):
    """All that is missing, found at once; ``problems`` are the single errors and ``str`` has a line for each."""

    def __init__(self, problems: tuple[StackError, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))

    def __reduce__(self) -> tuple[type[PreconditionsFailed], tuple[tuple[StackError, ...]]]:
        """Survive pickling with the problems, not with their text."""
        return type(self), (self.problems,)


class PortInUse(StackError):
    """Somebody else listens on a port of ours."""


class JavaMissing(StackError):
    """No Java at all was found."""


class JavaTooOld(StackError):
    """Java was found, but none new enough."""


class MavenMissing(StackError):
    """Something has to be downloaded and ``mvn`` is not on PATH."""


class MemoryTooSmall(StackError):
    """Less memory is free than the servers need."""


class DownloadFailed(StackError):
    """Maven ended with an error."""


class ChecksumMismatch(StackError):
    """A downloaded file is missing, too many, or not the one that ``checksums.txt`` names."""


class ChildCrashed(StackError):
    """A supervised process ended by itself; ``outcome`` says how, ``last_line`` what it logged last of importance."""

    def __init__(self, name: str, outcome: str, last_line: str, log: Path) -> None:
        self.name = name
        self.outcome = outcome
        self.last_line = last_line
        self.log = log
        super().__init__(f"{name} {outcome}: {last_line or 'it logged nothing'} (log: {log})")

    def __reduce__(self) -> tuple[type[ChildCrashed], tuple[str, str, str, Path]]:
        """Survive pickling with the parts, not with their text."""
        return type(self), (self.name, self.outcome, self.last_line, self.log)


class ChildNotReady(StackError):
    """A supervised process runs but did not become ready in time."""
