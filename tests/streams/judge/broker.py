"""Judges on a real Kafka: what they are given, what they have committed, and what they should have."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from time import monotonic, sleep
from typing import Any, Final

from confluent_kafka import Consumer, ConsumerGroupState, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from deploy.kafka import create_topics, publish
from schemas.codec import Event, dumps, encode_event
from schemas.settings import JudgeSettings, KafkaSettings, Settings
from schemas.topics import TOPICS, Name, partition_of
from streams.judge.judge import Judge
from streams.judge.run import run
from streams.kafka import Consumed
from streams.restoring import read_to_end
from tests.streams.judge.counted import counted, standing, summed
from tests.streams.judge.lab import FORBID_SHELLS, Lab, Message, envelope, parsed, policies

ROOT: Final = Path(__file__).parents[3]
PATIENCE_SECONDS: Final = 120.0
QUICK: Final[dict[str, str | int | bool]] = {"session.timeout.ms": 6_000, "heartbeat.interval.ms": 500, "log_level": 2}


class Died(KafkaException):
    """A failure that a test puts into a transaction."""

    def __init__(self, point: str) -> None:
        super().__init__(KafkaError(KafkaError._FAIL, point))


@dataclass(slots=True)
class Broker:
    """One test's topics."""

    settings: Settings
    numbers: Tally[tuple[str, int]] = field(default_factory=Tally)
    sent: dict[int, list[Message]] = field(default_factory=lambda: defaultdict(list))
    asking: Consumer = field(init=False)
    sending: Producer = field(init=False)

    def __post_init__(self) -> None:
        self.asking = Consumer(self.kafka.client_configuration() | {"group.id": f"{self.kafka.topic_prefix}judge"})
        self.sending = Producer(self.kafka.client_configuration() | {"enable.idempotence": True, "linger.ms": 1})

    @property
    def kafka(self) -> KafkaSettings:
        return self.settings.kafka

    def slot(self, slot: int) -> Settings:
        return self.settings.model_copy(update={"judge": self.settings.judge.model_copy(update={"slot": slot})})

    # What is given

    def publish(self, text: str) -> str:
        """Put a policy set in force and return its hash."""
        applied = policies(text)
        publish(self.kafka, "policies", "policies", applied.manifest())
        return applied.hash

    def event(self, entity: str, fields: Event, *, collector: str = "shop", seconds: float = 0.0) -> Event:
        """Return the next event of a collector."""
        partition = partition_of(entity.encode(), self.kafka.partitions)
        self.numbers[collector, partition] += 1
        made = envelope(self.numbers[collector, partition], entity, seconds=seconds) | fields
        return made | {"event.id": f"{collector}:{partition:04d}:{self.numbers[collector, partition]:012d}"}

    def send(self, events: Iterable[Event]) -> None:
        self.send_raw((event["entity.id"].encode(), encode_event(event)) for event in events)

    def send_raw(self, records: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Write records and wait until the broker has them; in ``sent`` they stand as judges will see them."""
        for key, value in records:
            partition = partition_of(key, self.kafka.partitions)
            offset = len(self.sent[partition])
            self.sent[partition].append(Message(offset, key, value, number=partition))
            self.sending.produce(self.kafka.topic("events"), key=key, value=value, partition=partition)
        assert self.sending.flush(30) == 0

    @property
    def total(self) -> int:
        return sum(map(len, self.sent.values()))

    # What is committed

    def committed(self, name: Name) -> dict[int, list[tuple[bytes, bytes]]]:
        """Return keys and values of a topic by partition: of all that was written until now what is committed, or will be.

        A judge that has died may have left a transaction open in some of its partitions, up to the timeout: it is waited for.
        """
        count = TOPICS[name].partitions or self.kafka.partitions
        found: dict[int, list[tuple[bytes, bytes]]] = {number: [] for number in range(count)}

        def take(message: Consumed) -> None:
            found[message.partition()].append((message.key() or b"", message.value() or b""))

        read_to_end(self.kafka, "check", name, list(found), take)
        return found

    def values(self, name: Name) -> list[bytes]:
        return [value for records in self.committed(name).values() for _, value in records]

    def verdicts(self) -> list[Event]:
        return [parsed(value) for value in self.values("verdicts")]

    def offsets(self) -> dict[int, int]:
        """Return the committed offsets of the judges' group."""
        places = [TopicPartition(self.kafka.topic("events"), number) for number in range(self.kafka.partitions)]
        return {place.partition: max(place.offset, 0) for place in _committed(self.asking, places)}

    def done(self) -> bool:
        """Return whether everything sent is judged and committed."""
        found = self.offsets()
        return all(found[number] == len(records) for number, records in self.sent.items())

    def members(self) -> int:
        admin = AdminClient(self.kafka.client_configuration())
        group = f"{self.kafka.topic_prefix}judge"
        description = admin.describe_consumer_groups([group])[group].result(30)
        assert description.state is not ConsumerGroupState.UNKNOWN
        return len(description.members)

    def delete_before(self, offsets: dict[int, int]) -> None:
        admin = AdminClient(self.kafka.client_configuration())
        topic = self.kafka.topic("events")
        places = [TopicPartition(topic, number, offset) for number, offset in offsets.items()]
        for future in admin.delete_records(places).values():
            future.result(30)

    # What should be

    def expected(self) -> dict[int, Lab]:
        """Return what an undisturbed judge makes of what was sent, by partition."""
        labs = {}
        for number, messages in self.sent.items():
            labs[number] = Lab(number=number)
            labs[number].feed(messages, flush=True)
        return labs

    def check(self, *, flushed: bool = True) -> None:
        """Every event stands in ``verdicts`` once, with the bytes of an undisturbed run; counts are exact; numbers are dense."""
        expected = self.expected()
        self._check_verdicts(expected)
        for number, records in self.committed("verdicts").items():
            own = [parsed(value)["event.id"] for key, value in records if value.startswith(b'{"event.id":"judge:')]
            assert own == [f"judge:{number:04d}:{one:012d}" for one in range(1, len(own) + 1)]
        if flushed:
            self._check_rows(expected)
            self._check_figures(expected)

    def _check_verdicts(self, labs: dict[int, Lab]) -> None:
        expected = {number: lab.verdicts for number, lab in labs.items()}
        for number, records in self.committed("verdicts").items():
            found = [value for _, value in records if b'"event.action":"adoption"' not in value]
            assert [_unnumbered(value) for value in found] == [_unnumbered(value) for value in expected.get(number, [])]

    def _check_rows(self, labs: dict[int, Lab]) -> None:
        expected = {key: _counted(row) for lab in labs.values() for key, row in lab.rows.items()}
        assert {key: _counted(row) for key, row in self.rows().items()} == expected

    def _check_figures(self, labs: dict[int, Lab]) -> None:
        """The key figures of every hour are those of a query over the verdicts; things stand at its end as in an undisturbed run."""
        latest = {number: dict(records) for number, records in self.committed("kpi").items()}
        assert summed({key: value for found in latest.values() for key, value in found.items()}) == counted(
            self.verdicts()
        )
        for number, lab in labs.items():
            assert standing(latest[number]) == standing(lab.kpi)

    def rows(self) -> dict[bytes, Event]:
        """Return the latest rows of ``activities``."""
        latest = {key: value for records in self.committed("activities").values() for key, value in records}
        return {key: parsed(value) for key, value in latest.items() if value}

    # Judges

    def judge(self, *, slot: int = 0, at: Callable[[str], None] = lambda _: None) -> None:
        """Judge in this process, one session, until everything is judged; what the session raises is raised."""
        with session(self.slot(slot), at=at) as judge:
            judge.run(self.done)

    def start(self, slot: int, *command: str) -> subprocess.Popen[bytes]:
        """Judge in a process of its own, which can be killed."""
        environment = os.environ | {
            "TIDEWAITER_KAFKA__BOOTSTRAP_SERVERS": self.kafka.bootstrap_servers,
            "TIDEWAITER_KAFKA__TOPIC_PREFIX": self.kafka.topic_prefix,
            "TIDEWAITER_KAFKA__CLIENT": dumps(self.kafka.client).decode(),
            "TIDEWAITER_JUDGE__SLOT": str(slot),
            "TIDEWAITER_JUDGE__BATCH_EVENTS": str(self.settings.judge.batch_events),
            "TIDEWAITER_JUDGE__FLUSH_SECONDS": str(self.settings.judge.flush_seconds),
        }
        arguments = command or ("-m", "deploy.cli", "judge")
        return subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    @contextmanager
    def running(self, slot: int = 0) -> Iterator[Running]:
        """Judge in a thread, session after session."""
        judging = Running(self.slot(slot))
        judging.thread.start()
        try:
            yield judging
        finally:
            judging.stop.set()
            judging.thread.join(PATIENCE_SECONDS)
        if judging.error is not None:
            raise judging.error


@contextmanager
def session(settings: Settings, *, at: Callable[[str], None] = lambda _: None) -> Iterator[Judge]:
    judge = Judge(settings, at=at)
    try:
        yield judge
    finally:
        judge.close()


class Running:
    """A judge in a thread."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.stop = Flag()
        self.error: BaseException | None = None
        self.thread = Thread(target=self._run)

    def _run(self) -> None:
        try:
            run(self.settings, self.stop.is_set)
        except BaseException as error:  # noqa: BLE001 - raised again in the test's own thread
            self.error = error


def broker_of(
    kafka: str,
    prefix: str,
    *,
    partitions: int = 2,
    client: dict[str, str | int | bool] | None = None,
    policy: str | None = FORBID_SHELLS,
    **judge: Any,
) -> Broker:
    """Return a broker with topics of its own and the policy that labs have, too."""
    settings = KafkaSettings(
        bootstrap_servers=kafka, topic_prefix=f"{prefix}.", partitions=partitions, client=QUICK | (client or {})
    )
    create_topics(settings)
    wait_for(lambda: _has_leaders(settings))
    broker = Broker(Settings(kafka=settings, judge=JudgeSettings(**{"flush_seconds": 0.3} | judge)))
    if policy is not None:
        broker.publish(policy)
    return broker


def wait_for(condition: Callable[[], bool]) -> None:
    """Return when the condition holds; fail when it does not within a patience that no healthy run needs."""
    deadline = monotonic() + PATIENCE_SECONDS
    while not condition():
        assert monotonic() < deadline, "it never came true"
        sleep(0.1)


def _has_leaders(settings: KafkaSettings) -> bool:
    """Return whether brokers answer for the topics: just after these are made they may deny it."""
    consumer = Consumer(settings.client_configuration() | {"group.id": "check"})
    names: tuple[Name, ...] = ("policies", "events", "judge-state", "verdicts", "activities", "findings", "kpi")
    try:
        for topic in map(settings.topic, names):
            for number in consumer.list_topics(topic, timeout=30).topics[topic].partitions:
                consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=30)
    except KafkaException:
        return False
    finally:
        consumer.close()
    return True


def _unnumbered(value: bytes) -> bytes:
    """Return a record; of the judge's own without its number, which adoptions share."""
    return value if not value.startswith(b'{"event.id":"judge:') else value[value.index(b",") :]


def _counted(row: Event) -> Event:
    return {name: value for name, value in row.items() if name != "activity.samples"}


def _committed(consumer: Consumer, places: list[TopicPartition]) -> list[TopicPartition]:
    """Ask until the group's coordinator is there: just after the broker has started it may still be on its way."""
    for _ in range(60):
        try:
            return consumer.committed(places, timeout=30)
        except KafkaException as error:
            if not error.args[0].retriable():
                raise
            sleep(0.5)
    raise TimeoutError("the group has no coordinator")
