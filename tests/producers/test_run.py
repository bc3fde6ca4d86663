from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from producers.formats.auditd import AuditdFormat
from producers.origins.docker import ContainerAddresses, DockerOrigin
from producers.run import CollectOptions, _format, _origin, collect
from schemas.errors import ConfigurationError
from schemas.settings import CollectorSettings, Settings

FALCO_ALERT = json.dumps(
    {"rule": "x", "output": "y", "priority": "Notice", "time": "2026-01-02T10:00:00Z", "output_fields": {}}
)


def options(**changes: Any) -> CollectOptions:
    return CollectOptions(**({"collector_id": "shop", "format_name": "falco"} | changes))


def test_recording_a_file_needs_no_kafka(tmp_path: Path) -> None:
    source, recording = tmp_path / "alerts.json", tmp_path / "recording.ndjson"
    source.write_text(FALCO_ALERT + "\n")
    before = signal.getsignal(signal.SIGTERM)
    collected = collect(Settings(), options(file=source, follow=False, record=recording))
    assert collected.records == 1
    assert json.loads(recording.read_text())["line"] == FALCO_ALERT
    assert signal.getsignal(signal.SIGTERM) is before


def test_recording_standard_input_goes_through_the_spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, recording = tmp_path / "alerts.json", tmp_path / "recording.ndjson"
    source.write_text("one\ntwo\n")
    with source.open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        collect(Settings(state_directory=tmp_path), options(stdin=True, record=recording))
    assert [json.loads(line)["line"] for line in recording.read_text().splitlines()] == ["one", "two"]
    assert (tmp_path / "spool" / "shop.sqlite").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "exactly one source"),
        ({"stdin": True, "listen": "127.0.0.1:1"}, "exactly one source"),
        ({"stdin": True, "collector_id": "Shop/1"}, "cannot be a collector id"),
        ({"stdin": True, "format_name": "nonsense"}, "choose one of"),
        ({"listen": "8080"}, "ADDRESS:PORT"),
        ({"listen": "127.0.0.1:http"}, "ADDRESS:PORT"),
        ({"listen": "127.0.0.1:0"}, "PUSH_TOKEN"),
        ({"engine": "ftp://engine"}, "no engine's address"),
        ({"stdin": True, "peers": "unix:///x"}, "--peers is for auditd"),
        ({"stdin": True, "format_name": "auditd", "peers": "unix:///x"}, "--peers is for auditd"),
        ({"file": Path("/x"), "format_name": "auditd", "peers": "ftp://x"}, "no engine's address"),
        ({"engine": "http://127.0.0.1:1", "format_name": "docker", "record": Path("/dev/null")}, "no engine answers"),
    ],
)
def test_options_that_cannot_work_are_said(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    settings = Settings(state_directory=tmp_path, collector=CollectorSettings(push_token=None))
    with pytest.raises(ConfigurationError, match=message):
        collect(settings, options(**changes))


@pytest.mark.parametrize("engine", ["/run/podman/podman.sock", "unix:///run/podman/podman.sock"])
def test_an_engine_may_be_named_by_the_path_of_its_socket(engine: str, tmp_path: Path) -> None:
    origin = _origin(Settings(state_directory=tmp_path), options(engine=engine), None)
    assert isinstance(origin, DockerOrigin)
    assert origin._engine.address == "unix:///run/podman/podman.sock"
    origin.close()


def test_live_audit_records_may_ask_an_engine_for_their_peers() -> None:
    format_ = _format(options(file=Path("/x"), format_name="auditd", peers="/run/podman/podman.sock"))
    assert isinstance(format_, AuditdFormat)
    peers = format_._options.peers
    assert isinstance(peers, ContainerAddresses)
    assert peers._engine.address == "unix:///run/podman/podman.sock"
    peers.close()


def test_an_engines_containers_are_measured_unless_that_is_turned_off(tmp_path: Path) -> None:
    for changes, seconds in (({}, 30.0), ({"stats_seconds": 0.0}, 0.0)):
        origin = _origin(Settings(state_directory=tmp_path), options(engine="unix:///x", **changes), None)
        assert isinstance(origin, DockerOrigin)
        assert origin._stats_seconds == seconds
        origin.close()


def test_records_are_live_where_their_source_is_of_this_host_and_now(tmp_path: Path) -> None:
    file = tmp_path / "x"
    assert options(file=file).is_live()
    assert options(socket=file).is_live()
    assert options(engine="unix:///x").is_live()
    assert not options(file=file, follow=False).is_live()
    assert not options(listen="127.0.0.1:1").is_live()
    assert not options(stdin=True).is_live()
    assert options(stdin=True, live=True).is_live()
    assert not options(file=file, live=False).is_live()
