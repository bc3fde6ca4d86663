"""What ``clamscan`` and ``clamdscan`` print, and clamd's log: a line a file, and a summary at the end of a scan.

Which image a file lies in is told by its path: a directory, or an archive, that has the image's id in its name. So ::

    for id in $(podman images --quiet --no-trunc); do
      ln -sfn "$(podman image mount "$id")" "/scan/$id" && clamscan --recursive --infected "/scan/$id"
    done | tidewaiter collect clamav --stdin

Input::

    /scan/sha256:9617…/usr/bin/miner: Unix.Coinminer.Generic-1 FOUND

    ----------- SCAN SUMMARY -----------
    Infected files: 1
    …
    End Date:   2026:01:02 10:00:00

Output: facts of the image and one alert (see ``scan.py``)::

    {"entity.id": "image:sha256:9617…", "event.action": "facts", "container.image.malware": ["Unix.Coinminer.Generic-1 /usr/bin/miner"], …}

A path without an image's id is one of the host, and each find there an alert of its own. Times are taken as UTC; the summary
tells them, so it should not be left out: only at it an image in which nothing was found is known to be clean (which takes the
lines ``OK``, so leave ``--infected`` out), and what is found there no more is forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Final

from producers.formats.scan import Finding, Image, Scan, events_of_scan, time_or_now, word_of
from producers.types import FormatOptions, Outcome, Position, Record, Result
from schemas.codec import Event
from schemas.errors import Drop, Invalid
from schemas.facts import host_entity

__all__ = ["ClamavFormat"]

_LOG: Final = re.compile(r"(\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}) -> (.*)\Z", re.ASCII)
_DIGEST: Final = re.compile(r"sha256[:_/-]([0-9a-f]{64})[^/]*")
_SUMMARY: Final = re.compile(r"-+ SCAN SUMMARY -+\Z")
_SUMMARY_LINE: Final = re.compile(
    r"(?:Known viruses|Engine version|Scanned (?:directories|files)|Infected files|Total errors|Data (?:scanned|read)|Time"
    r"|Start Date|End Date): +(.*)\Z"
)
_ERROR: Final = re.compile(r"(?:LibClamAV|WARNING:|ERROR:)|.*(?: ERROR|: (?:Permission denied|Access denied\.?))\Z")
_CLEAN: Final = re.compile(r"(.+): (?:OK|Empty file|Symbolic link|Excluded|Not supported file type)\Z|Scanning .+")
_NOTICE: Final = re.compile(
    r".+: (?:moved|copied) to .+|.+: Removed\.?\Z|SelfCheck:.*|Database .*|Reading databases .*|\+\+\+ .*"
)
_LOG_TIME: Final = "%a %b %d %H:%M:%S %Y"
_SUMMARY_TIME: Final = "%Y:%m:%d %H:%M:%S"

_MAX_HELD_BYTES: Final = 128 * 1024
_MAX_IDLE_SECONDS: Final = 10.0
_MAX_IMAGES: Final = 1_000
_MAX_FINDINGS: Final = 1_000


@dataclass(slots=True)
class _Scanned:
    """What one scan has said of one image so far, and the lines of it that are held."""

    findings: dict[str, None] = field(default_factory=dict)
    lines: list[Record] = field(default_factory=list)
    failed: bool = False


class ClamavFormat:
    """Lines to events; finds are held until the end of their scan, at most 128 KiB of them and ten seconds without a line.

    What was found before in the same scan is said again each time; after a restart only what was still held is known of it.
    """

    def __init__(self, options: FormatOptions) -> None:
        self._host = options.host
        self._images: dict[str, _Scanned] = {}
        self._time = ""
        self._bytes = 0
        self._before: Position = {}
        self._resume: Position = {}
        self._arrived = 0.0

    @property
    def held(self) -> Position | None:
        """Return the position before the first held line, ``{}`` if this run began with it; None if none is held."""
        return self._resume if self._bytes else None

    def parse(self, record: Record) -> list[Result | Outcome]:
        """Return what a line becomes; nothing if it is a find that is held."""
        try:
            return list(self._parse(record))
        finally:
            self._before = record.position

    def flush(self, *, final: bool = False) -> list[Outcome]:
        """Return what was found in a scan that nothing came of for ten seconds; of any if ``final``."""
        if not self._bytes or not (final or monotonic() - self._arrived >= _MAX_IDLE_SECONDS):
            return []
        return list(self._found())

    def _parse(self, record: Record) -> Iterator[Result | Outcome]:
        line = record.data.decode("utf-8", "replace").strip()
        if logged := _LOG.match(line):
            self._time, line = _read_time(logged[1], _LOG_TIME), logged[2]
        if line.endswith(" FOUND") and ": " in line:
            yield from self._find(record, line.removesuffix(" FOUND"))
        elif summed := _SUMMARY_LINE.match(line):
            yield from self._sum_up(record, line, summed[1])
        else:
            raise self._reason(line)

    def _reason(self, line: str) -> Drop | Invalid:
        """Return why a line that is neither a find nor of the summary is no event, and note what it says of its image."""
        image = _DIGEST.search(line)
        if _SUMMARY.match(line):
            return Drop("summary of a scan")
        if _ERROR.match(line):
            if image:
                self._scanned(image[1]).failed = True
            return Drop("file that could not be scanned")
        if _CLEAN.match(line):
            if image:
                self._scanned(image[1])
            return Drop("file in which nothing was found")
        return Drop("notice of ClamAV") if _NOTICE.match(line) else Invalid("not a line of ClamAV")

    def _find(self, record: Record, line: str) -> Iterator[Result | Outcome]:
        path, _, signature = line.rpartition(": ")
        image = _DIGEST.search(path)
        if image is None:
            yield self._alert(path, signature)
            return
        scanned = self._scanned(image[1])
        if len(scanned.findings) < _MAX_FINDINGS:
            scanned.findings[f"{word_of(signature)} {path[image.end() :] or '/'}"] = None
        if not self._bytes:
            self._resume = self._before
        scanned.lines.append(record)
        self._bytes += len(record.data)
        self._arrived = monotonic()
        if self._bytes > _MAX_HELD_BYTES:
            yield from self._found()

    def _scanned(self, digest: str) -> _Scanned:
        if digest not in self._images and len(self._images) >= _MAX_IMAGES:
            unheld = (known for known, scanned in self._images.items() if not scanned.lines)
            self._images.pop(next(unheld, ""), None)
        return self._images.setdefault(digest, _Scanned())

    def _sum_up(self, record: Record, line: str, value: str) -> Iterator[Result | Outcome]:
        if line.startswith("Total errors:") and value.strip() != "0":
            for scanned in self._images.values():
                scanned.failed = True
        if line.startswith(("Start Date:", "End Date:")):
            self._time = _read_time(value, _SUMMARY_TIME)
        if not line.startswith("End Date:") or not self._images:
            yield Drop("summary of a scan")
            return
        for digest, scanned in self._images.items():
            lines = (*self._released(scanned), record)
            yield from (Outcome(event, lines) for event in events_of_scan(self._scan(digest, scanned)))
        self._images.clear()

    def _found(self) -> Iterator[Outcome]:
        """Yield what was found in images of which lines are held; these are let go."""
        for digest, scanned in self._images.items():
            if scanned.lines:
                lines = self._released(scanned)
                yield from (Outcome(event, lines) for event in events_of_scan(self._scan(digest, scanned)))

    def _released(self, scanned: _Scanned) -> tuple[Record, ...]:
        lines, scanned.lines = tuple(scanned.lines), []
        self._bytes -= sum(len(line.data) for line in lines)
        return lines

    def _scan(self, digest: str, scanned: _Scanned) -> Scan:
        image = Image.of(f"sha256:{digest}", (), ())
        findings = tuple(Finding("critical", text) for text in scanned.findings)
        outcome = "failure" if scanned.failed else "success"
        return Scan("clamav", time_or_now(self._time), f"sha256:{digest}", image, malware=findings, outcome=outcome)

    def _alert(self, path: str, signature: str) -> Event:
        return {
            "@timestamp": time_or_now(self._time),
            "entity.id": host_entity(self._host or "unknown"),
            "message": f"clamav: {signature} in {path}",
            "event.kind": "alert",
            "event.action": "malware",
            "event.category": ["malware", "file"],
            "event.type": ["info"],
            "event.module": "clamav",
            "event.dataset": "clamav.findings",
            "event.severity": 80,
            "file.path": path,
            "rule.name": signature,
            "rule.level": "critical",
            "rule.ruleset": "clamav",
        }


def _read_time(text: str, shape: str) -> str:
    """Return RFC 3339 of a time as ClamAV writes it; empty if it is none."""
    try:
        return datetime.strptime(text.strip(), shape).replace(tzinfo=UTC).isoformat()
    except ValueError:
        return ""
