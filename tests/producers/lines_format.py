"""A format for tests of the collector: what it makes of a record is what the record says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from producers.types import Outcome, Position, Record, Result
from schemas.codec import Event
from schemas.errors import Drop, Invalid

TIME = "2026-01-02T10:00:00.000000000Z"


def exec_event(entity: str, program: str) -> Event:
    return {
        "@timestamp": TIME,
        "entity.id": entity,
        "event.kind": "event",
        "event.action": "exec",
        "event.dataset": "lines",
        "process.executable": program,
    }


def facts_event(entity: str, image: str) -> Event:
    return exec_event(entity, "") | {
        "event.kind": "state",
        "event.action": "facts",
        "facts.authority": "sensor",
        "process.executable": None,
        "container.image.name": image,
    }


class LinesFormat:
    """``exec ENTITY PROGRAM``, ``facts ENTITY IMAGE``, ``drop``, ``mixed …``, ``begin N`` … ``end N``; all else is invalid."""

    def __init__(self) -> None:
        self._open: dict[str, list[Record]] = {}

    def parse(self, record: Record) -> Iterable[Result | Outcome]:
        verb, *words = record.data.decode("utf-8", "replace").split(" ")
        match verb, words:
            case "exec", [entity, program]:
                return [exec_event(entity, program)]
            case "facts", [entity, image]:
                return [facts_event(entity, image)]
            case "mixed", _:
                return [exec_event("e", "good"), Invalid("one bad item"), Drop("one dull item")]
            case "raw", [name, value]:
                return [exec_event("e", "x") | {name: value}]
            case "drop", _:
                raise Drop("dull")
            case "begin", [number]:
                self._open[number] = [record]
                return []
            case "end", [number]:
                held = [*self._open.pop(number, []), record]
                return [Outcome(exec_event("e", f"joined-{number}-of-{len(held)}"), tuple(held))]
            case _:
                raise Invalid("no such verb")

    def flush(self, *, final: bool = False) -> Iterator[Outcome]:
        if final:
            for number, held in self._open.items():
                yield Outcome(exec_event("e", f"flushed-{number}-of-{len(held)}"), tuple(held))
            self._open.clear()

    @property
    def held(self) -> Position | None:
        return next(iter(self._open.values()))[0].position if self._open else None
