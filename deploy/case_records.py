"""What a case beside a rule says, as the records that the judge would decide upon.

``NAME.cases.yaml`` holds documents ``{rule: ID or title, principal: …, hits: [case, …], misses: [case, …]}``. A case is one of::

    {event.action: exec, process.executable: /tmp/x}                        # deciding fields, as they are in an event
    {format: kubernetes-audit, event: {kind: Event, verb: get, …}}          # raw, through the real format; or events: [...]
    {format: auditd, lines: ["type=SYSCALL msg=audit(…", …]}                # the same for formats that are no JSON
    {sequence: [{at: 0, record: {…}}, {at: 30, format: auditd, lines: […]}]}  # for correlations; `at` is in seconds

Each may name who acts under ``principal`` (``container:CLUSTER/NAMESPACE/WORKLOAD/CONTAINER``, ``host:NAME``,
``user:CLUSTER/NAME``), and ``facts`` that are known beside what the format says (``target.privileged: true``). A step of a
sequence may be repeated: ``{at: 0, times: 20, every: 2, record: {dns.question.name: "{n}.x.example"}}``, where ``{n}`` counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import Field, model_validator

from deploy.case_files import CaseModel
from producers.formats import FORMATS
from producers.normalise import Normaliser, records_of
from producers.types import FormatOptions
from schemas.codec import Event, dumps
from schemas.errors import Invalid
from schemas.facts import Facts, is_facts, principal_of
from schemas.fields import FIELDS

__all__ = ["PRINCIPAL", "Case", "CaseRecord", "RawCase", "SequenceCase", "Step", "case_of", "records_of_case"]

PRINCIPAL: Final = "container:lab/shop/app/app"
"""Who acts where a case does not say."""

_CLUSTER: Final = "lab"
_COUNT: Final = "{n}"


class RawCase(CaseModel):
    """Raw records of a sensor, which go through its format."""

    format: str
    event: dict[str, Any] | None = None
    events: tuple[dict[str, Any], ...] = ()
    lines: tuple[str, ...] = ()
    principal: str = ""
    facts: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _says_something(self) -> RawCase:
        if self.format not in FORMATS:
            raise ValueError(f"`{self.format}` is no format; known: {', '.join(FORMATS)}")
        if not (self.event or self.events or self.lines):
            raise ValueError("a case with a format needs `event`, `events` or `lines`")
        return self

    def raw(self) -> Iterator[bytes]:
        """Yield the lines that the format reads."""
        yield from (dumps(event) for event in ([self.event] if self.event else self.events))
        yield from (line.encode() for line in self.lines)


class Step(CaseModel):
    """A part of a sequence; ``at`` counts seconds from its begin."""

    at: float
    record: dict[str, Any] | None = None
    raw: RawCase | None = None
    principal: str = ""
    times: int = 1
    every: float = 1

    @model_validator(mode="before")
    @classmethod
    def _raw_beside(cls, value: Any) -> Any:
        """Take the keys of a raw case, which stand beside ``at``, together."""
        if not isinstance(value, Mapping) or "format" not in value:
            return value
        own = {"at", "times", "every", "record"}
        raw = {name: part for name, part in value.items() if name not in own}
        return {name: part for name, part in value.items() if name in own} | {"raw": raw}

    @model_validator(mode="after")
    def _is_one(self) -> Step:
        if (self.record is None) == (self.raw is None):
            raise ValueError("a step has either `record` or `format`")
        return self


class SequenceCase(CaseModel):
    """Steps in time, for a correlation."""

    sequence: tuple[Step, ...] = Field(min_length=1)
    principal: str = ""


Case = dict[str, Any] | RawCase | SequenceCase


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """A record with who acts, and the seconds since the case began."""

    principal: str
    seconds: float
    record: Mapping[str, Any]


def case_of(value: Mapping[str, Any]) -> Case:
    """Return a case as it is written; raise ``ValueError`` where it is none."""
    if "sequence" in value:
        return SequenceCase.model_validate(value)
    if "format" in value:
        return RawCase.model_validate(value)
    return dict(value)


def records_of_case(case: Case, principal: str) -> list[CaseRecord]:
    """Return the records of a case in the order of time; raise ``Invalid`` naming what no rule may read.

    ``principal`` acts where neither the case nor the event says who does.
    """
    if isinstance(case, SequenceCase):
        found = [record for step in case.sequence for record in _of_step(step, case.principal or principal)]
        return sorted(found, key=lambda one: one.seconds)
    if isinstance(case, RawCase):
        return [CaseRecord(who, 0, record) for who, record in _normalised(case, principal)]
    return [CaseRecord(case.get("principal", principal), 0, _flat(case))]


def _of_step(step: Step, principal: str) -> Iterator[CaseRecord]:
    for number in range(step.times):
        seconds = step.at + number * step.every
        if step.raw is not None:
            yield from (CaseRecord(who, seconds, record) for who, record in _normalised(step.raw, principal))
        else:
            record = _flat({name: _counted(value, number) for name, value in (step.record or {}).items()})
            yield CaseRecord(step.principal or principal, seconds, record)


def _counted(value: Any, number: int) -> Any:
    if value == _COUNT:
        return number
    return value.replace(_COUNT, str(number)) if isinstance(value, str) else value


def _flat(case: Mapping[str, Any]) -> dict[str, Any]:
    record = {name: value for name, value in case.items() if name != "principal"}
    unknown = [
        name for name in record if name not in FIELDS or not (FIELDS[name].decides or FIELDS[name].part == "verdict")
    ]
    if unknown:
        raise Invalid(f"`{unknown[0]}` is no field that a rule may read")
    return record


def _normalised(case: RawCase, principal: str) -> Iterator[tuple[str, dict[str, Any]]]:
    format_ = FORMATS[case.format](FormatOptions(cluster=_CLUSTER, host="node-1"))
    known: defaultdict[str, Facts] = defaultdict(Facts)
    for _, event in Normaliser(format_).run(records_of(_lines(case), "case")):
        if isinstance(event, Invalid):
            raise event
        entity = event["entity.id"]
        if is_facts(event):
            known[entity].merge(event)
        who = case.principal or _principal(entity, known[entity], principal)
        yield who, known[entity].deciding() | _deciding(event) | case.facts


def _lines(case: RawCase) -> Sequence[bytes]:
    return [line + b"\n" for line in case.raw()]


def _principal(entity: str, facts: Facts, principal: str) -> str:
    """Return who acts: as the judge would say, but for a container without facts whom the case has named."""
    found = principal_of(entity, facts.deciding())
    return principal if found.startswith("unknown:") else found


def _deciding(event: Event) -> dict[str, Any]:
    return {name: value for name, value in event.items() if FIELDS[name].decides}
