"""What images are asked about: their references, and what scanners, registries and signatures tell of them.

What is known of an image is asked for the start of a container and for the facts of the image itself, never for a request to
an API, which knows no more than a name: the start that follows is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from schemas.images import parse_image, registries
from schemas.matching import names
from streams.judge.holds import Keys, Test, of_flag, of_names, of_paths, of_words, one_of
from streams.judge.record import SETTING, Record, Subject, is_request

__all__ = ["IMAGE_KEYS", "IMAGE_PHRASES", "IMAGE_TESTS", "Finding", "images_of", "subjects_of_image"]

_IMAGE: Final = "container.image."
_NAMED: Final = tuple(_IMAGE + name for name in ("id", "hash.all", "name"))
_ASKED: Final = ("pushed", "signature", "signers", "scan", "max_age_days", "max_scan_age_days")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found in an image; what its kind does not have is empty."""

    severity: str = ""
    fixable: bool | None = None
    id: str = ""
    name: str = ""
    path: str = ""


def images_of(record: Record) -> list[str]:
    """Return the references that were asked for, or the name in the facts, which says nothing of tag and digest."""
    asked: list[str] | None = record.get(f"{SETTING}images")
    name = record.get(f"{_IMAGE}name")
    return asked or ([name] if name else [])


def subjects_of_image(record: Record) -> Iterator[Subject]:
    """Return what the start of a container, or the facts of an image, say of images."""
    yield from (("images.registries", image) for image in images_of(record))
    for image in record.get(f"{SETTING}images") or ():
        yield from (("images.tags", image), ("images.digest", image))
    if is_request(record):
        return
    if any(name in record for name in _NAMED):
        yield from ((f"images.{key}", record) for key in _ASKED)
    for kind, read in _FINDINGS.items():
        yield from ((f"images.{kind}", read(text)) for text in record.get(_IMAGE + kind) or ())


def _vulnerability(text: str) -> Finding:
    severity, fixable, identifier, package = (*text.split(" ", 3), "", "", "")[:4]
    return Finding(severity, fixable == "fixable", identifier, package)


def _misconfiguration(text: str) -> Finding:
    severity, identifier, title = (*text.split(" ", 2), "", "")[:3]
    return Finding(severity, None, identifier, title)


def _with_path(text: str) -> Finding:
    name, _, path = text.partition(" ")
    return Finding(name=name, path=path)


def _package(text: str) -> Finding:
    name, _, version = text.partition(" ")
    return Finding(name=name, id=version)


_FINDINGS: Final[MappingProxyType[str, Callable[[str], Finding]]] = MappingProxyType(
    {
        "vulnerabilities": _vulnerability,
        "secrets": _with_path,
        "malware": _with_path,
        "misconfigurations": _misconfiguration,
        "packages": _package,
        "executables": lambda text: Finding(path=text),
    }
)


def _registry(patterns: tuple[str, ...], every: bool) -> Test:  # noqa: ARG001, FBT001 - an image has one registry
    matches = registries(patterns)
    return lambda reference: (image := parse_image(reference)) is not None and matches(image)


def _tag(patterns: tuple[str, ...], every: bool) -> Test:  # noqa: ARG001, FBT001 - an image has one tag
    matches = names(patterns)
    return lambda reference: (image := parse_image(reference)) is not None and bool(image.tag) and matches(image.tag)


def _signer(patterns: tuple[str, ...], every: bool) -> Test:  # noqa: FBT001 - the mode of every key
    """One signer that is trusted suffices, if the signature is valid: others may have signed too."""
    matches = names(patterns)
    return lambda record: (
        not (every and record.get(f"{_IMAGE}signature") != "valid")
        and any(map(matches, record.get(f"{_IMAGE}signers") or ()))
    )


IMAGE_KEYS: Final[Keys] = MappingProxyType(
    {
        "registry": _registry,
        "tag": _tag,
        "signer": _signer,
        "severity": of_words(one_of("severity")),
        "fixable": of_flag(lambda finding: finding.fixable),
        "id": of_names(one_of("id")),
        "package": of_names(one_of("name")),
        "rule": of_names(one_of("name")),
        "signature": of_names(one_of("name")),
        "version": of_names(one_of("id")),
        "path": of_paths(lambda finding: [f"/{finding.path.lstrip('/')}"] if finding.path else []),
    }
)


def _no_digest(_: Any) -> Test:
    return lambda reference: (image := parse_image(reference)) is not None and not image.digest


def _not(field: str, value: str) -> Callable[[Any], Test]:
    return lambda _: lambda record: record.get(_IMAGE + field) != value


def _older(field: str) -> Callable[[Any], Test]:
    return lambda age: lambda record: any(days >= age.days for days in record.get(_IMAGE + field) or ())


def _not_pushed(pushed: Any) -> Test:
    matches = registries(pushed.registries or ("**",))
    return lambda record: (
        not any(
            (image := parse_image(repository)) is not None and matches(image)
            for repository in record.get(f"{_IMAGE}registries") or ()
        )
    )


IMAGE_TESTS: Final[MappingProxyType[str, Callable[[Any], Test]]] = MappingProxyType(
    {
        "images.digest": _no_digest,
        "images.pushed": _not_pushed,
        "images.signature": _not("signature", "valid"),
        "images.scan": _not("scan.outcome", "success"),
        "images.max_age_days": _older("older_than"),
        "images.max_scan_age_days": _older("scan.older_than"),
    }
)
"""What is required, turned round: whether it is missing."""


def _signature(record: Record) -> str:
    known = record.get(f"{_IMAGE}signature", "unknown")
    return f"uses an image whose signature is {known}"


def _scan(record: Record) -> str:
    failed = record.get(f"{_IMAGE}scan.outcome") == "failure"
    return "uses an image whose scan failed" if failed else "uses an image of which no scan is known"


def _signers(record: Record) -> str:
    listed = ", ".join(record.get(f"{_IMAGE}signers") or ()) or "nobody that is known"
    return f"uses an image signed by {listed}"


def _vulnerable(finding: Finding) -> str:
    remedy = "a fix exists" if finding.fixable else "no fix is known"
    return f"uses an image with {finding.id} ({finding.severity}, in {finding.name}; {remedy})"


IMAGE_PHRASES: Final[MappingProxyType[str, Callable[[Any], str]]] = MappingProxyType(
    {
        "images.registries": lambda reference: f"uses image {reference}",
        "images.tags": lambda reference: f"uses image {reference}",
        "images.digest": lambda reference: f"names image {reference} without a digest",
        "images.pushed": lambda _: "uses an image that was pushed to no registered registry, as far as is known",
        "images.signature": _signature,
        "images.signers": _signers,
        "images.scan": _scan,
        "images.max_age_days": lambda _: "uses an image that is too old",
        "images.max_scan_age_days": lambda _: "uses an image whose last scan is too old",
        "images.vulnerabilities": _vulnerable,
        "images.secrets": lambda finding: f"uses an image with a secret in {finding.path} ({finding.name})",
        "images.malware": lambda finding: f"uses an image with malware in {finding.path} ({finding.name})",
        "images.misconfigurations": lambda finding: (
            f"uses an image made in a way that {finding.id} blames: {finding.name}"
        ),
        "images.packages": lambda finding: f"uses an image with package {finding.name} {finding.id}".rstrip(),
        "images.executables": lambda finding: f"uses an image with {finding.path}",
    }
)
