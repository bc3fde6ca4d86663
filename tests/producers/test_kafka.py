from __future__ import annotations

import random
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import httpx
import pytest
from confluent_kafka import Producer

from producers.collector import Collector
from producers.kafka import KafkaLedger
from producers.ledger import Message
from producers.state import State, decode_state, encode_state
from producers.testing import ScriptedOrigin
from schemas.errors import ConfigurationError, DeliveryError, TidewaiterError
from schemas.settings import CollectorSettings, KafkaSettings
from tests.producers.kafka_fixture import PARTITIONS, Bench, make_bench
from tests.producers.lines_format import LinesFormat

pytestmark = pytest.mark.services

KILLS = 10
LINES = 6_000
PUSHES = 3_000


@pytest.fixture
def bench(kafka: str, prefix: str, tmp_path: Path) -> Iterator[Bench]:
    with make_bench(kafka, prefix, tmp_path) as bench:
        yield bench


def wait_until_ended(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    _, errors = process.communicate()
    return process.returncode, errors.decode()


def test_what_is_committed_is_read_back(bench: Bench) -> None:
    ledger = KafkaLedger(bench.kafka, "shop")
    assert ledger.open() is None
    ledger.commit([Message("events", b"a", b"{}", 3), Message("collectors", b"shop", b"first")])
    ledger.commit([Message("collectors", b"shop", b"second")])
    ledger.close()
    again = KafkaLedger(bench.kafka, "shop")
    assert again.open() == b"second"
    assert KafkaLedger(bench.kafka, "other").open() is None
    assert bench.committed("events")[3] == [b"{}"]


def test_the_last_state_is_found_behind_many_of_others(bench: Bench) -> None:
    mine, other = KafkaLedger(bench.kafka, "shop"), KafkaLedger(bench.kafka, "other")
    mine.open()
    other.open()
    mine.commit([Message("collectors", b"shop", b"mine")])
    for _ in range(4):
        other.commit([Message("collectors", b"other", b"x")] * 1000)
    assert KafkaLedger(bench.kafka, "shop").open() == b"mine"


def test_an_open_transaction_of_another_collector_does_not_hide_the_last_state(bench: Bench) -> None:
    hanging = Producer(
        bench.kafka.client_configuration() | {"transactional.id": "hanging", "transaction.timeout.ms": 3000}
    )
    hanging.init_transactions()
    hanging.begin_transaction()
    hanging.produce(bench.kafka.topic("collectors"), b"never", b"hanging", 0)
    hanging.flush()
    ledger = KafkaLedger(bench.kafka, "shop")
    ledger.open()
    ledger.commit([Message("collectors", b"shop", b"behind it")])
    assert KafkaLedger(bench.kafka, "shop").open() == b"behind it"


def test_a_second_copy_shuts_out_the_first(bench: Bench) -> None:
    first, second = KafkaLedger(bench.kafka, "shop"), KafkaLedger(bench.kafka, "shop")
    first.open()
    first.commit([Message("collectors", b"shop", b"first")])
    assert second.open() == b"first"
    with pytest.raises(DeliveryError, match="another copy of collector shop"):
        first.commit([Message("collectors", b"shop", b"too late")])
    second.commit([Message("collectors", b"shop", b"second")])
    assert bench.committed("collectors")[0] == [b"first", b"second"]


def test_a_batch_that_fails_leaves_nothing_behind(bench: Bench) -> None:
    ledger = KafkaLedger(bench.kafka, "shop")
    ledger.open()
    with pytest.raises(TidewaiterError, match="Start the collector again"):
        ledger.commit([Message("events", b"a", b"{}", 0), Message("events", b"a", b"{}", PARTITIONS + 5)])
    ledger.close()
    again = KafkaLedger(bench.kafka, "shop")
    assert again.open() is None
    again.commit([Message("collectors", b"shop", b"first")])
    assert bench.committed("events")[0] == []


def test_missing_topics_and_wrong_partitions_are_said(bench: Bench, prefix: str) -> None:
    elsewhere = bench.kafka.model_copy(update={"topic_prefix": f"{prefix}-none."})
    with pytest.raises(ConfigurationError, match="tidewaiter up"):
        KafkaLedger(elsewhere, "shop").open()
    wrong = bench.kafka.model_copy(update={"partitions": PARTITIONS + 1})
    with pytest.raises(ConfigurationError, match=f"has {PARTITIONS} partitions"):
        KafkaLedger(wrong, "shop").open()


def test_a_collector_goes_on_from_what_kafka_holds(bench: Bench) -> None:
    script = [b"exec a one", b"begin 1", b"exec b two", b"end 1", b"nonsense"]
    for length in (2, 3, 5):
        origin = ScriptedOrigin(script[:length])
        format_ = LinesFormat()
        format_.flush = lambda *, final=False: iter(())  # type: ignore[method-assign]  # noqa: ARG005 - it goes on
        ledger = KafkaLedger(bench.kafka, "shop")
        Collector("shop", origin, format_, ledger, CollectorSettings(), max_record_bytes=100).run()
    assert Counter(bench.said()) == Counter(["one", "two", "joined-1-of-2"])
    assert len(bench.committed("deadletters")[0]) == 1
    state = decode_state(bench.committed("collectors")[0][-1])
    assert (state.position, state.held) == ({"next": 5}, ())


class Writer(threading.Thread):
    """Appends lines to a log a few at a time, and rotates it now and then."""

    def __init__(self, path: Path, lines: int) -> None:
        super().__init__()
        self.path = path
        self.lines = [f"p{number}" for number in range(lines)]

    def run(self) -> None:
        random_ = random.Random(7)
        number = 0
        while number < len(self.lines):
            piece = self.lines[number : number + random_.randint(1, 40)]
            with self.path.open("a") as file:
                file.writelines(f"exec e{line[-1]} {line}\n" for line in piece)
            number += len(piece)
            if random_.random() < 0.02:
                self.path.rename(self.path.with_name(f"{self.path.name}-20260102-{number:09d}"))
            time.sleep(0.02)


def test_killed_at_random_moments_every_line_is_there_once(bench: Bench) -> None:
    log = bench.directory / "audit.log"
    log.touch()
    first = bench.start({"file": str(log)})
    wait_for_state(bench)
    writer = Writer(log, LINES)
    writer.start()
    random_ = random.Random()
    process = first
    for _ in range(KILLS):
        time.sleep(random_.uniform(0.2, 1.5))
        process.kill()
        process.communicate()
        process = bench.start({"file": str(log)})
    writer.join()
    while len(bench.said()) < LINES:
        assert process.poll() is None
        time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    code, errors = wait_until_ended(process)
    assert code == 0, errors
    assert Counter(bench.said()) == Counter(writer.lines)


def wait_for_state(bench: Bench) -> State:
    while not (values := bench.committed("collectors")[0]):
        time.sleep(0.1)
    return decode_state(values[-1])


def test_killed_at_random_moments_what_was_answered_is_there_once(bench: Bench) -> None:
    port = free_port()
    start = partial(bench.start, {"listen": f"127.0.0.1:{port}"}, {"push_token": "made-up", "heartbeat_seconds": 60})
    process = start()
    answered: list[str] = []
    next_kill = time.monotonic() + 2
    with httpx.Client(trust_env=False, headers={"Authorization": "Bearer made-up"}) as client:
        for number in range(PUSHES):
            if time.monotonic() > next_kill:
                process.kill()
                process.communicate()
                process = start()
                next_kill = time.monotonic() + 2
            try:
                if client.post(f"http://127.0.0.1:{port}/", content=f"exec e{number % 7} p{number}").is_success:
                    answered.append(f"p{number}")
            except httpx.TransportError:
                time.sleep(0.01)
        while "last" not in answered:  # who answers has learnt to end on a signal, too
            with suppress(httpx.TransportError):
                client.post(f"http://127.0.0.1:{port}/", content="exec e0 last").raise_for_status()
                answered.append("last")
    while not set(answered) <= set(bench.said()):
        assert process.poll() is None
        time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    code, errors = wait_until_ended(process)
    assert code == 0, errors
    assert answered
    assert max(Counter(bench.said()).values()) == 1


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def test_a_second_copy_ends_the_first_with_one_clear_line(bench: Bench) -> None:
    log = bench.directory / "audit.log"
    log.write_text("exec a one\n")
    first = bench.start({"file": str(log)})
    wait_for_state(bench)
    second = bench.start({"file": str(log)})
    code, errors = wait_until_ended(first)
    assert code != 0
    assert "another copy of collector shop has taken over" in errors.splitlines()[-1]
    second.send_signal(signal.SIGTERM)
    assert wait_until_ended(second)[0] == 0
    assert bench.said() == ["one"]


def test_a_state_of_another_version_stops_the_collector(bench: Bench) -> None:
    ledger = KafkaLedger(bench.kafka, "shop")
    ledger.open()
    ledger.commit([Message("collectors", b"shop", b"{}")])
    collector = Collector(
        "shop",
        ScriptedOrigin([]),
        LinesFormat(),
        KafkaLedger(bench.kafka, "shop"),
        CollectorSettings(),
        max_record_bytes=9,
    )
    with pytest.raises(ConfigurationError, match="last state"):
        collector.run()
    assert decode_state(encode_state(State())) == State()


def test_no_broker_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producers.kafka._CONNECT_SECONDS", 1.0)
    ledger = KafkaLedger(KafkaSettings(bootstrap_servers="127.0.0.1:1"), "shop")
    with pytest.raises(ConfigurationError, match="tidewaiter up"):
        ledger.open()
