from __future__ import annotations

from pathlib import Path

import pytest

from deploy.demo import recording as module
from deploy.demo.recording import Recording
from producers.formats import FORMATS
from producers.normalise import Normaliser, records_of
from producers.types import FormatOptions
from schemas.codec import Event
from schemas.errors import ConfigurationError, Invalid

LIMIT_BYTES = 3_000_000


def events_of(recording: Recording, name: str) -> list[Event]:
    lines = [record["line"].encode() for record in recording.records() if record["format"] == name]
    normaliser = Normaliser(FORMATS[name](FormatOptions(cluster="shop", host="shop-host-1")))
    results = [result for _, result in normaliser.run(records_of(lines, name))]
    assert not [result for result in results if isinstance(result, Invalid)]
    return [result for result in results if isinstance(result, dict)]


@pytest.fixture(scope="module")
def audit() -> list[Event]:
    return events_of(Recording.shipped(), "auditd")


def test_an_overwritten_program_is_seen_with_both_hashes(audit: list[Event]) -> None:
    hashes = {event.get("process.hash.sha256") for event in audit if event.get("process.executable") == "/usr/bin/gzip"}
    assert len(hashes - {None}) == 2


def test_nearly_every_program_has_its_hash(audit: list[Event]) -> None:
    execs = [event for event in audit if event["event.action"] == "exec"]
    hashed = [event for event in execs if "process.hash.sha256" in event]
    assert len(hashed) > 0.98 * len(execs)


def test_the_services_know_each_other_by_name(audit: list[Event]) -> None:
    peers = {event["peer.workload"] for event in audit if "peer.workload" in event}
    assert peers == {"shop/shop/app", "shop/shop/cache", "shop/shop/database"}


def test_what_containers_use_was_measured() -> None:
    events = [event for event in events_of(Recording.shipped(), "docker") if event["event.dataset"] == "docker.stats"]
    assert {"cpu", "memory", "pids", "network.sent"} <= {event["resource.metric"] for event in events}


def test_the_steps_of_the_attack_come_behind_its_start() -> None:
    recording = Recording.shipped()
    assert "overwritten" in " ".join(step.what for step in recording.steps)
    assert all(step.time >= recording.attack_start for step in recording.steps)
    assert {change.change for change in recording.changes} == {"restart", "scale-up", "scale-down", "name-server-pause"}


def test_the_normal_hour_has_a_rollout_and_no_attack() -> None:
    hour = Recording.normal_hour()
    assert hour.steps == ()
    assert {change.change for change in hour.changes} == {"restart", "scale-up", "scale-down", "rollout"}
    times = [record["time"] for record in hour.records()]
    assert max(times) - min(times) > 3_660_000


def test_both_are_small() -> None:
    assert sum(path.stat().st_size for path in module.DIRECTORY.iterdir()) < LIMIT_BYTES


def test_a_missing_recording_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DIRECTORY", tmp_path)
    with pytest.raises(ConfigurationError, match="install Tidewaiter again"):
        Recording.normal_hour()
