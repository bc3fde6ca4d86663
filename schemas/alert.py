"""An alert: one problem of one principal, however many events; the record of topic ``alerts``.

Correlate writes it, into the partition of the principal, when it first knows of the problem and whenever more is known; the key is the
id, so a reader that keeps the latest record of each key has each alert as it stands. What it is about is its *cause*:

===========  =========================  ==============================================================
kind         name                       detail
===========  =========================  ==============================================================
policy       policy                     path of the clause that denies
rule         id of the rule
sensor       the sensor's own rule      the sensor
correlation  id of the correlation
baseline     dimension                  release (image id) that the baseline was not learned from
exception    exception, `policy: rule`
===========  =========================  ==============================================================

An alert whose cause is an exception counts what that sets aside: it is *suppressed*, and raises nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from hashlib import blake2b
from types import MappingProxyType
from typing import Any, Final, Literal, get_args, get_type_hints
from urllib.parse import quote, unquote

from schemas.baseline import texts_in
from schemas.codec import Event, dumps_sorted, loads
from schemas.errors import Invalid
from schemas.event import parse_time

__all__ = ["STATES", "Action", "Alert", "Cause", "Evidence", "Kind", "Part", "State", "Step", "alert_id"]

Kind = Literal["policy", "rule", "sensor", "correlation", "baseline", "exception"]
Action = Literal["open", "acknowledge", "close", "authorize", "move", "expire", "reopen"]
State = Literal["open", "acknowledged", "closed", "suppressed"]
STATES: Final[tuple[State, ...]] = get_args(State)

_ID_BYTES: Final = 12
_MAX_STEPS: Final = 50
_CORRELATION: Final = "tidewaiter.correlation"
_SEPARATOR: Final = ":"


@dataclass(frozen=True, slots=True, order=True)
class Cause:
    """What makes events one problem; there are as many as policies, rules and sensors name, however many events come."""

    kind: Kind
    name: str
    detail: str = ""

    @classmethod
    def of(cls, record: Event) -> Cause | None:
        """Return the cause of a record with its verdict; None for what is no problem."""
        if record.get("verdict.outcome") == "unauthorized":
            return _CAUSES[record["verdict.by"]](record) if record.get("verdict.by") in _CAUSES else None
        exception = record.get("verdict.exception")
        return cls("exception", exception) if exception else None

    @property
    def is_exception(self) -> bool:
        """Return whether it is what sets something aside: an alert of it counts, and raises nothing."""
        return self.kind == "exception"

    def __str__(self) -> str:
        """Return it as one word that ``parse`` reads, without a character that separates anything elsewhere."""
        return _SEPARATOR.join(quote(part, safe="") for part in (self.kind, self.name, self.detail))

    @classmethod
    def parse(cls, text: str) -> Cause:
        """Return the cause of a word; raise ``Invalid`` for what is none."""
        parts = [unquote(part) for part in text.split(_SEPARATOR)]
        if len(parts) != len(fields(cls)) or parts[0] not in get_args(Kind):
            raise Invalid(f"{text[:64]!r} is no cause of an alert")
        return cls(*parts)  # type: ignore[arg-type]  # the kind was looked at


def _of_finding(record: Event) -> Cause:
    if record.get("event.dataset") == _CORRELATION:
        return Cause("correlation", record.get("verdict.rule.id", ""))
    return Cause("sensor", record.get("verdict.rule.name", ""), record.get("event.module", ""))


_CAUSES: Final[Mapping[str, Callable[[Event], Cause]]] = MappingProxyType(
    {
        "policy": lambda record: Cause("policy", record.get("verdict.policy", ""), record.get("verdict.clause", "")),
        "rule": lambda record: Cause("rule", record.get("verdict.rule.id", "")),
        "sensor": _of_finding,
        "baseline": lambda record: Cause(
            "baseline", record.get("verdict.baseline.dimension", ""), record.get("verdict.baseline.release", "")
        ),
    }
)
"""By ``verdict.by``."""


def alert_id(principal: str, cause: Cause) -> str:
    """Return the id (24 hex digits) of the alert about a cause at a principal: the same whenever it comes back."""
    content = dumps_sorted([principal, cause.kind, cause.name, cause.detail])
    return blake2b(content, digest_size=_ID_BYTES).hexdigest()


@dataclass(frozen=True, slots=True, order=True)
class Evidence:
    """One activity of an alert: when it was seen first and by which event, and what it is in words.

    ``outcome`` is the platform's own decision. ``element`` is what is new to the baseline, ``nearest`` what is known most like it.
    """

    time: str
    event: str
    reason: str
    outcome: str = ""
    element: str = ""
    nearest: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """What one thing adds to the score, or takes from it, and why."""

    name: str
    points: int
    why: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step in the life of an alert; ``number`` counts them from 1 on, ``time`` is the events' own.

    People ``acknowledge`` and ``close``; it is closed too where policies or a baseline ``authorize`` all of it, where what it counted is
    counted elsewhere or nothing decides about it any more (``move``), and where nothing has come for long (``expire``). ``author`` is a person, a policy, or ``tidewaiter``.
    """

    time: str
    action: Action
    author: str
    reason: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class Alert:
    """One problem as it stands.

    ``count`` is exact: the events of all activities that have this cause now, or had when the last of them left. ``outcomes`` says how
    the platform decided about them, and ``blocked`` how many Tidewaiter blocked. ``activities`` are the different things
    that were done, ``beyond`` the events of those that were too many to be told apart. ``evidence`` are the first ones. ``opened`` is
    when it was last opened, ``closed`` up to which time of events it is closed. ``links`` name what it touches: ``workload:…``,
    ``user:…``, ``host:…``, ``address:…``; ``exposure`` what makes it worse: ``outside``, ``privileged``.

    ``offset`` and ``decided`` say up to which records of ``activities`` and ``control`` all has been heeded.
    """

    id: str
    principal: str
    cause: Cause
    state: State
    title: str = ""
    level: str = ""
    score: int = 0
    parts: tuple[Part, ...] = ()
    count: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict)
    blocked: int = 0
    activities: int = 0
    beyond: int = 0
    first: str = ""
    last: str = ""
    last_event: str = ""
    opened: str = ""
    openings: int = 0
    closed: str = ""
    techniques: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    exposure: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    steps: tuple[Step, ...] = ()
    offset: int = -1
    decided: int = -1

    def stepped(self, state: State, step: Step, **values: Any) -> Alert:
        """Return the alert one step later; the latest steps are kept."""
        number = self.steps[-1].number + 1 if self.steps else 1
        return replace(self, state=state, steps=(*self.steps, replace(step, number=number))[-_MAX_STEPS:], **values)

    def encode(self) -> bytes:
        """Return the record: equal alerts have equal bytes."""
        return dumps_sorted(asdict(self))

    @classmethod
    def decode(cls, data: bytes) -> Alert:
        """Return the alert of a record; raise ``Invalid`` for what is none."""
        stored = loads(data)
        if not isinstance(stored, dict) or stored.keys() != _KINDS.keys():
            raise Invalid("not an alert as this version writes it")
        try:
            alert = cls(**{name: _read(name, stored[name]) for name in _KINDS})
        except TypeError as error:
            raise Invalid(f"not an alert: {error}") from error
        if alert.state not in STATES or alert.cause.kind not in get_args(Kind):
            raise Invalid("not an alert: it has a state or cause of another version")
        for moment in (alert.first, alert.last):
            parse_time(moment)
        return alert


_KINDS: Final = MappingProxyType({one.name: get_type_hints(Alert)[one.name] for one in fields(Alert)})
_NESTED: Final[Mapping[str, type[Evidence | Part | Step]]] = MappingProxyType(
    {"evidence": Evidence, "parts": Part, "steps": Step}
)


def _read(name: str, value: Any) -> Any:
    """Return the value of one field; raise ``TypeError`` for one of another type."""
    kind = _KINDS[name]
    if name == "cause":
        return Cause(**value)
    if name in _NESTED:
        return tuple(_NESTED[name](**one) for one in value)
    if kind in {str, int}:
        return _checked(name, value, kind)
    if name == "outcomes":
        return {_checked(name, word, str): _checked(name, number, int) for word, number in dict(value).items()}
    return value if name == "state" else texts_in(value)


def _checked(name: str, value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{name} is of another type")
    return value
