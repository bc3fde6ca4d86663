"""When records go, and how many together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sinks.batch import Waiting
from sinks.types import BatchLimits, Record


def record(offset: int, size: int = 10) -> Record:
    return Record("t", 0, offset, None, b"x" * size)


def waiting_of(*sizes: int, records: int = 3, value_bytes: int = 100, seconds: float = 60.0) -> Waiting:
    waiting = Waiting(BatchLimits(records, value_bytes, seconds))
    for offset, size in enumerate(sizes):
        waiting.add(record(offset, size), maybe_sent=False)
    return waiting


def test_full_by_records() -> None:
    assert not waiting_of(1, 1).is_full
    assert waiting_of(1, 1, 1).is_full


def test_full_by_bytes() -> None:
    assert waiting_of(50, 50).is_full


def test_due_by_age() -> None:
    assert waiting_of(1, seconds=1e-9).is_due
    assert not waiting_of(1).is_due
    assert not waiting_of(seconds=1e-9).is_due


def test_one_record_larger_than_a_batch_goes_alone() -> None:
    waiting = waiting_of(500, 1)
    assert [each.offset for each in waiting.cut().records] == [0]
    assert [each.offset for each in waiting.cut().records] == [1]


def test_one_record_in_doubt_puts_its_batch_in_doubt_and_no_other() -> None:
    waiting = Waiting(BatchLimits(2, 100, 60))
    for offset in range(4):
        waiting.add(record(offset), maybe_sent=offset == 1)
    assert waiting.cut().maybe_sent
    assert not waiting.cut().maybe_sent


@given(st.lists(st.integers(0, 300)), st.integers(1, 5), st.integers(1, 400))
def test_every_record_goes_once_in_order_within_the_limits(sizes: list[int], records: int, value_bytes: int) -> None:
    waiting = waiting_of(*sizes, records=records, value_bytes=value_bytes)
    batches = []
    while waiting:
        batches.append(waiting.cut().records)
    assert [each.offset for batch in batches for each in batch] == list(range(len(sizes)))
    for batch in batches:
        assert len(batch) <= records
        assert len(batch) == 1 or sum(len(each.value) for each in batch) <= value_bytes
