r"""What was learned of a principal: elements by dimension, the baseline made of them, and where it stands in its life.

An element is a tuple of words, such as ``("/usr/bin/gzip", "--test", "*")`` of ``args``. A whole word ``*`` stands for any one word, ``**``
as the last word for any number of them; within a path ``*`` is any one segment and ``**`` at the end any number. What a sensor reported
is literal: its stars and backslashes are escaped (``\\*``, ``\\\\``), so nobody becomes a pattern by his name.

==========  ===============================================  ==========================================================
dimension   words                                            example
==========  ===============================================  ==========================================================
exec        path[, name it is called by]                     /bin/busybox, sh
args        path, arguments …                                /usr/bin/gzip, --test, *
hash        path, SHA-256                                    /usr/bin/gzip, 9f86d081…
file        path, access                                     /var/lib/shop/invoices/*, create
egress      peer, port or ``1024-65535``, transport              workload:/shop/database, 5432, ip
ingress     peer (``listen`` for an own port), port, transport   10.89.40.0/24, 8000, tcp
dns         name                                             *.example.com
resource    metric, band or bands                            memory, 96..104
settings    setting, value                                   capabilities.add, NET_ADMIN
image       what is done with it, repository                 run, registry.shop.example/shop/app
api         verb, resource, namespace                        get, configmaps, shop
secret      verb, namespace/name                             get, shop/database-password
==========  ===============================================  ==========================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from hashlib import blake2b
from typing import Any, Final, Literal

from schemas.codec import dumps_sorted, loads
from schemas.errors import Invalid

__all__ = [
    "DIMENSIONS",
    "STATES",
    "Baseline",
    "Change",
    "Element",
    "Elements",
    "Profile",
    "State",
    "elements_in",
    "literal",
    "ordered",
    "texts_in",
    "without",
]

DIMENSIONS: Final = (
    "exec",
    "args",
    "hash",
    "file",
    "egress",
    "ingress",
    "dns",
    "resource",
    "settings",
    "image",
    "api",
    "secret",
)
"""In the order in which a deviation is looked for: a new program says more than its arguments."""

Element = tuple[str, ...]
Elements = dict[str, tuple[Element, ...]]
"""By dimension in the order of ``DIMENSIONS``, each sorted and without repeats."""

State = Literal["learning", "review", "active", "changed"]
STATES: Final = ("learning", "review", "active", "changed")

_MAX_CHANGES: Final = 100
_WORDS: Final = {
    "exec": (1, 2),
    "args": (1, 2**16),
    "hash": (2, 2),
    "file": (2, 2),
    "egress": (3, 3),
    "ingress": (3, 3),
    "dns": (1, 1),
    "resource": (2, 2),
    "settings": (2, 2),
    "image": (2, 2),
    "api": (3, 3),
    "secret": (2, 2),
}
"""The least and the most words of an element; ``**`` at its end stands for any number."""


def literal(word: str) -> str:
    """Return what a sensor reported as a word that stands for nothing but itself."""
    return word.replace("\\", "\\\\").replace("*", "\\*")


def ordered(elements: Mapping[str, Iterable[Element]]) -> Elements:
    """Return elements in their one order, so that equal sets have equal bytes."""
    unknown = sorted(set(elements) - set(DIMENSIONS))
    if unknown:
        raise Invalid(f"{unknown[0][:64]!r} is no dimension; there are {', '.join(DIMENSIONS)}")
    return {name: tuple(sorted(set(elements[name]))) for name in DIMENSIONS if name in elements}


def without(elements: Elements, removed: Mapping[str, Iterable[Element]]) -> Elements:
    """Return elements without those that are removed; every dimension stays."""
    gone = {name: frozenset(found) for name, found in removed.items()}
    return {name: tuple(one for one in found if one not in gone.get(name, ())) for name, found in elements.items()}


def elements_in(stored: Any) -> Elements:
    """Return elements as a record holds them; raise ``Invalid`` for what are none: no text, no words, too few, too many."""
    if not isinstance(stored, dict):
        raise Invalid("elements are lists of words by dimension")
    found = ordered({name: [texts_in(element) for element in _listed(listed)] for name, listed in stored.items()})
    for name, elements in found.items():
        for element in elements:
            _check_count(name, element)
    return found


def texts_in(stored: Any) -> tuple[str, ...]:
    """Return texts as a record holds them; raise ``Invalid`` for what are none."""
    if not all(isinstance(text, str) for text in _listed(stored)):
        raise Invalid("not a list of texts")
    return tuple(stored)


def _listed(stored: Any) -> list[Any]:
    if not isinstance(stored, list):
        raise Invalid(f"not a list but {type(stored).__name__}")
    return stored


def _check_count(dimension: str, element: Element) -> None:
    """Refuse an element that nobody could read: whoever matches or words it relies on how many words it has."""
    (least, most), count = _WORDS[dimension], len(element)
    if element and element[-1] == "**":
        least, most = 1, most + 1
    if not least <= count <= most:
        raise Invalid(f"{' '.join(element)[:64]!r} is no element of {dimension}: it has {count} words")


@dataclass(frozen=True, slots=True)
class Baseline:
    """One approved version: what a principal does, as a person or a policy has confirmed it.

    A dimension that is not in ``elements`` is not decided on (no sensor saw it, or the policy leaves it out); one without elements
    knows nothing. ``never`` was taken out by a person and is known even where a pattern would cover it. ``releases`` are the image
    ids that ran while it was learned; ``partial`` says why it may be incomplete. ``approved`` is a time.
    """

    principal: str
    version: int
    elements: Elements
    never: Elements = field(default_factory=dict)
    releases: tuple[str, ...] = ()
    partial: tuple[str, ...] = ()
    author: str = ""
    approved: str = ""
    reason: str = ""

    @property
    def hash(self) -> str:
        """Return the content hash (32 hex digits) of all that decides: version, author and reason are not part of it."""
        content = [self.principal, self.elements, self.never, sorted(self.releases)]
        return blake2b(dumps_sorted(content), digest_size=16).hexdigest()

    @property
    def size(self) -> int:
        """Return how many elements there are."""
        return sum(map(len, self.elements.values()))


@dataclass(frozen=True, slots=True)
class Change:
    """One step in the life of a baseline; ``hash`` and ``version`` are those in force behind it (empty and 0 for none).

    ``number`` counts the steps of a principal from 1 on.
    """

    time: str
    author: str
    action: str
    reason: str
    state: State
    version: int = 0
    hash: str = ""
    added: int = 0
    removed: int = 0
    number: int = 0


@dataclass(frozen=True, slots=True)
class Profile:
    """Where a principal stands: the value of topic ``baselines``, whose key is the principal.

    ``since`` is when its learning began, in the broker's time. ``difference`` is what an active baseline does not know, by image id
    (empty where none is known). ``decided`` is the offset of the last decision in ``control`` that was carried out or refused, ``heeded``
    the digests of those that were carried out. What was last seen before ``begun``, by the events' clock, is history: it is neither
    learned nor new.
    """

    principal: str
    state: State = "learning"
    reason: str = ""
    since: str = ""
    baseline: Baseline | None = None
    never: Elements = field(default_factory=dict)
    difference: dict[str, Elements] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    decided: int = -1
    heeded: tuple[str, ...] = ()
    begun: str = ""

    def changed(self, change: Change) -> tuple[Change, ...]:
        """Return the changes with one more, numbered; the oldest beyond a hundred go."""
        number = self.changes[-1].number + 1 if self.changes else 1
        return (*self.changes, replace(change, number=number))[-_MAX_CHANGES:]

    def encode(self) -> bytes:
        """Return the record: equal profiles have equal bytes."""
        return dumps_sorted(asdict(self))

    @classmethod
    def decode(cls, data: bytes) -> Profile:
        """Return the profile of a record; raise ``Invalid`` for what is none."""
        stored = loads(data)
        if not isinstance(stored, dict) or {one.name for one in fields(cls)} != stored.keys():
            raise Invalid("not the profile of a principal as this version writes it")
        try:
            return cls(**stored | _typed(stored))
        except (TypeError, KeyError, AttributeError) as error:
            raise Invalid(f"not the profile of a principal: {error}") from error


def _typed(stored: Mapping[str, Any]) -> dict[str, Any]:
    baseline = stored["baseline"]
    return {
        "baseline": None if baseline is None else Baseline(**baseline | _typed_baseline(baseline)),
        "never": elements_in(stored["never"]),
        "difference": {release: elements_in(found) for release, found in sorted(stored["difference"].items())},
        "changes": tuple(Change(**change) for change in stored["changes"]),
        "heeded": texts_in(stored["heeded"]),
    }


def _typed_baseline(stored: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "elements": elements_in(stored["elements"]),
        "never": elements_in(stored["never"]),
        "releases": texts_in(stored["releases"]),
        "partial": texts_in(stored["partial"]),
    }
