"""Formats that hold lines, in a collector that dies: whatever they held is read again, and nothing is told twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from producers.collector import Collector
from producers.formats import FORMATS
from producers.ledger import Message
from producers.origins.file import FileOrigin
from producers.testing import MemoryLedger, ScriptedOrigin
from producers.types import FormatOptions
from schemas.codec import Event, decode
from schemas.deadletter import decode_deadletter
from schemas.settings import CollectorSettings
from tests.producers.formats.reading import lines_of
from tests.producers.formats.scan_reports import trivy_report, trivy_vulnerability
from tests.producers.formats.test_clamav import ONE, TWO, found, summary
from tests.producers.formats.test_registry import notification
from tests.producers.formats.vault_audit.samples import pair, request, write

SETTINGS = CollectorSettings(heartbeat_seconds=3600, batch_events=1)
LIMIT = 1024 * 1024


def printed(*documents: Event) -> list[bytes]:
    return [line for value in documents for line in json.dumps(value, indent=2).encode().splitlines()]


REPORT = trivy_report({"Target": "x", "Vulnerabilities": [trivy_vulnerability("CVE-1", "HIGH", "musl")]})
FIRST, SECOND = pair("secret/data/a", number="1"), write("secret/data/b", "password", number="2")
SCRIPTS = {
    "trivy": printed(REPORT, trivy_report(CreatedAt="2026-01-03T10:00:00Z")),
    "registry": printed({"events": [notification(), notification("pull")]}),
    "vault-audit": lines_of(FIRST[0], SECOND[0], SECOND[1], request(number="3"), FIRST[1]),
    "clamav": [found(ONE, "/x"), found(TWO, "/y"), found(ONE, "/z"), *summary(), found(TWO, "/w"), *summary()],
}


def collected(name: str, lines: Sequence[bytes], ledger: MemoryLedger, settings: CollectorSettings = SETTINGS) -> None:
    format_ = FORMATS[name](FormatOptions(host="node-1"))
    Collector("shop", ScriptedOrigin(lines), format_, ledger, settings, max_record_bytes=LIMIT).run()


def events_of(ledger: MemoryLedger) -> list[Event]:
    """Return events without what the collector adds, and without its own."""
    events = [decode(value) for value in ledger.values("events")]
    own = [event for event in events if event["event.module"] != "tidewaiter"]
    return [
        {name: value for name, value in event.items() if name not in ("event.id", "event.created")} for event in own
    ]


def dying_before(commit: int) -> Callable[[Sequence[Message]], None]:
    left = iter(range(commit))

    def check(_: Sequence[Message]) -> None:
        if next(left, None) is None:
            raise ConnectionError("the broker is gone")

    return check


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_nothing_is_lost_or_told_twice_wherever_the_collector_dies(name: str) -> None:
    whole = MemoryLedger()
    collected(name, SCRIPTS[name], whole)
    expected = events_of(whole)
    assert expected
    for commit in range(whole.commits):
        ledger = MemoryLedger(before_commit=dying_before(commit))
        with pytest.raises(ConnectionError):
            collected(name, SCRIPTS[name], ledger)
        again = MemoryLedger()
        again.messages = list(ledger.messages)
        collected(name, SCRIPTS[name], again)
        assert events_of(again) == expected
        assert not again.values("deadletters")


def test_a_document_on_one_line_of_a_file_may_be_longer_than_other_lines(tmp_path: Path) -> None:
    found_ = [trivy_vulnerability(f"CVE-{number}", "LOW", "x" * 200) for number in range(8_000)]
    path = tmp_path / "reports.json"
    path.write_bytes(b"\n".join(lines_of(trivy_report({"Vulnerabilities": found_}), REPORT)) + b"\n")
    assert path.stat().st_size > 2 * LIMIT
    longest, ledger = SETTINGS.max_body_bytes, MemoryLedger()
    origin = FileOrigin(path, follow=False, max_line_bytes=longest)
    Collector("shop", origin, FORMATS["trivy"](FormatOptions()), ledger, SETTINGS, max_record_bytes=longest).run()
    assert len(events_of(ledger)) == 2


def test_a_document_over_more_lines_than_may_be_held_is_one_dead_letter() -> None:
    ledger = MemoryLedger()
    many = trivy_report(
        {"Vulnerabilities": [trivy_vulnerability(f"CVE-{number}", "LOW", "x") for number in range(200)]}
    )
    collected("trivy", printed(many, REPORT), ledger, SETTINGS.model_copy(update={"held_bytes": 4096}))
    (letter,) = map(decode_deadletter, ledger.values("deadletters"))
    assert "a document without an end" in letter.error
    assert len(events_of(ledger)) == 1
