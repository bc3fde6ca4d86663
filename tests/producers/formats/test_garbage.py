"""Whatever comes in, no format crashes and every line is accounted for. ``TIDEWAITER_GARBAGE_LINES`` sets how many."""

from __future__ import annotations

import os

import pytest

from producers.formats import FORMATS
from producers.normalise import Normaliser, records_of
from producers.types import FormatOptions
from schemas.errors import Invalid
from tests.producers.formats.garbage import FORMATS_WITH_SEEDS, lines_of_garbage, seeds_of

LINES = int(os.environ.get("TIDEWAITER_GARBAGE_LINES", "20000"))
OPTIONS = FormatOptions(cluster="prod", host="node-1")


def test_every_format_has_seeds() -> None:
    assert sorted(FORMATS) == FORMATS_WITH_SEEDS


@pytest.mark.timeout(0)  # a million lines take minutes
@pytest.mark.parametrize("name", sorted(FORMATS))
def test_lines_in_are_events_and_dead_letters_and_declared_ignored(name: str) -> None:
    normaliser = Normaliser(FORMATS[name](OPTIONS))
    events = refused = 0
    for line, result in normaliser.run(records_of(lines_of_garbage(name, LINES, seed=LINES), name)):
        assert 1 <= line <= LINES
        if isinstance(result, Invalid):
            refused += 1
            assert not str(result).startswith("its event is not valid"), f"the format made this of line {line}"
        else:
            events += 1
            assert result["event.id"] == f"try:0000:{events:012d}"
    tally = normaliser.tally
    assert tally.lines == LINES == tally.lines_in_events + tally.deadletters + tally.ignored.total()
    assert events == tally.events > LINES // 50
    assert tally.deadletters + tally.parts_refused > LINES // 50
    assert refused > LINES // 50, "a dead letter may be of several lines"


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_good_records_are_events(name: str) -> None:
    normaliser = Normaliser(FORMATS[name](OPTIONS))
    results = [result for _, result in normaliser.run(records_of(seeds_of(name), name))]
    assert not [result for result in results if isinstance(result, Invalid)]
    assert normaliser.tally.unaccounted == 0
    assert normaliser.tally.events > 2
