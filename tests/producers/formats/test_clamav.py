from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.formats import clamav
from producers.formats.clamav import ClamavFormat
from producers.types import FormatOptions, Outcome, Record
from schemas.codec import Event
from schemas.errors import Invalid
from tests.producers.formats.reading import events_of, results_of

OPTIONS = FormatOptions(host="node-1")
ONE, TWO = "sha256:" + "1a" * 32, "sha256:" + "2b" * 32
TIME = "2026-01-02T10:00:00.000000000Z"


def summary(errors: int = 0) -> list[bytes]:
    return f"""\
----------- SCAN SUMMARY -----------
Known viruses: 8683452
Engine version: 0.103.8
Scanned directories: 1
Scanned files: 2
Infected files: 1
Total errors: {errors}
Data scanned: 0.00 MB
Data read: 0.00 MB (ratio 0.00:1)
Time: 10.5 sec (0 m 10 s)
Start Date: 2026:01:02 09:59:49
End Date:   2026:01:02 10:00:00""".encode().splitlines()


def found(image: str, path: str, signature: str = "Eicar-Test") -> bytes:
    return f"/scan/{image}{path}: {signature} FOUND".encode()


def read(*lines: bytes) -> list[Event]:
    return events_of(ClamavFormat(OPTIONS), *lines)


def malware(events: list[Event]) -> list[tuple[str, list[str]]]:
    facts = [event for event in events if event["event.action"] == "facts"]
    return [(event["entity.id"], event.get("container.image.malware", [])) for event in facts]


def test_what_is_found_in_an_image_is_a_fact_of_it_and_one_alert() -> None:
    facts, alert = read(found(ONE, "/usr/bin/x"), found(ONE, "/a: b", "Miner"), found(ONE, "/usr/bin/x"), *summary())
    assert facts["entity.id"] == f"image:{ONE}"
    assert facts["container.image.id"] == ONE
    assert facts["container.image.malware"] == ["Eicar-Test /usr/bin/x", "Miner /a: b"]
    assert facts["container.image.scan.scanners"] == ["clamav"]
    assert (facts["container.image.scan.outcome"], facts["container.image.scan.time"]) == ("success", TIME)
    assert (alert["event.action"], alert["rule.level"]) == ("image-malware", "critical")


def test_an_image_in_which_nothing_was_found_is_clean() -> None:
    ok = f"/scan/{TWO}/bin/sh: OK".encode()
    assert malware(read(ok, found(ONE, "/x"), *summary(), ok, *summary())) == [
        (f"image:{TWO}", []),
        (f"image:{ONE}", ["Eicar-Test /x"]),
        (f"image:{TWO}", []),
    ]


@pytest.mark.parametrize("separator", [":", "-", "_", "/"])
def test_the_id_may_be_written_as_a_file_name_may(separator: str) -> None:
    line = found(ONE.replace(":", separator) + ".tar", "")
    assert malware(read(line, *summary())) == [(f"image:{ONE}", ["Eicar-Test /"])]


def test_what_could_not_be_scanned_is_a_failure() -> None:
    denied = f"/scan/{ONE}/etc/shadow: Permission denied".encode()
    assert read(denied, *summary())[0]["container.image.scan.outcome"] == "failure"
    assert read(found(ONE, "/x"), *summary(errors=2))[0]["container.image.scan.outcome"] == "failure"


def test_a_find_on_the_host_is_an_alert_of_its_own() -> None:
    (alert,) = read(b"Fri Jan  2 10:00:00 2026 -> /srv/upload/x: Eicar-Test FOUND")
    assert (alert["entity.id"], alert["@timestamp"]) == ("host:node-1", TIME)
    assert (alert["file.path"], alert["rule.name"], alert["event.action"]) == ("/srv/upload/x", "Eicar-Test", "malware")


def test_without_a_summary_finds_are_told_too_and_each_time_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    format_ = ClamavFormat(OPTIONS)
    assert format_.parse(Record(found(ONE, "/x"), "f:1", {"line": 1}, 1)) == []
    assert (format_.held, format_.flush()) == ({}, [])
    late = time.monotonic() + 60
    monkeypatch.setattr(clamav, "monotonic", lambda: late)
    facts, _ = format_.flush()
    assert isinstance(facts.result, dict)
    assert format_.held is None
    format_.parse(Record(found(ONE, "/y"), "f:2", {"line": 2}, 2))
    assert format_.held == {"line": 1}
    again, _ = format_.flush(final=True)
    assert isinstance(again.result, dict)
    assert again.result["container.image.malware"] == ["Eicar-Test /x", "Eicar-Test /y"]
    assert [record.line for record in again.records] == [2]


def test_only_so_much_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clamav, "_MAX_HELD_BYTES", 500)
    format_ = ClamavFormat(OPTIONS)
    given_out = [
        outcome
        for number in range(20)
        for outcome in format_.parse(Record(found(ONE, f"/{number}"), "f", {"line": number}, number))
    ]
    assert given_out
    assert all(isinstance(outcome, Outcome) for outcome in given_out)


@pytest.mark.parametrize(
    "line",
    [
        b"/srv/x: OK",
        b"/srv/x: Empty file",
        b"Scanning /srv/x",
        b"LibClamAV Warning: something",
        b"ERROR: Can't access file /x",
        b"/srv/x: Can't open file or directory ERROR",
        b"/srv/x: moved to '/quarantine/x'",
        *summary(),
    ],
)
def test_other_lines_are_left_out(line: bytes) -> None:
    assert read(line) == []


@pytest.mark.parametrize("line", [b"noise", b"{}", b"FOUND", b"x FOUND"])
def test_what_clamav_does_not_print_is_a_dead_letter(line: bytes) -> None:
    (result,) = results_of(ClamavFormat(OPTIONS), line)
    assert isinstance(result, Invalid)


@given(
    st.lists(
        st.sampled_from([found(ONE, "/x"), found(TWO, "/y"), *summary(), b"/x: OK", b"noise", b"", b"/x: A FOUND"]),
        max_size=40,
    )
)
def test_every_line_is_accounted_for(lines: list[bytes]) -> None:
    results_of(ClamavFormat(OPTIONS), *lines)


def test_reads_what_a_real_clamscan_prints(tmp_path: Path) -> None:
    if shutil.which("clamscan") is None:
        pytest.skip("clamscan is not installed: apt-get install clamav")
    root = tmp_path / ONE / "bin"
    root.mkdir(parents=True)
    (root / "bad").write_text("a marker-of-evil in it")
    (root / "good").write_text("nothing")
    signatures = tmp_path / "own.ndb"
    signatures.write_text(f"Own.Signature:0:*:{b'marker-of-evil'.hex()}\n")
    command = ["clamscan", "--recursive", f"--database={signatures}", str(tmp_path / ONE)]
    printed = subprocess.run(command, check=False, capture_output=True, timeout=300).stdout
    assert malware(read(*printed.splitlines())) == [(f"image:{ONE}", ["Own.Signature.UNOFFICIAL /bin/bad"])]
