"""Running records through a format, with every record accounted for.

``outcomes_of`` and ``flushed`` are what a collector calls: whatever a format raises or returns becomes an ``Outcome``, so
nothing is lost between them. ``Normaliser`` is the whole of it without services, for ``normalise`` and ``try``::

    normaliser = Normaliser(FORMATS["falco"](FormatOptions()))
    for line, result in normaliser.run(records_of(stream, "alerts.jsonl")):
        ...  # an Event with its id, or an Invalid
    normaliser.tally.unaccounted  # 0, always
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

from producers.types import Format, Outcome, Record, Result
from schemas.codec import Event, decode, encode_event
from schemas.errors import Drop, Invalid
from schemas.event import validate_event

__all__ = ["BLANK", "Normaliser", "Tally", "flushed", "outcomes_of", "records_of"]

BLANK: Final = "blank line"

_MAX_CHARACTERS: Final = 8_191  # of four bytes each fit into Lucene's longest term of 32,766 bytes
_DIGEST_BYTES: Final = 8


def outcomes_of(format_: Format, record: Record) -> Iterator[Outcome]:
    """Yield what becomes of a record and of earlier ones that it completes; nothing means: the format holds it.

    Never raises ``Drop`` or ``Invalid``. A blank record is dropped before any format sees it. Fields that say nothing
    (``None``, an empty list) are left out of events; strings that are too long for the contract are cut, and end in a
    digest of the whole so that different ones stay different.
    """
    if not record.data.strip():
        yield Outcome(Drop(BLANK), (record,))
        return
    try:
        for result in format_.parse(record):
            yield _outcome(result, (record,))
    except (Drop, Invalid) as reason:
        yield Outcome(reason, (record,))


def flushed(format_: Format, *, final: bool = False) -> Iterator[Outcome]:
    """Yield the outcomes of held records that are complete or too old; all of them if ``final``.

    An event that is of no record (facts that were asked for) has no ``records``.
    """
    for result in format_.flush(final=final):
        yield _outcome(result, ())


def records_of(lines: Iterable[bytes], place: str) -> Iterator[Record]:
    """Yield the lines of a file (or of anything that gives lines) as records numbered from 1."""
    for number, line in enumerate(lines, start=1):
        yield Record(line.rstrip(b"\r\n"), f"{place}:{number}", {"line": number}, number)


@dataclass(slots=True)
class Tally:
    """How many lines became what; ``lines == lines_in_events + deadletters + sum(ignored) + unaccounted``.

    A line counts once: as part of an event if anything of it is, else as a dead letter, else as ignored. Parts of a line
    that share it with an event are counted in ``parts_refused`` and ``parts_ignored``.
    """

    lines: int = 0
    events: int = 0
    lines_in_events: int = 0
    deadletters: int = 0
    ignored: Counter[str] = field(default_factory=Counter)
    parts_refused: int = 0
    parts_ignored: Counter[str] = field(default_factory=Counter)

    @property
    def unaccounted(self) -> int:
        """Lines that a format still holds, or has lost; 0 at the end of a run unless the format is at fault."""
        return self.lines - self.lines_in_events - self.deadletters - self.ignored.total()

    def count(self, outcomes: Sequence[Outcome]) -> None:
        """Count the lines that ``outcomes`` speak of: all that is ever said of them, in one call."""
        best: dict[int, Result] = {}
        for outcome in outcomes:
            for record in outcome.records:
                best[id(record)] = max(best.get(id(record), outcome.result), outcome.result, key=_rank)
        for result in best.values():
            self._count_line(result)
        self._count_parts(outcomes, best)

    def _count_line(self, result: Result) -> None:
        if isinstance(result, Invalid):
            self.deadletters += 1
        elif isinstance(result, Drop):
            self.ignored[str(result)] += 1
        else:
            self.lines_in_events += 1

    def _count_parts(self, outcomes: Sequence[Outcome], best: dict[int, Result]) -> None:
        for outcome in outcomes:
            shared = any(isinstance(best[id(record)], dict) for record in outcome.records)
            if isinstance(outcome.result, dict):
                self.events += 1
            elif shared and isinstance(outcome.result, Invalid):
                self.parts_refused += 1
            elif shared:
                self.parts_ignored[str(outcome.result)] += 1


class Normaliser:
    """Runs records through a format with no service; events are numbered as one partition of ``collector`` would be.

    Events get ``event.id`` but no ``event.created``: the same input gives the same output, byte for byte. What is no valid
    event becomes a dead letter, as it does in a collector.
    """

    def __init__(self, format_: Format, collector: str = "try") -> None:
        self.tally = Tally()
        self._format = format_
        self._collector = collector
        self._last_line = 0

    def run(self, records: Iterable[Record]) -> Iterator[tuple[int, Event | Invalid]]:
        """Yield, in order, each event and each dead letter with the number of the (first) line that it comes from."""
        for record in records:
            self.tally.lines += 1
            self._last_line = record.line
            yield from self._settle(outcomes_of(self._format, record))
        yield from self._settle(flushed(self._format, final=True))

    def _settle(self, found: Iterable[Outcome]) -> Iterator[tuple[int, Event | Invalid]]:
        outcomes = [_checked(outcome) for outcome in found]
        number = self.tally.events
        self.tally.count(outcomes)
        for outcome in outcomes:
            line = min((record.line for record in outcome.records), default=self._last_line)
            if isinstance(outcome.result, Invalid):
                yield line, outcome.result
            elif isinstance(outcome.result, dict):
                number += 1
                yield line, {"event.id": f"{self._collector}:0000:{number:012d}"} | outcome.result


def _outcome(result: Result | Outcome, records: tuple[Record, ...]) -> Outcome:
    outcome = result if isinstance(result, Outcome) else Outcome(result, records)
    if isinstance(outcome.result, dict):
        present = {name: _cut(value) for name, value in outcome.result.items() if value is not None and value != []}
        return Outcome(present, outcome.records)
    return outcome


def _checked(outcome: Outcome) -> Outcome:
    """Return the outcome, or a dead letter in place of an event that cannot be written or does not keep the contract."""
    if not isinstance(outcome.result, dict):
        return outcome
    try:
        validate_event(decode(encode_event({"event.id": ""} | outcome.result)))
    except Invalid as fault:
        return Outcome(Invalid(f"its event is not valid: {fault}"), outcome.records)
    return outcome


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= _MAX_CHARACTERS else _cut_text(value)
    if isinstance(value, list):
        return [_cut(item) for item in value]
    return value


def _cut_text(text: str) -> str:
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).hexdigest()
    return f"{text[: _MAX_CHARACTERS - 1 - len(digest)]}…{digest}"


def _rank(result: Result) -> int:
    if isinstance(result, Drop):
        return 0
    return 1 if isinstance(result, Invalid) else 2
