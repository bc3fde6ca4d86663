"""What a person decides about a baseline: the record of topic ``control``, signed with the person's own key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from hashlib import blake2b
from typing import Any, Final, Literal, get_args

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from schemas.baseline import Elements, elements_in, ordered, texts_in
from schemas.codec import dumps_sorted, loads
from schemas.errors import Invalid
from schemas.keys import sign, verify

__all__ = ["Action", "Decision"]

Action = Literal["approve", "reject", "forbid", "learn"]
_ACTIONS: Final = get_args(Action)
_MAX_REASON: Final = 1000
_TEXTS: Final = ("principal", "author", "time", "reason", "based_on", "signature")


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision about one principal.

    ``approve`` puts exactly ``elements`` (all there are), ``releases`` and ``partial`` in force as the next version. ``forbid`` takes
    ``elements`` out and never lets them be learned; ``reject`` does so with a difference (all of ``elements``), and sends what is
    in review back to learning. ``learn`` begins anew. ``based_on`` is the hash of the version that was looked at (empty for none):
    a decision about a version that is no longer in force changes nothing.
    """

    principal: str
    action: Action
    author: str
    time: str
    reason: str
    based_on: str = ""
    elements: Elements = field(default_factory=dict)
    releases: tuple[str, ...] = ()
    partial: tuple[str, ...] = ()
    signature: str = ""

    def signed(self, key: Ed25519PrivateKey) -> Decision:
        """Return the decision with the signature of its author."""
        return replace(self, signature=sign(key, self._content()))

    def is_signed_by(self, public_key: str) -> bool:
        """Return whether the holder of the key has made this very decision."""
        return verify(public_key, self.signature, self._content())

    @property
    def digest(self) -> str:
        """Return the content hash (16 hex digits) of what was decided, by which a copy of a decision is known."""
        return blake2b(self._content(), digest_size=8).hexdigest()

    def encode(self) -> bytes:
        """Return the record."""
        return dumps_sorted(asdict(self))

    @classmethod
    def decode(cls, data: bytes) -> Decision:
        """Return the decision of a record; raise ``Invalid`` for what is none."""
        stored = loads(data)
        if not isinstance(stored, dict) or {one.name for one in fields(cls)} != stored.keys():
            raise Invalid("not a decision about a baseline as this version writes it")
        if stored["action"] not in _ACTIONS:
            raise Invalid(f"{str(stored['action'])[:64]!r} is no decision; there are {', '.join(_ACTIONS)}")
        return cls(**stored | _typed(stored))

    def _content(self) -> bytes:
        return dumps_sorted(asdict(replace(self, elements=ordered(self.elements), signature="")))


def _typed(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that are no texts; whoever may write ``control`` may write anything, and must not end a worker by it."""
    wrong = sorted(name for name in _TEXTS if not isinstance(stored[name], str))
    if wrong:
        raise Invalid(f"not a decision about a baseline: {', '.join(wrong)} must be text")
    if len(stored["reason"]) > _MAX_REASON:  # a profile keeps those of a hundred steps in one record
        raise Invalid(f"a reason of {len(stored['reason'])} characters; {_MAX_REASON} is the most")
    return {
        "elements": elements_in(stored["elements"]),
        "releases": texts_in(stored["releases"]),
        "partial": texts_in(stored["partial"]),
    }
