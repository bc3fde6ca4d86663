from __future__ import annotations

from dataclasses import replace
from datetime import date
from shlex import split
from typing import Any

import pytest

from deploy.alerts.excepting import exception_text
from schemas.alert import Alert, Cause
from schemas.matching import names
from schemas.policyset import Document, parse_policies
from streams.alerts.advice import advice_of, title_of
from streams.alerts.noise import noise_of

TODAY = date(2026, 11, 27)
ALERT = Alert("a", "container:lab/shop/w*b/main", Cause("policy", "files", "files.shadow"), "open", count=5, openings=1)
FILES = Document("files.yaml", "policy: files\nfiles: {deny: [{path: /etc/shadow, name: shadow}]}\n")


def about(cause: Cause, **changes: Any) -> Alert:
    return replace(ALERT, cause=cause, **changes)


def test_what_was_told_most_often_comes_first() -> None:
    rule, other = about(Cause("rule", "r"), openings=3), about(Cause("policy", "p", "c"), count=99)
    suppressed = about(Cause("exception", "p: c"), state="suppressed")
    found = noise_of([ALERT, rule, other, suppressed, replace(ALERT, principal="q", count=1)])
    assert [(one.cause.name, one.openings, one.count) for one in found] == [("r", 3, 5), ("files", 2, 6), ("p", 1, 99)]


@pytest.mark.parametrize(
    "cause", [Cause("policy", "files", "files.shadow"), Cause("rule", "r*"), Cause("sensor", "A [rule]?", "falco")]
)
def test_an_exception_can_be_pasted_as_it_is(cause: Cause) -> None:
    (noise,) = noise_of([about(cause)])
    text = exception_text(noise, "ops", TODAY)
    found = parse_policies([FILES, Document("new.yaml", text)], TODAY)
    (exception,) = next(one for one in found.policies if one.policy != "files").exceptions
    assert (exception.owner, exception.expires) == ("ops", date(2026, 12, 27))
    assert names(exception.principal or ())(ALERT.principal)
    assert not names(exception.principal or ())("container:lab/shop/web/main")
    if exception.rule is not None:
        assert names([exception.rule])(cause.name)


def test_what_a_baseline_does_not_know_is_approved_and_not_excepted() -> None:
    (noise,) = noise_of([about(Cause("baseline", "exec", "sha256:" + "ab" * 32))])
    assert exception_text(noise, "ops", TODAY) == ""
    advice = advice_of(noise.alerts[0], {})
    assert any("baseline approve 'container:lab/shop/w*b/main' --release abababababab" in step for step in advice)


def test_what_is_to_be_typed_names_a_principal_as_one_word_whatever_it_is_called() -> None:
    alert = about(Cause("baseline", "exec"), principal="user:lab/x'; touch /tmp/a; '")
    assert split(advice_of(alert, {})[0])[-1] == alert.principal


@pytest.mark.parametrize(
    ("alert", "title"),
    [
        (ALERT, "policy files: files.shadow"),
        (about(Cause("rule", "r"), title="Shell"), "Shell"),
        (about(Cause("correlation", "r")), "correlation r"),
        (about(Cause("sensor", "Terminal shell", "falco")), "falco: Terminal shell"),
        (about(Cause("baseline", "exec", "image:1")), "new exec in release image:1"),
        (about(Cause("exception", "p: c")), "set aside: p: c"),
    ],
)
def test_an_alert_is_called_by_what_it_is_about(alert: Alert, title: str) -> None:
    assert title_of(alert) == title


def test_advice_begins_with_what_the_rule_says_and_ends_with_what_to_decide() -> None:
    steps = advice_of(about(Cause("rule", "r"), exposure=("outside",)), {"r": "Unplug it."})
    assert steps[0] == "Unplug it."
    assert "alerts ack a" in steps[-2]
    assert "alerts close a" in steps[-1]
    assert advice_of(about(Cause("rule", "r"), state="closed"), {"r": "x"}) == ()
    assert not any(
        "alerts close" in step for step in advice_of(about(Cause("exception", "p: c"), state="suppressed"), {})
    )
