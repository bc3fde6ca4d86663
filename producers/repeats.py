"""Facts that were said already: a container's facts are sent when they change, not with every event of its sensor."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b

from schemas.codec import ACTIVITY_MARK, Event
from schemas.facts import FACTS_ACTION

__all__ = ["Repeats"]

_DIGEST_BYTES = 16


class Repeats:
    """Remembers the last facts of each (entity, authority), the most recently used ``capacity`` of them."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._last: OrderedDict[tuple[str, str], bytes] = OrderedDict()

    def repeated(self, event: Event, encoded: bytes) -> bool:
        """Return whether this is a facts event that says what the last one said; times and ids are not compared."""
        if event.get("event.action") != FACTS_ACTION or event.get("event.kind") != "state":
            return False
        key = (event["entity.id"], event.get("facts.authority", ""))
        said = blake2b(encoded[encoded.rfind(ACTIVITY_MARK) :], digest_size=_DIGEST_BYTES).digest()
        known = self._last.pop(key, None)
        self._last[key] = said
        if len(self._last) > self._capacity:
            self._last.popitem(last=False)
        return known == said
