from __future__ import annotations

from typing import Any

import pytest

from schemas.codec import decode
from schemas.errors import Invalid
from streams.alerts.said import Said, may_say, said_of
from tests.streams.alerts.rows import AUTHORIZED, EXCEPTED, WEB, at, denied, deviates, row


def said(verdict: dict[str, Any] | None = None, **options: Any) -> Said:
    _, value = row("/etc/shadow", verdict, **options)
    assert value is not None
    return said_of(decode(value))


def test_a_row_is_worth_reading_if_it_is_unauthorized_or_set_aside() -> None:
    rows = [row(verdict=verdict)[1] or b"" for verdict in (denied(), EXCEPTED, AUTHORIZED)]
    assert [may_say(value) for value in rows] == [True, True, False]
    quoted = row(what='"verdict.outcome":"unauthorized"', verdict=AUTHORIZED)[1] or b""
    assert not may_say(quoted)


def test_what_is_authorized_says_by_whom() -> None:
    authorized = said(AUTHORIZED)
    assert (authorized.cause, authorized.author) == (None, "policy:ours")
    known = {"verdict.outcome": "authorized", "verdict.by": "baseline", "verdict.baseline.version": 3}
    assert said(known).author == "baseline v3"
    assert said({"verdict.outcome": "undetermined", "verdict.by": "nothing"}).author == "tidewaiter"


def test_what_an_exception_sets_aside_counts_what_was_not_unauthorized() -> None:
    assert said(EXCEPTED, count=9, unauthorized=2).count == 7
    assert said(denied(), count=9, unauthorized=2).count == 2


def test_evidence_is_the_first_event_that_was_unauthorized() -> None:
    assert said(deviates(), count=3, first=1, last=5).evidence.time == at(1)
    assert said(deviates(), count=3, unauthorized=1, first=1, last=5).evidence.time == at(5)
    told = said(deviates(element="/bin/x" * 200)).evidence
    assert (len(told.element), told.nearest) == (400, "/bin/ls")


def test_times_are_written_in_one_way() -> None:
    _, value = row()
    assert value is not None
    other = said_of(decode(value) | {"activity.last": "2026-06-01T12:00:00+02:00"})
    assert other.last == "2026-06-01T10:00:00.000000000Z"


@pytest.mark.parametrize(
    ("address", "outside"),
    [
        ("203.0.113.9", True),
        ("10.1.2.3", False),
        ("172.31.0.1", False),
        ("127.0.0.1", False),
        ("100.64.0.1", False),
        ("fd00::1", False),
        ("2001:db8::1", True),
        ("224.0.0.1", False),
        ("nonsense", False),
    ],
)
def test_an_address_outside_is_a_link_and_makes_it_worse(address: str, *, outside: bool) -> None:
    fields: dict[str, Any] = {"destination.ip": address}
    told = said(deviates("egress"), **fields)
    assert (f"address:{address}" in told.links) is outside
    assert ("outside" in told.exposure) is outside


def test_a_workload_is_linked_to_its_account() -> None:
    assert said().links == ("user:lab/system:serviceaccount:shop:web", "workload:lab/shop/web")
    account: dict[str, Any] = {"container.settings.service_account": "robot"}
    named = said(**account)
    assert "user:lab/system:serviceaccount:shop:robot" in named.links


def test_a_request_is_linked_to_what_it_is_about_and_as_whom_it_was_made() -> None:
    request: dict[str, Any] = {
        "orchestrator.cluster.name": "lab",
        "orchestrator.namespace": "shop",
        "orchestrator.resource.type": "pods",
        "orchestrator.resource.name": "db",
        "user.effective.name": "root",
        "source.ip": "10.0.0.1",
    }
    told = said(principal="user:lab/ada", **request | {"target.privileged": True})
    assert told.links == ("user:lab/ada", "user:lab/root", "workload:lab/shop/db")
    assert told.exposure == ("privileged",)
    secrets = request | {"orchestrator.resource.type": "secrets"}
    assert "workload:lab/shop/db" not in said(principal="user:lab/ada", **secrets).links


def test_everything_beyond_the_limits_says_which_cause_it_has() -> None:
    told = said(
        {"verdict.outcome": "unauthorized"}, digest="other-exec-policy:files:files.shadow-unauthorized", count=7
    )
    assert (told.principal, str(told.cause), told.count, told.is_other) == (WEB, "policy:files:files.shadow", 7, True)
    assert said({"verdict.outcome": "undetermined"}, digest="other-exec-undetermined").cause is None


def test_a_row_of_an_earlier_version_says_of_its_last_event_alone() -> None:
    _, value = row(count=5)
    assert value is not None
    record = decode(value)
    del record["activity.unauthorized"]
    assert said_of(record).count == 5


@pytest.mark.parametrize(
    "changes",
    [{"activity.last": "never"}, {"activity.digest": 1}, {"verdict.techniques": 1}, {"activity.digest": "other-x-y"}],
)
def test_what_is_no_row_is_refused(changes: dict[str, Any]) -> None:
    _, value = row()
    assert value is not None
    with pytest.raises(Invalid):
        said_of(decode(value) | changes)
