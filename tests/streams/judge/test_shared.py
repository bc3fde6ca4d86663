from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import Event
from schemas.errors import Invalid
from schemas.shared import SharedRecord, digests_of
from streams.judge.shared import SharedFacts
from tests.schemas.shared_records import IDENTITIES, RECORDS
from tests.schemas.test_shared import (
    CONFIGURATION,
    EARLY,
    LATE,
    MANIFEST,
    VULNERABILITIES,
    WEB,
    privileged,
    said,
    unprivileged,
)

OTHER = "sha256:c2"
INDEX = "sha256:m2"
SUBJECTS = [WEB, "workload:lab/shop/db", "secret:lab/shop/token"]
ASKED = st.lists(IDENTITIES, max_size=4)


def of(*records: SharedRecord) -> SharedFacts:
    found = SharedFacts()
    for record in records:
        found.put(record.key, record.encode())
    return found


def image(shared: SharedFacts, configuration: str = "", *manifests: str) -> Event:
    return shared.of_image({"container.image.id": configuration, "container.image.hash.all": list(manifests)})


def all_answers(shared: SharedFacts, asked: list[Event]) -> list[Event]:
    return [shared.of_image(facts) for facts in asked] + [shared.of_subject(subject) for subject in SUBJECTS]


def all_names(asked: list[Event]) -> list[set[str]]:
    names = [{configuration, *manifests} for configuration, manifests in map(digests_of, asked)]
    return names + [{subject} for subject in SUBJECTS]


# Properties


@given(st.lists(RECORDS, max_size=8), ASKED, st.randoms(use_true_random=False))
def test_the_same_records_give_the_same_answers_in_any_order_and_however_often(
    records: list[SharedRecord], asked: list[Event], random: Random
) -> None:
    last = list({record.key: record for record in records}.values())
    straight, other = of(*records), of(*random.sample(last * 2, len(last)), *random.sample(last, len(last)))
    assert all_answers(straight, asked) == all_answers(other, asked)
    assert straight.hash == other.hash
    assert straight.subjects() == other.subjects()
    assert [straight.told(one) for one in sorted(straight.subjects())] == [
        other.told(one) for one in sorted(other.subjects())
    ]


@given(st.lists(RECORDS, max_size=6), RECORDS, st.booleans(), ASKED)
def test_whoever_is_answered_otherwise_than_before_is_named_and_the_hash_moves(
    records: list[SharedRecord],
    record: SharedRecord,
    goes: bool,  # noqa: FBT001 - drawn
    asked: list[Event],
) -> None:
    shared = of(*records)
    before, hash_before, told = all_answers(shared, asked), shared.hash, told_by(shared)
    changed = shared.put(record.key, None if goes else record.encode())
    after = all_answers(shared, asked)
    for names, one, other in zip(all_names(asked), before, after, strict=True):
        assert one == other or names & changed
    assert (before == after) or hash_before != shared.hash
    assert bool(changed) == (hash_before != shared.hash)
    moved = {subject for subject, content in told_by(shared).items() if told.get(subject) != content}
    assert moved <= shared.subjects_named(changed)


def told_by(shared: SharedFacts) -> dict[str, str]:
    found = {subject: shared.told(subject) for subject in shared.subjects()}
    return {subject: told.hash for subject, told in found.items() if told}


@given(st.lists(RECORDS, max_size=6))
def test_what_is_taken_back_leaves_nothing(records: list[SharedRecord]) -> None:
    shared = of(*records)
    for record in records:
        shared.put(record.key, None)
    assert (shared.hash, shared.subjects()) == ("", set())


# Joining


def vulnerable(subject: str, source: str, finding: str, configuration: str = "", *manifests: str) -> SharedRecord:
    facts = {
        "container.image.id": configuration,
        "container.image.hash.all": list(manifests),
        VULNERABILITIES: [finding],
    }
    return said({name: value for name, value in facts.items() if value}, source, subject=subject)


def test_facts_told_under_either_digest_are_of_one_image() -> None:
    scan = vulnerable(f"image:{CONFIGURATION}", "trivy", "critical a", CONFIGURATION, MANIFEST)
    push = said(
        {"container.image.hash.all": [MANIFEST], "container.image.registries": ["r/x"]},
        "registry",
        subject=f"image:{MANIFEST}",
    )
    both = {VULNERABILITIES: ["critical a"], "container.image.registries": ["r/x"]}
    shared = of(push, scan)
    assert image(shared, CONFIGURATION) == image(shared, "", MANIFEST) == image(shared, CONFIGURATION, MANIFEST) == both
    assert image(shared, MANIFEST, MANIFEST) == both
    assert image(shared, OTHER) == {}
    assert shared.subjects() == {f"image:{CONFIGURATION}"}


