"""Few refusals are dead letters, many are a fault of the set-up."""

from __future__ import annotations

import pytest

from schemas.errors import TooManyDeadLetters
from sinks.deadletters import Allowance, DeadLetterLimit
from sinks.types import Outcome

ALLOWANCE = Allowance(consecutive=5, share=0.1, window_records=100, least_records=50)


def outcomes(refused: int, indexed: int) -> list[Outcome]:
    return [*["refused"] * refused, *["indexed"] * indexed]  # type: ignore[list-item]  # literals in a list are str


def test_a_run_of_refusals_stops() -> None:
    limit = DeadLetterLimit(ALLOWANCE)
    limit.check(outcomes(3, 0))
    limit.check(outcomes(2, 0))
    with pytest.raises(TooManyDeadLetters, match="6 records in a row"):
        limit.check(outcomes(1, 0))


def test_a_good_record_ends_a_run() -> None:
    limit = DeadLetterLimit(ALLOWANCE)
    limit.check(outcomes(5, 1))
    limit.check(outcomes(5, 1))


def test_a_share_above_the_limit_stops_once_enough_were_seen() -> None:
    limit = DeadLetterLimit(ALLOWANCE)
    for _ in range(4):
        limit.check(outcomes(2, 8))
    with pytest.raises(TooManyDeadLetters, match="10 of the last 50"):
        limit.check(outcomes(2, 8))


def test_what_is_long_ago_is_forgotten() -> None:
    limit = DeadLetterLimit(ALLOWANCE)
    for batch in (outcomes(0, 80), outcomes(4, 6), outcomes(4, 6)):
        limit.check(batch)
    for _ in range(50):
        limit.check(outcomes(0, 20))
    for batch in (outcomes(4, 6), outcomes(4, 6)):
        limit.check(batch)


def test_the_default_bears_the_odd_bad_record() -> None:
    limit = DeadLetterLimit()
    for _ in range(200):
        limit.check(outcomes(5, 195))
