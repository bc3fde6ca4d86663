"""The policy set in force, from its topic."""

from __future__ import annotations

import pytest

from deploy.kafka import publish
from schemas.errors import ConfigurationError
from schemas.policyset import PolicySet
from streams.judge.feed import PolicyFeed
from tests.streams.judge.broker import broker_of, wait_for
from tests.streams.judge.lab import FORBID_NGINX, FORBID_SHELLS

pytestmark = pytest.mark.services


def test_the_last_set_is_in_force_the_empty_one_without_any(kafka: str, prefix: str) -> None:
    broker = broker_of(kafka, prefix, policy=None)
    feed = PolicyFeed(broker.kafka, "feed")
    assert feed.poll().hash == PolicySet.empty().hash
    hashes = [broker.publish(text) for text in (FORBID_NGINX, FORBID_SHELLS)]
    wait_for(lambda: feed.poll().hash == hashes[-1])
    feed.close()
    again = PolicyFeed(broker.kafka, "feed")
    assert again.current.hash == hashes[-1]
    again.close()


@pytest.mark.parametrize("value", [b"garbage", b"{}", b'{"hash":"x","as_of":"2026-01-01","documents":[]}'])
def test_what_is_no_policy_set_stops_the_judge_until_one_lies_behind_it(kafka: str, prefix: str, value: bytes) -> None:
    broker = broker_of(kafka, prefix)
    publish(broker.kafka, "policies", "policies", value)
    with pytest.raises(ConfigurationError, match=r"policies/0/1: .*tidewaiter policy apply"):
        PolicyFeed(broker.kafka, "feed")
    good = broker.publish(FORBID_SHELLS)
    feed = PolicyFeed(broker.kafka, "feed")
    assert feed.current.hash == good
    feed.close()
