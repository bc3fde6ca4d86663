"""What a file tells of images, workloads and secrets, and how the events behind it are judged."""

from __future__ import annotations

from datetime import date
from typing import Any

from deploy.trial import judge_records, learn_records
from schemas.codec import Event
from schemas.event import timestamp
from schemas.policyset import Document, PolicySet, parse_policies
from tests.streams.judge.lab import SECOND, START, envelope
from tests.streams.judge.sharing import (
    ADA,
    BOB,
    CONFIGURATION,
    MANIFEST,
    POLICY,
    TOKEN,
    WEB,
    enters,
    image_facts,
    requests,
    starts,
)

DAY = 86_400
IMAGE = f"image:{CONFIGURATION}"
MADE: Event = {"container.settings.read_only_root": False, "container.settings.privileged": True}
PRIVILEGED = requests("create", "pods", **MADE)
UNPRIVILEGED = requests("create", "pods", **{**MADE, "container.settings.privileged": False})


def policies() -> PolicySet:
    return parse_policies([Document("x.yaml", POLICY)], date(2026, 1, 1))


def told(fields: Event, module: str = "trivy") -> Event:
    head = {"event.kind": "state", "event.action": "facts", "event.dataset": f"{module}.report", "event.module": module}
    return head | fields


def scan(*findings: str) -> Event:
    return told({"container.image.id": CONFIGURATION, "container.image.vulnerabilities": list(findings)})


def clauses(*events: tuple[str, Event] | tuple[str, Event, float]) -> list[str]:
    """Return by which clause each event of a file was denied, empty where it was not; they follow each other by a second."""
    lines = [
        (number, envelope(number, entity, seconds=rest[0] if rest else number) | fields)
        for number, (entity, fields, *rest) in enumerate(events, 1)
    ]
    return [row["verdict.clause"] or "" for row in judge_records(lines, policies()) if not is_told(row)]


def is_told(row: Event) -> bool:
    """Return whether the judge tells a row by itself."""
    return str(row["event.id"]).startswith("judge:")


CRITICAL = scan("critical fixable CVE-1 musl")
FOUND = "images.vulnerabilities"


def test_a_scan_before_a_start_decides_about_it_and_one_behind_does_not() -> None:
    before = clauses((WEB, image_facts()), (IMAGE, CRITICAL), (WEB, starts()), (IMAGE, scan()), (WEB, starts()))
    assert [clause.startswith(FOUND) for clause in before] == [False, True, True, False, False]
    behind = clauses((WEB, image_facts()), (WEB, starts()), (IMAGE, CRITICAL))
    assert [clause.startswith(FOUND) for clause in behind] == [False, False, True]


def test_whichever_digest_the_scanner_knows() -> None:
    by_manifest = told({"container.image.hash.all": [MANIFEST], "container.image.malware": ["Eicar /x"]})
    found = clauses((WEB, image_facts(CONFIGURATION, MANIFEST)), (f"image:{MANIFEST}", by_manifest), (WEB, starts()))
    assert found[2].startswith("images.malware")


def test_an_exec_is_denied_if_somebody_else_has_made_the_pod_privileged() -> None:
    entered = "access.exec_into_container.privileged"
    assert clauses((ADA, enters()), (BOB, PRIVILEGED), (ADA, enters()))[::2] == ["", entered]
    assert clauses((BOB, PRIVILEGED), (BOB, UNPRIVILEGED), (ADA, enters()))[2] == ""
    refused = PRIVILEGED | {"event.outcome": "failure"}
    assert clauses((BOB, refused), (ADA, enters()))[1] == ""


def test_ages_are_those_of_the_file() -> None:
    created = timestamp(START - 29 * DAY * SECOND)
    built = told({"container.image.id": CONFIGURATION, "container.image.created": created})
    found = clauses((WEB, image_facts()), (IMAGE, built), (WEB, starts()), (WEB, starts(), 2.0 * DAY))
    assert found == ["", "", "", "images.max_age_days"]


def test_a_secret_that_is_told_to_be_old_is_denied_and_one_that_was_changed_is_not() -> None:
    old, new = (timestamp(START - days * DAY * SECOND) for days in (100, 1))

    def changed(moment: str, **more: Any) -> Event:
        return told({"secret.type": "Opaque", "secret.changed": moment} | more, "kubernetes")

    relabelled = changed(old, **{"secret.keys": ["password"]})
    found = clauses((TOKEN, changed(old)), (TOKEN, relabelled), (TOKEN, changed(new)), (TOKEN, changed(new)))
    assert found == ["", "", "", ""]
    events = enumerate((changed(old), relabelled, changed(new)), 1)
    rows = judge_records([(number, envelope(number, TOKEN) | fields) for number, fields in events], policies())
    assert [(row["input.line"], row["entity.id"], row["verdict.clause"]) for row in rows if is_told(row)] == [
        (1, TOKEN, "secrets.max_age_days"),
        (2, TOKEN, "secrets.max_age_days"),
        (3, TOKEN, None),
    ]


def test_facts_of_images_are_nobodys_baseline() -> None:
    lines = [(1, envelope(1, IMAGE) | CRITICAL), (2, envelope(2, TOKEN) | told({"secret.type": "kv"}))]
    assert learn_records(lines, policies()) == []
