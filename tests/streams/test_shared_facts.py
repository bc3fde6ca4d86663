"""Shared facts from end to end on a real Kafka: events, judges, rows, correlate, the table, and judges again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from random import Random
from threading import Event as Flag
from threading import Thread
from typing import Final

import pytest

from deploy.kafka import read_all
from schemas.codec import Event, dumps
from schemas.event import timestamp
from schemas.settings import CorrelateSettings
from schemas.shared import SharedRecord
from schemas.topics import partition_of
from streams.correlate.run import run
from streams.correlate.whole import WholeShard
from streams.judge.shared import SharedFacts
from tests.streams.judge.broker import PATIENCE_SECONDS, ROOT, Broker, broker_of, wait_for
from tests.streams.judge.lab import DAY, START, parsed
from tests.streams.judge.sharing import POLICY, enters, image_facts, requests, starts

pytestmark = pytest.mark.services

PARTITIONS: Final = 4
KILLS: Final = 6
CORRELATE: Final = CorrelateSettings(tick_seconds=0.1, session_seconds=6.0)
MADE: Final[Event] = {"container.settings.read_only_root": False, "container.settings.privileged": True}
DENIED: Final = "unauthorized"


def world(kafka: str, prefix: str) -> Broker:
    return broker_of(kafka, prefix, partitions=PARTITIONS, policy=POLICY)


@contextmanager
def correlating(broker: Broker) -> Iterator[None]:
    """Correlate in a thread; what ended the worker is raised."""
    stop, errors = Flag(), list[BaseException]()
    settings = broker.settings.model_copy(update={"correlate": CORRELATE})

    def work() -> None:
        try:
            run(settings, stop.is_set, WholeShard, halt=lambda _: None)
        except BaseException as error:  # noqa: BLE001 - raised again in the test's own thread
            errors.append(error)

    thread = Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE_SECONDS)
    assert not errors, errors


def scan(digest: str, *findings: str, module: str = "trivy", **more: object) -> Event:
    return {
        "event.kind": "state",
        "event.action": "facts",
        "event.dataset": f"{module}.report",
        "event.module": module,
        "container.image.id": digest,
        "container.image.vulnerabilities": list(findings),
    } | more


def table(broker: Broker) -> dict[bytes, SharedRecord]:
    found = read_all(broker.kafka, "shared-facts")
    return {key: SharedRecord.decode(value) for (_, key), value in found.items() if key and value}


def hash_of(broker: Broker) -> str:
    shared = SharedFacts()
    for key, record in table(broker).items():
        shared.put(key, record.encode())
    return shared.hash


def is_adopted(broker: Broker) -> bool:
    """Return whether what stands in the table was adopted last in every partition."""
    latest: dict[str, str] = {}
    for record in broker.verdicts():
        if record.get("adoption.subject") == "shared-facts":
            latest[record["event.id"].split(":")[1]] = record["adoption.hash"]
    return set(latest.values()) == {hash_of(broker)} and len(latest) == PARTITIONS


def outcomes(broker: Broker, action: str) -> list[str]:
    """Return the outcomes of what was done, in the order of time."""
    done = [record for record in broker.verdicts() if record["event.action"] == action]
    return [record["verdict.outcome"] for record in sorted(done, key=lambda record: record["@timestamp"])]


def sends_and_waits(broker: Broker, condition: Callable[[], bool], *events: Event) -> None:
    broker.send(events)
    wait_for(lambda: broker.done() and condition())


def test_what_is_found_in_an_image_decides_about_its_next_start(kafka: str, prefix: str) -> None:
    broker = world(kafka, prefix)
    web, image = "0123456789ab", "image:sha256:c1"
    with correlating(broker), broker.running():
        sends_and_waits(broker, lambda: True, broker.event(web, image_facts("sha256:c1", "sha256:m1")))
        sends_and_waits(broker, lambda: True, broker.event(web, starts(), seconds=1))
        found = broker.event(image, scan("sha256:c1", "critical fixable CVE-1 musl"), seconds=2)
        sends_and_waits(broker, lambda: bool(table(broker)) and is_adopted(broker), found)
        sends_and_waits(broker, lambda: True, broker.event(web, starts(), seconds=3))
        by_manifest = scan("", module="clamav") | {
            "container.image.id": None,
            "container.image.hash.all": ["sha256:m1"],
            "container.image.malware": ["Eicar /x"],
        }
        fixed = broker.event(image, scan("sha256:c1"), seconds=4)
        virus = broker.event("image:sha256:m1", by_manifest, seconds=4)
        sends_and_waits(broker, lambda: len(table(broker)) == 2 and is_adopted(broker), fixed, virus)
        sends_and_waits(broker, lambda: True, broker.event(web, starts(), seconds=5))
    assert outcomes(broker, "container-start") == ["undetermined", DENIED, DENIED]
    clauses = [one.get("verdict.clause", "") for one in broker.verdicts() if one["event.action"] == "container-start"]
    assert [".".join(clause.split(".")[:2]) for clause in clauses] == ["", "images.vulnerabilities", "images.malware"]


def test_an_exec_into_a_pod_that_somebody_else_made_privileged_is_denied(kafka: str, prefix: str) -> None:
    broker = world(kafka, prefix)
    ada, *others = (f"user:lab/{name}" for name in ("ada", "bob", "eve", "joe", "kim", "lea"))
    bob = next(one for one in others if number_of(one) != number_of(ada))
    unprivileged = MADE | {"container.settings.privileged": False}
    with correlating(broker), broker.running(0), broker.running(1):
        sends_and_waits(broker, lambda: True, broker.event(ada, enters()))
        made = broker.event(bob, requests("create", "pods", **MADE), seconds=1)
        sends_and_waits(broker, lambda: bool(table(broker)) and is_adopted(broker), made)
        sends_and_waits(broker, lambda: True, broker.event(ada, enters(), seconds=2))
        changed = broker.event(bob, requests("update", "pods", **unprivileged), seconds=3)
        sends_and_waits(broker, lambda: says(broker, privileged=False) and is_adopted(broker), changed)
        sends_and_waits(broker, lambda: True, broker.event(ada, enters(), seconds=4))
    assert outcomes(broker, "pods/exec-create") == ["undetermined", DENIED, "undetermined"]


def says(broker: Broker, *, privileged: bool) -> bool:
    return any(record.facts.get("target.privileged") is privileged for record in table(broker).values())


def number_of(entity: str) -> int:
    return partition_of(entity.encode(), PARTITIONS)


def told(broker: Broker) -> Tally[str]:
    records = [one for one in broker.verdicts() if one["event.dataset"] == "tidewaiter.shared"]
    assert all(one["verdict.clause"] == "secrets.max_age_days" for one in records)
    return Tally(one["entity.id"] for one in records)


def test_a_secret_that_is_overdue_is_told_of_once_whoever_judges_and_dies(kafka: str, prefix: str) -> None:
    broker = world(kafka, prefix)
    secrets = [f"secret:lab/shop/{number}" for number in range(12)]

    def overdue(days: int) -> Event:
        changed = timestamp(START - days * DAY)
        head = {"event.kind": "state", "event.action": "facts", "event.dataset": "kubernetes.audit"}
        return head | {"event.module": "kubernetes", "secret.type": "Opaque", "secret.changed": changed}

    broker.send(broker.event(secret, overdue(100)) for secret in secrets[:6])
    with correlating(broker), broker.running(0):
        wait_for(lambda: told(broker).total() == 6)
    broker.send(broker.event(secret, overdue(50)) for secret in secrets[6:9])
    with broker.running(0), broker.running(1):
        wait_for(broker.done)
        broker.send(broker.event(secret, overdue(200)) for secret in secrets[9:])
        with correlating(broker):
            wait_for(lambda: told(broker).total() >= 9)

    def die(point: str) -> None:
        if point == "offsets sent":
            raise RuntimeError(point)

    broker.publish(POLICY.replace("max_age_days: 90", "max_age_days: 40"))
    with correlating(broker):
        wait_for(lambda: all(one.facts.get("secret.older_than") == [40] for one in table(broker).values()))
    broker.send([broker.event("0123456789ab", image_facts())])
    with pytest.raises(RuntimeError, match="offsets sent"):
        broker.judge(at=die)
    with broker.running(1):
        wait_for(lambda: told(broker).total() >= 9 + 12)
    assert told(broker) == {secret: 1 if place in (6, 7, 8) else 2 for place, secret in enumerate(secrets)}


# Whoever dies


def test_nothing_is_wrong_lost_or_told_twice_while_facts_change_and_everybody_is_killed(
    kafka: str, prefix: str
) -> None:
    broker = world(kafka, prefix)
    random = Random(7)
    digests = [f"sha256:{number}" for number in range(6)]
    containers = {f"{number:012x}": digests[number % 6] for number in range(24)}
    broker.send(broker.event(entity, image_facts(digest)) for entity, digest in containers.items())
    last: dict[str, str] = {}
    with ExitStack() as stack:
        processes = [start(stack, broker, kind, slot) for kind in ("judge", "correlate") for slot in (0, 1)]
        for second in range(1, KILLS * 20):
            for digest in random.sample(digests, 2):
                last[digest] = random.choice(["critical fixable CVE-1 musl", "low unfixed CVE-2 zlib"])
                broker.send([broker.event(f"image:{digest}", scan(digest, last[digest]), seconds=second)])
            broker.send(
                broker.event(entity, starts(), seconds=second) for entity in random.sample(sorted(containers), 8)
            )
            if second % 20 == 10:
                place = random.randrange(4)
                processes[place].kill()
                processes[place].wait()
                processes[place] = start(stack, broker, "judge" if place < 2 else "correlate", place % 2)
        wait_for(lambda: broker.done() and found_last(broker) == last and is_adopted(broker))
        broker.send(broker.event(entity, starts(), seconds=999) for entity in containers)
        wait_for(broker.done)
    check(broker)
    final = {record["entity.id"]: record for record in broker.verdicts() if record["event.action"] == "container-start"}
    assert {entity: record["verdict.outcome"] == DENIED for entity, record in final.items()} == {
        entity: last[digest].startswith("critical") for entity, digest in containers.items()
    }


def start(stack: ExitStack, broker: Broker, kind: str, slot: int) -> subprocess.Popen[bytes]:
    """Start a process of the command line that ends with the test at the latest."""
    environment = os.environ | {
        "TIDEWAITER_KAFKA__BOOTSTRAP_SERVERS": broker.kafka.bootstrap_servers,
        "TIDEWAITER_KAFKA__TOPIC_PREFIX": broker.kafka.topic_prefix,
        "TIDEWAITER_KAFKA__PARTITIONS": str(PARTITIONS),
        "TIDEWAITER_KAFKA__CLIENT": dumps(broker.kafka.client).decode(),
        "TIDEWAITER_JUDGE__SLOT": str(slot),
        "TIDEWAITER_JUDGE__FLUSH_SECONDS": "0.3",
        "TIDEWAITER_CORRELATE__SLOT": str(slot),
        "TIDEWAITER_CORRELATE__TICK_SECONDS": "0.1",
        "TIDEWAITER_CORRELATE__SESSION_SECONDS": "6.0",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "deploy.cli", kind],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process


def found_last(broker: Broker) -> dict[str, str]:
    """Return what stands in the table of each image."""
    records = [record for record in table(broker).values() if record.source == "trivy"]
    return {str(one.facts["container.image.id"]): one.facts["container.image.vulnerabilities"][0] for one in records}


def check(broker: Broker) -> None:
    """Every event was judged once, by what had been adopted before it: of one image all the same under the same hash."""
    judged: dict[tuple[str, str], set[str]] = defaultdict(set)
    ids: Tally[str] = Tally()
    for number, records in broker.committed("verdicts").items():
        adopted = ""
        for record in map(parsed, (value for _, value in records)):
            ids[record["event.id"]] += 1
            if record.get("adoption.subject") == "shared-facts":
                adopted = record["adoption.hash"]
            if record["event.action"] == "container-start":
                judged[adopted, record["container.image.id"]].add(record["verdict.outcome"])
        own = [one for one in ids if one.startswith(f"judge:{number:04d}:")]
        assert own == [f"judge:{number:04d}:{one:012d}" for one in range(1, len(own) + 1)]
    assert set(ids.values()) == {1}
    assert sum(not one.startswith("judge:") for one in ids) == broker.total
    assert all(len(found) == 1 for found in judged.values())
    assert {next(iter(found)) for found in judged.values()} == {"undetermined", DENIED}
