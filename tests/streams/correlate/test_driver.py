"""Whether Faust is still what the driver takes it for; each of these fails when an update undoes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from faust.assignor.partition_assignor import PartitionAssignor

from schemas.settings import KafkaSettings, Settings
from streams.correlate.driver import App

SETTINGS = Settings(kafka=KafkaSettings(bootstrap_servers="one:1, two:2", topic_prefix="test."))


def in_app(ask: Callable[[App], Any]) -> Any:
    """Return what an application that was not started answers."""

    async def answer() -> Any:
        app = App(SETTINGS)
        app.finalize()
        try:
            return ask(app)
        finally:
            app.consumer._thread.thread_loop.close()  # type: ignore[attr-defined]  # of Faust's driver

    return asyncio.run(answer())


def in_consumer(ask: Callable[[Any], Any]) -> Any:
    """Return what the consumer answers that its thread would make."""

    def answer(app: App) -> Any:
        thread = app.consumer._thread  # type: ignore[attr-defined]  # of Faust's driver
        consumer = thread._create_consumer(asyncio.get_running_loop())
        consumer._closed = True  # it was never started, and would complain of that
        return ask(consumer)

    return in_app(answer)


def test_it_reads_what_is_committed_and_resets_no_offset_by_itself() -> None:
    found = in_consumer(
        lambda consumer: (consumer._isolation_level, consumer._auto_offset_reset, consumer._enable_auto_commit)
    )
    assert found == ("read_committed", "none", False)


def test_topics_go_together_by_fausts_own_assignor() -> None:
    (assignor,) = in_consumer(lambda consumer: consumer._partition_assignment_strategy)
    assert isinstance(assignor, PartitionAssignor)


def test_it_waits_for_partitions_as_long_as_it_takes() -> None:
    assert in_consumer(lambda consumer: consumer._max_poll_interval_ms) > 1_000 * 3600 * 24 * 365


def test_variables_of_the_environment_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_URL", "kafka://elsewhere:9092")
    monkeypatch.setenv("PROCESSING_GUARANTEE", "exactly_once")
    monkeypatch.setenv("CONSUMER_AUTO_OFFSET_RESET", "latest")
    monkeypatch.setenv("WEB_ENABLED", "yes")
    monkeypatch.setenv("APP_ID_FORMAT", "other-{id}")
    found = in_app(
        lambda app: (
            app.conf.id,
            [str(url) for url in app.conf.broker],
            app.conf.processing_guarantee.value,
            app.conf.consumer_auto_offset_reset,
            app.conf.web_enabled,
        )
    )
    assert found == ("test.correlate", ["kafka://one:1", "kafka://two:2"], "at_least_once", "none", False)


def test_what_was_read_is_not_remembered_by_offset() -> None:
    def ask(app: App) -> Any:
        read = app.consumer._read_offset  # type: ignore[attr-defined]  # of Faust's driver
        read["place"] = 5
        return read["place"]

    assert in_app(ask) is None
