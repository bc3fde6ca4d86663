"""What a scanner found in one artifact, and the events that it makes.

Of an image: one facts event of ``image:<digest of its configuration>`` (of its manifest where only that is known) with all
that was found, and one alert for each kind of finding that is no matter of degree: secrets, malware. Vulnerabilities and
misconfigurations of an image are facts, for policies to weigh. Whatever else was scanned (a repository, a file system) has
no facts that a container could have: each kind of finding is an alert of ``artifact:NAME``, with the level of the gravest.

A facts event says everything that its scanner found, and replaces what that scanner (``event.module``) said before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from producers.formats.docker.facts import split_image
from producers.formats.values import text_of, time_of
from schemas.codec import Event
from schemas.errors import Invalid
from schemas.event import now
from schemas.facts import FACTS_ACTION

__all__ = ["LEVELS", "Finding", "Image", "Scan", "digest_of", "events_of_scan", "level_of", "time_or_now", "word_of"]

LEVELS: Final = ("unknown", "informational", "low", "medium", "high", "critical")
"""From the least to the most grave, in Sigma's words."""

_WORDS: Final = MappingProxyType(
    {level: level for level in LEVELS}
    | {"negligible": "informational", "info": "informational", "none": "informational", "moderate": "medium"}
)
_SEVERITIES: Final = MappingProxyType(dict(zip(LEVELS, (20, 20, 35, 50, 65, 80), strict=True)))
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}\Z")
_EXECUTABLE: Final = re.compile(r"/(?:usr/(?:local/)?|opt/(?:[^/]+/)*)?s?bin/[^/]+\Z")

_ROOM: Final = MappingProxyType(
    {
        "vulnerabilities": 128 * 1024,
        "packages": 64 * 1024,
        "executables": 48 * 1024,
        "malware": 16 * 1024,
        "misconfigurations": 16 * 1024,
        "secrets": 16 * 1024,
    }
)
"""How many bytes a list may take, so that the event of any image fits into a record of Kafka, and twice into a row."""

_NEVER: Final = "1970-01-01T"
"""What tools write that make the same image of the same input on any day."""

_MAX_VALUE: Final = 512
_MAX_TOLD: Final = 5
_ALARMING: Final = ("secrets", "malware")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: how grave, and the words by which it is told, without its level."""

    level: str
    text: str


@dataclass(frozen=True, slots=True)
class Image:
    """What an image is known by; digests are ``sha256:…``, those of manifests without a repository."""

    configuration: str | None = None
    manifests: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    created: str | None = None

    @property
    def entity(self) -> str | None:
        """Return the entity id; None if no digest is known."""
        digest = self.configuration or next(iter(self.manifests), None)
        return f"image:{digest}" if digest else None

    @classmethod
    def of(cls, configuration: Any, manifests: Iterable[str], references: Iterable[str], created: Any = None) -> Image:
        """Return the image of what a scanner says of it; what is no digest or no time is left out."""
        found = {digest for text in manifests if (digest := digest_of(text.rpartition("@")[2]))}
        named = tuple(dict.fromkeys(text.partition("@")[0] for text in references if text))
        built = _time(created)
        known = built if built and not built.startswith(_NEVER) else None
        return cls(digest_of(configuration), tuple(sorted(found)), named, known)

    def facts(self) -> Event:
        split = [split_image(reference) for reference in self.references]
        name = split[0][0] if split else None
        return {
            "container.image.id": self.configuration,
            "container.image.hash.all": list(self.manifests),
            "container.image.name": name,
            "container.image.tag": sorted({tag for other, tag in split if tag and other == name}),
            "container.image.created": self.created,
        }


@dataclass(frozen=True, slots=True)
class Scan:
    """One scan of one artifact; ``image`` is None for what is no image."""

    scanner: str
    time: str
    artifact: str
    image: Image | None = None
    vulnerabilities: tuple[Finding, ...] = ()
    secrets: tuple[Finding, ...] = ()
    malware: tuple[Finding, ...] = ()
    misconfigurations: tuple[Finding, ...] = ()
    packages: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    outcome: str = "success"

    def findings(self) -> dict[str, tuple[Finding, ...]]:
        return {
            "secrets": self.secrets,
            "malware": self.malware,
            "vulnerabilities": self.vulnerabilities,
            "misconfigurations": self.misconfigurations,
        }


def events_of_scan(scan: Scan) -> list[Event]:
    """Return the facts and the alerts of a scan; of an artifact without a finding that it was scanned."""
    entity = scan.image.entity if scan.image else None
    if scan.image is not None and entity is not None:
        found = {kind: findings for kind, findings in scan.findings().items() if findings and kind in _ALARMING}
        images = list(scan.image.references[:1])
        alerts = [_alert(scan, entity, "image", kind, found[kind]) for kind in found]
        return [
            _facts_event(scan, scan.image, entity),
            *(alert | {"container.settings.images": images} for alert in alerts),
        ]
    entity = f"artifact:{scan.artifact or 'unknown'}"
    found = {kind: findings for kind, findings in scan.findings().items() if findings}
    return [_alert(scan, entity, "artifact", kind, found[kind]) for kind in found] or [_nothing_found(scan, entity)]


def digest_of(value: Any) -> str | None:
    """Return a SHA-256 digest with its prefix, in lower case; Podman's ids have none."""
    text = (text_of(value) or "").lower()
    text = text if ":" in text else f"sha256:{text}"
    return text if _DIGEST.match(text) else None


