"""Alerts and decisions about them, drawn."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from schemas.alert import STATES, Alert, Cause, Evidence, Part, Step
from schemas.alert_decision import AlertDecision
from schemas.event import timestamp
from schemas.policy import LEVELS

__all__ = ["ALERTS", "ALERT_DECISIONS", "CAUSES"]

TEXT: Final = st.text(max_size=8)
TIMES: Final = st.integers(0, 2**60).map(timestamp)
COUNTS: Final = st.integers(0, 10**9)
WORDS: Final = st.lists(TEXT, max_size=3).map(tuple)

CAUSES: Final = st.builds(
    Cause, st.sampled_from(["policy", "rule", "sensor", "correlation", "baseline", "exception"]), TEXT, TEXT
)

ALERTS: Final = st.builds(
    Alert,
    id=TEXT,
    principal=TEXT,
    cause=CAUSES,
    state=st.sampled_from(STATES),
    title=TEXT,
    level=st.sampled_from(LEVELS),
    score=st.integers(0, 100),
    parts=st.lists(st.builds(Part, TEXT, st.integers(-20, 70), TEXT), max_size=3).map(tuple),
    count=COUNTS,
    outcomes=st.dictionaries(st.sampled_from(["success", "failure", "unknown"]), COUNTS),
    blocked=COUNTS,
    activities=COUNTS,
    beyond=COUNTS,
    first=TIMES,
    last=TIMES,
    last_event=TEXT,
    opened=TIMES,
    openings=COUNTS,
    closed=TIMES,
    techniques=WORDS,
    data=WORDS,
    links=WORDS,
    exposure=WORDS,
    evidence=st.lists(st.builds(Evidence, TIMES, TEXT, TEXT, TEXT, TEXT, TEXT), max_size=3).map(tuple),
    steps=st.lists(
        st.builds(Step, TIMES, st.sampled_from(["open", "close", "reopen"]), TEXT, TEXT, COUNTS), max_size=3
    ).map(tuple),
    offset=st.integers(-1, 10**9),
    decided=st.integers(-1, 10**9),
)

ALERT_DECISIONS: Final = st.builds(
    AlertDecision, TEXT, TEXT, st.sampled_from(["acknowledge", "close"]), TEXT, TIMES, TEXT, COUNTS, TIMES, TEXT
)
