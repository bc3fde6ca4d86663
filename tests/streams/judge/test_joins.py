"""Shared facts in the judge: what they decide, whose verdicts are forgotten when they change, and what is told of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import ACTIVITY_MARK, Event, dumps, encode_event
from schemas.event import validate_event
from schemas.shared import SharedRecord
from streams.judge.contents import Contents
from streams.judge.joins import Joins
from tests.schemas.shared_records import RECORDS
from tests.schemas.test_shared import VULNERABILITIES, privileged, said, unprivileged
from tests.streams.judge.lab import Lab, does, envelope
from tests.streams.judge.sharing import (
    ADA,
    BOB,
    CONFIGURATION,
    DB,
    MANIFEST,
    OTHER,
    TOKEN,
    WEB,
    Sharing,
    compiled,
    enters,
    image_facts,
    requests,
    starts,
)

EARLY, LATE = "2026-03-02T10:00:00.000000000Z", "2026-03-02T11:00:00.000000000Z"
CRITICAL = said({VULNERABILITIES: ["critical fixable CVE-1 musl"]}, subject=f"image:{CONFIGURATION}")
CLEAN = said({VULNERABILITIES: []}, subject=f"image:{CONFIGURATION}")


def sharing() -> Sharing:
    """Return a judge that knows two containers of different images."""
    made = Sharing()
    made.judge([made.says(WEB, image_facts()), made.says(DB, image_facts(OTHER, MANIFEST, workload="db"))])
    return made


def outcome(record: Event) -> list[str]:
    return [record["verdict.outcome"], record.get("verdict.clause", "")]


DENIED = ["unauthorized", "images.vulnerabilities.critical"]
NOTHING = ["undetermined", ""]

# What is decided


def test_the_next_start_of_an_image_is_judged_by_what_was_found_in_it() -> None:
    lab = sharing()
    assert outcome(lab.ask(WEB, starts())) == NOTHING
    lab.put(CRITICAL)
    denied = lab.ask(WEB, starts())
    assert denied["verdict.outcome"] == "unauthorized"
    assert denied["verdict.clause"].startswith("images.vulnerabilities")
    assert outcome(lab.ask(DB, starts())) == NOTHING
    lab.put(CLEAN)
    assert outcome(lab.ask(WEB, starts())) == NOTHING


def test_a_scan_by_manifest_digest_is_found_by_who_knows_that() -> None:
    lab = sharing()
    scan = {VULNERABILITIES: ["critical fixable CVE-1 musl"], "container.image.hash.all": [MANIFEST]}
    lab.put(said(scan, subject=f"image:{MANIFEST}"))
    assert lab.ask(DB, starts())["verdict.outcome"] == "unauthorized"
    assert outcome(lab.ask(WEB, starts())) == NOTHING


def test_an_exec_is_judged_by_the_workload_that_is_entered() -> None:
    lab = sharing()
    assert outcome(lab.ask(ADA, enters())) == NOTHING
    lab.put(privileged(BOB, EARLY))
    assert outcome(lab.ask(ADA, enters())) == ["unauthorized", "access.exec_into_container.privileged"]
    elsewhere = enters() | {"orchestrator.namespace": "other"}
    assert outcome(lab.ask(ADA, elsewhere)) == NOTHING
    lab.put(unprivileged(BOB, LATE))
    assert outcome(lab.ask(ADA, enters())) == NOTHING


@pytest.mark.parametrize(
    ("fields", "joined"),
    [
        (enters(), True),
        (requests("delete", "deployments"), True),
        (requests("get", "pods", "log"), True),
        (requests("create", "pods"), False),
        (requests("patch", "pods", "status"), False),
        (requests("get", "configmaps"), False),
        (requests("list", "pods", **{"orchestrator.resource.name": ""}), False),
        (does("/bin/sh"), False),
    ],
    ids=["exec", "delete", "log", "create", "status", "other resource", "all of them", "no request"],
)
def test_who_reaches_a_workload_is_told_of_it(fields: Event, joined: bool) -> None:  # noqa: FBT001 - a table
    lab = sharing()
    lab.put(privileged(BOB, EARLY))
    context = lab.partition.entities.acting(ADA.encode(), EARLY).context
    assert lab.partition.contents.joins.of(fields, context) == ({"target.privileged": True} if joined else {})


def test_who_asks_for_a_secret_is_told_of_it_and_so_is_the_secret() -> None:
    lab = sharing()
    old = {"secret.type": "Opaque", "secret.older_than": [90]}
    lab.put(said(old, "kubernetes", subject=TOKEN))
    joins, acting = lab.partition.contents.joins, lab.partition.entities.acting
    asks = requests("get", "secrets", **{"secret.path": "lab/shop/token"})
    assert joins.of(asks, acting(ADA.encode(), EARLY).context) == old
    assert joins.of({"event.module": "vault"}, acting(TOKEN.encode(), EARLY).context) == old
    assert joins.of({"event.module": "kubernetes"}, acting(TOKEN.encode(), EARLY).context) == {}
    assert joins.of(asks | {"secret.path": "lab/shop/other"}, acting(ADA.encode(), EARLY).context) == {}


def test_neither_verdicts_nor_rows_nor_contexts_carry_shared_facts() -> None:
    lab = sharing()
    before = lab.ask(WEB, starts())
    lab.put(CRITICAL)
    after = lab.ask(WEB, starts())
    lab.commit(flush=True)
    assert before["verdict.context"] == after["verdict.context"]
    assert VULNERABILITIES not in after
    assert not [row for row in lab.rows.values() if VULNERABILITIES in row]


def test_the_image_itself_is_judged_by_all_that_is_known_of_it() -> None:
    lab = sharing()
    lab.put(said({"container.image.malware": ["Eicar /x"]}, "clamav", subject=f"image:{CONFIGURATION}"))
    scan = image_facts() | {"workload.name": None, VULNERABILITIES: [], "event.module": "trivy"}
    found = lab.ask(f"image:{CONFIGURATION}", {name: value for name, value in scan.items() if value is not None})
    assert outcome(found)[0] == "unauthorized"
    assert outcome(found)[1].startswith("images.malware")


def test_what_a_source_said_before_does_not_count_when_it_says_something_new() -> None:
    lab = sharing()
    lab.put(CRITICAL)
    for module, expected in (("trivy", "undetermined"), ("grype", "unauthorized")):
        event = {name: value for name, value in scanned("low", module).items() if name != VULNERABILITIES}
        assert outcome(lab.ask(f"image:{CONFIGURATION}", event))[0] == expected


# The memo is never wrong


def judged_anew(lab: Sharing, record: Event) -> Event:
    """Return the verdict that somebody gives who remembers nothing."""
    written = {name: value for name, value in record.items() if not name.startswith("verdict.")}
    entity = lab.partition.entities.by_key[record["entity.id"].encode()]
    carried = entity.facts.known()
    encoded = encode_event({name: value for name, value in written.items() if name not in carried})
    activity = encoded[encoded.index(ACTIVITY_MARK) :]
    fields = {name: value for name, value in written.items() if name not in carried and name not in envelope(1, "x")}
    fresh = Sharing()
    for key, value in lab.records.items():
        fresh.shared.put(key, value)
    return Contents(compiled(), joins=Joins(fresh.shared)).verdict(activity, fields, entity.context)


EVENTS = st.sampled_from(
    [(WEB, starts()), (DB, starts()), (ADA, enters()), (BOB, enters()), (WEB, does("/bin/sh"))]
).map(lambda event: ("event", event))
STEPS = st.lists(EVENTS | st.tuples(st.just("record"), RECORDS), max_size=14)


@given(STEPS)
def test_every_verdict_is_what_somebody_gives_who_remembers_nothing(
    steps: list[tuple[str, tuple[str, Event]] | tuple[str, SharedRecord]],
) -> None:
    lab = sharing()
    for kind, step in steps:
        if isinstance(step, SharedRecord):
            lab.put(step)
            continue
        assert kind == "event"
        record = lab.ask(*step)
        expected = judged_anew(lab, record)
        assert {name: record[name] for name in expected} == expected


def test_only_who_was_judged_by_them_is_judged_anew() -> None:
    lab = sharing()
    for entity, fields in ((WEB, starts()), (DB, starts()), (ADA, enters()), (BOB, does("/bin/sh"))):
        lab.ask(entity, fields)

    def remembered() -> set[str]:
        return {context.principal for context in lab.partition.contexts.all() if context.memo}

    everyone = remembered()
    lab.put(CRITICAL)
    assert everyone - remembered() == {"container:/shop/web/"}
    lab.put(privileged(BOB, EARLY))
    assert everyone - remembered() == {"container:/shop/web/", ADA}
    lab.put(said({VULNERABILITIES: ["critical fixable CVE-1 musl"], "container.image.scan.time": LATE}))
    assert everyone - remembered() == {"container:/shop/web/", ADA}


# Adoption


def test_every_change_that_decides_is_adopted_once_under_one_name() -> None:
    lab = sharing()
    (record,) = lab.put(CRITICAL)
    validate_event(record)
    assert (record["adoption.subject"], record["adoption.offset"]) == ("shared-facts", lab.sent)
    assert record["adoption.hash"] == lab.shared.hash
    assert lab.put(CRITICAL) == []
    assert lab.put(said({**CRITICAL.facts, "container.image.created": EARLY}, time=LATE)) == []
    lab.restart()
    assert lab.commit(lab.partition.adoptions.shared_facts(set(), lab.sent, EARLY)) == []


# Telling

OLD = SharedRecord(TOKEN, "kubernetes", EARLY, LATE, {"secret.type": "Opaque", "secret.older_than": [90]})


def test_what_comes_true_without_an_event_is_told_judged_and_told_once() -> None:
    lab = sharing()
    lab.put(OLD)
    (told,) = lab.tell()
    validate_event(told)
    assert told["event.id"].startswith("judge:0000:")
    assert (told["entity.id"], told["@timestamp"], told["event.action"]) == (TOKEN, LATE, "facts")
    assert (told["secret.older_than"], told["verdict.principal"]) == ([90], TOKEN)
    assert outcome(told) == ["unauthorized", "secrets.max_age_days"]
    assert lab.tell() == []
    lab.restart()
    assert lab.tell() == []


def test_what_two_scanners_say_together_is_told_under_the_configuration() -> None:
    lab = sharing()
    lab.put(CRITICAL, said({"container.image.signature": "valid"}, "cosign"))
    (told,) = lab.tell()
    assert (told["entity.id"], outcome(told)[0]) == (f"image:{CONFIGURATION}", "unauthorized")
    assert told["container.image.signature"] == "valid"


def test_what_one_source_says_is_told_by_its_own_event_alone_until_more_was_told() -> None:
    lab = sharing()
    lab.put(said({"secret.type": "Opaque"}, "kubernetes", subject=TOKEN))
    assert lab.tell() == []
    lab.put(OLD)
    assert len(lab.tell()) == 1
    lab.put(said({"secret.type": "Opaque", "secret.older_than": []}, "kubernetes", subject=TOKEN, time=LATE))
    (told,) = lab.tell()
    assert outcome(told) == NOTHING
    lab.put(OLD)
    assert [outcome(one)[0] for one in lab.tell()] == ["unauthorized"]


def test_what_is_told_is_a_record_that_kafka_takes_and_keeps_the_gravest() -> None:
    lab = sharing()
    many = [f"{level} fixable CVE-{number:06d} package" for level in ("critical", "low") for number in range(20_000)]
    lab.put(
        said({VULNERABILITIES: many}, subject=f"image:{CONFIGURATION}"),
        said({"container.image.signature": "valid"}, "cosign"),
    )
    (told,) = lab.tell()
    assert len(dumps(told)) < 500_000
    assert told[VULNERABILITIES][0] == many[0]
    assert all(len(value or b"") < 1_000_000 for _, value in lab.log)


# Superseding


def scanned(finding: str, module: str = "trivy") -> Event:
    return {
        "event.kind": "state",
        "event.action": "facts",
        "event.dataset": f"{module}.report",
        "event.module": module,
        "container.image.id": CONFIGURATION,
        VULNERABILITIES: [finding],
    }


def image_rows(lab: Lab) -> list[list[str]]:
    return sorted(row[VULNERABILITIES] for row in lab.rows.values() if row["activity.principal"].startswith("image:"))


def test_what_a_source_said_before_of_an_image_is_kept_by_verdicts_alone() -> None:
    lab = sharing()
    subject = f"image:{CONFIGURATION}"
    for finding in ("a", "b", "a", "c"):
        lab.judge([lab.says(subject, scanned(finding)), lab.says(subject, scanned("x", "grype"))], flush=True)
    assert image_rows(lab) == [["c"], ["x"]]
    kept = [key for key, value in {**dict(lab.log)}.items() if key.startswith(b"counter/image:") and value]
    assert len(kept) == 2
    before = sum(lab.partition.ledger.marks.outcomes.values())
    lab.restart()
    assert sum(lab.partition.ledger.marks.outcomes.values()) == before == lab.sent
    lab.judge([lab.says(subject, scanned("d"))], flush=True)
    assert image_rows(lab) == [["d"], ["x"]]


def test_within_one_batch_too() -> None:
    lab = sharing()
    subject = f"image:{CONFIGURATION}"
    lab.judge([lab.says(subject, scanned(finding)) for finding in ("a", "b", "a", "a", "b")], flush=True)
    assert image_rows(lab) == [["b"]]
    assert sum(lab.partition.ledger.marks.outcomes.values()) == lab.sent


def test_a_repository_is_a_source_of_its_own_beside_others_of_its_registry() -> None:
    lab = sharing()
    held = {
        "event.kind": "state",
        "event.action": "facts",
        "event.dataset": "registry.facts",
        "event.module": "registry",
    }
    pushed = [
        lab.says(f"image:{MANIFEST}", held | {"facts.source": place, "container.image.registries": found})
        for place, found in (("r/old", ["r/old"]), ("r/web", ["r/web"]), ("r/old", []))
    ]
    lab.judge(pushed[:2], flush=True)
    assert sorted(registries(lab)) == [["r/old"], ["r/web"]]
    lab.judge(pushed[2:], flush=True)
    assert sorted(registries(lab)) == [[], ["r/web"]]


def registries(lab: Lab) -> list[list[str]]:
    return [row.get("container.image.registries", []) for row in lab.rows.values() if "facts.source" in row]
