"""The tree of errors; each says where it happened and what to do next.

::

    TidewaiterError
    ├── Drop                    a record that is left out on purpose; counted with its reason
    ├── Invalid                 a record that cannot be read; goes to dead letters with its bytes
    ├── ConfigurationError      what a person wrote or set cannot work; nothing was started
    │   └── PolicyErrors        all errors of a policy set at once, each with file, line and path
    ├── StackError              the local Kafka and Elasticsearch cannot be started, or one has died
    └── DeliveryError           a receiver refuses for good (credentials, missing index); the sink stops
        └── TooManyDeadLetters  more is refused than can be a fault of single records; the sink stops

Anything else crashes the process, which its supervisor starts again.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "ConfigurationError",
    "DeliveryError",
    "Drop",
    "Invalid",
    "PolicyErrors",
    "PolicyFault",
    "StackError",
    "TidewaiterError",
    "TooManyDeadLetters",
]


class TidewaiterError(Exception):
    """Base of all errors that Tidewaiter raises itself."""


class Drop(TidewaiterError):
    """A record is left out on purpose; ``str(error)`` is the reason it is counted under (one of few constants)."""


class Invalid(TidewaiterError):
    """A record cannot be read; ``str(error)`` says what is wrong and where in the record."""


class ConfigurationError(TidewaiterError):
    """A setting or a file of the user's cannot work; the message says which and what to do."""


@dataclass(frozen=True, slots=True, order=True)
class PolicyFault:
    """One thing wrong in a policy set: 1-based line, path of keys as in ``exec.deny[2].path``."""

    file: str
    line: int
    path: str
    message: str

    def __str__(self) -> str:
        """Return ``file:line: path: message``, which editors can jump to."""
        return f"{self.file}:{self.line}: {self.path}: {self.message}"


class PolicyErrors(ConfigurationError):
    """All faults of a policy set, sorted by place."""

    def __init__(self, faults: list[PolicyFault]) -> None:
        self.faults = sorted(faults)
        super().__init__("\n".join(map(str, self.faults)))

    def __reduce__(self) -> tuple[type[PolicyErrors], tuple[list[PolicyFault]]]:
        """Survive pickling with the faults, not with their text."""
        return type(self), (self.faults,)


class StackError(TidewaiterError):
    """The local stack cannot start or has lost a process; the message is one line with what to do."""


class DeliveryError(TidewaiterError):
    """A receiver refuses for good; retrying cannot help."""


class TooManyDeadLetters(DeliveryError):
    """The share or the run of refused records is above the limit; a fault of the set-up, not of records."""
