from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import zstandard

from deploy.kafka import create_topics, publish_all
from deploy.known import principals_of_topic
from deploy.recorded import records_of_file, records_of_period
from schemas.codec import dumps, encode_event
from schemas.errors import ConfigurationError, Invalid
from schemas.settings import KafkaSettings
from tests.deploy.test_rejudge import event

EVENTS = [event(number) for number in range(3)]
LINES = b"".join(encode_event(one) + b"\n" for one in EVENTS)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.ndjson", LINES),
        ("a.ndjson.gz", gzip.compress(LINES)),
        ("a.zst", zstandard.compress(LINES)),
        ("frames.zst", zstandard.compress(LINES[:100]) + zstandard.compress(LINES[100:])),
        ("gaps", b"\n" + LINES.replace(b"\n", b"\n\n")),
    ],
)
def test_files_are_read_again_and_again(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    records = records_of_file(tmp_path / name)
    assert list(records()) == list(records()) == EVENTS


def test_rows_of_a_trial_are_records_too(tmp_path: Path) -> None:
    row = b'{"input.line":7,"verdict.policy":null,' + encode_event(EVENTS[0])[1:]
    (tmp_path / "a").write_bytes(row)
    assert list(records_of_file(tmp_path / "a")()) == EVENTS[:1]


def test_what_is_no_event_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b'{"a": 1}\nnot json\n[]\n' + LINES)
    found = list(records_of_file(tmp_path / "a")())
    faults = [str(one) for one in found if isinstance(one, Invalid)]
    assert [fault.partition(": ")[0] for fault in faults] == [f"{tmp_path}/a:{number}" for number in (1, 2, 3)]
    assert found[3:] == EVENTS


@pytest.mark.parametrize(("name", "content"), [("a.gz", b"no"), ("a.zst", b"no"), ("b.gz", gzip.compress(LINES)[:-9])])
def test_a_broken_file_is_a_clear_error(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        list(records_of_file(tmp_path / name)())
    with pytest.raises(ConfigurationError, match="cannot be read"):
        list(records_of_file(tmp_path / "missing")())


def test_a_time_that_is_none_is_a_clear_error() -> None:
    with pytest.raises(ConfigurationError, match="`soon` is no time"):
        records_of_period(KafkaSettings(), "soon", "")


@pytest.mark.services
def test_a_period_is_read_from_verdicts(kafka: str, prefix: str) -> None:
    settings = KafkaSettings(bootstrap_servers=kafka, topic_prefix=f"{prefix}.", partitions=2, client={"log_level": 2})
    create_topics(settings)
    events = [event(number, entity=f"c0ffee00000{number}") for number in range(6)]
    publish_all(settings, "verdicts", [(one["entity.id"], encode_event(one)) for one in events])

    def numbers(first: str, last: str) -> list[int]:
        found = [one for one in records_of_period(settings, first, last)() if not isinstance(one, Invalid)]
        return sorted(int(one["event.id"].rpartition(":")[2]) for one in found)

    assert numbers("", "") == [0, 1, 2, 3, 4, 5]
    assert numbers("2026-05-31T10:00:02Z", "2026-05-31T10:00:04Z") == [2, 3]
    assert numbers("", "2026-05-31T10:00:01.5Z") == [0, 1]
    assert numbers("2100-01-01T00:00:00Z", "") == []


@pytest.mark.services
def test_principals_are_those_of_whom_activities_tells(kafka: str, prefix: str) -> None:
    settings = KafkaSettings(bootstrap_servers=kafka, topic_prefix=f"{prefix}.", partitions=2, client={"log_level": 2})
    create_topics(settings)
    row = dumps({"workload.namespace": "shop", "activity.count": 1, "process.executable": "/x"})
    publish_all(settings, "activities", [("container:lab/shop/web/web|1|2|0", row), ("host:a|1|2|0", b"{}")])
    assert principals_of_topic(settings) == {
        "container:lab/shop/web/web": {"workload.namespace": "shop"},
        "host:a": {},
    }
