from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.collector import MAX_EVENT_BYTES
from producers.formats.documents import DocumentFormat
from producers.formats.trivy import trivy_format
from producers.types import FormatOptions
from schemas.codec import Event, dumps, encode_event
from schemas.errors import Invalid
from tests.producers.formats.reading import events_of, lines_of, results_of
from tests.producers.formats.scan_reports import IMAGE, MANIFEST, TIME, trivy_report, trivy_vulnerability
from tests.producers.formats.test_documents import values

RECORDINGS = Path("/work/shared/recordings/trivy")
SECRET = {
    "RuleID": "aws-access-key-id",
    "Severity": "CRITICAL",
    "Title": "AWS",
    "Match": "hunter2",
    "Code": {"Lines": [{"Content": "hunter2"}]},
}


def reader() -> DocumentFormat:
    return trivy_format(FormatOptions(cluster="prod"))


def read(report: Event) -> list[Event]:
    return events_of(reader(), report)


def test_reads_what_is_known_of_an_image() -> None:
    result = {
        "Target": "shop/web:1.0 (alpine 3.10.2)",
        "Class": "os-pkgs",
        "Packages": [
            {
                "Name": "musl",
                "Version": "1.1.22",
                "Release": "r2",
                "InstalledFiles": ["lib/ld-musl-x86_64.so.1", "usr/bin/ldd"],
            },
            {"Name": "bash", "Version": "5.0", "Release": "4", "Epoch": 1, "InstalledFiles": ["/bin/bash", "/bin/a/b"]},
        ],
        "Vulnerabilities": [
            trivy_vulnerability("CVE-2019-2", "LOW", "bash"),
            trivy_vulnerability("CVE-2019-1", "CRITICAL", "musl", "1.1.22-r3"),
            trivy_vulnerability("CVE-2019-1", "CRITICAL", "musl", "1.1.22-r3"),
            trivy_vulnerability("CVE-2019-3", "UNKNOWN", "musl"),
        ],
        "Misconfigurations": [
            {"ID": "DS002", "Title": "root user", "Severity": "HIGH", "Status": "FAIL"},
            {"ID": "DS026", "Title": "no health check", "Severity": "LOW", "Status": "PASS"},
        ],
    }
    assert read(trivy_report(result)) == [
        {
            "event.id": "try:0000:000000000001",
            "@timestamp": TIME,
            "entity.id": f"image:{IMAGE}",
            "ecs.version": "9.1.0",
            "event.kind": "state",
            "event.action": "facts",
            "event.module": "trivy",
            "event.dataset": "trivy.facts",
            "facts.authority": "scanner",
            "container.image.id": IMAGE,
            "container.image.hash.all": [MANIFEST],
            "container.image.name": "registry.example/shop/web",
            "container.image.tag": ["1.0", "latest"],
            "container.image.created": "2025-12-01T08:00:00.000000000Z",
            "container.image.scan.scanners": ["trivy"],
            "container.image.scan.outcome": "success",
            "container.image.scan.time": TIME,
            "container.image.vulnerabilities": [
                "critical fixable CVE-2019-1 musl",
                "low unfixed CVE-2019-2 bash",
                "unknown unfixed CVE-2019-3 musl",
            ],
            "container.image.misconfigurations": ["high DS002 root user"],
            "container.image.packages": ["bash 1:5.0-4", "musl 1.1.22-r2"],
            "container.image.executables": ["/bin/bash", "/usr/bin/ldd"],
        }
    ]


def test_a_secret_in_an_image_is_an_alert_too_and_its_value_is_not_told() -> None:
    facts, alert = read(trivy_report({"Target": "/app/.env", "Class": "secret", "Secrets": [SECRET, SECRET]}))
    assert facts["container.image.secrets"] == ["aws-access-key-id /app/.env"]
    assert (alert["entity.id"], alert["event.kind"], alert["event.action"]) == (
        f"image:{IMAGE}",
        "alert",
        "image-secrets",
    )
    assert (alert["rule.name"], alert["rule.level"], alert["event.severity"]) == ("secrets in an image", "critical", 80)
    assert alert["container.settings.images"] == ["registry.example/shop/web:1.0"]
    assert b"hunter2" not in dumps([facts, alert])


def test_a_dead_letter_tells_no_secret() -> None:
    cut = json.dumps(trivy_report({"Target": "/app/.env", "Secrets": [SECRET]})).encode()[:-5]
    kept = reader().outline(cut)
    assert b"hunter2" not in kept
    assert b'"SchemaVersion"' in kept


@pytest.mark.parametrize("kind", ["repository", "filesystem"])
def test_what_is_no_image_has_alerts_for_what_is_found(kind: str) -> None:
    result = {
        "Target": "x",
        "Vulnerabilities": [trivy_vulnerability("CVE-1", "LOW", "a"), trivy_vulnerability("CVE-2", "HIGH", "b")],
    }
    (alert,) = read(trivy_report(result, ArtifactType=kind, ArtifactName="git/shop", Metadata=None))
    assert (alert["entity.id"], alert["event.action"]) == ("artifact:git/shop", "artifact-vulnerabilities")
    assert alert["rule.level"] == "high"


def test_where_nothing_is_found_it_is_said_that_someone_has_looked() -> None:
    (event,) = read(trivy_report(ArtifactType="filesystem", Metadata=None, Results=None))
    assert (event["event.kind"], event["event.action"]) == ("event", "artifact-scan")
    (facts,) = read(trivy_report(Results=None))
    assert facts["container.image.scan.scanners"] == ["trivy"]


