"""The policy set and the rule set in force, from their topic."""

from __future__ import annotations

from datetime import date
from textwrap import dedent
from threading import Event

import pytest

from deploy.kafka import publish
from deploy.pipeline import policies_in_force
from schemas.day import DAY_KEY, encode_day
from schemas.errors import ConfigurationError
from schemas.policyset import Document, PolicySet, parse_policies
from schemas.settings import Settings
from streams.applied import AppliedSets
from streams.rules.ruleset import RuleSet, parse_rules
from tests.streams.judge.broker import Broker, broker_of, wait_for
from tests.streams.judge.lab import FORBID_NGINX, FORBID_SHELLS

pytestmark = pytest.mark.services

SHELL = dedent("""
    title: Shell
    id: 5f0b6a0e-0000-4000-8000-000000000001
    level: high
    logsource: {category: process_creation, product: linux}
    detection:
      selection: {Image|endswith: /sh}
      condition: selection
""")


def followed(broker: Broker) -> AppliedSets[PolicySet, RuleSet]:
    return AppliedSets(broker.kafka, "test", lambda policies: policies, lambda rules: rules)


def apply_rules(broker: Broker, text: str) -> str:
    rules = parse_rules([Document("a.yml", text)])
    publish(broker.kafka, "policies", "rules", rules.manifest())
    return rules.hash


def test_the_last_sets_are_in_force_the_empty_ones_without_any(kafka: str, prefix: str) -> None:
    broker = broker_of(kafka, prefix, policy=None)
    sets = followed(broker)
    assert (sets.current.policies.hash, sets.current.rules.hash) == (PolicySet.empty().hash, RuleSet.empty().hash)
    hashes = [broker.publish(text) for text in (FORBID_NGINX, FORBID_SHELLS)]
    wait_for(lambda: sets.poll().policies.hash == hashes[-1])
    rules = apply_rules(broker, SHELL)
    wait_for(lambda: sets.poll().rules.hash == rules)
    assert sets.poll() is sets.poll()
    sets.close()
    again = followed(broker)
    assert (again.current.policies.hash, again.current.rules.hash) == (hashes[-1], rules)
    again.close()


@pytest.mark.parametrize("value", [b"garbage", b"{}", b'{"hash":"x","as_of":"2026-01-01","documents":[]}'])
def test_what_is_no_policy_set_stops_who_follows_until_one_lies_behind_it(
    kafka: str, prefix: str, value: bytes
) -> None:
    broker = broker_of(kafka, prefix)
    publish(broker.kafka, "policies", "policies", value)
    with pytest.raises(ConfigurationError, match=r"policies/0/1: .*tidewaiter policy apply"):
        followed(broker)
    good = broker.publish(FORBID_SHELLS)
    sets = followed(broker)
    assert sets.current.policies.hash == good
    sets.close()


@pytest.mark.parametrize("cut", [0, 4, 60])
def test_what_is_no_rule_set_stops_who_follows(kafka: str, prefix: str, cut: int) -> None:
    broker = broker_of(kafka, prefix, policy=None)
    sets = followed(broker)
    manifest = parse_rules([Document("a.yml", SHELL)]).manifest()
    publish(broker.kafka, "policies", "rules", manifest[:cut] + b"x")

    def poll() -> bool:
        try:
            sets.poll()
        except ConfigurationError as error:
            return "tidewaiter rules apply" in str(error)
        return False

    wait_for(poll)
    sets.close()


def test_a_key_of_another_version_is_not_passed_over(kafka: str, prefix: str) -> None:
    broker = broker_of(kafka, prefix, policy=None)
    publish(broker.kafka, "policies", "people", b"{}")
    with pytest.raises(ConfigurationError, match="run the version that wrote it"):
        followed(broker)


def test_what_takes_long_to_make_ready_holds_nobody_up(kafka: str, prefix: str) -> None:
    broker, go_on = broker_of(kafka, prefix, policy=None), Event()

    def slowly(rules: RuleSet) -> str:
        if rules.rules:
            go_on.wait()
        return rules.hash

    sets = AppliedSets(broker.kafka, "test", lambda policies: policies.hash, slowly)
    before = sets.current
    apply_rules(broker, SHELL)
    last = apply_rules(broker, SHELL.replace("high", "low"))
    policies = broker.publish(FORBID_SHELLS)
    wait_for(lambda: sets.poll().policies == policies)
    assert sets.poll().rules == before.rules
    go_on.set()
    wait_for(lambda: sets.poll().rules == last)
    sets.close()


def test_policies_are_in_force_as_of_the_latest_day_that_was_written(kafka: str, prefix: str) -> None:
    broker = broker_of(kafka, prefix, policy=None)
    sets = followed(broker)
    text = FORBID_SHELLS + "exceptions: {rule: a, principal: '*', reason: r, owner: o, expires: 2026-05-31}\n"
    written = parse_policies([Document("p.yaml", dedent(text))], date(2026, 5, 1))
    publish(broker.kafka, "policies", "policies", written.manifest())
    wait_for(lambda: sets.poll().policies.hash == written.hash)
    publish(broker.kafka, "policies", DAY_KEY, encode_day(date(2026, 6, 1)))
    later = written.on(date(2026, 6, 1))
    wait_for(lambda: sets.poll().policies.hash == later.hash)
    publish(broker.kafka, "policies", "policies", written.manifest())
    sets.close()
    again = followed(broker)
    assert again.current.policies == later
    assert policies_in_force(Settings(kafka=broker.kafka)) == later
    again.close()


def test_what_is_no_day_stops_who_follows(kafka: str, prefix: str) -> None:
    broker = broker_of(kafka, prefix, policy=None)
    publish(broker.kafka, "policies", DAY_KEY, b"tomorrow")
    with pytest.raises(ConfigurationError, match=r"policies/0/0: .*run the version that wrote it"):
        followed(broker)
