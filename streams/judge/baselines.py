"""The baselines in force, read from their compacted topic."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from schemas.baseline import Profile
from schemas.errors import ConfigurationError, Invalid
from schemas.settings import KafkaSettings
from streams.baseline.compiled import CompiledBaseline
from streams.judge.follower import Follower
from streams.kafka import Consumed

__all__ = ["BaselineFeed", "Baselines", "Moved"]

_DIGEST_BYTES: Final = 16
_NONE: Final = b'{"baseline":null,'
"""How the record of a principal begins that has no version in force: its keys are sorted."""
_MODULUS: Final = 2 ** (8 * _DIGEST_BYTES)


def _digest(key: bytes, version: str) -> int:
    content = key + b"\0" + version.encode()
    return int.from_bytes(blake2b(content, digest_size=_DIGEST_BYTES).digest()) if version else 0


def _profile(key: bytes, record: bytes) -> Profile:
    try:
        return Profile.decode(record)
    except Invalid as error:
        raise ConfigurationError(
            f"the baseline of {key.decode()} cannot be read: {error}; run the version of Tidewaiter that wrote it"
        ) from error


def _in_force(key: bytes, record: bytes | None) -> str:
    """Return the number and hash of the version that a record puts in force, both of which verdicts name; empty for none."""
    if record is None or record.startswith(_NONE):
        return ""
    baseline = _profile(key, record).baseline
    return f"{baseline.version} {baseline.hash}" if baseline else ""


class Baselines:
    """The profiles of all principals as they were last written; a baseline is compiled when it is first asked for.

    ``hash`` names all versions in force: the sum of their digests, so that it is the same in whichever order they came, and a change
    costs one digest.
    """

    def __init__(self) -> None:
        self._records: dict[bytes, bytes] = {}
        self._in_force: dict[bytes, str] = {}
        self._compiled: dict[str, CompiledBaseline | None] = {}
        self._sum = 0
        self.hash = ""

    def put(self, key: bytes, value: bytes | None) -> bool:
        """Take in a record of ``baselines``; return whether another version of it decides now."""
        before, after = self._in_force.get(key, ""), _in_force(key, value)
        if value is None:
            self._records.pop(key, None)
        else:
            self._records[key] = value
        if before == after:
            return False
        self._compiled.pop(key.decode(), None)
        if after:
            self._in_force[key] = after
        else:
            del self._in_force[key]
        self._sum = (self._sum - _digest(key, before) + _digest(key, after)) % _MODULUS
        self.hash = f"{self._sum:032x}" if self._sum else ""
        return True

    def profile(self, principal: str) -> Profile | None:
        """Return where a principal stands, or None if it was never met; raise ``ConfigurationError`` for what is no profile."""
        key = principal.encode()
        record = self._records.get(key)
        return None if record is None else _profile(key, record)

    def of(self, principal: str) -> CompiledBaseline | None:
        """Return the active baseline of a principal, or None while it learns."""
        if principal not in self._compiled:
            profile = self.profile(principal)
            active = profile is not None and profile.baseline
            self._compiled[principal] = CompiledBaseline.of(active) if active else None
        return self._compiled[principal]

    def __len__(self) -> int:
        """Return how many principals were met."""
        return len(self._records)

    def is_active(self, principal: str) -> bool:
        """Return whether a version is in force."""
        return principal.encode() in self._in_force

    def principals(self) -> list[str]:
        """Return all that were met."""
        return [key.decode() for key in self._records]


Moved = dict[str, bool]
"""Principals of which something was written, and whether another version decides now."""


class BaselineFeed:
    """Follows ``baselines``: every record is the whole of one principal, so none is ever half loaded.

    All that is there when it starts is read before anything is decided. A judge lives with what it has read; another version is
    adopted between two transactions.
    """

    def __init__(self, settings: KafkaSettings, client_id: str) -> None:
        self.current = Baselines()
        self._follower = Follower(settings, client_id, "baselines", self._take)

    def poll(self) -> Moved:
        """Take in what has come and return who has moved; never waits."""
        moved: Moved = {}
        for message in self._follower.poll():
            principal = message.key().decode()
            moved[principal] = self._take(message) or moved.get(principal, False)
        return moved

    def _take(self, message: Consumed) -> bool:
        return self.current.put(message.key(), message.value())

    def close(self) -> None:
        """Leave the topic."""
        self._follower.close()
