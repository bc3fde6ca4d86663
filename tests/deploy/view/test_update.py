"""The view on a real Kafka: it goes on where it was, whatever becomes of it, or is made anew where that is not enough."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import Any, Final

import pytest
from confluent_kafka import Producer
from hypothesis import given
from hypothesis import strategies as st

from deploy.kafka import create_topics, delete_topics
from deploy.view import update as module
from deploy.view.read import activities, entities, refuse_unreadable, unreadable
from deploy.view.schema import TABLES
from deploy.view.store import Store
from deploy.view.update import following
from schemas.alert import STATES
from schemas.errors import ConfigurationError
from schemas.settings import KafkaSettings, Settings
from schemas.topics import TOPICS, partition_of
from streams.kafka import transactional_producer
from tests.deploy.view.lab import NOON, Said, activity, alert, container, contents_of, figures, shared
from tests.streams.judge.lab import Message

pytestmark = pytest.mark.services

KILLS: Final = int(os.environ.get("TIDEWAITER_KILLS", "3"))
ROUND: Final = 2_000
PARTITIONS: Final = 2
QUIET: Final[dict[str, str | int | bool]] = {"log_level": 2}
ROOT: Final = Path(__file__).parents[3]


@dataclass(slots=True)
class Lab:
    """Topics of a test's own, and a view in a directory of its own."""

    settings: Settings
    read: int = 0

    def send(self, records: list[Said], producer: Producer | None = None) -> None:
        kafka = self.settings.kafka
        sender = producer or Producer(kafka.client_configuration())
        for topic, key, value in records:
            number = partition_of(key, TOPICS[topic].partitions or PARTITIONS)
            sender.produce(kafka.topic(topic), key=key, value=value, partition=number)
            sender.poll(0)
        assert sender.flush(60) == 0

    def contents(self, **options: bool) -> dict[str, list[tuple[Any, ...]]]:
        with following(self.settings, TABLES, progress=self._progress, **options) as view:
            return contents_of(view)

    def _progress(self, _: str, records: int) -> None:
        self.read = records

    @property
    def environment(self) -> dict[str, str]:
        kafka = self.settings.kafka
        return {
            "TIDEWAITER_KAFKA__BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
            "TIDEWAITER_KAFKA__TOPIC_PREFIX": kafka.topic_prefix,
            "TIDEWAITER_KAFKA__CLIENT": json.dumps(QUIET),
            "TIDEWAITER_STATE_DIRECTORY": str(self.settings.state_directory),
        }


@pytest.fixture
def lab(kafka: str, prefix: str, tmp_path: Path) -> Iterator[Lab]:
    settings = KafkaSettings(bootstrap_servers=kafka, topic_prefix=f"{prefix}.", partitions=PARTITIONS, client=QUIET)
    create_topics(settings)
    yield Lab(Settings(kafka=settings, state_directory=tmp_path))
    delete_topics(settings)


def made_up(numbers: range) -> list[Said]:
    """Return records of a few keys each, with what replaces and removes them."""
    chosen = random.Random(numbers.start)
    return [record for number in numbers for record in _records(number, gone=chosen.randrange(10) == 0)]


def _records(number: int, *, gone: bool) -> list[Said]:
    name = f"{number * 7919 % 1_000:012x}"
    made = [
        container(name, container__image__id=f"sha256:{number % 7}", seen=f"2026-06-01T12:00:00.{number:09d}Z"),
        activity(
            f"container:prod/shop/app/{name}", {"event.action": "exec", "process.name": str(number % 50)}, count=number
        ),
        shared(
            f"image:sha256:{number % 300}",
            "trivy",
            {"container.image.vulnerabilities": [f"low fixable CVE-{number} x"]},
        ),
        alert(f"{number % 40:04d}", STATES[number % 3]),
        figures(f"2026-11-27T{number % 24:02d}", series=number % 3, gaps=number),
    ]
    return [(topic, key, None) for topic, key, _ in made] if gone else made


def test_a_view_goes_on_where_it_was_and_equals_one_that_is_made_anew(lab: Lab) -> None:
    lab.send(made_up(range(100)))
    first = lab.contents()
    lab.send(made_up(range(100, 150)))
    second = lab.contents()
    assert lab.read <= 50
    assert first != second == lab.contents(rebuild=True)
    assert lab.contents() == second


