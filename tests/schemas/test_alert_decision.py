from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from schemas.alert_decision import AlertDecision, is_about_alert
from schemas.codec import dumps_sorted, loads
from schemas.decision import Decision
from schemas.errors import Invalid
from schemas.keys import public_key_of
from tests.schemas.alerts import ALERT_DECISIONS
from tests.schemas.baselines import ADA, BOB, DECISIONS

TIME = "2026-01-01T00:00:00Z"
DECISION = AlertDecision("p", "a1", "close", "ada", TIME, "so", 1, TIME)


@given(ALERT_DECISIONS)
def test_a_decision_reads_back_as_it_was_written(decision: AlertDecision) -> None:
    assert AlertDecision.decode(decision.encode()) == decision
    assert is_about_alert(decision.encode())


@given(DECISIONS)
def test_a_decision_about_a_baseline_is_none_about_an_alert(decision: Decision) -> None:
    assert not is_about_alert(decision.encode())


@pytest.mark.parametrize(
    "changes", [{"reason": "x"}, {"alert": "b"}, {"opening": 2}, {"until": "2027-01-01"}, {"action": "acknowledge"}]
)
def test_a_signature_is_of_all_that_was_decided(changes: dict[str, Any]) -> None:
    signed = DECISION.signed(ADA)
    assert signed.is_signed_by(public_key_of(ADA))
    assert not signed.is_signed_by(public_key_of(BOB))
    assert not replace(signed, **changes).is_signed_by(public_key_of(ADA))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"action": "burn"}, "'burn' is no decision"),
        ({"opening": "1"}, "opening is of another type"),
        ({"reason": "x" * 1001}, "1001 characters"),
        ({"until": "never"}, "not a time"),
        ({"more": 1}, "as this version writes it"),
    ],
)
def test_what_is_no_decision_is_refused(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(Invalid, match=complaint):
        AlertDecision.decode(dumps_sorted(loads(DECISION.encode()) | changes))
