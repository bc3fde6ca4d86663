from __future__ import annotations

from dataclasses import asdict
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.baseline import Baseline, Elements
from schemas.codec import dumps, dumps_sorted, loads
from schemas.errors import Invalid
from streams.baseline.learned import Learned, Row, evidence_of, release_of
from tests.streams.baseline.rows import (
    HOUR,
    NEVER,
    NEW,
    OLD,
    STARTED,
    KeyAndRow,
    Record,
    candidate_elements,
    connected,
    denied,
    execs,
    gap,
    in_force,
    learned_of,
    listened,
    opened,
    ran,
    row,
    seen_of,
)
from tests.streams.judge.lab import at

SH, NGINX, CURL = ran("/bin/sh", "-c", "id"), ran("/usr/bin/nginx"), ran("/usr/bin/curl")
FALCO = {"event.dataset": "falco.alerts"}


def beyond(baseline: Any, *rows: KeyAndRow) -> dict[str, Elements]:
    return learned_of(*rows).difference(baseline.baseline, baseline.known)


# What was seen is a set: no order, no batching, no repetition

DEEDS = [SH, NGINX, CURL, SH | FALCO, opened("/etc/passwd"), connected("10.0.0.1"), STARTED, listened(80)]
OUTCOMES = [
    ("undetermined", "nothing"),
    ("authorized", "policy"),
    ("unauthorized", "sensor"),
    ("unauthorized", "baseline"),
]


@st.composite
def histories(draw: st.DrawFn) -> list[KeyAndRow]:
    """Return the states of rows as they were written: of each key with growing counts, now and then with another verdict."""
    rows: list[KeyAndRow] = []
    keys = draw(
        st.lists(
            st.tuples(
                st.sampled_from(DEEDS), st.sampled_from(["c1", "c2"]), st.integers(0, 1), st.sampled_from([OLD, NEW])
            ),
            max_size=6,
            unique_by=repr,
        )
    )
    for deed, context, partition, release in keys:
        states = draw(st.lists(st.tuples(st.integers(1, 9), st.sampled_from(OUTCOMES)), min_size=1, max_size=3))
        count = 0
        for more, (outcome, by) in states:
            count += more
            rows.append(
                row(
                    deed,
                    context=context,
                    partition=partition,
                    release=release,
                    count=count,
                    last=float(count),
                    replicas=count // 4,
                    outcome=outcome,
                    by=by,
                )
            )
    gaps = draw(
        st.lists(st.tuples(st.sampled_from(["lost", "spool"]), st.integers(0, 9), st.integers(0, 9)), max_size=2)
    )
    spans: dict[str, tuple[int, int]] = {}
    for cause, *moments in gaps:
        known = spans.get(cause, ())
        spans[cause] = min(*known, *moments), max(*known, *moments)
        rows.append(gap(cause, *spans[cause]))
    return rows


def all_of(rows: list[KeyAndRow]) -> bytes:
    """Return everything that follows from rows, as bytes."""
    seen = seen_of(rows)
    learned = seen.of("container:/shop/web/")
    candidate = learned.candidate({"exec": (("/usr/bin/curl",),)}, frozenset({"/etc"}), seen.gaps)
    evidence = [[*one, asdict(found)] for one, found in sorted(evidence_of(learned, candidate).items())]
    some = in_force({"exec": (("/bin/sh",),), "args": (), "hash": ()})
    difference = learned.difference(some.baseline, some.known)
    facts = dict(seen.facts_of("container:/shop/web/"))
    return dumps_sorted([asdict(candidate), evidence, difference, facts, candidate.extent.hours])


@settings(max_examples=300)
@given(histories(), st.randoms(use_true_random=False), st.lists(st.integers(0, 99), max_size=5))
def test_any_order_and_repetition_of_rows_gives_the_same_bytes(
    rows: list[KeyAndRow], random: Random, repeated: list[int]
) -> None:
    disturbed = [*rows, *(rows[number % len(rows)] for number in repeated if rows)]
    random.shuffle(disturbed)
    assert all_of(disturbed) == all_of(rows)


