from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from deploy.stack.errors import ChildCrashed
from deploy.stack.settings import StackSettings
from deploy.stack.stack import Stack

pytestmark = pytest.mark.services


@pytest.fixture
def settings() -> Iterator[StackSettings]:
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        yield StackSettings(
            state_directory=Path(directory), kafka_port=0, kafka_controller_port=0, elasticsearch_port=0
        )


def test_a_stack_stores_a_transaction_and_a_document_and_tells_of_a_killed_server(settings: StackSettings) -> None:
    messages: list[str] = []
    stack = Stack(settings, foreground=True, progress=messages.append)
    with stack:
        assert [status.name for status in stack.status() if status.running] == ["elasticsearch", "kafka"]
        assert produce_and_consume(stack.kafka) == b"seen"
        assert index_and_count(stack.elasticsearch) == 1
        kill(stack, "kafka")
        with pytest.raises(ChildCrashed, match=r"^kafka was killed by SIGKILL: .+ \(log: .+/logs/kafka\.log\)$"):
            stack.supervisor.check()
        processes = [psutil.Process(status.process_id) for status in stack.status() if status.running]
    assert stack.status() == ()
    assert [process for process in processes if process.is_running()] == []
    assert [message for message in messages if "ready" in message]


def produce_and_consume(bootstrap_servers: str) -> object:
    admin = AdminClient({"bootstrap.servers": bootstrap_servers})
    admin.create_topics([NewTopic("tried", 1, 1)])["tried"].result()
    producer = Producer({"bootstrap.servers": bootstrap_servers, "transactional.id": "try"})
    producer.init_transactions()
    for value, finish in ((b"aborted", producer.abort_transaction), (b"seen", producer.commit_transaction)):
        producer.begin_transaction()
        producer.produce("tried", value)
        producer.flush()
        finish()
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": "try",
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
        }
    )
    consumer.subscribe(["tried"])
    messages = consumer.consume(1, timeout=60)
    consumer.close()
    return messages[0].value()


def index_and_count(base_url: str) -> int:
    httpx.put(f"{base_url}/tried/_create/1", params={"refresh": "true"}, json={"process.pid": 1}).raise_for_status()
    count: int = httpx.get(f"{base_url}/tried/_count").raise_for_status().json()["count"]
    return count


def kill(stack: Stack, name: str) -> None:
    process_id = next(status.process_id for status in stack.status() if status.name == name)
    os.kill(process_id, signal.SIGKILL)
    while next(status.running for status in stack.status() if status.name == name):
        pass
