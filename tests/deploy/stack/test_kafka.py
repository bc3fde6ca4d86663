from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from deploy.stack.errors import StackError
from deploy.stack.java import Java
from deploy.stack.kafka import kafka_child, kafka_properties
from deploy.stack.settings import StackSettings


def install_java(home: Path, code: str) -> Java:
    executable = home / "bin" / "java"
    executable.parent.mkdir(parents=True)
    executable.write_text(f"#!{sys.executable}\n{code}")
    executable.chmod(0o755)
    return Java(home, 17)


def test_the_broker_listens_on_the_loopback_alone() -> None:
    properties = kafka_properties(StackSettings(kafka_port=1, kafka_controller_port=2))
    assert properties["listeners"] == "CLIENT://127.0.0.1:1,CONTROLLER://127.0.0.1:2"
    assert properties["controller.quorum.voters"] == "1@127.0.0.1:2"


def test_the_data_directory_is_formatted_once(tmp_path: Path) -> None:
    code = f"import sys, pathlib; pathlib.Path({str(tmp_path / 'calls')!r}).open('a').write(' '.join(sys.argv[1:]) + '\\n')"
    java = install_java(tmp_path / "java", code)
    settings = StackSettings(state_directory=tmp_path, kafka_heap_mebibytes=300)
    child = kafka_child(settings, java, tmp_path / "libs")
    assert "-Xmx300m" in child.command
    assert f"log.dirs={tmp_path}/kafka/data\n" in (tmp_path / "kafka" / "server.properties").read_text()
    assert re.search(r"StorageTool format -t [\w-]{22} -c \S+server\.properties\n", (tmp_path / "calls").read_text())
    (tmp_path / "kafka" / "data").mkdir()
    (tmp_path / "kafka" / "data" / "meta.properties").touch()
    kafka_child(settings, java, tmp_path / "libs")
    assert (tmp_path / "calls").read_text().count("\n") == 1


def test_a_directory_that_cannot_be_formatted_says_why(tmp_path: Path) -> None:
    java = install_java(tmp_path / "java", "raise ValueError('disk full')")
    with pytest.raises(
        StackError, match=r"kafka could not format .*/data: ValueError: disk full \(log: .*format\.log\)"
    ):
        kafka_child(StackSettings(state_directory=tmp_path), java, tmp_path / "libs")