@settings(max_examples=100)
@given(histories())
def test_what_a_compacted_topic_still_holds_gives_the_same_bytes(rows: list[KeyAndRow]) -> None:
    assert all_of(list(dict(rows).items())) == all_of(rows)


def test_a_row_whose_events_were_moved_is_forgotten() -> None:
    key, value = row(SH)
    learned = Learned("container:/shop/web/")
    learned.take(key, Row.of(loads(value)))
    learned.take(key, None)
    learned.take(key, None)
    assert learned.candidate(NEVER, frozenset()).elements == {}


# What may be learned


@pytest.mark.parametrize("by", ["policy", "rule", "sensor"])
def test_what_a_policy_a_rule_or_a_sensor_forbids_is_not_learned(by: str) -> None:
    assert execs(candidate_elements(row(NGINX), denied(SH, by))) == [("/usr/bin/nginx",)]
    assert beyond(in_force({"exec": ()}), denied(SH, by)) == {}


def test_what_only_a_baseline_did_not_know_may_be_learned() -> None:
    assert execs(candidate_elements(denied(SH, "baseline"))) == [("/bin/sh",)]
    assert beyond(in_force({"exec": ()}), denied(SH, "baseline")) == {OLD: {"exec": (("/bin/sh",),)}}


def test_the_last_verdict_says_whether_an_activity_may_be_learned() -> None:
    allowed, forbidden = row(SH, count=3), denied(SH, count=4)
    assert execs(candidate_elements(allowed, forbidden)) == []
    assert execs(candidate_elements(denied(SH, count=3), row(SH, count=4))) == [("/bin/sh",)]


def test_what_a_sensor_found_fault_with_is_not_learned_from_another_sensor_that_saw_it_too() -> None:
    """The attack that Falco knows is in the log of auditd as well, where nothing forbids it."""
    attack = [denied(SH | FALCO, "sensor", count=3), row(SH, count=3)]
    found = candidate_elements(row(NGINX), *attack)
    assert execs(found) == [("/usr/bin/nginx",)]
    assert found["args"] == (("/usr/bin/nginx",),)
    assert beyond(in_force({"exec": (("/usr/bin/nginx",),), "args": (("/usr/bin/nginx",),)}), row(NGINX), *attack) == {}


@pytest.mark.parametrize(
    "others",
    [
        [row(SH, count=4)],
        [row(SH, count=3), row(SH | FALCO, context="c2")],
        [row(SH, count=2), row(SH, count=2, context="c2")],
    ],
)
def test_what_was_seen_more_often_than_a_sensor_found_fault_with_it_is_learned(others: list[KeyAndRow]) -> None:
    assert execs(candidate_elements(denied(SH | FALCO, "sensor", count=3), *others)) == [("/bin/sh",)]


def test_a_sensor_that_tells_a_bad_run_of_a_program_from_good_ones_forbids_the_bad_one_alone() -> None:
    bad, good = ran("/usr/bin/curl", "http://evil.example"), ran("/usr/bin/curl", "http://db.example")
    found = candidate_elements(denied(bad, count=9), row(good))
    assert execs(found) == [("/usr/bin/curl",)]
    assert found["args"] == (("/usr/bin/curl", "http://db.example"),)


@pytest.mark.parametrize(
    "never",
    [
        {"exec": (("/bin/sh",),), "args": (("/bin/sh", "-c", "id"),)},
        {"exec": (("/bin/*",),), "args": (("/bin/sh", "**"),)},
    ],
)
def test_what_a_person_took_out_is_never_learned_again_nor_new(never: Elements) -> None:
    assert candidate_elements(row(SH), never=never) == {"exec": (), "args": (), "file": (), "egress": ()}
    assert beyond(in_force({"exec": (), "args": ()}, never), row(SH)) == {}
    assert beyond(in_force({"exec": (), "args": ()}), row(SH)) != {}


