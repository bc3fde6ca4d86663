"""From a record of a compacted topic to what the view has of it: pure, so that a view is the same whenever it was read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

from schemas.alert import Alert
from schemas.baseline import Profile
from schemas.codec import Event, decode, dumps_sorted, loads
from schemas.errors import Invalid
from schemas.facts import is_container, principal_of
from schemas.fields import FIELDS
from schemas.kpi import KpiRecord, place_of
from schemas.shared import SharedRecord
from schemas.topics import Name

__all__ = ["Content", "Principal", "Row", "Value", "rows_of"]


@dataclass(frozen=True, slots=True)
class Principal:
    """The name of a principal, which the view keeps once."""

    name: str


@dataclass(frozen=True, slots=True)
class Content:
    """A JSON object with sorted keys, which the view keeps once."""

    text: bytes

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Content:
        """Return the content that these fields are."""
        return cls(dumps_sorted(fields))


Value = str | int | bytes | Principal | Content


@dataclass(frozen=True, slots=True)
class Row:
    """A row by its key; without values it is gone."""

    key: tuple[Value, ...]
    values: tuple[Value, ...] | None


_ENTITY: Final = b"entity/"
_OWN: Final = frozenset(
    name for name, row in FIELDS.items() if row.part == "facts" and not row.decides and not row.shared
)
_REPEATED: Final = frozenset({"verdict.activity", "verdict.principal", "verdict.context", "verdict.outcome"})
_MAX_NAMES: Final = 4_096
_KEY_PARTS: Final = 4
_LARGEST: Final = 2**63 - 1


_Part = Literal["head", "known", "done", "verdict"]


class _Parts(dict[str, _Part]):
    """To which part of a row of ``activities`` a field belongs: each is looked at once, for every row has some thirty.

    A start and a facts event say what is *known* of what they are about; the rest of an activity was *done*.
    """

    def __missing__(self, name: str) -> _Part:
        if len(self) >= _MAX_NAMES:
            self.clear()
        part = self[name] = _part_of(name)
        return part


def _part_of(name: str) -> _Part:
    if name.startswith("activity.") or name in _REPEATED:
        return "head"
    if name.startswith("verdict."):
        return "verdict"
    row = FIELDS.get(name)
    is_fact = row is not None and row.part == "facts"
    return "known" if is_fact or name.startswith("container.settings.") else "done"


_PARTS: Final = _Parts()


def rows_of(topic: Name, key: bytes, value: bytes | None) -> tuple[Row, ...]:
    """Return what a record of a topic, or its tombstone, makes; raise ``Invalid`` for what is no record of it."""
    try:
        return tuple(_READERS[topic](key, value))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Invalid(f"not a record of {topic}: {error!r}") from error


def _state_rows(key: bytes, value: bytes | None) -> Iterator[Row]:
    """Yield the entity of a record of ``judge-state``; counters stand in ``activities``, the rest is the judge's own."""
    if key.startswith(_ENTITY):
        entity = key.removeprefix(_ENTITY).decode()
        yield Row((entity,), None if value is None else _entity(entity, decode(value)))


def _entity(entity: str, stored: Event) -> tuple[Value, ...]:
    facts = {name: value for name, (_, value) in stored["facts"].items()}
    return (
        "container" if is_container(entity) else entity.partition(":")[0],
        Principal(principal_of(entity, facts)),
        *_texts({"stopped": "", **stored}, "seen", "stopped", "ended"),
        Content.of({name: value for name, value in facts.items() if name not in _OWN}),
        dumps_sorted({name: value for name, value in facts.items() if name in _OWN}).decode(),
    )


def _activity_rows(key: bytes, value: bytes | None) -> Iterator[Row]:
    parts = key.decode().rsplit("|", _KEY_PARTS - 1)
    if len(parts) != _KEY_PARTS:
        raise Invalid("not the key of a row: principal|context|activity|partition")
    principal, context, slot, partition = parts
    place = (Principal(principal), bytes.fromhex(context), slot, _count(int(partition)))
    yield Row(place, None if value is None else _activity(decode(value)))


def _activity(row: Event) -> tuple[Value, ...]:
    parts: dict[_Part, Event] = {"head": {}, "known": {}, "done": {}, "verdict": {}}
    for name, value in row.items():
        parts[_PARTS[name]][name] = value
    return (
        *_texts({"event.action": "", **row}, "activity.dimension", "event.action"),
        _count(row["activity.count"]),
        *_texts(row, "activity.first", "activity.first_id", "activity.last", "activity.last_id"),
        *_texts(row, "verdict.outcome"),
        Content.of(parts["known"]),
        Content.of(parts["done"]),
        Content.of(parts["verdict"]),
    )


def _shared_rows(key: bytes, value: bytes | None) -> Iterator[Row]:
    match loads(key):
        case [str(subject), str(source)]:
            yield Row((subject, source), None if value is None else (_shared(value),))
        case _:
            raise Invalid("not the key of shared facts: [subject, source]")


def _shared(value: bytes) -> Content:
    SharedRecord.decode(value)  # which nobody could read otherwise
    return Content.of(decode(value))


def _baseline_rows(key: bytes, value: bytes | None) -> Iterator[Row]:
    yield Row((Principal(key.decode()),), None if value is None else (Profile.decode(value).state,))


def _alert_rows(key: bytes, value: bytes | None) -> Iterator[Row]:
    if value is not None:
        Alert.decode(value)  # which nobody could read otherwise
    yield Row((key.decode(),), None if value is None else (value,))


def _figure_rows(key: bytes, value: bytes | None) -> Iterator[Row]:
    place = place_of(key)
    _count(place.series)
    if value is not None:
        KpiRecord.read(place, value)  # as above
    yield Row(place, None if value is None else (value,))


def _texts(fields: Mapping[str, Any], *names: str) -> tuple[str, ...]:
    values = tuple([fields[name] for name in names])
    for value in values:
        if not isinstance(value, str):
            raise Invalid(f"{', '.join(names)}: one is no text")
    return values


def _count(value: Any) -> int:
    if not isinstance(value, int) or not 0 <= value <= _LARGEST:
        raise Invalid(f"{str(value)[:32]} is no count")
    return value


_READERS: Final[Mapping[Name, Callable[[bytes, bytes | None], Iterator[Row]]]] = MappingProxyType(
    {
        "shared-facts": _shared_rows,
        "baselines": _baseline_rows,
        "judge-state": _state_rows,
        "activities": _activity_rows,
        "alerts": _alert_rows,
        "kpi": _figure_rows,
    }
)
