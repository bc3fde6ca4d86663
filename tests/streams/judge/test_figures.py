from __future__ import annotations

from typing import Any

import pytest

from schemas.codec import Event
from streams.judge.figures import figures_of, own_figures_of
from tests.streams.judge.lab import does


def verdict(outcome: str = "authorized", by: str = "nothing", **more: Any) -> Event:
    return {"verdict.outcome": outcome, "verdict.by": by, **{f"verdict.{name}": value for name, value in more.items()}}


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        (verdict("unauthorized", "policy", policy="shells", clause="exec.deny[0]"), "policy|shells: exec.deny[0]"),
        (verdict("unauthorized", "rule", **{"rule.name": "Shell | pipe"}), "rule|Shell | pipe"),
        (verdict("unauthorized", "sensor", **{"rule.name": "said by anyone"}), "sensor|auditd"),
        (verdict("unauthorized", "baseline", **{"baseline.dimension": "exec"}), "baseline|exec"),
        (verdict("authorized", "baseline", **{"baseline.dimension": "exec"}), "baseline|exec"),
        (verdict("undetermined"), "nothing|"),
    ],
)
def test_every_event_counts_for_one_outcome_and_cause(given: Event, cause: str) -> None:
    assert figures_of(does("/bin/sh"), given) == (f"verdicts|{given['verdict.outcome']}|{cause}",)


@pytest.mark.parametrize(
    ("given", "outcome", "blocked"),
    [
        (verdict("unauthorized"), "failure", ["blocked|platform"]),
        (verdict("unauthorized"), "success", []),
        (verdict("authorized"), "failure", []),
        (verdict("unauthorized", blocked=True), "unknown", ["blocked|tidewaiter"]),
        (verdict("unauthorized", blocked=True), "failure", ["blocked|platform", "blocked|tidewaiter"]),
    ],
)
def test_what_was_blocked_counts_by_who_has_blocked_it(given: Event, outcome: str, blocked: list[str]) -> None:
    assert list(figures_of(does("/bin/sh", **{"event.outcome": outcome}), given))[1:] == blocked


@pytest.mark.parametrize(
    ("fields", "figures"),
    [
        ({"event.category": ["iam", "api"], "event.type": ["creation", "allowed"]}, ["changes|access"]),
        ({"event.category": ["iam", "api"], "event.type": ["info"]}, []),
        ({"event.category": ["configuration"], "event.type": ["change"]}, ["changes|configuration"]),
        ({"event.category": ["configuration"], "event.type": ["change"], "event.outcome": "failure"}, []),
        ({"event.category": ["api"], "event.type": ["deletion"]}, []),
        (
            {
                "event.category": ["api"],
                "event.type": ["deletion", "allowed"],
                "orchestrator.resource.type": "networkpolicies",
            },
            ["changes|configuration"],
        ),
        ({"event.category": ["api"], "event.type": ["info"], "orchestrator.resource.type": "networkpolicies"}, []),
        ({"event.dataset": "tidewaiter.gap"}, ["gaps"]),
    ],
)
def test_changes_and_gaps_count_by_what_they_are_of(fields: Event, figures: list[str]) -> None:
    event = does("/bin/sh", **fields)
    assert list(figures_of(event, verdict()))[1:] == figures


@pytest.mark.parametrize(
    ("fields", "figures"),
    [
        ({"event.dataset": "tidewaiter.gap"}, ("gaps",)),
        ({"event.action": "correlation", "rule.level": "high"}, ("findings|high",)),
        ({"event.action": "facts", "event.dataset": "tidewaiter.shared"}, ()),
    ],
)
def test_what_the_judge_says_counts_for_what_it_tells_of(fields: Event, figures: tuple[str, ...]) -> None:
    assert own_figures_of(fields) == figures