def test_a_pattern_that_a_person_took_out_does_not_come_back_by_generalisation() -> None:
    rows = [row(opened(f"/srv/drop/{number:03d}", "create")) for number in range(200)]
    assert candidate_elements(*rows)["file"] == (("/srv/drop/*", "create"),)
    assert candidate_elements(*rows, never={"file": (("/srv/drop/*", "create"),)})["file"] == ()


def test_a_literal_that_a_person_took_out_is_not_known_by_the_pattern_that_covers_it() -> None:
    rows = [row(opened(f"/srv/drop/{number:03d}", "create")) for number in range(200)]
    never: Elements = {"file": (("/srv/drop/007", "create"),)}
    baseline = in_force(candidate_elements(*rows, never=never), never)
    opinions = {name: baseline.ask(opened(f"/srv/drop/{name}", "create")) for name in ("007", "008")}
    assert {name: one.known for name, one in opinions.items() if one} == {"007": False, "008": True}


def test_a_band_that_was_taken_out_takes_no_others_with_it() -> None:
    used = [row({"event.dataset": "docker.stats", "resource.metric": "memory", "resource.band": n}) for n in (96, 104)]
    assert candidate_elements(*used, never={"resource": (("memory", "104"),)})["resource"] == (("memory", "96"),)
    assert candidate_elements(*used, never={"resource": (("memory", "100..120"),)})["resource"] == (("memory", "96"),)


def test_a_dimension_that_was_watched_without_anything_being_seen_knows_nothing() -> None:
    assert candidate_elements(row(NGINX)) == {
        "exec": (("/usr/bin/nginx",),),
        "args": (("/usr/bin/nginx",),),
        "file": (),
        "egress": (),
    }
    assert candidate_elements(row(NGINX | {"event.dataset": "unknown.sensor"})).keys() == {"exec", "args"}


# How much was seen


def test_reports_of_two_sensors_are_not_twice_as_many_observations() -> None:
    extent = learned_of(row(SH, count=5), row(NGINX, count=2), row(SH | FALCO, count=6)).extent()
    assert extent.observations == 7


def test_what_is_forbidden_is_no_observation_that_hurries_learning() -> None:
    assert learned_of(row(SH, count=5), denied(CURL, count=1000)).extent().observations == 5


def test_replicas_are_those_of_all_contexts_and_partitions() -> None:
    started = [row(STARTED, replicas=2), row(STARTED, context="c2", replicas=1), row(STARTED, partition=1, replicas=3)]
    assert learned_of(*started, row(SH, replicas=0)).extent().replicas == 6


@pytest.mark.parametrize("principal", ["host:node-1", "user:prod/ada", "container:/shop/web/"])
def test_who_has_acted_was_there_though_no_facts_tell_of_it(principal: str) -> None:
    assert learned_of(row(SH, principal=principal), principal=principal).extent().replicas == 1
    assert Learned(principal).extent().replicas == 0


def test_the_time_seen_is_from_the_first_event_to_the_last() -> None:
    extent = learned_of(row(SH, first=HOUR, last=3 * HOUR), row(NGINX, first=2 * HOUR, last=26 * HOUR)).extent()
    assert (extent.first, extent.last, extent.hours) == (at(HOUR), at(26 * HOUR), 25.0)
    assert Learned("host:x").extent().hours == 0.0


def test_what_was_seen_before_is_history_and_what_goes_on_counts_whole() -> None:
    rows = [row(STARTED, replicas=3), row(SH, last=10), row(NGINX, count=7, last=30), row(CURL, first=20, release=NEW)]
    after = learned_of(*rows).after(at(20))
    assert execs(after.candidate(NEVER, frozenset()).elements) == [("/usr/bin/curl",), ("/usr/bin/nginx",)]
    assert after.extent().observations == 8
    assert after.extent().replicas == 3
    assert learned_of(*rows).after("") == learned_of(*rows)
    assert after.after(at(40)).rows == {}


# Why it may be incomplete