def test_an_index_of_several_platforms_joins_no_two_of_them() -> None:
    shared = of(
        vulnerable(f"image:{CONFIGURATION}", "trivy", "critical a", CONFIGURATION, MANIFEST, INDEX),
        vulnerable(f"image:{OTHER}", "trivy", "critical b", OTHER, "sha256:m3", INDEX),
        vulnerable(f"image:{INDEX}", "grype", "critical c", "", INDEX),
    )
    assert image(shared, CONFIGURATION)[VULNERABILITIES] == ["critical a", "critical c"]
    assert image(shared, OTHER, INDEX)[VULNERABILITIES] == ["critical b", "critical c"]
    assert image(shared, "", INDEX)[VULNERABILITIES] == ["critical a", "critical b", "critical c"]
    assert shared.subjects() == {f"image:{CONFIGURATION}", f"image:{OTHER}"}


def test_an_alias_that_comes_late_concerns_who_asked_by_the_other_digest() -> None:
    shared = of(vulnerable(f"image:{MANIFEST}", "trivy", "critical a", "", MANIFEST))
    assert image(shared, CONFIGURATION) == {}
    link = said({"container.image.hash.all": [MANIFEST]}, "container:lab/shop/web/app")
    assert shared.put(link.key, link.encode()) == {CONFIGURATION, MANIFEST}
    assert image(shared, CONFIGURATION) == {VULNERABILITIES: ["critical a"]}


def test_what_is_told_under_one_digest_concerns_who_asked_by_another() -> None:
    shared = of(vulnerable(f"image:{CONFIGURATION}", "trivy", "critical a", CONFIGURATION, MANIFEST))
    push = vulnerable(f"image:{MANIFEST}", "registry", "critical b", "", MANIFEST)
    assert shared.put(push.key, push.encode()) == {CONFIGURATION, MANIFEST}
    assert shared.put(push.key, None) == {CONFIGURATION, MANIFEST}


def test_a_later_word_of_the_same_kind_changes_nothing() -> None:
    shared = of(privileged("user:lab/ada", EARLY))
    again = privileged("user:lab/ada", LATE)
    assert shared.put(again.key, again.encode()) == set()
    other = unprivileged("user:lab/bob", "2026-03-02T10:30:00.000000000Z")
    assert shared.put(other.key, other.encode()) == set()
    assert shared.of_subject(WEB) == {"target.privileged": True}


def test_what_is_no_record_changes_nothing() -> None:
    shared = of(privileged("user:lab/ada", EARLY))
    before = shared.hash
    with pytest.raises(Invalid):
        shared.put(b"key", b"garbage")
    assert shared.hash == before


# Telling


def test_nothing_is_told_that_a_source_has_said_by_itself() -> None:
    scan = vulnerable(f"image:{CONFIGURATION}", "trivy", "critical a", CONFIGURATION, MANIFEST)
    shared = of(scan)
    told = shared.told(scan.subject)
    assert told is not None
    assert not told.beyond
    shared = of(scan, said({"container.image.malware": ["Eicar /x"]}, "clamav"))
    told = shared.told(scan.subject)
    assert told is not None
    assert told.beyond
    assert told.facts == {
        "container.image.id": CONFIGURATION,
        "container.image.hash.all": [MANIFEST],
        VULNERABILITIES: ["critical a"],
        "container.image.malware": ["Eicar /x"],
    }


def test_an_age_that_has_passed_is_told_and_so_is_the_time_it_did() -> None:
    old = SharedRecord(
        "secret:lab/shop/token", "kubernetes", EARLY, LATE, {"secret.changed": EARLY, "secret.older_than": [90]}
    )
    told = of(old).told(old.subject)
    assert told is not None
    assert (told.beyond, told.since) == (True, LATE)


def test_of_a_workload_and_of_what_decides_nothing_there_is_nothing_to_tell() -> None:
    dated = said({"container.image.created": EARLY, "container.image.older_than": []})
    shared = of(privileged("user:lab/ada", EARLY), dated)
    assert [shared.told(subject) for subject in shared.subjects()] == [None, None]
