"""The format: an engine's event to facts and activity."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any, Final

from producers.formats.bands import FLOORS, resource_of
from producers.formats.docker.action import EngineEvent, engine_event, settings_matter
from producers.formats.docker.activity import activity_of, command_of
from producers.formats.docker.facts import facts_of_attributes, facts_of_inspect
from producers.formats.docker.health import HealthChecks
from producers.formats.docker.settings import settings_of
from producers.formats.values import integer_of, load_items, object_of, text_of, time_of
from producers.types import FormatOptions, Position, Record, Result
from schemas.codec import Event
from schemas.errors import Drop, Invalid
from schemas.facts import FACTS_ACTION, container_entity, host_entity

__all__ = ["DockerFormat"]

_CONTAINER_ID: Final = re.compile(r"[0-9a-f]{12,64}")
_SENSOR: Final = MappingProxyType({"event.module": "docker", "event.dataset": "docker.events"})
_USAGE: Final = MappingProxyType(
    {
        "event.kind": "metric",
        "event.action": "resource-usage",
        "event.module": "docker",
        "event.dataset": "docker.stats",
    }
)
_GONE: Final = MappingProxyType(
    {
        "event.kind": "event",
        "event.action": "container-gone",
        "event.category": ["host"],
        "event.type": ["end"],
        "event.outcome": "unknown",
        "event.reason": "it ran when the engine was seen last, and runs no more",
    }
    | _SENSOR
)
_NANOSECONDS: Final = 1_000_000_000
_MAX_KNOWN: Final = 20_000
_NEVER: Final = "0001-"
"""The year of Go's zero time: a container that was never started."""

_HEALTH_CHECK: Final = "container-health-check"
_CONNECTED: Final = frozenset({"network", "volume"})
_OF_A_CONTAINER: Final = frozenset({"connect", "disconnect", "mount", "unmount"})


