"""Trivy's reports (``trivy … --format json``, SchemaVersion 2, and older ones that are a list of results).

A document is one report: on one line, over many lines as Trivy prints it, or pushed. Input::

    {"SchemaVersion": 2, "CreatedAt": "2026-01-02T10:00:00Z", "ArtifactName": "shop/web:1.0", "ArtifactType": "container_image",
     "Metadata": {"ImageID": "sha256:9617…", "RepoTags": ["shop/web:1.0"], "RepoDigests": ["shop/web@sha256:72c4…"]},
     "Results": [{"Target": "shop/web:1.0 (alpine 3.10.2)", "Class": "os-pkgs", "Vulnerabilities": [
       {"VulnerabilityID": "CVE-2019-14697", "PkgName": "musl", "FixedVersion": "1.1.22-r3", "Severity": "CRITICAL"}]}]}

Output: facts of the image (see ``scan.py``)::

    {"entity.id": "image:sha256:9617…", "event.action": "facts", "event.module": "trivy",
     "container.image.vulnerabilities": ["critical fixable CVE-2019-14697 musl"], …}

Packages and the paths of executables are in a report made with ``--list-all-pkgs``. A report of a cluster (``trivy k8s``) is
one scan for each of its resources. Of a secret its rule and its path are told, never the line that it stands in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from producers.formats.documents import DocumentFormat
from producers.formats.outline import Outline
from producers.formats.scan import Finding, Image, Scan, events_of_scan, level_of, time_or_now, word_of
from producers.formats.values import integer_of, items_of, object_of, text_of, texts_of
from producers.types import FormatOptions, Result
from schemas.codec import Event
from schemas.errors import Invalid

__all__ = ["trivy_format"]

_VERSION: Final = 2
_OUTLINE: Final = Outline(
    frozenset(
        b"SchemaVersion CreatedAt ArtifactName ArtifactType Metadata ImageID RepoTags RepoDigests ImageConfig Results Target "
        b"Class Type Packages Vulnerabilities Misconfigurations Secrets Licenses Severity RuleID VulnerabilityID PkgName "
        b"ClusterName Resources container_image repository filesystem os-pkgs lang-pkgs config secret".split()
    ),
    ids=frozenset({b"CreatedAt"}),
)
_RESOURCES: Final = ("Resources", "Vulnerabilities", "Misconfigurations")
"""Where the report of a cluster has its resources; older ones have them by what was looked for."""


def trivy_format(options: FormatOptions) -> DocumentFormat:
    """Return the format. At least once: a report that is read twice says the same twice."""

    def read(document: Any) -> Iterator[Result]:
        for scan in _scans(object_of(document), options.cluster):
            yield from events_of_scan(scan)

    return DocumentFormat(read, _OUTLINE)


def _scans(report: Event, cluster: str) -> Iterator[Scan]:
    if "ClusterName" in report:
        yield from _scans_of_cluster(report, cluster)
    elif report.get("SchemaVersion") == _VERSION:
        name = text_of(report.get("ArtifactName")) or ""
        yield _scan(
            report, name, object_of(report.get("Metadata")), is_image=report.get("ArtifactType") == "container_image"
        )
    elif "Target" in report:  # before version 2 a report was the list of its results
        yield _scan({"Results": [report]}, text_of(report.get("Target")) or "", {}, is_image=False)
    else:
        raise Invalid("not a report of Trivy: neither SchemaVersion 2 nor ClusterName")


def _scans_of_cluster(report: Event, cluster: str) -> Iterator[Scan]:
    cluster = cluster or text_of(report.get("ClusterName")) or ""
    for resource in (object_of(item) for key in _RESOURCES for item in items_of(report.get(key))):
        parts = (cluster, *(text_of(resource.get(key)) or "" for key in ("Namespace", "Kind", "Name")))
        known = resource.get("Metadata")
        metadata = object_of(known[0] if isinstance(known, list) and known else known)
        whole = resource | {"CreatedAt": resource.get("CreatedAt") or report.get("CreatedAt")}
        yield _scan(whole, "/".join(parts), metadata, is_image="ImageID" in metadata)


def _scan(report: Event, artifact: str, metadata: Event, *, is_image: bool) -> Scan:
    results = [object_of(item) for item in items_of(report.get("Results"))]
    created = object_of(metadata.get("ImageConfig")).get("created")
    tags, digests = (texts_of(metadata.get(name)) for name in ("RepoTags", "RepoDigests"))
    return Scan(
        "trivy",
        time_or_now(report.get("CreatedAt")),
        artifact,
        Image.of(metadata.get("ImageID"), digests, tags or digests, created) if is_image else None,
        vulnerabilities=tuple(map(_vulnerability, _all(results, "Vulnerabilities"))),
        secrets=tuple(_secret(result, item) for result in results for item in _all([result], "Secrets")),
        misconfigurations=tuple(
            _misconfiguration(item)
            for item in _all(results, "Misconfigurations")
            if item.get("Status") in (None, "FAIL")
        ),
        packages=tuple(_package(item) for item in _all(results, "Packages")),
        files=tuple(path for item in _all(results, "Packages") for path in texts_of(item.get("InstalledFiles"))),
    )


def _all(results: Iterable[Event], key: str) -> Iterator[Event]:
    for result in results:
        yield from (item for item in items_of(result.get(key)) if isinstance(item, dict))


def _vulnerability(item: Event) -> Finding:
    fixable = "fixable" if text_of(item.get("FixedVersion")) else "unfixed"
    text = f"{fixable} {word_of(item.get('VulnerabilityID'))} {word_of(item.get('PkgName'))}"
    return Finding(level_of(item.get("Severity")), text)


def _secret(result: Event, item: Event) -> Finding:
    where = text_of(result.get("Target")) or "-"
    return Finding(level_of(item.get("Severity")), f"{word_of(item.get('RuleID'))} {where}")


def _misconfiguration(item: Event) -> Finding:
    number = word_of(text_of(item.get("ID")) or item.get("AVDID"))
    return Finding(level_of(item.get("Severity")), f"{number} {text_of(item.get('Title')) or ''}".rstrip())


def _package(item: Event) -> str:
    """Return ``NAME VERSION`` with the version as the package manager writes it."""
    epoch, version, release = integer_of(item.get("Epoch")), word_of(item.get("Version")), text_of(item.get("Release"))
    whole = f"{version}-{release}" if release and not version.endswith(f"-{release}") else version
    return f"{word_of(item.get('Name'))} {f'{epoch}:' if epoch else ''}{whole}"
