"""Falco's alerts as JSON lines (``json_output: true``), as one array, or as Falcosidekick forwards them.

An alert is keyed by the container it is about, else by the Kubernetes user of a ``k8s_audit`` alert or the actor that
another plugin names, else by the host. Priorities become Sigma's levels: emergency, alert, critical → critical; error →
high; warning → medium; notice → low; informational, debug → informational. What Falco says of a container goes before as a
facts event. Its own notices of dropped events become ``telemetry-gap`` events; its metrics are ignored.
Whether an opened file was read or written is taken from the flags, and where a rule does not print them from its name.

Input::

    {"rule": "Read sensitive file untrusted", "priority": "Warning", "time": "2024-05-07T18:54:19.3Z", "source": "syscall",
     "tags": ["T1555"], "output": "…", "output_fields": {"container.id": "9656db3bb358", "evt.type": "openat", …}}

Shapes: https://falco.org/docs/concepts/outputs/formatting/ and the alerts recorded by the Elastic integration.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any, Final

from producers.formats.falco.activity import activity_of, envelope_of
from producers.formats.falco.facts import Containers, facts_of
from producers.formats.falco.fields import Fields
from producers.formats.values import load_items, object_of, text_of, texts_of, time_of
from producers.types import FormatOptions, Position, Record, Result
from schemas.codec import Event
from schemas.errors import Drop, Invalid
from schemas.facts import FACTS_ACTION, container_entity, host_entity, user_entity

__all__ = ["FalcoFormat"]

_LEVELS: Final = MappingProxyType(
    {
        "emergency": ("critical", 100),
        "alert": ("critical", 90),
        "critical": ("critical", 80),
        "error": ("high", 65),
        "warning": ("medium", 50),
        "notice": ("low", 35),
        "informational": ("informational", 20),
        "info": ("informational", 20),
        "debug": ("informational", 0),
    }
)
_INTERNAL: Final = "Falco internal: "
_METRICS: Final = "metrics snapshot"
_TECHNIQUE: Final = re.compile(r"T\d{4}(?:\.\d{3})?\Z", re.ASCII)
_CONTAINER: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]*\Z")
_ACTORS: Final = ("ct.user", "okta.actor.name", "github.user", "gcp.user", "keycloak.userid")
_SENSOR: Final = MappingProxyType({"event.module": "falco", "event.dataset": "falco.alerts"})


class FalcoFormat:
    """Alerts to events; it holds no record back. What it was told of containers is lost when it ends."""

    def __init__(self, options: FormatOptions) -> None:
        self._options = options
        self._containers = Containers()

    @property
    def held(self) -> Position | None:
        return None

    def flush(self, *, final: bool = False) -> Iterator[Result]:  # noqa: ARG002 - part of the protocol
        yield from ()

    def parse(self, record: Record) -> Iterator[Result]:
        alerts = load_items(record.data)
        if not alerts:
            raise Drop("empty list")
        for alert in alerts:
            try:
                yield from self._events(alert)
            except (Drop, Invalid) as reason:
                yield reason

    def _events(self, alert: Any) -> list[Event]:
        if not isinstance(alert, dict):
            raise Invalid(f"not an alert but {type(alert).__name__}")
        rule = text_of(alert.get("rule"))
        if rule is None:
            raise Invalid("no rule: not an alert of Falco")
        fields = Fields(object_of(alert.get("output_fields")))
        if rule.startswith(_INTERNAL):
            return [self._gap(alert, fields, rule.removeprefix(_INTERNAL))]
        event = self._envelope(alert, fields) | _finding(alert, rule) | activity_of(fields, rule)
        return [*self._facts(event, alert, fields), event]

    def _envelope(self, alert: Event, fields: Fields) -> Event:
        entity = self._entity(alert, fields)
        return {"@timestamp": _time(alert, fields), "entity.id": entity, "message": _text(alert)} | envelope_of(fields)

    def _entity(self, alert: Event, fields: Fields) -> str:
        container, source = fields.text("container.id", "container.full_id"), text_of(alert.get("source"))
        if container and container != "host" and _CONTAINER.match(container):
            return container_entity(container)
        if user := fields.text("ka.user.name"):
            return user_entity(self._options.cluster, user)
        if source != "syscall" and (actor := fields.text(*_ACTORS)):
            return user_entity(source or "", actor)
        return host_entity(self._host(alert) or "unknown")

    def _host(self, alert: Event) -> str | None:
        return text_of(alert.get("hostname")) or self._options.host or None

    def _facts(self, event: Event, alert: Event, fields: Fields) -> list[Event]:
        """Return a facts event if the alert says something new of its container."""
        entity = event["entity.id"]
        said = facts_of(fields, self._options.cluster, self._host(alert)) if ":" not in entity else {}
        known = self._containers.learn(entity, said) if said else None
        if known is None:
            return []
        head = {"@timestamp": event["@timestamp"], "entity.id": entity, "event.kind": "state"}
        return [head | {"event.action": FACTS_ACTION, "facts.authority": "sensor"} | dict(_SENSOR) | known]

    def _gap(self, alert: Event, fields: Fields, cause: str) -> Event:
        if cause == _METRICS:
            raise Drop("metrics of the sensor")
        return {
            "@timestamp": _time(alert, fields),
            "entity.id": host_entity(self._host(alert) or "unknown"),
            "message": _text(alert),
            "event.kind": "alert",
            "event.action": "telemetry-gap",
            "gap.cause": cause,
            "gap.count": fields.integer("n_drops", "n_drops_buffer_total"),
        } | dict(_SENSOR)


def _finding(alert: Event, rule: str) -> Event:
    priority, tags = text_of(alert.get("priority")) or "", texts_of(alert.get("tags"))
    if priority.lower() not in _LEVELS:
        raise Invalid(f"unknown priority {priority[:32]!r}")
    level, severity = _LEVELS[priority.lower()]
    return dict(_SENSOR) | {
        "event.kind": "alert",
        "event.severity": severity,
        "rule.name": rule,
        "rule.level": level,
        "rule.ruleset": text_of(alert.get("source")),
        "rule.tags": tags,
        "threat.technique.id": [tag for tag in tags if _TECHNIQUE.match(tag)],
    }


def _time(alert: Event, fields: Fields) -> str:
    return time_of(alert.get("time"), *map(fields.first, ("evt.time.iso8601", "evt.rawtime", "jevt.time.iso8601")))


def _text(alert: Event) -> str | None:
    return text_of(alert.get("output")) or text_of(alert.get("message"))