class DockerFormat:
    """Engine events to events; it holds no record back.

    The entity is the container, also where a network or a volume is connected to it; else the host. Facts from ``inspect``
    have the authority of the engine; a container that was never inspected gets what its events say of it, as a sensor's.
    """

    def __init__(self, options: FormatOptions) -> None:
        self._options = options
        self._checks = HealthChecks()
        self._known: OrderedDict[str, None] = OrderedDict()

    @property
    def held(self) -> Position | None:
        """Return None: nothing is ever held."""
        return None

    def flush(self, *, final: bool = False) -> list[Result]:  # noqa: ARG002 - part of the protocol
        """Return nothing: nothing is ever held."""
        return []

    def parse(self, record: Record) -> list[Result]:
        """Return the facts and the activity of each event of the line; most lines are one event."""
        results: list[Result] = []
        for item in load_items(record.data):
            try:
                results += self._results(item)
            except Invalid as fault:
                results.append(fault)
        if not results:
            raise Drop("empty list")
        return results

    def _results(self, item: Any) -> list[Result]:
        if not isinstance(item, dict):
            raise Invalid(f"not a JSON object but {type(item).__name__}")
        if "HostConfig" in item and "Id" in item:  # a line of `docker inspect`
            item = {"inspect": item}
        usage, gone = object_of(item.get("usage")), text_of(item.get("gone"))
        if usage:
            return self._used(item, usage)
        if gone:
            return [_head_of(item, gone) | _GONE]
        inspect = object_of(item.get("inspect"))
        if inspect and not any(text_of(item.get(key)) for key in ("Action", "status", "Status")):
            return [self._inspected(item, inspect)]
        return self._of_event(item, inspect)

    def _of_event(self, item: Event, inspect: Event) -> list[Result]:
        event = engine_event(item)
        entity = self._entity(event)
        command = command_of(event, item)
        head = {"@timestamp": _time(item), "entity.id": entity, "event.kind": "event"} | _SENSOR
        activity = head | activity_of(event, command)
        if event.type != "container":
            return [_present(activity)]
        facts: list[Result] = list(self._facts(event, entity, item))
        if _is_of(inspect, entity) and settings_matter(event):
            activity |= settings_of(inspect)
        if event.action.startswith("exec_") and self._checks.is_check(entity, event, command):
            activity["event.action"] = _HEALTH_CHECK
        return [*facts, _present(activity)]

    def _used(self, item: Event, usage: Event) -> list[Result]:
        """Return an event for each metric of a measurement."""
        head = _head_of(item, text_of(usage.get("Id")) or "") | _USAGE
        known = (resource_of(metric, usage.get(metric)) for metric in FLOORS)
        return [
            head | {"event.category": ["host"], "event.type": ["info"]} | resource for resource in known if resource
        ] or [Drop("nothing was measured")]

    def _entity(self, event: EngineEvent) -> str:
        container = event.id if event.type == "container" else ""
        if event.type in _CONNECTED and event.action in _OF_A_CONTAINER:
            container = text_of(event.attributes.get("container")) or ""
        if _CONTAINER_ID.fullmatch(container.lower()):
            return container_entity(container)
        if event.type == "container":
            raise Invalid(f"a container event whose id is not 12 to 64 hexadecimal digits: {container[:80]!r}")
        return host_entity(self._options.host)

    def _facts(self, event: EngineEvent, entity: str, item: Event) -> Iterator[Event]:
        """Yield what is known of the container of an event: at each inspect, else once if it was never inspected."""
        inspect = object_of(item.get("inspect"))
        if _is_of(inspect, entity):
            yield self._inspected(item, inspect)
        elif entity not in self._known:
            self._remember(entity)
            known = facts_of_attributes(event.id, event.attributes, event.image, _runtime(item, event.attributes))
            yield self._facts_event(item, entity, "sensor", known)

    def _inspected(self, item: Event, inspect: Event) -> Event:
        container_id = (text_of(inspect.get("Id")) or "").lower()
        if not _CONTAINER_ID.fullmatch(container_id):
            raise Invalid(f"an inspect whose Id is not 12 to 64 hexadecimal digits: {container_id[:80]!r}")
        entity = container_entity(container_id)
        self._remember(entity)
        self._checks.learn(entity, inspect)
        attributes = object_of(object_of(item.get("Actor")).get("Attributes"))
        image = object_of(item.get("inspect_image"))
        known = facts_of_inspect(inspect | {"Id": container_id}, image, _runtime(item, attributes))
        return self._facts_event(item, entity, "engine", known)

    def _facts_event(self, item: Event, entity: str, authority: str, known: Event) -> Event:
        state = object_of(object_of(item.get("inspect")).get("State"))
        created = object_of(item.get("inspect")).get("Created")
        started = text_of(state.get("StartedAt")) or ""
        head = {
            "@timestamp": _time(item, created if started.startswith(_NEVER) else started, created),
            "entity.id": entity,
            "event.kind": "state",
            "event.action": FACTS_ACTION,
            "event.module": "docker",
            "event.dataset": "docker.facts",
            "facts.authority": authority,
            "host.name": self._options.host or None,
            "container.state": text_of(state.get("Status")),
        }
        return _present(head | {"workload.cluster": self._options.cluster} | known)

    def _remember(self, entity: str) -> None:
        self._known[entity] = None
        self._known.move_to_end(entity)
        if len(self._known) > _MAX_KNOWN:
            self._known.popitem(last=False)


def _head_of(item: Event, container_id: str) -> Event:
    """Return when something was found out of a container, and of which."""
    if not _CONTAINER_ID.fullmatch(container_id.lower()):
        raise Invalid(
            f"what was found out of a container whose id is not 12 to 64 hexadecimal digits: {container_id[:80]!r}"
        )
    return {"@timestamp": _time(item), "entity.id": container_entity(container_id)}


def _time(item: Event, *otherwise: Any) -> str:
    seconds = integer_of(item.get("time"))
    return time_of(
        item.get("timeNano"),
        None if seconds is None else seconds * _NANOSECONDS,
        item.get("Time") if isinstance(item.get("Time"), str) else None,
        *otherwise,
    )


def _is_of(inspect: Event, entity: str) -> bool:
    return (text_of(inspect.get("Id")) or "").lower().startswith(entity)


def _runtime(item: Event, attributes: Event) -> str:
    named = text_of(item.get("engine"))
    return named or ("podman" if "podId" in attributes or "containerExitCode" in attributes else "docker")


def _present(event: Event) -> Event:
    return {name: value for name, value in event.items() if value is not None and value != []}