def test_aborted_records_are_not_in_it_and_committed_ones_are_waited_for(lab: Lab) -> None:
    producer = transactional_producer(lab.settings.kafka, f"{lab.settings.kafka.topic_prefix}judge")
    producer.init_transactions(30)
    producer.begin_transaction()
    lab.send([container("aaaaaaaaaaaa")], producer)
    producer.abort_transaction(30)
    producer.begin_transaction()
    lab.send([container("bbbbbbbbbbbb")], producer)
    producer.commit_transaction(30)
    with following(lab.settings, TABLES) as view:
        assert [one.entity for one in entities(view)] == ["bbbbbbbbbbbb"]


def test_records_that_cannot_be_read_are_told_and_passed_over(lab: Lab) -> None:
    lab.send([("activities", b"no row", b"{}"), container("aaaaaaaaaaaa"), ("alerts", b"[]", b"[]")])
    with following(lab.settings, TABLES) as view:
        assert len(list(entities(view))) == 1
        told = "2 records cannot be read (the first: topic activities, key no row: not the key of a row"
        assert unreadable(view, [*TABLES]).startswith(told)
        assert unreadable(view, ["kpi", "judge-state"]) == ""
        with pytest.raises(ConfigurationError, match=r"^1 record cannot .* not an alert .*; run the version"):
            refuse_unreadable(view, "alerts")


@pytest.mark.parametrize("mended", [b"{}", None])
def test_what_replaces_or_removes_a_record_that_could_not_be_read_mends_it(lab: Lab, mended: bytes | None) -> None:
    topic, key, value = alert("abc")
    lab.send([(topic, key, b"{}"), ("kpi", b"nonsense", None)])
    with following(lab.settings, TABLES) as view:
        assert unreadable(view, [*TABLES]).startswith("1 record cannot be read (topic alerts, key abc: not an alert")
    lab.send([(topic, key, mended and value)])
    with following(lab.settings, TABLES) as view:
        assert unreadable(view, [*TABLES]) == ""
        assert len(contents_of(view)["alerts"]) == (mended is not None)


def test_topics_that_were_made_anew_make_it_anew(lab: Lab) -> None:
    lab.send([container("aaaaaaaaaaaa"), container("bbbbbbbbbbbb")])
    assert len(lab.contents()["entities"]) == 2
    delete_topics(lab.settings.kafka)
    create_topics(lab.settings.kafka)
    lab.send([container("cccccccccccc"), container("dddddddddddd"), container("eeeeeeeeeeee")])
    assert [row[0] for row in lab.contents()["entities"]] == ["cccccccccccc", "dddddddddddd", "eeeeeeeeeeee"]


def test_a_place_that_topics_do_not_hold_makes_it_anew(lab: Lab) -> None:
    lab.send([container("aaaaaaaaaaaa")])
    before = lab.contents()
    change(lab, "UPDATE positions SET position = 1000000 WHERE topic = 'judge-state'")
    change(lab, "DELETE FROM entities")
    assert lab.contents() == before


def test_a_view_that_was_not_read_for_long_may_have_missed_a_tombstone_and_is_made_anew(lab: Lab) -> None:
    lab.send([container("aaaaaaaaaaaa")])
    lab.contents()
    change(lab, "DELETE FROM entities")
    assert lab.contents()["entities"] == []
    change(lab, "UPDATE topics SET read = read - 80000 WHERE topic = 'judge-state'")
    assert len(lab.contents()["entities"]) == 1


def test_only_the_topics_that_are_asked_for_are_read(lab: Lab) -> None:
    lab.send([container("aaaaaaaaaaaa"), shared("secret:a/b", "vault", {"secret.type": "kv"})])
    with following(lab.settings, ["judge-state"]) as view:
        assert [len(contents_of(view)[table]) for table in ("entities", "shared")] == [1, 0]
    change(lab, "UPDATE topics SET read = read - 80000")
    with following(lab.settings, ["shared-facts"]) as view:
        assert [len(contents_of(view)[table]) for table in ("entities", "shared")] == [1, 1]


def change(lab: Lab, statement: str) -> None:
    connection = sqlite3.connect(lab.settings.state_directory / "view" / "view.sqlite", isolation_level=None)
    connection.execute(statement)
    connection.close()


