from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from deploy.map.connection import Connection, told_by
from deploy.map.tally import Tally
from tests.deploy.map.lab import activities_of, connected, reached
from tests.deploy.view.lab import Said

EARLY, LATE = "2026-06-01T11:00:00.000000000Z", "2026-06-01T13:00:00.000000000Z"


def tally(record: Said) -> Tally:
    (row,) = activities_of([record])
    connection = told_by(row)
    assert isinstance(connection, Connection)
    return Tally.of(connection)


def test_what_two_ends_tell_is_counted_once() -> None:
    found = Tally.together(
        [
            tally(connected("web", "prod/shop/app", count=10, outcome="authorized", first=EARLY)),
            tally(connected("web", "prod/shop/app", count=2, outcome="unauthorized", level="high")),
            tally(reached("app", "prod/shop/web", count=11, outcome="undetermined", last=LATE, data=["personal"])),
            tally(connected("web", "prod/shop/app", count=9, event__dataset="auditd.log", network__protocol="http")),
        ]
    )
    assert found.as_json() == {
        "count": 12,
        "failed": 0,
        "volume": "unknown",
        "first": EARLY,
        "last": LATE,
        "seen_by": ["egress", "ingress"],
        "verdict": "unauthorized",
        "verdicts": {"egress": {"authorized": 10, "unauthorized": 2}, "ingress": {"undetermined": 11}},
        "level": "high",
        "data": ["personal"],
        "protocols": ["http"],
    }


def test_a_connection_comes_about_unless_all_have_failed() -> None:
    refused = tally(connected("web", "192.0.2.1", count=3, event__outcome="failure"))
    assert (refused.failed, refused.has_come_about) == (3, False)
    both = Tally.together([refused, tally(connected("web", "192.0.2.1"))])
    assert (both.count, both.failed, both.has_come_about) == (4, 3, True)


def test_what_two_sensors_saw_fail_has_failed_once() -> None:
    sensors = ("auditd.log", "falco.alerts")
    seen = [
        tally(connected("web", "192.0.2.1", count=3, event__outcome="failure", event__dataset=one)) for one in sensors
    ]
    both = Tally.together(seen)
    assert (both.count, both.failed, both.has_come_about) == (3, 3, False)


def test_nothing_is_nothing() -> None:
    assert (Tally().count, Tally().verdict, Tally().sides) == (0, "", ())


TALLIES = st.lists(
    st.builds(
        Tally,
        st.sampled_from(["", EARLY, LATE]),
        st.sampled_from(["", EARLY, LATE]),
        st.sampled_from(["", "low", "critical", "nonsense"]),
        st.dictionaries(
            st.tuples(
                st.sampled_from(["egress", "ingress"]),
                st.sampled_from(["a", "b"]),
                st.sampled_from(["authorized", "unauthorized"]),
                st.booleans(),
            ),
            st.integers(1, 9),
            max_size=3,
        ),
        st.frozensets(st.sampled_from(["personal", "secret"])),
        st.frozensets(st.sampled_from(["http", "tls"])),
    ),
    max_size=5,
)


@given(TALLIES, st.randoms())
def test_the_order_makes_no_difference(tallies: list[Tally], chance: object) -> None:
    turned = list(tallies)
    chance.shuffle(turned)  # type: ignore[attr-defined]  # random.Random
    assert Tally.together(turned).as_json() == Tally.together(tallies).as_json()
    assert Tally.together(turned).said == Tally.together(tallies).said
