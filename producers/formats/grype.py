"""Grype's reports (``grype IMAGE -o json``), and the package lists of Syft (``syft IMAGE -o json``) in the same format.

A document is one report: on one line, over many lines, or pushed. Input::

    {"matches": [{"vulnerability": {"id": "CVE-2019-14697", "severity": "Critical", "fix": {"state": "fixed", "versions": ["1.1.22-r3"]}},
                  "artifact": {"name": "musl", "version": "1.1.22-r2"}}],
     "source": {"type": "image", "target": {"userInput": "shop/web:1.0", "imageID": "sha256:9617…", "manifestDigest": "sha256:72c4…",
                "tags": ["shop/web:1.0"], "repoDigests": []}},
     "descriptor": {"name": "grype", "version": "0.74.0", "timestamp": "2026-01-02T10:00:00Z"}}

Output: facts of the image (see ``scan.py``) with ``event.module`` ``grype`` or ``syft``. A package in which something was
found is among ``container.image.packages``; Syft lists all of them, and the files that they own.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator
from typing import Any, Final

from producers.formats.documents import DocumentFormat
from producers.formats.outline import Outline
from producers.formats.scan import Finding, Image, Scan, events_of_scan, level_of, time_or_now, word_of
from producers.formats.values import items_of, object_of, text_of, texts_of
from producers.types import FormatOptions, Result
from schemas.codec import Event, loads
from schemas.errors import Invalid

__all__ = ["grype_format"]

_OUTLINE: Final = Outline(
    frozenset(
        b"matches vulnerability id severity fix state versions artifact artifacts name version source target type image "
        b"descriptor timestamp imageID manifestDigest repoDigests tags metadata files grype syft schema".split()
    ),
    ids=frozenset({b"timestamp"}),
)


def grype_format(options: FormatOptions) -> DocumentFormat:  # noqa: ARG001 - a report names no cluster and no host
    """Return the format. At least once: a report that is read twice says the same twice."""
    return DocumentFormat(_read, _OUTLINE)


def _read(document: Any) -> Iterator[Result]:
    report = object_of(document)
    if not isinstance(report.get("matches"), list) and not isinstance(report.get("artifacts"), list):
        raise Invalid("not a report of Grype or Syft: neither matches nor artifacts")
    yield from events_of_scan(_scan(report))


def _scan(report: Event) -> Scan:
    descriptor, source = object_of(report.get("descriptor")), object_of(report.get("source"))
    target = object_of(source.get("target")) or object_of(source.get("metadata"))
    matches = [object_of(item) for item in items_of(report.get("matches"))]
    packages = [object_of(item) for item in items_of(report.get("artifacts"))]
    packages += [object_of(match.get("artifact")) for match in matches]
    configuration = _configuration(target)
    return Scan(
        word_of(descriptor.get("name"), "syft" if "artifacts" in report else "grype"),
        time_or_now(descriptor.get("timestamp"), configuration.get("created")),
        _artifact(source, target),
        _image(target, configuration) if source.get("type") == "image" else None,
        vulnerabilities=tuple(map(_vulnerability, matches)),
        packages=tuple(f"{word_of(item.get('name'))} {word_of(item.get('version'))}" for item in packages if item),
        files=tuple(_files(report, packages)),
    )


def _artifact(source: Event, target: Event) -> str:
    names = (target.get("userInput"), source.get("target"), source.get("name"), target.get("path"))
    return next(filter(None, map(text_of, names)), "")


def _image(target: Event, configuration: Event) -> Image:
    digests, tags = texts_of(target.get("repoDigests")), texts_of(target.get("tags"))
    asked = texts_of(target.get("userInput"))
    manifests = [*digests, *texts_of(target.get("manifestDigest"))]
    return Image.of(target.get("imageID"), manifests, tags or digests or asked, configuration.get("created"))


def _configuration(target: Event) -> Event:
    """Return the image's configuration, which lies in the report as base64."""
    try:
        return object_of(loads(b64decode(text_of(target.get("config")) or "")))
    except (Base64Error, Invalid, ValueError):
        return {}


def _vulnerability(match: Event) -> Finding:
    found, package = object_of(match.get("vulnerability")), object_of(match.get("artifact"))
    fix = object_of(found.get("fix"))
    fixable = "fixable" if fix.get("state") == "fixed" or texts_of(fix.get("versions")) else "unfixed"
    return Finding(level_of(found.get("severity")), f"{fixable} {_number(match)} {word_of(package.get('name'))}")


def _number(match: Event) -> str:
    """Return the CVE number of a vulnerability that Grype knows by another, as all scanners call it, else that other."""
    related = (object_of(item).get("id") for item in items_of(match.get("relatedVulnerabilities")))
    numbers = [word_of(object_of(match.get("vulnerability")).get("id")), *map(word_of, related)]
    return next((number for number in numbers if number.startswith("CVE-")), numbers[0])


def _files(report: Event, packages: list[Event]) -> Iterator[str]:
    """Yield the paths of files: those that packages own, and those that Syft has listed by itself."""
    for package in packages:
        for item in items_of(object_of(package.get("metadata")).get("files")):
            yield from texts_of(item.get("path") if isinstance(item, dict) else item)
    for item in items_of(report.get("files")):
        yield from texts_of(object_of(object_of(item).get("location")).get("path"))
