from __future__ import annotations

import pytest
from confluent_kafka import KafkaException

from schemas.deadletter import DeadLetter
from schemas.topics import Name
from streams.correlate.output import Output
from streams.kafka import is_fenced, transactional_producer
from tests.streams.correlate.lab import lab_of

pytestmark = pytest.mark.services


def test_what_is_written_at_once_is_committed_together_in_the_partition_of_the_writer(kafka: str, prefix: str) -> None:
    lab = lab_of(kafka, prefix)
    letter = DeadLetter.of(stage="correlate", process="correlate-0", place="x/1/2", error="bad", data=b"data")
    Output(lab.kafka, 1).write(
        [("baselines", b"a", b"1"), ("control", b"b", b"2"), ("baselines", b"a", b"3")], [letter]
    )
    assert [(number, key, value) for number, _, key, value in lab.records("baselines")] == [
        (1, b"a", b"1"),
        (1, b"a", b"3"),
    ]
    assert [(number, key, value) for number, _, key, value in lab.records("control")] == [(1, b"b", b"2")]
    assert lab.letters() == [letter]


def test_a_later_writer_of_the_partition_fences_an_earlier_one(kafka: str, prefix: str) -> None:
    lab = lab_of(kafka, prefix)
    earlier, other = Output(lab.kafka, 0), Output(lab.kafka, 1)
    earlier.write([("baselines", b"key", b"earlier")])
    later = Output(lab.kafka, 0)
    with pytest.raises(KafkaException) as caught:
        earlier.write([("baselines", b"key", b"too late")])
    assert is_fenced(caught.value)
    later.write([("baselines", b"key", b"later")])
    other.write([("baselines", b"other", b"untouched")])
    assert [value for *_, value in lab.records("baselines")] == [b"earlier", b"later", b"untouched"]


def test_what_an_earlier_writer_left_open_is_gone_when_the_later_one_is_there(kafka: str, prefix: str) -> None:
    lab = lab_of(kafka, prefix)
    dead = transactional_producer(lab.kafka, f"{lab.kafka.topic_prefix}correlate-0000")
    dead.init_transactions(30)
    dead.begin_transaction()
    dead.produce(lab.kafka.topic("baselines"), key=b"key", value=b"open", partition=0)
    dead.flush()
    later = Output(lab.kafka, 0)
    later.write([("baselines", b"key", b"later")])
    assert [value for *_, value in lab.records("baselines")] == [b"later"]


@pytest.mark.parametrize("topic", ["activities", "verdicts"])
def test_other_topics_are_not_written_and_nothing_beside_them(kafka: str, prefix: str, topic: Name) -> None:
    lab = lab_of(kafka, prefix)
    output = Output(lab.kafka, 0)
    with pytest.raises(ValueError, match=f"baselines, control, .*, not {topic}"):
        output.write([("baselines", b"a", b"1"), (topic, b"b", b"2")])
    output.write([("baselines", b"a", b"3")])
    assert [value for *_, value in lab.records("baselines")] == [b"3"]
