from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.formats.documents import DocumentFormat
from producers.formats.grype import grype_format
from producers.types import FormatOptions
from schemas.codec import Event
from schemas.errors import Invalid
from tests.producers.formats.reading import events_of, results_of
from tests.producers.formats.scan_reports import IMAGE, MANIFEST, TIME, grype_match, grype_report
from tests.producers.formats.test_documents import values


def reader() -> DocumentFormat:
    return grype_format(FormatOptions())


def read(report: Event) -> list[Event]:
    return events_of(reader(), report)


def test_reads_what_is_known_of_an_image() -> None:
    report = grype_report(
        grype_match("CVE-2019-2", "Negligible", "bash"),
        grype_match("CVE-2019-1", "Critical", "musl", "fixed"),
        grype_match("GHSA-1", "Medium", "musl", "wont-fix"),
    )
    (facts,) = read(report)
    assert (facts["entity.id"], facts["event.module"], facts["facts.authority"]) == (
        f"image:{IMAGE}",
        "grype",
        "scanner",
    )
    assert facts["@timestamp"] == facts["container.image.scan.time"] == TIME
    assert facts["container.image.hash.all"] == [MANIFEST]
    assert (facts["container.image.name"], facts["container.image.tag"]) == ("registry.example/shop/web", ["1.0"])
    assert facts["container.image.created"] == "2025-12-01T08:00:00.000000000Z"
    assert facts["container.image.vulnerabilities"] == [
        "critical fixable CVE-2019-1 musl",
        "medium unfixed GHSA-1 musl",
        "informational unfixed CVE-2019-2 bash",
    ]
    assert facts["container.image.packages"] == ["bash 1.0", "musl 1.0"]


def test_a_vulnerability_is_told_by_the_number_that_all_scanners_know() -> None:
    match = grype_match("GHSA-1", "High", "a") | {"relatedVulnerabilities": [{"id": "GHSA-2"}, {"id": "CVE-2024-1"}, 7]}
    assert read(grype_report(match))[0]["container.image.vulnerabilities"] == ["high unfixed CVE-2024-1 a"]


def test_reads_the_packages_that_syft_lists() -> None:
    report = {
        "artifacts": [
            {"name": "bash", "version": "5.0-4", "metadata": {"files": [{"path": "/bin/bash"}, {"path": "/etc/x"}]}}
        ],
        "files": [{"location": {"path": "/usr/local/bin/app"}}, {"location": {"path": "/app/x"}}],
        "source": {"type": "image", "name": "shop/web", "metadata": {"userInput": "shop/web:1.0", "imageID": IMAGE}},
        "descriptor": {"name": "syft", "version": "1.0"},
    }
    (facts,) = read(report)
    assert (facts["entity.id"], facts["event.module"]) == (f"image:{IMAGE}", "syft")
    assert facts["container.image.packages"] == ["bash 5.0-4"]
    assert facts["container.image.executables"] == ["/bin/bash", "/usr/local/bin/app"]
    assert (facts["container.image.name"], facts["container.image.tag"]) == ("shop/web", ["1.0"])


def test_a_directory_has_alerts() -> None:
    (alert,) = read(
        grype_report(grype_match("CVE-1", "High", "a"), source={"type": "directory", "target": "/srv/shop"})
    )
    assert (alert["entity.id"], alert["event.action"], alert["rule.level"]) == (
        "artifact:/srv/shop",
        "artifact-vulnerabilities",
        "high",
    )


@pytest.mark.parametrize("document", [{}, {"matches": 7}, 7, {"SchemaVersion": 2}])
def test_other_documents_are_no_reports(document: Any) -> None:
    (result,) = results_of(reader(), document)
    assert isinstance(result, Invalid)


@given(st.sampled_from(["source", "matches", "descriptor", "artifacts", "files"]), values)
def test_any_value_of_any_key_gives_valid_events_or_a_dead_letter(key: str, value: Any) -> None:
    results_of(reader(), {**grype_report(grype_match("CVE-1", "High", "a")), key: value})


@given(st.sampled_from(["imageID", "manifestDigest", "repoDigests", "tags", "userInput", "config"]), values)
def test_any_target_gives_valid_events(key: str, value: Any) -> None:
    target = grype_report()["source"]["target"] | {key: value}
    results_of(reader(), grype_report(source={"type": "image", "target": target}))
