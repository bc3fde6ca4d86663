"""What a person decides about an alert: a record of topic ``control``, signed with the person's own key, under the alert's principal."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from types import MappingProxyType
from typing import Any, Final, Literal, get_args, get_type_hints

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from schemas.codec import dumps_sorted, loads
from schemas.errors import Invalid
from schemas.event import parse_time
from schemas.keys import sign, verify

__all__ = ["AlertAction", "AlertDecision", "is_about_alert"]

AlertAction = Literal["acknowledge", "close"]

_MARK: Final = b'"alert":"'
_MAX_REASON: Final = 1000


def is_about_alert(value: bytes) -> bool:
    """Return whether a decision is about an alert: within a text of JSON the mark cannot stand, since quotes are escaped there."""
    return _MARK in value


@dataclass(frozen=True, slots=True)
class AlertDecision:
    """One decision about one alert.

    ``opening`` is which of its openings was looked at: of an earlier one nothing is left to decide. ``until`` is when the last event
    that was seen had happened: what came later opens a closed alert again.
    """

    principal: str
    alert: str
    action: AlertAction
    author: str
    time: str
    reason: str
    opening: int
    until: str
    signature: str = ""

    def signed(self, key: Ed25519PrivateKey) -> AlertDecision:
        """Return the decision with the signature of its author."""
        return replace(self, signature=sign(key, self._content()))

    def is_signed_by(self, public_key: str) -> bool:
        """Return whether the holder of the key has made this very decision."""
        return verify(public_key, self.signature, self._content())

    def encode(self) -> bytes:
        """Return the record."""
        return dumps_sorted(asdict(self))

    @classmethod
    def decode(cls, data: bytes) -> AlertDecision:
        """Return the decision of a record; raise ``Invalid`` for what is none: whoever may write ``control`` may write anything."""
        stored = loads(data)
        if not isinstance(stored, dict) or stored.keys() != _TYPES.keys():
            raise Invalid("not a decision about an alert as this version writes it")
        _check(stored)
        return cls(**stored)

    def _content(self) -> bytes:
        return dumps_sorted(asdict(replace(self, signature="")))


_TYPES: Final = MappingProxyType({one.name: get_type_hints(AlertDecision)[one.name] for one in fields(AlertDecision)})


def _check(stored: dict[str, Any]) -> None:
    wrong = sorted(name for name, kind in _TYPES.items() if type(stored[name]) is not (int if kind is int else str))
    if wrong:
        raise Invalid(f"not a decision about an alert: {', '.join(wrong)} is of another type")
    if stored["action"] not in get_args(AlertAction):
        raise Invalid(f"{stored['action'][:64]!r} is no decision; there are {', '.join(get_args(AlertAction))}")
    if len(stored["reason"]) > _MAX_REASON:  # an alert keeps those of its latest steps in one record
        raise Invalid(f"a reason of {len(stored['reason'])} characters; {_MAX_REASON} is the most")
    parse_time(stored["until"])
    parse_time(stored["time"])
