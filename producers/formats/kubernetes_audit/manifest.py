"""The object that a request carries: whole, in part (merge patches), or as a JSON patch that is laid out as an object."""

from __future__ import annotations

from typing import Any, Final

from producers.formats.values import object_of, text_of
from schemas.codec import Event

__all__ = ["manifest_of"]

_MAX_DEPTH: Final = 24
_WRITES: Final = ("add", "replace")


def manifest_of(verb: str, request: Any, response: Any) -> tuple[Event, bool]:
    """Return the object that a request creates or changes, as far as it can be known, and whether that is all of it.

    The answer to a patch shows the whole result and is preferred; without it, the patch itself shows what it adds.
    """
    answer = object_of(response)
    if _is_object(answer) and (verb == "patch" or not object_of(request)):
        return answer, True
    if isinstance(request, list):
        return object_of(_lists(_laid_out(request))), False
    return object_of(request), verb != "patch"


def _is_object(answer: Event) -> bool:
    return answer.get("kind") != "Status" and any(key in answer for key in ("spec", "rules", "roleRef"))


def _laid_out(operations: list[Any]) -> Event:
    """Return an object with the values of a JSON patch (RFC 6902) at their paths; its lists are objects of indices."""
    whole: Event = {}
    for operation in map(object_of, operations):
        steps = [
            step.replace("~1", "/").replace("~0", "~") for step in (text_of(operation.get("path")) or "").split("/")[1:]
        ]
        if operation.get("op") in _WRITES and 0 < len(steps) <= _MAX_DEPTH:
            _put(whole, steps, operation.get("value"))
    return whole


def _put(whole: Event, steps: list[str], value: Any) -> None:
    place = whole
    for step in steps[:-1]:
        place[step] = place = _opened(place.get(step))
    place[f"{len(place)}" if steps[-1] == "-" else steps[-1]] = value


def _opened(value: Any) -> Event:
    """Return what further values can be put into, also where an earlier operation has put a list."""
    if isinstance(value, list):
        return {f"{index}": item for index, item in enumerate(value)}
    return object_of(value)


def _lists(value: Any) -> Any:
    """Return ``value`` with every object whose keys are all indices turned into a list."""
    if not isinstance(value, dict):
        return value
    inner = {key: _lists(item) for key, item in value.items()}
    return list(inner.values()) if inner and all(key.isdigit() for key in inner) else inner
