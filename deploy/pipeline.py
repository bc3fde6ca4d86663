"""The processes of the pipeline on one machine: the local stack below, collectors, judge and sink above.

What is local follows from the settings: Kafka and Elasticsearch are started here where their addresses are on this machine.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from deploy.kafka import create_topics, publish, read_all
from deploy.policies import DEFAULT_POLICIES
from deploy.rules import DEFAULT_RULES, check_rules
from deploy.stack import Child, StackSettings
from deploy.stack.settings import Service
from schemas.codec import dumps
from schemas.day import DAY_KEY, decode_day
from schemas.errors import ConfigurationError
from schemas.policyset import PolicySet, load_policies
from schemas.settings import Settings, SourceSettings
from streams.applied import POLICIES_KEY, RULES_KEY
from streams.rules.ruleset import RuleSet

__all__ = ["apply_policies", "apply_rules", "children", "policies_in_force", "prepare_topics", "stack_settings"]

_LOCAL: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_RESTARTS: Final = 1_000


def stack_settings(settings: Settings) -> StackSettings:
    """Return which servers ``tidewaiter up`` starts here, on the ports that the settings name."""
    services: list[Service] = []
    ports: dict[str, int] = {}
    host, _, port = settings.kafka.bootstrap_servers.partition(",")[0].rpartition(":")
    if host in _LOCAL:
        services.append("kafka")
        ports |= {"kafka_port": int(port), "kafka_controller_port": int(port) + 1}
    address = urlsplit(settings.elasticsearch.urls[0])
    if address.hostname in _LOCAL and address.port:
        services.append("elasticsearch")
        ports["elasticsearch_port"] = address.port
    return StackSettings(services=tuple(services), state_directory=settings.state_directory, **ports)


def children(settings: Settings) -> Iterator[Child]:
    """Yield the processes that the settings ask for, in the order in which they are started."""
    environment = environment_of(settings)
    yield _child("judge", ("judge",), environment)
    yield _child("correlate", ("correlate",), environment)
    yield _child("deliver-elasticsearch", ("deliver", "elasticsearch", "--instance", "local"), environment)
    for source in settings.sources:
        yield collector(settings, source)


def collector(settings: Settings, source: SourceSettings) -> Child:
    """Return the process that collects one source."""
    given = source.model_dump(exclude={"id", "format"})
    options = [
        text
        for name, value in given.items()
        if value not in (None, "")
        for text in (f"--{name.replace('_', '-')}", str(value))
    ]
    return _child(
        f"collect-{source.id}", ("collect", source.format, "--id", source.id, *options), environment_of(settings)
    )


def environment_of(settings: Settings) -> dict[str, str]:
    """Return variables that give a child these settings, whatever ``tidewaiter.yaml`` says; secrets stay where they came from."""
    return {
        "TIDEWAITER_KAFKA__BOOTSTRAP_SERVERS": settings.kafka.bootstrap_servers,
        "TIDEWAITER_KAFKA__TOPIC_PREFIX": settings.kafka.topic_prefix,
        "TIDEWAITER_KAFKA__PARTITIONS": str(settings.kafka.partitions),
        "TIDEWAITER_ELASTICSEARCH__URLS": dumps(settings.elasticsearch.urls).decode(),
        "TIDEWAITER_ELASTICSEARCH__DATA_STREAM": settings.elasticsearch.data_stream,
        "TIDEWAITER_STATE_DIRECTORY": str(settings.state_directory),
    }


def _child(name: str, arguments: tuple[str, ...], environment: dict[str, str]) -> Child:
    command = (sys.executable, "-m", "deploy.cli", *arguments)
    return Child(name=name, command=command, environment=environment, restarts=_RESTARTS)


def prepare_topics(settings: Settings, policies: list[Path], rules: list[Path]) -> list[str]:
    """Create what topics are missing, and put ``policies`` and ``rules`` in force where none are yet; return what was done.

    Without any of them the shipped ones are put in force. Raises ``ConfigurationError`` for rules that a judge could not use.
    """
    done = [f"topic {name} created" for name in create_topics(settings.kafka)]
    applied = read_all(settings.kafka, "policies")
    if (0, POLICIES_KEY.encode()) not in applied:
        chosen = load_policies(policies or [DEFAULT_POLICIES], datetime.now(UTC).date())
        done.append(f"policies {apply_policies(settings, chosen)} in force")
    if (0, RULES_KEY.encode()) not in applied:
        checked = check_rules(rules or [DEFAULT_RULES])
        if checked.faults:
            listed = "\n".join(map(str, checked.faults))
            raise ConfigurationError(f"rules that cannot be used; put the others in force with `rules apply`\n{listed}")
        done.append(f"rules {apply_rules(settings, checked.rules)} in force")
    return done


def apply_policies(settings: Settings, policies: PolicySet) -> str:
    """Put a policy set in force on all judges and return its hash; each adopts it before its next event."""
    publish(settings.kafka, "policies", POLICIES_KEY, policies.manifest())
    return policies.hash


def apply_rules(settings: Settings, rules: RuleSet) -> str:
    """Put a rule set in force on all judges and return its hash; each adopts it between two events once it is made ready."""
    publish(settings.kafka, "policies", RULES_KEY, rules.manifest())
    return rules.hash


def policies_in_force(settings: Settings) -> PolicySet | None:
    """Return the policy set that judges adopt, as of the day that they do, or None where none was ever applied."""
    records = {key: value for (_, key), value in read_all(settings.kafka, "policies").items()}
    manifest, day = (records.get(key.encode()) for key in (POLICIES_KEY, DAY_KEY))
    found = PolicySet.from_manifest(manifest) if manifest else None
    return found.on(decode_day(day)) if found and day else found