def partial(*rows: KeyAndRow, principal: str = "container:/shop/web/") -> tuple[str, ...]:
    seen = seen_of(rows)
    return seen.of(principal).candidate(NEVER, frozenset(), seen.gaps).partial


def test_a_container_that_was_not_seen_starting_is_partial() -> None:
    assert partial(row(SH)) == ("first met while it ran",)
    assert partial(row(SH), row(STARTED)) == ()
    assert partial(row(SH, principal="host:node"), principal="host:node") == ()


def other(dimension: str) -> KeyAndRow:
    """Return the row into which everything beyond the limits of a dimension was counted."""
    key, value = row({}, count=5000)
    record = loads(value) | {"activity.digest": f"other-{dimension}-undetermined", "activity.dimension": dimension}
    del record["verdict.by"]
    return key.replace(record["activity.digest"].encode(), b"other"), dumps(record)


def test_more_than_can_be_kept_is_partial_and_teaches_nothing() -> None:
    assert partial(other("file"), row(STARTED)) == ("more was seen of file than is kept",)
    assert candidate_elements(other("file")) == {}
    assert learned_of(other("file"), row(SH)).extent().observations == 5000


@pytest.mark.parametrize("principal", ["collector:shop", "unknown:judge", "host:node-1"])
@pytest.mark.parametrize(("first", "last"), [(0, 5), (5, 10), (7, 7), (10, 30), (0, 99)])
def test_a_gap_while_it_was_learned_is_partial_whoever_tells_of_it(principal: str, first: float, last: float) -> None:
    assert partial(row(STARTED, first=5, last=10), gap("lost", first, last, principal)) == ("telemetry gap: lost",)


@pytest.mark.parametrize(("first", "last"), [(0, 4.9), (10.1, 99)])
def test_a_gap_at_another_time_leaves_it_whole(first: float, last: float) -> None:
    assert partial(row(STARTED, first=5, last=10), gap("lost", first, last)) == ()


# Releases


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"container.image.id": "sha256:1", "container.image.hash.all": ["sha256:2"]}, "sha256:1"),
        ({"container.image.hash.all": ["sha256:2", "sha256:3"], "container.image.name": "web"}, "sha256:2"),
        ({"container.image.name": "web", "container.image.hash.all": []}, "web"),
        ({}, ""),
    ],
)
def test_a_release_is_the_most_exact_name_of_its_image(record: Record, expected: str) -> None:
    assert release_of(record) == expected


def test_what_is_beyond_a_baseline_is_told_by_release() -> None:
    rows = [row(NGINX), row(NGINX, release=NEW), row(CURL, release=NEW), row(SH), row(opened("/etc/x"), release=NEW)]
    baseline = in_force({"exec": (("/usr/bin/nginx",),), "file": ()})
    assert beyond(baseline, *rows) == {
        OLD: {"exec": (("/bin/sh",),)},
        NEW: {"exec": (("/usr/bin/curl",),), "file": (("/etc/x", "read"),)},
    }
    assert learned_of(*rows).candidate(NEVER, frozenset()).releases == (NEW, OLD)


def test_what_a_baseline_does_not_decide_on_is_not_beyond_it() -> None:
    assert beyond(in_force({"file": ()}), row(SH)) == {}
    assert beyond(in_force({"exec": ()}), row(SH)) == {OLD: {"exec": (("/bin/sh",),)}}


# An attack while it was learned


def test_an_attack_during_learning_is_rare_and_late_and_nothing_else_is() -> None:
    normal = [
        row(STARTED, count=3, last=20 * HOUR),
        row(NGINX, count=9000, last=24 * HOUR),
        row(opened("/etc/nginx.conf"), count=3, last=24 * HOUR),
        row(connected("10.0.0.1", 5432), count=5000, first=23 * HOUR, last=24 * HOUR),
    ]
    attack = [row(ran("/tmp/x"), first=23 * HOUR), row(connected("203.0.113.9"), count=2, first=23 * HOUR)]  # noqa: S108 - of the attacker
    learned = learned_of(*normal, *attack)
    evidence = evidence_of(learned, learned.candidate(NEVER, frozenset()))
    assert {element for (_, element), found in evidence.items() if found.rare and found.late} == {
        ("/tmp/x",),  # noqa: S108 - as above
        ("203.0.113.9", "443", "tcp"),
    }
    assert evidence["file", ("/etc/nginx.conf", "read")].rare
    assert evidence["egress", ("10.0.0.1", "5432", "tcp")].late


