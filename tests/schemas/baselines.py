"""Elements, baselines, profiles and decisions, drawn; and people who decide."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import strategies as st

from schemas.baseline import STATES, Baseline, Change, Elements, Profile, ordered
from schemas.decision import Decision
from schemas.keys import public_key_of

__all__ = ["ADA", "BASELINES", "BOB", "DECISIONS", "ELEMENTS", "PROFILES", "WORDS", "enrolled"]

ADA: Final = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
BOB: Final = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))

WORDS: Final = dict.fromkeys(("hash", "file", "resource", "settings", "image", "secret"), (2, 2)) | {
    "exec": (1, 2),
    "args": (1, 4),
    "egress": (3, 3),
    "ingress": (3, 3),
    "dns": (1, 1),
    "api": (3, 3),
}
"""How many words an element has; ``args`` may have more."""

TEXT: Final = st.text(max_size=8)
_SHORT: Final = st.lists(TEXT, max_size=3).map(tuple)
_SETS: Final = {
    name: st.lists(st.lists(TEXT, min_size=least, max_size=most).map(tuple), max_size=3)
    for name, (least, most) in WORDS.items()
}

ELEMENTS: Final[st.SearchStrategy[Elements]] = st.fixed_dictionaries({}, optional=_SETS).map(ordered)

BASELINES: Final = st.builds(
    Baseline,
    principal=TEXT,
    version=st.integers(1, 9),
    elements=ELEMENTS,
    never=ELEMENTS,
    releases=_SHORT,
    partial=_SHORT,
    author=TEXT,
    approved=TEXT,
    reason=TEXT,
)

_CHANGES: Final = st.builds(
    Change, time=TEXT, author=TEXT, action=TEXT, reason=TEXT, state=st.sampled_from(STATES), version=st.integers(0, 9)
)

PROFILES: Final = st.builds(
    Profile,
    principal=TEXT,
    state=st.sampled_from(STATES),
    reason=TEXT,
    since=TEXT,
    baseline=st.none() | BASELINES,
    never=ELEMENTS,
    difference=st.dictionaries(TEXT, ELEMENTS, max_size=2),
    changes=st.lists(_CHANGES, max_size=3).map(tuple),
    decided=st.integers(-1, 99),
    heeded=_SHORT,
    begun=TEXT,
)

DECISIONS: Final = st.builds(
    Decision,
    principal=TEXT,
    action=st.sampled_from(["approve", "reject", "forbid", "learn"]),
    author=TEXT,
    time=TEXT,
    reason=TEXT,
    based_on=TEXT,
    elements=ELEMENTS,
    releases=_SHORT,
    partial=_SHORT,
)


def enrolled(**people: Ed25519PrivateKey) -> str:
    """Return the policy that says who may decide."""
    lines = [f"  - {{name: {name}, key: {public_key_of(key)}}}\n" for name, key in people.items()]
    return "policy: people\npeople:\n" + "".join(lines)
