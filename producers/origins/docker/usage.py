"""What containers use, from one reading of the engine's counters to the next.

A measurement is one JSON object; rates are per second since the reading before::

    {"timeNano": 1795425183722034519, "engine": "podman", "usage": {"Id": "6ffb…", "cpu": 0.25, "memory": 8388608,
     "pids": 3, "network.received": 1203.5, "network.sent": 88.1, "disk.read": 0.0, "disk.written": 4096.0}}

What the engine does not tell is left out: Podman 4.3 has no disk counters before a container's first access to a disk, and
counts a container's page cache as its memory; one on the host's network has no network counters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from producers.formats.values import integer_of, items_of, object_of, text_of
from producers.origins.docker.engine import Engine
from schemas.codec import Event
from schemas.errors import Invalid
from schemas.event import parse_time

__all__ = ["Reading", "UsageMeter", "reading_of", "usage_between"]

_SECOND: Final = 1_000_000_000
_CACHES: Final = ("total_inactive_file", "inactive_file")
"""Of control groups v1 and v2: what Docker itself takes off the memory."""

_SCALE: Final = MappingProxyType({"cpu": 1 / _SECOND})
_DISK: Final = MappingProxyType({"read": "disk.read", "write": "disk.written"})
_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class Reading:
    """A container's gauges, and counters that only grow while it runs (nanoseconds of CPU, bytes)."""

    nanoseconds: int
    gauges: Mapping[str, int]
    counters: Mapping[str, int]


class UsageMeter:
    """Measures the running containers of an engine; used by one thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._before: dict[str, Reading] = {}

    def measure(self) -> Iterator[Event]:
        """Yield a measurement of each container that was there the last time; raise ``EngineError`` if it cannot ask.

        One that lives for less than the time between two readings is never measured.
        """
        kind = self._engine.identify()
        before, self._before = self._before, {}
        for container_id in self._engine.running():
            stats = self._engine.stats(container_id) or {}
            reading = reading_of(stats, swapped=self._engine.swaps_network)
            if reading is not None:
                self._before[container_id] = reading
                usage = usage_between(before[container_id], reading) if container_id in before else {}
                if usage:
                    usage = {"Id": container_id} | usage
                    yield {"timeNano": reading.nanoseconds, "engine": kind, "usage": usage}

    def close(self) -> None:
        """Close the connection to the engine."""
        self._engine.close()


def reading_of(stats: Event, *, swapped: bool = False) -> Reading | None:
    """Return what an answer says; None if it is of a container that does not run any more.

    ``swapped`` says that the engine has what is received and what is sent the wrong way round.
    """
    try:
        nanoseconds = parse_time(text_of(stats.get("read")) or "")
    except Invalid:
        return None
    if nanoseconds <= 0:
        return None
    gauges = {"memory": _memory(object_of(stats.get("memory_stats"))), "pids": _pids(stats)}
    counters = {"cpu": _cpu(stats)} | _network(stats, swapped=swapped) | _disk(stats)
    return Reading(nanoseconds, _known(gauges), _known(counters))


def usage_between(before: Reading, now: Reading) -> Event:
    """Return gauges and rates; nothing if no time has passed or the container was started anew in between."""
    seconds = (now.nanoseconds - before.nanoseconds) / _SECOND
    both = [name for name in now.counters if name in before.counters]
    if seconds <= 0 or any(now.counters[name] < before.counters[name] for name in both):
        return {}
    rates = {
        name: round((now.counters[name] - before.counters[name]) * _SCALE.get(name, 1) / seconds, _DIGITS)
        for name in both
    }
    return dict(now.gauges) | rates


def _memory(memory: Event) -> int | None:
    usage, details = integer_of(memory.get("usage")), object_of(memory.get("stats"))
    if not usage:
        return None
    cache = next((number for name in _CACHES if (number := integer_of(details.get(name))) is not None), 0)
    return max(0, usage - cache)


def _pids(stats: Event) -> int | None:
    return integer_of(object_of(stats.get("pids_stats")).get("current")) or None


def _cpu(stats: Event) -> int | None:
    return integer_of(object_of(object_of(stats.get("cpu_stats")).get("cpu_usage")).get("total_usage")) or None


def _network(stats: Event, *, swapped: bool) -> dict[str, int | None]:
    interfaces = [object_of(interface) for interface in object_of(stats.get("networks")).values()]
    received, sent = ("tx_bytes", "rx_bytes") if swapped else ("rx_bytes", "tx_bytes")
    return {"network.received": _sum(interfaces, received), "network.sent": _sum(interfaces, sent)}


def _disk(stats: Event) -> dict[str, int | None]:
    entries = [
        object_of(entry) for entry in items_of(object_of(stats.get("blkio_stats")).get("io_service_bytes_recursive"))
    ]
    named = {metric: [entry for entry in entries if _operation(entry) == name] for name, metric in _DISK.items()}
    return {metric: _sum(found, "value") for metric, found in named.items()}


def _operation(entry: Event) -> str:
    return (text_of(entry.get("op")) or "").lower()


def _sum(items: list[Event], name: str) -> int | None:
    numbers = [number for item in items if (number := integer_of(item.get(name))) is not None]
    return sum(numbers) if numbers else None


def _known(values: Mapping[str, Any]) -> dict[str, int]:
    return {name: value for name, value in values.items() if value is not None}