def test_evidence_counts_by_the_sensor_that_saw_most_and_names_the_first_events() -> None:
    rows = [
        row(SH, count=5, first=20, last=90),
        row(SH, count=4, first=10, last=20, context="c2"),
        row(SH | FALCO, count=7),
    ]
    learned = learned_of(*rows)
    found = evidence_of(learned, learned.candidate(NEVER, frozenset()))["exec", ("/bin/sh",)]
    assert (found.count, found.first, found.last) == (9, at(0), at(90))
    assert found.ids == ("shop:0000:000000000000", "shop:0000:000000010000", "shop:0000:000000020000")


def test_evidence_of_a_pattern_is_that_of_all_it_covers() -> None:
    learned = learned_of(*(row(opened(f"/srv/{number}", "create"), first=number) for number in range(100)))
    evidence = evidence_of(learned, learned.candidate(NEVER, frozenset()))
    assert {key: found.count for key, found in evidence.items()} == {("file", ("/srv/*", "create")): 100}


# What is no row


@pytest.mark.parametrize("name", ["activity.first", "activity.last"])
@pytest.mark.parametrize("value", ["", "yesterday", "2026-99-99T00:00:00.000000000Z", 7, None])
def test_a_time_that_is_none_is_refused_before_anybody_reckons_with_it(name: str, value: Any) -> None:
    """Of a known envelope the judge copies the digits of the time; one event must not end whoever learns."""
    record = loads(row(SH)[1]) | {name: value}
    with pytest.raises(Invalid):
        Row.of(record)


@pytest.mark.parametrize(
    "missing", ["activity.context", "activity.partition", "activity.count", "activity.first_id", "verdict.outcome"]
)
def test_a_row_that_lacks_something_is_refused(missing: str) -> None:
    record = loads(row(SH)[1])
    del record[missing]
    with pytest.raises(Invalid, match="not a row of activities"):
        Row.of(record)


# Much of everything


def test_thousands_of_names_and_peers_are_a_small_baseline_that_still_catches_what_is_new() -> None:
    random = Random(7)
    rows = [row(STARTED), *(row(ran(f"/usr/bin/tool-{number}")) for number in range(12)), row(listened(8080))]
    rows += [row(opened(f"/var/lib/shop/invoices/{number}.pdf", "create")) for number in range(500)]
    rows += [row(opened(f"/var/cache/{random.randbytes(8).hex()}", "write")) for _ in range(500)]
    rows += [row(connected(f"10.20.{number // 250}.{number % 250}")) for number in range(2000)]
    candidate = learned_of(*rows).candidate(NEVER, frozenset())
    baseline = in_force(candidate.elements)
    assert sum(map(len, candidate.elements.values())) < 60
    assert len(Baseline("p", 1, candidate.elements).elements["egress"]) <= 10
    known = [opened("/var/lib/shop/invoices/9999.pdf", "create"), connected("10.20.3.77"), ran("/usr/bin/tool-3")]
    known += [opened(f"/var/cache/{random.randbytes(8).hex()}", "write"), listened(8080)]
    new = [ran("/usr/bin/curl"), ran("/var/cache/x"), listened(4444), connected("203.0.113.9"), connected("10.99.0.1")]
    new += [
        connected("10.20.3.77", 22),
        opened("/var/lib/shop/invoices/1.pdf", "delete"),
        opened("/var/lib/shop/x", "create"),
    ]
    assert [one.known for record in known if (one := baseline.ask(record))] == [True] * len(known)
    assert [one.known for record in new if (one := baseline.ask(record))] == [False] * len(new)
