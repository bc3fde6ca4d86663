from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.alert import Cause
from schemas.errors import Invalid
from streams.judge.kinds import cause_in, kind_of
from streams.judge.memo import OTHER, Limits
from tests.streams.judge.lab import FORBID_NGINX, FORBID_SHELLS, Lab, does, envelope, facts, message

A = "aaaaaaaaaaaa"
KINDS = ["policy", "rule", "sensor", "correlation", "baseline", "exception"]


def rows(lab: Lab) -> list[dict[str, Any]]:
    lab.commit(flush=True)
    return [row for row in lab.rows.values() if row["activity.dimension"] == "exec"]


@given(st.builds(Cause, st.sampled_from(KINDS), st.text(), st.text()), st.sampled_from(["exec", "egress"]))
def test_a_cause_stands_in_the_name_of_a_row(cause: Cause, dimension: str) -> None:
    name = f"{OTHER}-{dimension}-{cause}-unauthorized"
    assert not {"|", "@"} & set(name)
    assert cause_in(name, dimension) == cause


@pytest.mark.parametrize("name", ["other-exec-x-unauthorized", "other-exec-policy:a-unauthorized"])
def test_what_is_no_cause_is_refused(name: str) -> None:
    with pytest.raises(Invalid, match="no cause"):
        cause_in(name, "exec")


def test_an_outcome_without_a_cause_is_a_kind_by_itself() -> None:
    assert kind_of({}, {"verdict.outcome": "undetermined", "verdict.by": "nothing"}) == "undetermined"
    assert cause_in("other-exec-undetermined", "exec") is None


def test_beyond_the_limits_each_cause_is_counted_apart() -> None:
    policy = FORBID_SHELLS.replace("deny: [/bin/sh]", "deny: [{path: /bin/sh, name: shell}, {path: /bin/x, name: x}]")
    lab = Lab(limits=Limits(1, 1_000))
    lab.adopt(policy, 0)
    lab.judge([message(0, envelope(0, A) | facts())])
    lab.judge([message(1, envelope(1, A) | does("/bin/first"))])
    for number, program in enumerate(("/bin/sh", "/bin/x", "/bin/y", "/bin/sh"), 2):
        lab.judge([message(number, envelope(number, A) | does(program))])
    counted = {
        str(cause_in(row["activity.digest"], "exec")): (row["activity.count"], row["activity.unauthorized"])
        for row in rows(lab)
        if row["activity.digest"].startswith(OTHER)
    }
    assert counted == {"policy:shells:exec.shell": (2, 2), "policy:shells:exec.x": (1, 1), "None": (1, 0)}


@pytest.mark.parametrize("restarted", [False, True])
def test_only_what_was_unauthorized_when_it_was_judged_counts_as_such(*, restarted: bool) -> None:
    lab = Lab()
    lab.judge([message(0, envelope(0, A) | facts())])
    for number in range(1, 4):
        lab.judge([message(number, envelope(number, A) | does("/usr/bin/nginx"))])
    lab.adopt(FORBID_NGINX, 4)
    for number in range(4, 6):
        lab.judge([message(number, envelope(number, A) | does("/usr/bin/nginx"))])
        if restarted:
            lab.restart()
    lab.adopt(FORBID_SHELLS, 6)
    lab.judge([message(6, envelope(6, A) | does("/usr/bin/nginx"))])
    (row,) = rows(lab)
    assert (row["activity.count"], row["activity.unauthorized"]) == (6, 2)


def test_what_is_judged_again_once_its_container_is_known_counts_by_its_new_verdict() -> None:
    lab = Lab()
    for number in range(3):
        lab.judge([message(number, envelope(number, A) | does("/bin/sh"))])
    lab.judge([message(3, envelope(3, A) | facts())])
    (row,) = rows(lab)
    assert (row["activity.principal"], row["activity.count"], row["activity.unauthorized"]) == (
        "container:/shop/web/",
        3,
        3,
    )
