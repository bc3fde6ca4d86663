from __future__ import annotations

from streams.correlate.clock import BrokerClock, EventsClock


class Time:
    """A machine's two clocks."""

    def __init__(self) -> None:
        self.monotonic = 1_000
        self.local = 5_000_000

    def pass_by(self, milliseconds: int) -> None:
        self.monotonic += milliseconds
        self.local += milliseconds

    def clock(self) -> BrokerClock:
        return BrokerClock(lambda: self.monotonic, lambda: self.local)


def test_it_is_the_local_time_until_a_record_has_come() -> None:
    time = Time()
    clock = time.clock()
    assert clock.now_ms() == 5_000_000
    time.pass_by(10)
    assert clock.now_ms() == 5_000_010


def test_it_is_the_brokers_time_once_a_record_has_come_whatever_the_local_clock_says() -> None:
    time = Time()
    clock = time.clock()
    clock.saw(9_000_000)
    time.pass_by(500)
    time.local = 1
    assert clock.now_ms() == 9_000_500


def test_a_record_that_took_longer_does_not_set_it_back() -> None:
    time = Time()
    clock = time.clock()
    clock.saw(9_000_000)
    time.pass_by(3_000)
    clock.saw(9_001_000)
    assert clock.now_ms() == 9_003_000
    clock.saw(9_003_200)
    assert clock.now_ms() == 9_003_200


def test_the_time_in_the_events_is_that_of_the_quickest_row_and_goes_on() -> None:
    clock = EventsClock()
    assert clock.time_ms(10_000) is None
    clock.saw(happened_ms=7_000, appended_ms=10_000)
    assert clock.time_ms(10_500) == 7_500
    clock.saw(happened_ms=10_400, appended_ms=10_500)
    clock.saw(happened_ms=1_000, appended_ms=10_500)
    assert clock.time_ms(11_000) == 10_900


def test_events_of_tomorrow_do_not_set_it_ahead_of_the_broker() -> None:
    clock = EventsClock()
    clock.saw(happened_ms=99_000, appended_ms=10_000)
    assert clock.time_ms(10_000) == 10_000
