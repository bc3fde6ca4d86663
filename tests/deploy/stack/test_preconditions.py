from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.stack import preconditions
from deploy.stack.artifacts import ELASTICSEARCH_8, ELASTICSEARCH_9, KAFKA
from deploy.stack.errors import JavaMissing, JavaTooOld, MavenMissing, MemoryTooSmall, PortInUse, StackError
from deploy.stack.java import Java
from deploy.stack.ports import find_free_port
from deploy.stack.preconditions import choose_distributions, find_problems, measure_available_mebibytes
from deploy.stack.settings import ALL_SERVICES, StackSettings

JAVA_8, JAVA_17, JAVA_20, JAVA_21 = (Java(Path(f"/jvm/{version}"), version) for version in (8, 17, 20, 21))


@pytest.fixture
def settings() -> StackSettings:
    return StackSettings(
        kafka_port=find_free_port(),
        kafka_controller_port=find_free_port(),
        elasticsearch_port=find_free_port(),
        kafka_heap_mebibytes=256,
        elasticsearch_heap_mebibytes=256,
    )


@pytest.fixture(autouse=True)
def maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    executable = tmp_path / "bin" / "mvn"
    executable.parent.mkdir()
    executable.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(executable.parent))
    return executable


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def find(settings: StackSettings, cache: Path, javas: tuple[Java, ...] = (JAVA_21,)) -> tuple[StackError, ...]:
    return find_problems(settings, settings.services, javas, cache)


def test_nothing_is_wrong_with_a_machine_that_has_everything(settings: StackSettings, tmp_path: Path) -> None:
    assert find(settings, tmp_path) == ()


@pytest.mark.parametrize("setting", ["kafka_port", "kafka_controller_port", "elasticsearch_port"])
def test_a_port_in_use_names_port_owner_and_setting(
    settings: StackSettings, tmp_path: Path, listener: int, setting: str
) -> None:
    (problem,) = find(settings.model_copy(update={setting: listener}), tmp_path)
    assert isinstance(problem, PortInUse)
    owner = rf"\S+ \(pid {os.getpid()}\)"
    advice = f"stop it, or choose another port with the setting {setting}"
    assert re.fullmatch(f"Port {listener} is in use by {owner}: {advice}", str(problem))


def test_an_owner_that_the_system_hides_is_another_process(
    settings: StackSettings, tmp_path: Path, listener: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preconditions, "name_port_owner", lambda _port: None)
    (problem,) = find(settings.model_copy(update={"kafka_port": listener}), tmp_path)
    assert f"Port {listener} is in use by another process: " in str(problem)


def test_ports_of_services_that_run_already_do_not_matter(
    settings: StackSettings, tmp_path: Path, listener: int
) -> None:
    running = settings.model_copy(update={"kafka_port": listener})
    assert find_problems(running, ("elasticsearch",), (JAVA_21,), tmp_path) == ()


@pytest.mark.parametrize(
    ("javas", "kind", "message"),
    [
        ((), JavaMissing, "Java was not found on PATH, in JAVA_HOME or in /usr/lib/jvm: install Java 17 or newer"),
        ((JAVA_8,), JavaTooOld, "Java 8 in /jvm/8 is too old: install Java 17 or newer"),
    ],
)
def test_java_is_asked_for(
    settings: StackSettings, tmp_path: Path, javas: tuple[Java, ...], kind: type[StackError], message: str
) -> None:
    (problem,) = find(settings, tmp_path, javas)
    assert isinstance(problem, kind)
    assert str(problem).startswith(message)


def test_maven_is_asked_for_only_where_something_has_to_be_downloaded(
    settings: StackSettings, tmp_path: Path, maven: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maven.unlink()
    (problem,) = find(settings, tmp_path)
    assert isinstance(problem, MavenMissing)
    assert f"download {KAFKA} and {ELASTICSEARCH_9}, and mvn is not on PATH" in str(problem)
    monkeypatch.setattr(preconditions, "is_cached", lambda _distribution, _cache: True)
    assert find(settings, tmp_path) == ()


def test_too_little_memory_says_how_much_is_missing(
    settings: StackSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preconditions, "measure_available_mebibytes", lambda: 1000)
    (problem,) = find(settings, tmp_path)
    assert isinstance(problem, MemoryTooSmall)
    assert "kafka and elasticsearch would need 1536 MiB of memory and 1000 MiB are available" in str(problem)
    assert "lower the setting kafka_heap_mebibytes or elasticsearch_heap_mebibytes" in str(problem)


def test_all_problems_are_found_at_once(
    settings: StackSettings, tmp_path: Path, listener: int, maven: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maven.unlink()
    monkeypatch.setattr(preconditions, "measure_available_mebibytes", lambda: 0)
    problems = find(settings.model_copy(update={"kafka_port": listener}), tmp_path, ())
    assert [type(problem) for problem in problems] == [PortInUse, JavaMissing, MavenMissing, MemoryTooSmall]
    assert all("\n" not in str(problem) for problem in problems)


@pytest.mark.parametrize(("limit", "expected"), [("max", None), (str(300 * 1024 * 1024), 200)])
def test_the_limit_of_a_container_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, expected: int | None
) -> None:
    (tmp_path / "memory.max").write_text(f"{limit}\n")
    (tmp_path / "memory.current").write_text(f"{100 * 1024 * 1024}\n")
    monkeypatch.setattr(preconditions, "CONTROL_GROUP", tmp_path)
    if expected is None:
        assert measure_available_mebibytes() > 0
    else:
        assert measure_available_mebibytes() == expected


@pytest.mark.parametrize(
    ("java", "elasticsearch"), [(JAVA_17, ELASTICSEARCH_8), (JAVA_20, ELASTICSEARCH_8), (JAVA_21, ELASTICSEARCH_9)]
)
def test_the_newest_java_decides_about_elasticsearch(java: Java, elasticsearch: object) -> None:
    assert choose_distributions((java, JAVA_8), ALL_SERVICES) == (KAFKA, elasticsearch)
    assert choose_distributions((java,), ("elasticsearch",)) == (elasticsearch,)
