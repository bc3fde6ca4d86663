"""Elasticsearch on this machine: one node without security, listening on the loopback alone, under an account that is not root."""

from __future__ import annotations

import shutil
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import yaml

from deploy.stack.account import Account, choose_directory, give
from deploy.stack.java import Java
from deploy.stack.ports import LOOPBACK
from deploy.stack.settings import StackSettings
from deploy.stack.supervisor import Child

__all__ = ["elasticsearch_child", "elasticsearch_configuration"]

NAME = "elasticsearch"
SYSTEM_STATE_DIRECTORY = Path("/var/lib/tidewaiter")
ANSWER_TIMEOUT_SECONDS = 2.0


def elasticsearch_child(settings: StackSettings, java: Java, home: Path, account: Account | None) -> Child:
    """Write configuration and return the node, ready when its health is at least yellow."""
    directory = _prepare_directory(settings, home, account)
    address = f"http://{LOOPBACK}:{settings.elasticsearch_port}"
    return Child(
        name=NAME,
        command=(str(home / "bin" / "elasticsearch"),),
        environment={
            "ES_JAVA_HOME": str(java.home),
            "ES_JAVA_OPTS": f"-Xms{settings.elasticsearch_heap_mebibytes}m -Xmx{settings.elasticsearch_heap_mebibytes}m",
            "ES_PATH_CONF": str(directory / "config"),
            "ES_TMPDIR": str(directory / "temporary"),
            "HOME": str(directory),
        },
        directory=directory,
        account=account,
        address=address,
        ready=lambda: _is_healthy(settings.elasticsearch_port),
        ready_timeout_seconds=settings.ready_timeout_seconds,
    )


def elasticsearch_configuration(settings: StackSettings, directory: Path) -> dict[str, str | int | bool]:
    """Return the node's settings by name; disk watermarks are off, since a full laptop would make every index read-only."""
    return {
        "cluster.name": "tidewaiter",
        "node.name": "local",
        "discovery.type": "single-node",
        "http.host": LOOPBACK,
        "http.port": settings.elasticsearch_port,
        "transport.host": LOOPBACK,
        "transport.port": 0,
        "path.data": str(directory / "data"),
        "path.logs": str(directory / "logs"),
        "xpack.security.enabled": False,
        "cluster.routing.allocation.disk.threshold_enabled": False,
    }


def _prepare_directory(settings: StackSettings, home: Path, account: Account | None) -> Path:
    """Make data, log and temporary directories, and a fresh copy of the distribution's configuration with our settings."""
    wanted = settings.state_directory.absolute() / NAME
    directory = choose_directory(wanted, account, SYSTEM_STATE_DIRECTORY)
    for part in ("data", "logs", "temporary"):
        (directory / part).mkdir(exist_ok=True)
    configuration = directory / "config"
    shutil.rmtree(configuration, ignore_errors=True)
    shutil.copytree(home / "config", configuration)
    (configuration / "elasticsearch.yml").write_text(yaml.safe_dump(elasticsearch_configuration(settings, directory)))
    give(directory, account)
    return directory


def _is_healthy(port: int) -> bool:
    """Ask over plain HTTP with the standard library: a client that prepares TLS costs more than the question, ten times a second."""
    connection = HTTPConnection(LOOPBACK, port, timeout=ANSWER_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/_cluster/health?wait_for_status=yellow&timeout=1s")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
