"""What the tests of the sinks share: records as the judge writes them, topics of their own, and a look at what arrived."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

import httpx
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from schemas.codec import dumps
from schemas.deadletter import DeadLetter, decode_deadletter
from schemas.event import now
from schemas.settings import ElasticsearchSettings, KafkaSettings, Settings
from sinks.kafka import group_of
from sinks.ledger import patiently
from sinks.mark import Totals
from sinks.run import deliver, read_totals
from sinks.runner import Pace

ROOT = Path(__file__).parent.parent.parent
PATIENCE_SECONDS = 120.0
QUICK = Pace(commit_seconds=0.2, pause_after_seconds=0.3, drain_seconds=5)


def event_id(number: int, partition: int = 0) -> str:
    return f"shop-docker:{partition:04}:{number:012}"


def record_value(identity: str, **fields: Any) -> bytes:
    """Return an event with its verdict as it stands in the topic."""
    event = {
        "event.id": identity,
        "@timestamp": now(),
        "entity.id": "0123456789ab",
        "process.pid": 4711,
        "ecs.version": "9.1.0",
        "event.action": "exec",
        "event.dataset": "docker.events",
        "process.executable": "/usr/sbin/nginx",
        "container.labels": {"com.docker.compose.service": "web"},
        "workload.name": "web",
        "verdict.outcome": "authorized",
        "verdict.reason": "allowed by policy shop, exec.allow[0]",
        **fields,
    }
    return dumps(event)


@dataclass(frozen=True)
class World:
    """One test's topics, group and data stream on the real servers."""

    settings: Settings
    sink_name: str = "elasticsearch"
    elasticsearch: str = ""

    @property
    def topic(self) -> str:
        return self.settings.kafka.topic("verdicts")

    @property
    def stream(self) -> str:
        return self.settings.elasticsearch.data_stream

    @property
    def base(self) -> str:
        """Return where the test itself asks Elasticsearch, which may be another way than the sink's."""
        return self.elasticsearch or self.settings.elasticsearch.urls[0]

    # Kafka

    def admin(self) -> AdminClient:
        return AdminClient({**self.settings.kafka.client_configuration()})

    def create_topics(self, partitions: int) -> None:
        topics = [NewTopic(self.topic, partitions, 1), NewTopic(self.settings.kafka.topic("deadletters"), 1, 1)]
        admin = self.admin()
        for future in admin.create_topics(topics).values():
            future.result()

    def produce(self, values: Iterable[bytes], partitions: int) -> None:
        """Write values round robin, in transactions, as the judge does."""
        identity = f"{self.topic}-{monotonic()}"
        producer = Producer(self.settings.kafka.client_configuration() | {"transactional.id": identity, "linger.ms": 5})
        producer.init_transactions(30)
        producer.begin_transaction()
        for number, value in enumerate(values):
            producer.produce(self.topic, value, b"0123456789ab", partition=number % partitions)
            if number % 1000 == 999:
                producer.commit_transaction(30)
                producer.begin_transaction()
        producer.commit_transaction(30)

    @contextmanager
    def transaction(self) -> Iterator[Producer]:
        """Give a producer whose records become visible at the end."""
        producer = Producer(
            self.settings.kafka.client_configuration() | {"transactional.id": f"{self.topic}-{monotonic()}"}
        )
        producer.init_transactions(30)
        producer.begin_transaction()
        yield producer
        producer.commit_transaction(30)

    def commit(self, partition: int, offset: int) -> None:
        """Commit an offset for the sink's group, as Kafka's own tools do."""
        consumer = self._member()
        consumer.commit(offsets=[TopicPartition(self.topic, partition, offset)], asynchronous=False)
        consumer.close()

    def delete_records_before(self, partition: int, offset: int) -> None:
        admin = self.admin()
        for future in admin.delete_records([TopicPartition(self.topic, partition, offset)]).values():
            future.result()

    def _member(self) -> Consumer:
        return Consumer(
            self.settings.kafka.client_configuration() | {"group.id": group_of(self.settings.kafka, self.sink_name)}
        )

    def lag(self) -> int:
        """Return how many offsets of the topic are not committed by the sink's group."""
        consumer = self._member()
        numbers = consumer.list_topics(self.topic, timeout=10).topics[self.topic].partitions
        places = [TopicPartition(self.topic, number) for number in numbers]
        committed = patiently(lambda: consumer.committed(places, timeout=10))
        lag = sum(consumer.get_watermark_offsets(place, timeout=10)[1] - max(0, place.offset) for place in committed)
        consumer.close()
        return lag

    def deadletters(self) -> list[DeadLetter]:
        topic = self.settings.kafka.topic("deadletters")
        consumer = Consumer(
            self.settings.kafka.client_configuration() | {"group.id": "test", "enable.auto.commit": False}
        )
        end = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)[1]
        consumer.assign([TopicPartition(topic, 0, 0)])
        letters: list[DeadLetter] = []
        while len(letters) < end:
            message = consumer.poll(10)
            assert message is not None
            value = message.value()
            assert value is not None
            letters.append(decode_deadletter(value))
        consumer.close()
        return letters

    def totals(self) -> Totals:
        return read_totals(self.settings, self.sink_name)

    # Elasticsearch

    def ask(self, method: str, path: str, **options: Any) -> Any:
        answer = httpx.request(method, f"{self.base}/{path}", timeout=60, **options)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def roll_over(self) -> None:
        self.ask("POST", f"{self.stream}/_rollover")

    def exists(self) -> bool:
        return httpx.head(f"{self.base}/{self.stream}", timeout=60).status_code == httpx.codes.OK

    def documents(self) -> int:
        """Return how many documents the stream has, 0 where it is not there yet."""
        if not self.exists():
            return 0
        self.ask("POST", f"{self.stream}/_refresh")
        return int(self.ask("GET", f"{self.stream}/_count")["count"])

    def backing_indices(self) -> list[str]:
        return list(self.ask("GET", f"{self.stream}/_settings"))

    def searches(self) -> int:
        """Return how many searches the stream has had, ours not counted."""
        statistics = self.ask("GET", f"{self.stream}/_stats/search")
        return int(statistics["_all"]["total"]["search"]["query_total"])

    def ids(self) -> Counter[str]:
        """Return how often each id stands in the data stream, over all backing indices."""
        self.ask("POST", f"{self.stream}/_refresh")
        found: Counter[str] = Counter()
        after: list[Any] = []
        while True:
            hits = self.ask("POST", f"{self.stream}/_search", json=self._page(after))["hits"]["hits"]
            if not hits:
                return found
            found.update(hit["_id"] for hit in hits)
            after = hits[-1]["sort"]

    def _page(self, after: list[Any]) -> dict[str, Any]:
        page = {"size": 10_000, "_source": False, "sort": [{"event.id": "asc"}, {"_index": "asc"}]}
        return page | ({"search_after": after} if after else {})

    # the sink

    def run_until_done(self) -> Totals:
        """Deliver in this process until nothing is left, then stop."""
        with self.running() as totals:
            self.wait_until_done()
        return totals[0]

    @contextmanager
    def running(self, **options: Any) -> Iterator[list[Totals]]:
        """Deliver in a thread; the list has the totals, or the test fails with the error, once it has ended."""
        stop, totals, errors = Event(), list[Totals](), list[BaseException]()

        def run() -> None:
            try:
                totals.append(deliver(self.settings, self.sink_name, stop=stop, pace=QUICK, **options))
            except BaseException as error:  # noqa: BLE001 - raised again in the test's own thread
                errors.append(error)

        thread = Thread(target=run)
        thread.start()
        try:
            yield totals
        finally:
            stop.set()
            thread.join(60)
        if errors:
            raise errors[0]

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Deliver in a process of its own, which can be killed."""
        settings = self.settings
        environment = os.environ | {
            "TIDEWAITER_KAFKA__BOOTSTRAP_SERVERS": settings.kafka.bootstrap_servers,
            "TIDEWAITER_KAFKA__TOPIC_PREFIX": settings.kafka.topic_prefix,
            "TIDEWAITER_ELASTICSEARCH__URLS": dumps(settings.elasticsearch.urls).decode(),
            "TIDEWAITER_ELASTICSEARCH__DATA_STREAM": settings.elasticsearch.data_stream,
            "TIDEWAITER_ELASTICSEARCH__BATCH_EVENTS": str(settings.elasticsearch.batch_events),
        }
        command = [sys.executable, "-m", "sinks.run", self.sink_name, *arguments]
        return subprocess.Popen(command, cwd=ROOT, env=environment)

    def wait_until_done(self) -> None:
        wait_for(lambda: self.lag() == 0)


def wait_for(condition: Any) -> None:
    """Return when the condition holds; fail when it does not within a patience that no healthy run needs."""
    deadline = monotonic() + PATIENCE_SECONDS
    while not condition():
        assert monotonic() < deadline, "it never came true"
        sleep(0.1)


def world_of(kafka: str, elasticsearch: str, prefix: str, **elasticsearch_settings: Any) -> World:
    options = {"urls": [elasticsearch], "data_stream": f"{prefix}-verdicts", **elasticsearch_settings}
    return World(
        Settings(
            kafka=KafkaSettings(bootstrap_servers=kafka, topic_prefix=f"{prefix}."),
            elasticsearch=ElasticsearchSettings(**options),
        )
    )
