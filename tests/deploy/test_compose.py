from __future__ import annotations

import base64
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.stack.artifacts import ELASTICSEARCH_9, KAFKA
from deploy.stack.elasticsearch import elasticsearch_configuration
from deploy.stack.kafka import kafka_properties
from deploy.stack.settings import StackSettings

COMPOSE = Path(__file__).parent.parent.parent / "deploy" / "compose.yaml"
SETTINGS = StackSettings()
# These name addresses and directories, which differ inside a container.
PLACES = {
    "controller.quorum.voters",
    "listeners",
    "advertised.listeners",
    "inter.broker.listener.name",
    "listener.security.protocol.map",
    "log.dirs",
}


@pytest.fixture
def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return document


def test_docker_accepts_the_file() -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker with its compose plugin is not installed")
    result = subprocess.run(
        [docker, "compose", "-f", str(COMPOSE), "config", "-q"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


def test_images_have_the_versions_of_the_local_stack(compose: dict[str, Any]) -> None:
    assert compose["services"]["kafka"]["image"] == f"apache/kafka:{KAFKA.version}"
    assert compose["services"]["elasticsearch"]["image"].endswith(f"/elasticsearch:{ELASTICSEARCH_9.version}")


@pytest.mark.parametrize("name", ["kafka", "elasticsearch"])
def test_every_service_is_local_checked_and_keeps_its_data(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    (port,) = service["ports"]
    assert re.fullmatch(rf"127\.0\.0\.1:{getattr(SETTINGS, f'{name}_port')}:\d+", port)
    assert service["healthcheck"].keys() == {"test", "interval", "timeout", "retries", "start_period"}
    (volume,) = service["volumes"]
    assert volume.partition(":")[0] in compose["volumes"]
    assert all(isinstance(value, str) for value in service["environment"].values())


def test_kafka_is_set_as_the_local_one(compose: dict[str, Any]) -> None:
    environment = compose["services"]["kafka"]["environment"]
    expected = {
        f"KAFKA_{name.upper().replace('.', '_')}": str(value)
        for name, value in kafka_properties(SETTINGS).items()
        if name not in PLACES
    }
    assert expected.items() <= environment.items()
    assert f"CLIENT://127.0.0.1:{SETTINGS.kafka_port}" in environment["KAFKA_ADVERTISED_LISTENERS"]
    assert len(base64.urlsafe_b64decode(environment["CLUSTER_ID"] + "==")) == 16


def test_elasticsearch_is_set_as_the_local_one(compose: dict[str, Any]) -> None:
    expected = {
        name: value if isinstance(value, str) else str(value).lower()
        for name, value in elasticsearch_configuration(SETTINGS, Path()).items()
        if not name.startswith(("path.", "http.", "transport."))
    }
    assert expected.items() <= compose["services"]["elasticsearch"]["environment"].items()