def test_a_view_of_another_version_and_a_file_that_is_none_are_made_anew(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.send([container("aaaaaaaaaaaa")])
    before = lab.contents()
    monkeypatch.setattr(module, "version_of_view", lambda: "another")
    lab.read = 0
    assert lab.contents() == before
    assert lab.read == 1 or before["entities"]
    for name in ("view.sqlite-wal", "view.sqlite-shm"):
        (lab.settings.state_directory / "view" / name).unlink(missing_ok=True)
    (lab.settings.state_directory / "view" / "view.sqlite").write_bytes(b"no database " * 1_000)
    assert lab.contents() == before


def test_where_it_cannot_be_kept_it_is_said_what_to_do(lab: Lab) -> None:
    (lab.settings.state_directory / "view" / "view.sqlite").mkdir(parents=True)
    with pytest.raises(ConfigurationError, match=r"cannot be kept in .*unable to open.*set state_directory"):
        lab.contents()
    lab.settings = lab.settings.model_copy(update={"state_directory": Path(__file__)})
    with pytest.raises(ConfigurationError, match=r"cannot be kept in .*(File exists|Not a directory)"):
        lab.contents()


def test_what_is_read_stays_as_it_was_while_others_bring_it_up_to_date(lab: Lab) -> None:
    lab.send([container("aaaaaaaaaaaa")])
    with following(lab.settings, TABLES) as view:
        lab.send([container("bbbbbbbbbbbb")])
        assert len(lab.contents()["entities"]) == 2
        assert len(list(entities(view))) == 1


def test_killed_again_and_again_it_equals_one_that_is_made_anew(lab: Lab) -> None:
    moments = ("shared-facts", "judge-state", "", "activities")
    for kill in range(KILLS):
        before, topic = positions(lab), moments[kill % len(moments)]
        lab.send(made_up(range(kill * ROUND, (kill + 1) * ROUND)))
        with follower(lab) as process:
            if topic:  # in the midst of an update, as soon as it has written something of this topic
                wait_until_read(lab, topic, before.get(topic, 0), process)
            else:
                assert process.stdout is not None
                assert process.stdout.readline()
            process.kill()
    lab.send([container("ffffffffffff", seen=NOON)])
    assert lab.contents() == lab.contents(rebuild=True)


def follower(lab: Lab) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.deploy.view.follow_process"]
    return subprocess.Popen(command, cwd=ROOT, env={**os.environ, **lab.environment}, stdout=subprocess.PIPE)


def positions(lab: Lab) -> dict[str, int]:
    """Return how far the view has come, as a transaction of it has written it."""
    path = lab.settings.state_directory / "view" / "view.sqlite"
    if not path.exists():
        return {}
    connection = sqlite3.connect(path, timeout=30)
    try:
        return dict(connection.execute("SELECT topic, sum(position) FROM positions GROUP BY topic"))
    except sqlite3.OperationalError:  # it is being made
        return {}
    finally:
        connection.close()


def wait_until_read(lab: Lab, topic: str, before: int, process: subprocess.Popen[bytes]) -> None:
    while positions(lab).get(topic, 0) <= before:
        assert process.poll() is None
        sleep(0.002)


def test_a_record_that_cannot_be_read_leaves_nothing_of_what_it_replaced() -> None:
    store = Store(Path(":memory:"))
    store.create({})
    batch = module._Batch(store, "activities", lambda *_: None)
    for _, key, value in (activity("host:a", {"event.action": "exec"}), activity("host:b", {"event.action": "exec"})):
        batch.take(Message(0, key, value))
    batch.take(Message(1, activity("host:a", {"event.action": "exec"})[1], b"{}"))
    batch.take(Message(2, b"no key of a row", b"{}"))
    batch.write({0: 3})
    assert batch.read == 4
    assert len(store.unreadable("activities")) == 2
    assert [one.principal for one in activities(store.connection)] == ["host:b"]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["readable", "unreadable", "gone", "written"]))))
def test_what_cannot_be_read_is_what_stands_last(steps: list[tuple[str, str]]) -> None:
    store = Store(Path(":memory:"))
    store.create({})
    batch, stands = module._Batch(store, "alerts", lambda *_: None), dict.fromkeys("ab", "gone")
    for number, (key, what) in enumerate(steps):
        if what == "written":
            batch.write({0: number})
        else:
            stands[key] = what
            values = {"readable": alert(key)[2], "unreadable": b"{}", "gone": None}
            batch.take(Message(number, key.encode(), values[what]))
    batch.write({0: -1})
    assert store.unreadable("alerts") == {key.encode() for key, what in stands.items() if what == "unreadable"}
    kept = [row[0] for row in contents_of(store.connection)["alerts"]]
    assert kept == [key for key, what in sorted(stands.items()) if what == "readable"]
