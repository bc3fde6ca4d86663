"""Apache Kafka on this machine: one broker that is its own controller (KRaft), listening on the loopback alone.

Every setting that a topic or a client may depend on is Kafka's own default, but for those that one node needs and those
that make it start and stop quickly.
"""

from __future__ import annotations

import base64
import subprocess
import uuid
from pathlib import Path

from deploy.stack.errors import StackError
from deploy.stack.java import Java
from deploy.stack.logs import find_telling_line
from deploy.stack.ports import LOOPBACK, accepts_connections
from deploy.stack.settings import StackSettings
from deploy.stack.supervisor import Child

__all__ = ["kafka_child", "kafka_properties"]

NAME = "kafka"
STARTED = b"Kafka Server started"
MAX_MESSAGE_BYTES = 8 * 1024 * 1024
FORMATTER_HEAP_MEBIBYTES = 256
LOGGING = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %p %m (%c)%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
logger.configuration.name = org.apache.kafka.common.config
logger.configuration.level = warn
logger.configuration_of_topics.name = org.apache.kafka.server.config
logger.configuration_of_topics.level = warn
"""


def kafka_child(settings: StackSettings, java: Java, libraries: Path) -> Child:
    """Write configuration and, once, an empty data directory; return the broker, ready when it says that it has started."""
    directory = settings.state_directory.absolute() / NAME
    directory.mkdir(parents=True, exist_ok=True)
    properties = directory / "server.properties"
    properties.write_text("".join(f"{key}={value}\n" for key, value in kafka_properties(settings).items()))
    (directory / "log4j2.properties").write_text(LOGGING)
    if not (directory / "data" / "meta.properties").exists():
        _format(java, libraries, directory)
    log = settings.state_directory.absolute() / "logs" / f"{NAME}.log"
    return Child(
        name=NAME,
        command=(
            *_java_command(java, libraries, directory, settings.kafka_heap_mebibytes),
            "kafka.Kafka",
            str(properties),
        ),
        directory=directory,
        address=f"{LOOPBACK}:{settings.kafka_port}",
        ready=lambda: STARTED in log.read_bytes() and accepts_connections(settings.kafka_port),
        ready_timeout_seconds=settings.ready_timeout_seconds,
    )


def kafka_properties(settings: StackSettings) -> dict[str, str | int]:
    """Return the broker's settings by name; replication factors of 1 because there is one node."""
    client, controller = f"{LOOPBACK}:{settings.kafka_port}", f"{LOOPBACK}:{settings.kafka_controller_port}"
    return {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{controller}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"CLIENT://{client},CONTROLLER://{controller}",
        "advertised.listeners": f"CLIENT://{client}",
        "inter.broker.listener.name": "CLIENT",
        "listener.security.protocol.map": "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(settings.state_directory.absolute() / NAME / "data"),
        "auto.create.topics.enable": "false",
        "message.max.bytes": MAX_MESSAGE_BYTES,
        "offsets.topic.num.partitions": 4,
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "group.initial.rebalance.delay.ms": 0,
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": 1000,
        "log.cleaner.dedupe.buffer.size": 32 * 1024 * 1024,
    }


def _java_command(java: Java, libraries: Path, directory: Path, heap_mebibytes: int) -> tuple[str, ...]:
    return (
        str(java.executable),
        f"-Xmx{heap_mebibytes}m",
        f"-Dlog4j2.configurationFile={directory / 'log4j2.properties'}",
        "-cp",
        f"{libraries}/*",
    )


def _cluster_id() -> str:
    """Return a new one that does not begin as an option does: the formatter would take it for one."""
    made = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return _cluster_id() if made.startswith("-") else made


def _format(java: Java, libraries: Path, directory: Path) -> None:
    cluster_id = _cluster_id()
    properties = directory / "server.properties"
    tool = ("kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(properties))
    log = directory / "format.log"
    with log.open("w") as output:
        command = (*_java_command(java, libraries, directory, FORMATTER_HEAP_MEBIBYTES), *tool)
        code = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False).returncode
    if code != 0:
        raise StackError(f"kafka could not format {directory / 'data'}: {find_telling_line(log)} (log: {log})")
