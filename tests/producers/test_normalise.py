from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.normalise import BLANK, Normaliser, flushed, outcomes_of, records_of
from producers.types import Outcome, Position, Record, Result
from schemas.codec import Event
from schemas.errors import Drop, Invalid

EVENT: Event = {
    "@timestamp": "2025-03-01T10:00:00Z",
    "entity.id": "host:node-1",
    "event.action": "test",
    "event.dataset": "test",
}


class Scripted:
    """Does what each line says: e event, i invalid, d drop (lower case returned, upper case raised), h held, w written."""

    def __init__(self) -> None:
        self._held: list[Record] = []

    @property
    def held(self) -> Position | None:
        return self._held[0].position if self._held else None

    def parse(self, record: Record) -> Iterator[Result | Outcome]:
        for letter in record.data.decode():
            if letter == "h":
                self._held.append(record)
            elif letter == "w":
                yield from self.flush()
            else:
                yield from _said(letter)

    def flush(self, *, final: bool = False) -> Iterable[Result | Outcome]:  # noqa: ARG002 - part of the protocol
        joined, self._held = self._held, []
        return [Outcome(EVENT, tuple(joined))] if joined else []


def _said(letter: str) -> Iterator[Result]:
    if letter == "I":
        raise Invalid("raised")
    if letter == "D":
        raise Drop("raised")
    results: dict[str, Result] = {"e": EVENT, "i": Invalid("returned"), "d": Drop("returned")}
    yield results[letter]


def run(*lines: bytes) -> tuple[Normaliser, list[tuple[int, str]]]:
    normaliser = Normaliser(Scripted(), "shop")
    results = normaliser.run(records_of(lines, "file"))
    said = [(line, r["event.id"] if isinstance(r, dict) else str(r)) for line, r in results]
    return normaliser, said


def test_gives_events_dense_numbers_and_names_their_lines() -> None:
    _, said = run(b"e\n", b"I\r\n", b"ee")
    assert said == [
        (1, "shop:0000:000000000001"),
        (2, "raised"),
        (3, "shop:0000:000000000002"),
        (3, "shop:0000:000000000003"),
    ]


def test_counts_each_line_once_by_the_best_that_became_of_it() -> None:
    normaliser, _ = run(b"eid", b"id", b"d", b"D", b"", b"eI")
    tally = normaliser.tally
    assert (tally.lines, tally.events, tally.lines_in_events, tally.deadletters) == (6, 2, 2, 1)
    assert tally.ignored == {"returned": 1, "raised": 1, BLANK: 1}
    assert (tally.parts_refused, tally.parts_ignored) == (2, {"returned": 1})
    assert tally.unaccounted == 0


def test_counts_joined_lines_into_their_event() -> None:
    normaliser, said = run(b"h", b"h", b"D", b"w", b"h")
    assert said == [(1, "shop:0000:000000000001"), (5, "shop:0000:000000000002")]
    assert normaliser.tally.lines_in_events == 3
    assert normaliser.tally.unaccounted == 1, "line 4 wrote an earlier event and became nothing itself"


@given(st.lists(st.text("eidEIDhw", max_size=6).map(lambda text: text.replace("E", "e").encode()), max_size=12))
def test_every_event_has_a_number_and_every_line_is_seen(lines: list[bytes]) -> None:
    normaliser, said = run(*lines)
    tally = normaliser.tally
    assert tally.lines == len(lines)
    assert tally.events == sum(text.startswith("shop:") for _, text in said)


def test_cuts_long_text_so_that_different_ones_stay_different() -> None:
    class Long(Scripted):
        def parse(self, record: Record) -> Iterator[Result | Outcome]:
            yield {"process.args": ["a" * 100_000 + record.data.decode()], "event.reason": None, "rule.tags": []}

    one, two = (next(outcomes_of(Long(), record)).result for record in records_of([b"1", b"2"], "file"))
    assert isinstance(one, dict)
    assert isinstance(two, dict)
    assert list(one) == ["process.args"]
    assert len(one["process.args"][0]) == 8_191
    assert one != two


def test_an_event_of_no_record_has_none() -> None:
    class Telling(Scripted):
        def flush(self, *, final: bool = False) -> Iterable[Result | Outcome]:
            return [{"event.action": f"final {final}"}]

    assert list(flushed(Telling(), final=True)) == [Outcome({"event.action": "final True"}, ())]


@pytest.mark.parametrize(
    "wrong", [{"process.pid": "many"}, {"process.pid": 2**70}, {"no.such.field": 1}, {"message": "\ud800"}]
)
def test_what_is_no_valid_event_is_a_dead_letter(wrong: Event) -> None:
    class Wrong(Scripted):
        def parse(self, record: Record) -> Iterator[Result | Outcome]:  # noqa: ARG002 - part of the protocol
            yield EVENT | wrong

    normaliser = Normaliser(Wrong())
    ((line, fault),) = normaliser.run(records_of([b"1"], "file"))
    assert line == 1
    assert str(fault).startswith("its event is not valid: ")
    assert normaliser.tally.deadletters == 1