def test_without_the_digest_of_its_configuration_an_image_is_known_by_its_manifest() -> None:
    (facts,) = read(trivy_report(Metadata={"RepoDigests": [f"shop/web@{MANIFEST}"], "ImageID": "nonsense"}))
    assert facts["entity.id"] == f"image:{MANIFEST}"
    assert facts["container.image.name"] == "shop/web"
    (event,) = read(trivy_report(Metadata={}))
    assert event["entity.id"] == "artifact:shop/web:1.0"


def test_the_year_of_reproducible_images_is_no_age() -> None:
    metadata = trivy_report()["Metadata"] | {"ImageConfig": {"created": "1970-01-01T00:00:00Z"}}
    assert "container.image.created" not in read(trivy_report(Metadata=metadata))[0]


def test_a_report_of_a_cluster_is_a_scan_of_each_resource() -> None:
    result = {
        "Target": "x",
        "Misconfigurations": [{"ID": "KSV001", "Title": "t", "Severity": "MEDIUM", "Status": "FAIL"}],
    }
    resource = {"Namespace": "shop", "Kind": "Deployment", "Name": "web", "Results": [result]}
    image = resource | {"Metadata": [{"ImageID": IMAGE, "RepoTags": ["shop/web:1"]}], "Results": []}
    alert, facts = read({"ClusterName": "kind", "Resources": [resource, image]})
    assert alert["entity.id"] == "artifact:prod/shop/Deployment/web"
    assert facts["entity.id"] == f"image:{IMAGE}"


def test_old_reports_are_lists_of_results() -> None:
    (alert,) = read([{"Target": "shop/web", "Vulnerabilities": [trivy_vulnerability("CVE-1", "LOW", "a")]}])  # type: ignore[arg-type]  # as of 2020
    assert alert["entity.id"] == "artifact:shop/web"


@pytest.mark.parametrize(
    "document", [{}, {"SchemaVersion": 1}, {"SchemaVersion": "2"}, 7, "x", None, {"kind": "VulnerabilityReport"}]
)
def test_other_documents_are_no_reports(document: Any) -> None:
    (result,) = results_of(reader(), document)
    assert isinstance(result, Invalid)


def test_an_image_with_thousands_of_findings_fits_into_one_event() -> None:
    found = [
        trivy_vulnerability(f"CVE-2019-{number}", "CRITICAL" if number < 100 else "LOW", f"package-{number}")
        for number in range(20_000)
    ]
    packages = [
        {"Name": f"p{number}" * 20, "Version": "1", "InstalledFiles": [f"/bin/{number}" * 10]}
        for number in range(5_000)
    ]
    (facts,) = read(trivy_report({"Target": "x", "Vulnerabilities": found, "Packages": packages}))
    listed = facts["container.image.vulnerabilities"]
    assert sum(value.startswith("critical ") for value in listed) == 100
    left_out = dict(value.split(" ") for value in facts["container.image.scan.left_out"])
    assert int(left_out["vulnerabilities"]) == 20_000 - len(listed)
    assert int(left_out["packages"]) == 5_000 - len(facts["container.image.packages"])
    assert len(encode_event(facts)) < MAX_EVENT_BYTES // 2


def test_the_same_findings_in_another_order_are_the_same_facts() -> None:
    found = [
        trivy_vulnerability(f"CVE-{number % 7}", "HIGH" if number % 2 else "LOW", f"p{number % 3}")
        for number in range(40)
    ]
    assert read(trivy_report({"Vulnerabilities": found})) == read(trivy_report({"Vulnerabilities": found[::-1]}))


@pytest.mark.parametrize(
    ("name", "actions", "count"),
    [
        ("alpine-310", ["facts"], 4),
        ("debian-buster", ["facts"], 2),
        ("distroless-base", ["facts"], 4),
        ("dockerfile", ["artifact-misconfigurations"], 0),
        ("secrets", ["artifact-secrets"], 0),
    ],
)
def test_reads_recorded_reports_as_trivy_prints_them(name: str, actions: list[str], count: int) -> None:
    path = RECORDINGS / f"{name}.json"
    if not path.exists():
        pytest.skip(f"{path} is not there: recordings are not part of the repository")
    events = events_of(reader(), *path.read_bytes().splitlines())
    assert [event["event.action"] for event in events] == actions
    assert len(events[0].get("container.image.vulnerabilities", [])) == count
    assert b"ghp_" not in dumps(events)
    (pushed,) = lines_of(json.loads(path.read_text()))
    assert events_of(reader(), pushed) == events


@given(st.sampled_from(["Metadata", "Results", "CreatedAt", "ArtifactName", "ArtifactType"]), values)
def test_any_value_of_any_key_gives_valid_events_or_a_dead_letter(key: str, value: Any) -> None:
    results_of(reader(), {**trivy_report(), key: value})


@given(
    st.sampled_from(["Packages", "Vulnerabilities", "Secrets", "Misconfigurations"]),
    st.lists(
        st.dictionaries(
            st.sampled_from(["Severity", "PkgName", "RuleID", "ID", "Name", "Version", "InstalledFiles"]), values
        ),
        max_size=3,
    )
    | values,
)
def test_any_findings_give_valid_events(key: str, value: Any) -> None:
    results_of(reader(), trivy_report({"Target": "x", key: value}))