def level_of(value: Any) -> str:
    """Return a severity in Sigma's words; ``unknown`` where the scanner does not know."""
    return _WORDS.get((text_of(value) or "").lower(), "unknown")


def word_of(value: Any, otherwise: str = "-") -> str:
    """Return a value as one word, so that what stands behind it can be found."""
    return "-".join((text_of(value) or "").split())[:_MAX_VALUE] or otherwise


def time_or_now(*candidates: Any) -> str:
    """Return the first time that is one, else the present: older reports do not tell when they were made."""
    for candidate in candidates:
        time = _time(candidate)
        if time is not None:
            return time
    return now()


def _time(value: Any) -> str | None:
    try:
        return time_of(value)
    except Invalid:
        return None


def _head(scan: Scan, entity: str) -> Event:
    return {
        "@timestamp": scan.time,
        "entity.id": entity,
        "event.module": scan.scanner,
    }


def _facts_event(scan: Scan, image: Image, entity: str) -> Event:
    told = {
        "vulnerabilities": _gravest_first(scan.vulnerabilities, with_level=True),
        "misconfigurations": _gravest_first(scan.misconfigurations, with_level=True),
        "secrets": _gravest_first(scan.secrets),
        "malware": _gravest_first(scan.malware),
        "packages": sorted(set(scan.packages)),
        "executables": sorted({path for path in map(_rooted, scan.files) if _EXECUTABLE.match(path)}),
    }
    fitting = {kind: list(_fitting(values, _ROOM[kind])) for kind, values in told.items()}
    left_out = [f"{kind} {missing}" for kind in sorted(told) if (missing := len(told[kind]) - len(fitting[kind]))]
    return (
        _head(scan, entity)
        | {
            "event.kind": "state",
            "event.action": FACTS_ACTION,
            "event.dataset": f"{scan.scanner}.facts",
            "facts.authority": "scanner",
            "container.image.scan.scanners": [scan.scanner],
            "container.image.scan.outcome": scan.outcome,
            "container.image.scan.time": scan.time,
            "container.image.scan.left_out": left_out,
        }
        | image.facts()
        | {f"container.image.{kind}": values for kind, values in fitting.items()}
    )


def _gravest_first(findings: Iterable[Finding], *, with_level: bool = False) -> list[str]:
    """Return findings without repetitions, in an order that depends on nothing but them."""
    found = sorted({(-LEVELS.index(finding.level), finding.text, finding.level) for finding in findings})
    return list(
        dict.fromkeys(f"{level} {text}"[:_MAX_VALUE] if with_level else text[:_MAX_VALUE] for _, text, level in found)
    )


def _fitting(values: Iterable[str], room: int) -> Iterator[str]:
    for value in values:
        room -= len(value.encode("utf-8", "replace")) + 3
        if room < 0:
            return
        yield value


def _rooted(path: str) -> str:
    return path if path.startswith("/") else f"/{path}"


def _alert(scan: Scan, entity: str, what: str, kind: str, findings: tuple[Finding, ...]) -> Event:
    level = max((finding.level for finding in findings), key=LEVELS.index)
    told = _gravest_first(findings)
    more = f" and {len(told) - _MAX_TOLD} more" if len(told) > _MAX_TOLD else ""
    return _head(scan, entity) | {
        "message": f"{scan.scanner}: {len(told)} {kind} in {scan.artifact}: {', '.join(told[:_MAX_TOLD])}{more}",
        "event.kind": "alert",
        "event.action": f"{what}-{kind}",
        "event.category": ["malware"] if kind == "malware" else ["vulnerability"],
        "event.type": ["info"],
        "event.dataset": f"{scan.scanner}.findings",
        "event.severity": _SEVERITIES[level],
        "rule.name": f"{kind} in an {what}",
        "rule.level": "informational" if level == "unknown" else level,
        "rule.ruleset": scan.scanner,
    }


def _nothing_found(scan: Scan, entity: str) -> Event:
    return _head(scan, entity) | {
        "event.kind": "event",
        "event.action": "artifact-scan",
        "event.category": ["vulnerability"],
        "event.type": ["info"],
        "event.dataset": f"{scan.scanner}.findings",
    }
