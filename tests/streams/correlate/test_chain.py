from __future__ import annotations

from streams.correlate.chain import Chain


def test_records_are_due_in_the_order_in_which_they_were_fetched() -> None:
    chain = Chain(5)
    chain.fetched([5, 8])
    chain.fetched([20])
    for offset in (5, 8, 20):
        assert chain.is_due(offset)
        chain.taken(offset)
        assert chain.position == offset + 1
    assert not chain.is_due(21)


def test_what_was_not_fetched_or_is_not_next_is_not_due_and_moves_nothing() -> None:
    chain = Chain(5)
    assert not chain.is_due(5)
    chain.fetched([5, 6])
    assert not chain.is_due(6)
    chain.taken(6)
    assert chain.position == 5


def test_a_restart_begins_at_the_position_and_forgets_what_was_fetched() -> None:
    chain = Chain(0)
    chain.fetched([0, 1, 2])
    chain.taken(0)
    chain.restart()
    assert chain.position == 1
    assert not chain.is_due(1)
    chain.fetched([1])
    assert chain.is_due(1)


def test_a_record_in_hand_during_a_restart_is_taken_when_it_comes_again() -> None:
    chain = Chain(0)
    chain.fetched([0])
    assert chain.is_due(0)
    chain.restart()
    chain.taken(0)
    assert chain.position == 0
    chain.fetched([0])
    chain.taken(0)
    assert chain.position == 1


def test_a_lost_record_stops_the_chain_for_good() -> None:
    chain = Chain(0)
    chain.fetched([0, 1, 2, 3])
    chain.taken(0)
    for offset in (2, 3):
        chain.taken(offset)
    assert chain.position == 1
