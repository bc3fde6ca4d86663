"""Fixtures of the whole run: real servers, started once and only where a test asks for them."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from deploy.stack.settings import Service, StackSettings
from deploy.stack.stack import Stack

RECORDINGS = Path(__file__).parent.parent.parent / "shared" / "recordings"
READABLE_BY_ALL = 0o755

settings.register_profile("tidewaiter", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tidewaiter")  # machines are shared: no property fails for being slow


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what needs servers last, keeping the random order of pytest-randomly otherwise, so that a quick mistake shows quickly."""
    items.sort(key=lambda item: item.get_closest_marker("services") is not None)


@contextmanager
def running(service: Service) -> Iterator[Stack]:
    """Run one server on free ports, with data of its own that another account can reach."""
    directory = Path(tempfile.mkdtemp(prefix="tidewaiter-tests-"))
    directory.chmod(READABLE_BY_ALL)
    settings = StackSettings(
        services=(service,), state_directory=directory, kafka_port=0, kafka_controller_port=0, elasticsearch_port=0
    )
    try:
        with Stack(settings, foreground=True) as stack:
            yield stack
    finally:
        shutil.rmtree(directory)


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """Return the bootstrap servers of a real Kafka: that of $TIDEWAITER_TEST_KAFKA, else one of this run."""
    given = os.environ.get("TIDEWAITER_TEST_KAFKA")
    if given:
        yield given
    else:
        with running("kafka") as stack:
            yield stack.kafka


@pytest.fixture(scope="session")
def elasticsearch() -> Iterator[str]:
    """Return the base URL of a real Elasticsearch: that of $TIDEWAITER_TEST_ELASTICSEARCH, else one of this run."""
    given = os.environ.get("TIDEWAITER_TEST_ELASTICSEARCH")
    if given:
        yield given
    else:
        with running("elasticsearch") as stack:
            yield stack.elasticsearch


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    """Return a name that no other test has, fit to begin names of topics, groups and indices."""
    readable = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:40]
    return f"{readable}-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Return the directory of recorded events of real sensors, which is beside the checkout and not part of it."""
    if not RECORDINGS.is_dir():
        pytest.skip(f"no recordings in {RECORDINGS}")
    return RECORDINGS
