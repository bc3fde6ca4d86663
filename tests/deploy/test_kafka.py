"""What people publish and read, on a real Kafka."""

from __future__ import annotations

import pytest

from deploy.kafka import (
    Place,
    create_topics,
    following,
    partitions_of,
    publish,
    publish_all,
    read_all,
    read_partition,
)
from schemas.errors import ConfigurationError
from schemas.settings import KafkaSettings
from schemas.topics import partition_of

KEYS = ("container:/shop/app/app", "container:/shop/web/web", "host:node-1", "user:/alice")


@pytest.fixture
def settings(kafka: str, prefix: str) -> KafkaSettings:
    found = KafkaSettings(bootstrap_servers=kafka, topic_prefix=f"{prefix}.", partitions=3, client={"log_level": 2})
    create_topics(found)
    return found


@pytest.mark.services
def test_what_is_published_lies_in_the_partition_of_its_key_and_says_where(settings: KafkaSettings) -> None:
    places = publish_all(settings, "control", [(key, key.encode()) for key in (*KEYS, KEYS[0])])
    numbers = [partition_of(key.encode(), 3) for key in KEYS]
    assert [place.partition for place in places] == [*numbers, numbers[0]]
    assert places[-1].offset > places[0].offset
    assert str(places[0]) == f"{settings.topic('control')}/{numbers[0]}/0"
    assert {number for number, _ in read_all(settings, "control")} == set(numbers)
    found = list(read_partition(settings, "control", numbers[0]))
    assert found.count((KEYS[0].encode(), KEYS[0].encode())) == 2
    assert {key for key, _ in found} == {key.encode() for key in KEYS if partition_of(key.encode(), 3) == numbers[0]}


@pytest.mark.services
def test_a_follower_has_all_that_is_committed_after_it_was_made_and_nothing_else(settings: KafkaSettings) -> None:
    publish(settings, "control", KEYS[0], b"before")
    with following(settings, ("control", "deadletters")) as follower:
        publish(settings, "control", KEYS[0], b"behind")
        publish(settings, "deadletters", "correlate", b"letter")
        found: set[tuple[str, bytes, bytes | None]] = set()
        while len(found) < 2:
            found |= set(follower.poll(0.1))
    assert found == {("control", KEYS[0].encode(), b"behind"), ("deadletters", b"correlate", b"letter")}


@pytest.mark.services
def test_topics_that_are_not_there_are_said(
    settings: KafkaSettings, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.kafka._ANSWER_SECONDS", 1.0)
    assert partitions_of(settings, "control") == 3
    assert partitions_of(settings, "policies") == 1
    other = settings.model_copy(update={"topic_prefix": f"{prefix}-other."})
    with pytest.raises(ConfigurationError, match="`tidewaiter up` creates the topics"):
        publish(other, "control", KEYS[0], b"x")


@pytest.mark.services
def test_a_record_that_is_too_large_says_what_to_raise(settings: KafkaSettings) -> None:
    with pytest.raises(ConfigurationError, match=r"user:/alice has 9000000 bytes.*message\.max\.bytes"):
        publish(settings, "control", "user:/alice", b"x" * 9_000_000)


def test_a_kafka_that_does_not_answer_is_said_once_and_why(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("deploy.kafka._ANSWER_SECONDS", 0.2)
    nowhere = KafkaSettings(bootstrap_servers="127.0.0.1:1")
    with pytest.raises(ConfigurationError, match=r"not answer at 127\.0\.0\.1:1 .*Connection refused.*tidewaiter up"):
        publish(nowhere, "control", KEYS[0], b"x")
    assert capfd.readouterr().err == ""


def test_a_place_is_written_as_dead_letters_write_it() -> None:
    assert str(Place("tidewaiter.control", 3, 42)) == "tidewaiter.control/3/42"
