from __future__ import annotations

from pathlib import Path

import pytest

from deploy.stack.logs import find_telling_line

JAVA = """\
2026-01-01T00:00:00,1 INFO starting (kafka.Kafka)
2026-01-01T00:00:01,2 ERROR Exiting Kafka due to fatal exception during startup. (kafka.Kafka$)
org.apache.kafka.common.KafkaException: Socket server failed to bind to 127.0.0.1:19092: Address already in use.
\tat kafka.network.Acceptor.openServerSocket(SocketServer.scala:123)
Caused by: java.net.BindException: Address already in use
2026-01-01T00:00:02,3 INFO shut down (kafka.Kafka)
"""
ELASTICSEARCH = """\
[2026-01-01T00:00:00,1][INFO ][o.e.n.Node ] [local] starting
[2026-01-01T00:00:01,1][ERROR][o.e.b.Elasticsearch ] [local] fatal exception: unknown setting [colour]

ERROR: Elasticsearch did not exit normally - check the logs at /logs/tidewaiter.log
Elasticsearch died while starting up, exit code: 1
"""
PYTHON = """\
Traceback (most recent call last):
  File "one.py", line 1, in <module>
    raise ValueError("no such topic")
ValueError: no such topic
"""
STRUCTURED = """\
2026-01-01T00:00:00Z [\x1b[31merror    \x1b[0m] refused by the broker  topic=events
2026-01-01T00:00:00Z [info     ] stopped without an error
"""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (JAVA, "org.apache.kafka.common.KafkaException: Socket server failed to bind"),
        (
            ELASTICSEARCH,
            "[2026-01-01T00:00:01,1][ERROR][o.e.b.Elasticsearch ] [local] fatal exception: unknown setting",
        ),
        (PYTHON, "ValueError: no such topic"),
        (STRUCTURED, "2026-01-01T00:00:00Z [error    ] refused by the broker  topic=events"),
        ("one\ntwo\n\n", "two"),
        ("", ""),
    ],
)
def test_the_line_that_explains_the_end_is_found(tmp_path: Path, text: str, line: str) -> None:
    log = tmp_path / "one.log"
    log.write_text(text)
    assert find_telling_line(log).startswith(line)


def test_only_the_end_of_a_long_log_is_read_and_a_line_is_cut(tmp_path: Path) -> None:
    log = tmp_path / "one.log"
    log.write_bytes(b"ValueError: long ago\n" + b"\xff" * 400_000)
    assert find_telling_line(log) == "\N{REPLACEMENT CHARACTER}" * 400
