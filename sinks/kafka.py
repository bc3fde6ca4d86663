"""The only module of ``sinks`` that makes Kafka clients."""

from __future__ import annotations

from typing import Any, Final

from confluent_kafka import Consumer, Producer

from schemas.settings import KafkaSettings

__all__ = ["group_consumer", "group_of", "producer"]

_FETCH: Final[dict[str, Any]] = {
    "isolation.level": "read_committed",
    "enable.auto.commit": False,
    "auto.offset.reset": "error",
    "enable.partition.eof": True,
    "fetch.wait.max.ms": 50,
    "fetch.queue.backoff.ms": 5,
    "queued.max.messages.kbytes": 32 * 1024,
}


def group_of(settings: KafkaSettings, sink_name: str) -> str:
    """Return the consumer group of a sink: one each, so that a receiver that is away holds up no other."""
    return f"{settings.topic_prefix}sink-{sink_name}"


def group_consumer(settings: KafkaSettings, sink_name: str, instance: str | None) -> Consumer:
    """Return a consumer of committed records in the sink's group, which commits nothing by itself.

    With an ``instance`` a process that is killed and started again under the same name has its partitions back at once,
    and the older of two processes of one name is stopped by Kafka; without one, it waits for the session of the dead one.
    """
    group = group_of(settings, sink_name)
    static = {"group.instance.id": f"{group}-{instance}"} if instance is not None else {}
    return Consumer(
        settings.client_configuration()
        | _FETCH
        | {
            "group.id": group,
            "client.id": group,
            "partition.assignment.strategy": "range",
            "session.timeout.ms": 10_000,
            "heartbeat.interval.ms": 2_000,
            "max.poll.interval.ms": 300_000,
        }
        | static
    )


def producer(settings: KafkaSettings, sink_name: str) -> Producer:
    """Return a producer of dead letters: each is acknowledged by all replicas and written once per call."""
    return Producer(
        settings.client_configuration()
        | {
            "client.id": group_of(settings, sink_name),
            "enable.idempotence": True,
            "compression.type": "lz4",
            "linger.ms": 5,
            "message.max.bytes": 1_048_576,
        }
    )
