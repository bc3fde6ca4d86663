from __future__ import annotations

from typing import Any

import pytest

from schemas.codec import dumps
from schemas.errors import Invalid
from streams.baseline.seen import Seen

APP = "container:/shop/app/app"


def row(**fields: Any) -> bytes:
    return dumps(
        {
            "activity.context": "c0ffee",
            "activity.partition": 0,
            "activity.count": 3,
            "activity.first": "2026-06-01T10:00:00.000000000Z",
            "activity.first_id": "shop:0000:000000000001",
            "activity.last": "2026-06-01T11:00:00.000000000Z",
            "verdict.outcome": "undetermined",
            "event.action": "exec",
            "event.dataset": "auditd.log",
            "process.executable": "/usr/bin/gzip",
            "workload.name": "app",
        }
        | fields
    )


def key(principal: str, digest: str = "d1") -> bytes:
    return f"{principal}|c0ffee|{digest}|0".encode()


def test_rows_are_kept_by_principal_with_the_facts_that_scopes_ask_for() -> None:
    seen = Seen()
    assert (seen.take(key(APP), row()) or ("",))[0] == APP
    assert seen.of(APP).candidate({}, frozenset()).elements["exec"] == (("/usr/bin/gzip",),)
    assert seen.facts_of(APP) == {"workload.name": "app"}
    assert seen.of("host:node").rows == {}
    assert seen.facts_of("host:node") == {}


def test_a_row_that_moved_elsewhere_is_forgotten() -> None:
    seen = Seen()
    assert seen.take(key(APP), None) is None
    seen.take(key(APP), row())
    assert seen.take(key(APP), None) == (APP, None)
    assert seen.of(APP).rows == {}


def test_gaps_concern_everybody_and_are_nobodys_activity() -> None:
    seen = Seen()
    gap = {"event.action": "telemetry-gap", "gap.cause": "spool lost"}
    assert seen.take(key("collector:shop"), row(**gap)) is None
    earlier = {"activity.first": "2026-06-01T09:00:00.000000000Z", "activity.last": "2026-06-01T09:30:00.000000000Z"}
    seen.take(key("collector:shop", "d2"), row(**gap, **earlier))
    assert seen.gaps == {"spool lost": ("2026-06-01T09:00:00.000000000Z", "2026-06-01T11:00:00.000000000Z")}
    assert seen.learned == {}


@pytest.mark.parametrize("value", [b"[]", b'{"event.action": "telemetry-gap"}', b'{"event.action": "exec"}'])
def test_what_is_no_row_is_refused(value: bytes) -> None:
    with pytest.raises(Invalid):
        Seen().take(key(APP), value)
