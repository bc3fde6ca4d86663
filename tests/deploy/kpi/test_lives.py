from __future__ import annotations

from collections import Counter
from typing import Final

from deploy.kpi.lives import Lives, lives_by_period
from schemas.alert import Action, Alert, Cause, Step
from schemas.event import timestamp

MINUTE: Final = 60 * 1_000_000_000
START: Final = 1_764_000_000_000_000_000


def at(minutes: int) -> str:
    return timestamp(START + minutes * MINUTE)


def alert(*steps: tuple[int, Action], kind: str = "rule") -> Alert:
    """Return an alert of which this was done, by the minute."""
    made = Alert("id", "container:/shop/web/", Cause(kind, "shell"), "open", first=at(0), last=at(0))  # type: ignore[arg-type]  # one of its texts
    for minutes, action in steps:
        made = made.stepped("open", Step(at(minutes), action, "ada", "so"))
    return made


def hourly(*alerts: Alert) -> dict[str, Lives]:
    return lives_by_period(alerts, lambda time: time[:13])


def totals(*alerts: Alert) -> dict[str, object]:
    return lives_by_period(alerts, lambda _: "")[""].document(Counter())


def test_steps_are_counted_in_their_period_and_timed_from_the_last_opening() -> None:
    lives = hourly(alert((0, "open"), (4, "acknowledge"), (90, "close"), (300, "reopen"), (310, "acknowledge")))
    assert list(lives) == [at(minutes)[:13] for minutes in (0, 90, 300)]
    first, second, third = (one.document(Counter()) for one in lives.values())
    assert (first["opened"], first["acknowledged"], first["closed"]) == (1, 1, 0)
    assert first["seconds_to_acknowledge"] == {"median": 240, "max": 240}
    assert (second["closed"], second["closed_by"]) == (1, {"close": 1})
    assert second["seconds_to_close"] == {"median": 5400, "max": 5400}
    assert (third["opened"], third["seconds_to_acknowledge"]) == (1, {"median": 600, "max": 600})


def test_median_and_longest_are_of_all_that_people_did() -> None:
    slow = [alert((0, "open"), (minutes, "close")) for minutes in (1, 2, 9)]
    expired = alert((0, "open"), (1_000, "expire"))
    found = totals(*slow, expired)
    assert found["seconds_to_close"] == {"median": 120, "max": 540}
    assert found["closed_by"] == {"close": 3, "expire": 1}


def test_what_an_exception_allows_is_no_alert() -> None:
    assert hourly(alert((0, "open"), kind="exception")) == {}


def test_states_follow_each_other_even_if_clocks_do_not() -> None:
    lives = hourly(alert((0, "open"), (500, "expire"), (480, "reopen"), (481, "acknowledge")))
    moved = sum((Counter(one.moved) for one in lives.values()), Counter())
    assert moved == Counter(acknowledged=1)
    assert sum(one.moved["open"] for one in lives.values()) == 0


def test_of_an_alert_whose_opening_is_forgotten_no_time_is_told() -> None:
    assert totals(alert((5, "acknowledge")))["seconds_to_acknowledge"] is None
