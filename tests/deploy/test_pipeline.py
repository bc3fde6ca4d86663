from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Final

import pytest

from deploy.kafka import create_topics
from deploy.pipeline import apply_rules, children, collector, policies_in_force, prepare_topics
from deploy.rules import DEFAULT_RULES
from schemas.errors import ConfigurationError
from schemas.policyset import Document
from schemas.settings import KafkaSettings, Settings, SourceSettings
from streams.applied import AppliedSets
from streams.rules.ruleset import load_rules, parse_rules

SHELL_RULE: Final = """
title: Shell
id: 5f0b6a0e-0000-4000-8000-000000000001
level: high
logsource: {category: process_creation, product: linux}
detection:
  selection: {Image|endswith: /sh}
  condition: selection
"""


def options(**given: object) -> tuple[str, ...]:
    source = SourceSettings.model_validate({"id": "one", **given})
    return collector(Settings(), source).command[3:]


def test_a_source_is_collected_with_what_its_settings_say() -> None:
    found = options(format="auditd", file=Path("/var/log/audit.log"), peers="unix:///engine.sock", host="node-1")
    assert found[:4] == ("collect", "auditd", "--id", "one")
    pairs = dict(zip(found[4::2], found[5::2], strict=True))
    assert pairs == {"--file": "/var/log/audit.log", "--peers": "unix:///engine.sock", "--host": "node-1"}


def test_measuring_can_be_turned_off_and_is_left_alone_where_nothing_is_said() -> None:
    assert options(format="docker", socket="unix:///x", stats_seconds=0)[-2:] == ("--stats-seconds", "0.0")
    assert "--stats-seconds" not in options(format="docker", socket="unix:///x")


def test_judge_learner_and_sink_run_beside_the_collectors() -> None:
    settings = Settings(sources=[SourceSettings(id="one", format="docker", socket="unix:///x")])
    names = [child.name for child in children(settings)]
    assert names == ["judge", "correlate", "deliver-elasticsearch", "collect-one"]


@pytest.mark.services
def test_what_is_shipped_is_in_force_at_first_and_nothing_takes_the_place_of_what_people_applied(
    kafka: str, prefix: str
) -> None:
    settings = Settings(kafka=KafkaSettings(bootstrap_servers=kafka, topic_prefix=f"{prefix}.", partitions=1))
    done = prepare_topics(settings, [], [])
    shipped = load_rules([DEFAULT_RULES])
    assert f"rules {shipped.hash} in force" in done
    own = parse_rules([Document("own.yml", SHELL_RULE)])
    apply_rules(settings, own)
    assert prepare_topics(settings, [], []) == []
    sets = AppliedSets(settings.kafka, "test", lambda policies: policies, lambda rules: rules)
    sets.close()
    assert sets.current.rules == own
    assert sets.current.policies == policies_in_force(settings)


@pytest.mark.services
def test_a_set_that_is_large_when_compressed_is_applied_whole(kafka: str, prefix: str) -> None:
    settings = Settings(kafka=KafkaSettings(bootstrap_servers=kafka, topic_prefix=f"{prefix}.", partitions=1))
    create_topics(settings.kafka)
    random = Random(1)
    texts = (random.randbytes(60_000).hex() for _ in range(50))
    rules = parse_rules(Document(f"{number}.yml", f"{SHELL_RULE}# {text}\n") for number, text in enumerate(texts))
    assert 2_000_000 < len(rules.manifest()) < 8_000_000
    apply_rules(settings, rules)
    sets = AppliedSets(settings.kafka, "test", lambda policies: policies, lambda rules: rules)
    sets.close()
    assert sets.current.rules.hash == rules.hash


@pytest.mark.services
def test_rules_to_begin_with_that_cannot_be_used_are_refused(kafka: str, prefix: str, tmp_path: Path) -> None:
    settings = Settings(kafka=KafkaSettings(bootstrap_servers=kafka, topic_prefix=f"{prefix}.", partitions=1))
    (tmp_path / "bad.yml").write_text(SHELL_RULE.replace("condition: selection", "condition: nothing"))
    with pytest.raises(ConfigurationError, match=r"bad\.yml:\d+: Shell: "):
        prepare_topics(settings, [], [tmp_path])
