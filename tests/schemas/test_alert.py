from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.alert import Alert, Cause, Step, alert_id
from schemas.codec import dumps_sorted, loads
from schemas.errors import Invalid
from tests.schemas.alerts import ALERTS, CAUSES

ALERT = Alert("a1", "p", Cause("rule", "r"), "open", level="high", first="2026-01-01", last="2026-01-02")


@given(ALERTS)
def test_an_alert_reads_back_as_it_was_written(alert: Alert) -> None:
    assert Alert.decode(alert.encode()) == alert
    assert Alert.decode(alert.encode()).encode() == alert.encode()


@pytest.mark.parametrize("name", [one.name for one in fields(Alert) if one.name != "outcomes"])
def test_a_value_of_another_type_is_refused(name: str) -> None:
    stored = loads(ALERT.encode())
    with pytest.raises(Invalid, match=r"not an alert|not a list"):
        Alert.decode(dumps_sorted(stored | {name: {"x": 1.5}}))


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "asleep"},
        {"cause": {"kind": "mood", "name": "", "detail": ""}},
        {"first": "yesterday"},
        {"outcomes": {"success": "1"}},
        {"steps": [{"time": ""}]},
        {"more": 1},
    ],
)
def test_a_record_of_another_version_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        Alert.decode(dumps_sorted(loads(ALERT.encode()) | changes))


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff"])
def test_what_is_no_alert_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid):
        Alert.decode(data)


@given(CAUSES, CAUSES, st.sampled_from("pq"), st.sampled_from("pq"))
def test_an_alert_is_known_by_its_principal_and_cause(one: Cause, other: Cause, mine: str, theirs: str) -> None:
    assert (alert_id(mine, one) == alert_id(theirs, other)) == ((mine, one) == (theirs, other))


@pytest.mark.parametrize(
    ("record", "cause"),
    [
        ({"verdict.by": "policy", "verdict.policy": "p", "verdict.clause": "c"}, Cause("policy", "p", "c")),
        ({"verdict.by": "rule", "verdict.rule.id": "r"}, Cause("rule", "r")),
        ({"verdict.by": "sensor", "verdict.rule.name": "n", "event.module": "falco"}, Cause("sensor", "n", "falco")),
        (
            {"verdict.by": "sensor", "verdict.rule.id": "r", "event.dataset": "tidewaiter.correlation"},
            Cause("correlation", "r"),
        ),
        ({"verdict.by": "baseline", "verdict.baseline.dimension": "exec"}, Cause("baseline", "exec")),
        (
            {"verdict.by": "baseline", "verdict.baseline.dimension": "dns", "verdict.baseline.release": "sha256:1"},
            Cause("baseline", "dns", "sha256:1"),
        ),
        ({"verdict.by": "nothing"}, None),
    ],
)
def test_what_made_a_record_unauthorized_is_its_cause(record: dict[str, Any], cause: Cause | None) -> None:
    assert Cause.of(record | {"verdict.outcome": "unauthorized"}) == cause
    assert Cause.of(record | {"verdict.outcome": "authorized"}) is None
    excepted = record | {"verdict.outcome": "authorized", "verdict.exception": "p: c"}
    assert Cause.of(excepted) == Cause("exception", "p: c")


def test_the_latest_steps_are_kept_and_numbered_from_the_first() -> None:
    alert = ALERT
    for number in range(60):
        alert = alert.stepped("open", Step("t", "reopen", "a", str(number)))
    assert [step.number for step in alert.steps] == list(range(11, 61))
    assert alert.steps[-1].reason == "59"
    assert replace(alert, steps=()) == ALERT
