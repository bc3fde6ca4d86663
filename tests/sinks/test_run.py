"""The whole way: from the topic `verdicts` to documents in a real Elasticsearch."""

from __future__ import annotations

import pytest

from sinks.mark import Totals
from tests.sinks.world import event_id, record_value, world_of

pytestmark = pytest.mark.services


def test_every_record_becomes_one_document(kafka: str, elasticsearch: str, prefix: str) -> None:
    world = world_of(kafka, elasticsearch, prefix)
    world.create_topics(4)
    world.produce((record_value(event_id(number)) for number in range(5000)), 4)

    totals = world.run_until_done()

    assert world.ids() == {event_id(number): 1 for number in range(5000)}
    assert totals == Totals(indexed=5000)
    assert world.totals() == totals
