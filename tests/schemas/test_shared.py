from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import Event, dumps
from schemas.errors import Invalid
from schemas.fields import FIELDS
from schemas.shared import AGES, SHARED, SharedRecord, digests_of, is_shared, united, workload_subject
from tests.schemas.shared_records import RECORDS

CONFIGURATION, MANIFEST = "sha256:c1", "sha256:m1"
EARLY, LATE = "2026-03-02T10:00:00.000000000Z", "2026-03-02T11:00:00.000000000Z"
WEB = workload_subject("lab", "shop", "web")
VULNERABILITIES = "container.image.vulnerabilities"


def said(
    facts: Event, source: str = "trivy", *, subject: str = f"image:{CONFIGURATION}", time: str = EARLY
) -> SharedRecord:
    return SharedRecord(subject, source, time, time, facts)


# Records


@given(RECORDS)
def test_a_record_is_read_as_it_was_written(record: SharedRecord) -> None:
    assert SharedRecord.decode(record.encode()) == record


@pytest.mark.parametrize(
    "value",
    [b"", b"[]", b"{}", b'{"shared.subject":1}', said({"process.name": "sh"}).encode()],
)
def test_what_is_no_record_is_refused(value: bytes) -> None:
    with pytest.raises(Invalid):
        SharedRecord.decode(value)


@given(RECORDS)
def test_only_what_decides_makes_another_hash(record: SharedRecord) -> None:
    told_later = SharedRecord(record.subject, record.source, "later", "later", record.facts)
    scanned = SharedRecord(record.subject, record.source, "t", "t", {**record.facts, "container.image.scan.time": "t"})
    vulnerable = SharedRecord(record.subject, record.source, "t", "t", {**record.facts, VULNERABILITIES: ["critical"]})
    assert told_later.hash == scanned.hash == record.hash != vulnerable.hash


def test_keys_of_different_subjects_and_sources_differ() -> None:
    assert said({}, "c", subject="secret:a|b").key != said({}, "b|c", subject="secret:a").key


def test_every_age_is_a_fact_that_decides_and_counts_from_a_date_that_does_not() -> None:
    for date, age in AGES.items():
        assert {date, age} <= {*SHARED}
        assert (FIELDS[date].decides, FIELDS[age].decides) == (False, True)


@pytest.mark.parametrize(("entity", "shared"), [("image:x", True), ("secret:x", True), ("0123456789ab", False)])
def test_images_and_secrets_are_entities_that_are_shared(entity: str, shared: bool) -> None:  # noqa: FBT001 - a table
    assert is_shared(entity) == shared


# By what an image is known


@pytest.mark.parametrize(
    ("facts", "digests"),
    [
        ({}, ("", ())),
        ({"container.image.id": CONFIGURATION}, (CONFIGURATION, ())),
        ({"container.image.hash.all": ["b.example/x@sha256:m1", MANIFEST]}, ("", (MANIFEST,))),
        ({"container.image.id": MANIFEST, "container.image.hash.all": [MANIFEST]}, ("", (MANIFEST,))),
    ],
    ids=["nothing", "configuration", "the same manifest twice", "an engine that keeps images by manifest"],
)
def test_digests_of_configuration_and_manifests(facts: Event, digests: tuple[str, tuple[str, ...]]) -> None:
    assert digests_of(facts) == digests


def test_an_image_is_asked_for_by_each_of_its_digests_and_anything_else_by_its_name() -> None:
    assert said({"container.image.hash.all": [MANIFEST]}).names == {CONFIGURATION, MANIFEST}
    pushed = said({"container.image.hash.all": [MANIFEST]}, "registry", subject=f"image:{MANIFEST}")
    assert (set(pushed.names), pushed.configuration) == ({MANIFEST}, "")
    assert said({}, "user:lab/ada", subject=WEB).names == {WEB}


# Putting sources together


@given(st.lists(RECORDS, max_size=6), st.randoms(use_true_random=False))
def test_what_sources_say_together_is_the_same_in_any_order(records: list[SharedRecord], random: Random) -> None:
    unlike = list({record.key: record for record in records}.values())
    shuffled = random.sample(unlike, len(unlike))
    assert dumps(united(shuffled)) == dumps(united(unlike))


def test_findings_of_two_scanners_stand_side_by_side() -> None:
    one = said({VULNERABILITIES: ["critical fixable CVE-1 musl"], "container.image.scan.scanners": ["trivy"]})
    two = said({VULNERABILITIES: ["low unfixed CVE-2 zlib"], "container.image.scan.scanners": ["grype"]}, "grype")
    assert united([one, two]) == {
        VULNERABILITIES: ["critical fixable CVE-1 musl", "low unfixed CVE-2 zlib"],
        "container.image.scan.scanners": ["grype", "trivy"],
    }


def test_an_age_counts_if_it_was_passed_by_the_latest_date() -> None:
    passed = [
        said({"container.image.scan.older_than": days}, source) for source, days in (("a", [30, 90]), ("b", [30]))
    ]
    assert united(passed) == {"container.image.scan.older_than": [30]}
    assert united([*passed, said({"container.image.scan.older_than": []}, "c")]) == {
        "container.image.scan.older_than": []
    }


@pytest.mark.parametrize(
    ("field", "values", "expected"),
    [
        ("container.image.signature", ["missing", "valid"], "valid"),
        ("container.image.signature", ["invalid", "valid"], "invalid"),
        ("container.image.scan.outcome", ["failure", "success"], "failure"),
        ("secret.type", ["Opaque", "kv"], "kv"),
    ],
)
def test_of_several_words_one_holds(field: str, values: list[str], expected: str) -> None:
    assert united(said({field: value}, value) for value in values) == {field: expected}


def privileged(source: str, time: str) -> SharedRecord:
    return said({"target.privileged": True}, source, subject=WEB, time=time)


def unprivileged(source: str, time: str) -> SharedRecord:
    return said({"target.privileged": False}, source, subject=WEB, time=time)


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([privileged("user:lab/ada", EARLY), unprivileged("user:lab/bob", LATE)], False),
        ([privileged("user:lab/ada", LATE), unprivileged("user:lab/bob", EARLY)], True),
        (
            [
                privileged("container:lab/shop/web/app", EARLY),
                unprivileged("container:lab/shop/web/log", LATE),
            ],
            True,
        ),
        ([privileged("container:lab/shop/web/app", EARLY), unprivileged("user:lab/bob", LATE)], False),
        ([unprivileged("container:lab/shop/web/app", LATE), privileged("user:lab/bob", EARLY)], False),
    ],
    ids=["made anew without", "made anew with", "one container of two", "requested last", "running last"],
)
def test_a_workload_is_as_it_was_last_made_and_as_any_of_its_containers_is(
    records: list[SharedRecord],
    expected: bool,  # noqa: FBT001 - a table
) -> None:
    assert united(records) == {"target.privileged": expected}


def test_a_request_that_does_not_speak_of_a_setting_leaves_it() -> None:
    relabelled = said({"target.labels": ["data=personal"]}, "user:lab/bob", subject=WEB, time=LATE)
    found = united([privileged("user:lab/ada", EARLY), relabelled])
    assert found == {"target.privileged": True, "target.labels": ["data=personal"]}
