from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from confluent_kafka.admin import AdminClient

from tests.conftest import pytest_collection_modifyitems


@pytest.mark.services
def test_a_real_kafka_answers_and_makes_no_topic_by_itself(kafka: str, prefix: str) -> None:
    topics = AdminClient({"bootstrap.servers": kafka}).list_topics(topic=prefix, timeout=60).topics
    assert topics[prefix].error is not None


@pytest.mark.services
def test_a_real_elasticsearch_answers(elasticsearch: str, prefix: str) -> None:
    assert httpx.put(f"{elasticsearch}/{prefix}").raise_for_status().json()["acknowledged"] is True


@pytest.mark.parametrize("value", ["Ärger / with: signs", "x" * 300])
def test_a_prefix_fits_names_of_topics_and_indices(prefix: str, value: str) -> None:
    assert value
    assert prefix.startswith("test-a-prefix-fits-names")
    assert prefix.replace("-", "").isalnum()
    assert prefix == prefix.lower()
    assert len(prefix) <= 49


def test_what_needs_servers_runs_last_in_the_order_it_had(request: pytest.FixtureRequest) -> None:
    items = [item for item in request.session.items if Path(item.path) == Path(__file__)]
    mixed = [*reversed(items), *items]
    pytest_collection_modifyitems(mixed)
    marked = [item.get_closest_marker("services") is not None for item in mixed]
    assert marked == sorted(marked)
    quick = [item for item in items if item.get_closest_marker("services") is None]
    assert mixed[: len(quick) * 2] == [*reversed(quick), *quick]


def test_recordings_are_a_directory(recordings: Path) -> None:
    assert recordings.is_dir()
