"""The audit log of Vault and OpenBao, as a file, socket or syslog device writes it: one JSON object a line, after any prefix.

Vault writes a line when a request comes in and one when it is answered; both have its id. They become one event, that of the
answer, which knows how it ended. A request without an answer becomes an event of unknown outcome after a minute, by the log's
own clock, or when nothing came for ten seconds.

Input::

    {"time": "2020-12-01T20:29:04.3Z", "type": "request", "auth": {"display_name": "oidc-1234", "policies": ["default"], "entity_id": "e4f5…"},
     "request": {"id": "cd09…", "operation": "read", "mount_type": "kv", "mount_point": "secret/", "path": "secret/data/app/db", "remote_address": "192.0.2.7"}}
    {"time": "2020-12-01T20:29:04.4Z", "type": "response", "auth": {…}, "request": {"id": "cd09…", …}, "response": {"data": {…}}}

Output::

    {"entity.id": "user:vault/oidc-1234", "event.action": "secret-read", "secret.path": "secret/app/db", "event.outcome": "success", …}

A write into the key-value store also gives facts of the secret (``secret:secret/app/db``; see ``secrets.py``). The user's part
``vault`` is the name of the cluster where one is given.

Shape: https://developer.hashicorp.com/vault/docs/audit/schema
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Final

from producers.formats.outline import Outline
from producers.formats.values import object_of, text_of
from producers.formats.vault_audit.event import event_of
from producers.formats.vault_audit.secrets import Secrets
from producers.types import FormatOptions, Outcome, Position, Record, Result
from schemas.codec import Event, decode
from schemas.errors import Drop, Invalid
from schemas.event import parse_time

__all__ = ["VaultAuditFormat"]

_MAX_LOG_NANOSECONDS: Final = 60_000_000_000
_MAX_IDLE_SECONDS: Final = 10.0
_MAX_HELD_BYTES: Final = 256 * 1024
_OTHER_PROTOCOLS: Final = ("kmip-request", "kmip-response")
_OUTLINE: Final = Outline(
    frozenset(
        b"type request response time auth display_name policies token_policies entity_id metadata id operation mount_type "
        b"mount_point path data error remote_address namespace read list create update patch delete kv system token".split()
    ),
    ids=frozenset({b"id", b"time"}),
)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request that waits for its answer, and where to resume so that it is read again."""

    record: Record
    row: Event
    nanoseconds: int
    before: Position
    arrived: float


class VaultAuditFormat:
    """Pairs of lines to events; what was said of secrets is forgotten when it ends."""

    def __init__(self, options: FormatOptions) -> None:
        self._estate = options.cluster
        self._asked: OrderedDict[str, _Asked] = OrderedDict()
        self._bytes = 0
        self._before: Position = {}
        self._secrets = Secrets()

    def outline(self, data: bytes) -> bytes:
        """Return what a dead letter may tell of a record: with ``log_raw`` a line has secrets in it."""
        return _OUTLINE.of(data)

    @property
    def held(self) -> Position | None:
        """Return the position before the first request that waits, ``{}`` if this run began with it; None if none does."""
        return next(iter(self._asked.values())).before if self._asked else None

    def parse(self, record: Record) -> list[Result | Outcome]:
        """Return the event that this line completes, and those of requests that have waited too long."""
        try:
            return list(self._parse(record))
        finally:
            self._before = record.position

    def flush(self, *, final: bool = False) -> list[Outcome]:
        """Return the events of requests that nothing came after for ten seconds; of all if ``final``."""
        idle = bool(self._asked) and monotonic() - next(reversed(self._asked.values())).arrived >= _MAX_IDLE_SECONDS
        outcomes: list[Outcome] = []
        while self._asked and (final or idle):
            outcomes += self._unanswered()
        return outcomes

    def _parse(self, record: Record) -> Iterator[Result | Outcome]:
        row = decode(record.data[max(record.data.find(b"{"), 0) :])
        kind, number = text_of(row.get("type")), text_of(object_of(row.get("request")).get("id"))
        if kind in _OTHER_PROTOCOLS:
            raise Drop("message of another protocol of Vault")
        if kind not in ("request", "response"):
            raise Invalid(f"neither a request nor a response but {str(kind)[:32]!r}")
        asked = self._take(number) if number else None
        if kind == "response":
            records = (record,) if asked is None else (asked.record, record)
            yield from (Outcome(result, records) for result in self._results(row))
            return
        if asked is not None:  # two requests of one id: the first will not be answered any more
            yield from self._outcomes(asked)
        nanoseconds = _nanoseconds(row)
        if number is None or nanoseconds is None:
            yield from self._results(row)
        else:
            self._hold(number, _Asked(record, row, nanoseconds, self._before, monotonic()))
            yield from self._too_old(nanoseconds)

    def _too_old(self, nanoseconds: int) -> Iterator[Outcome]:
        while self._asked:
            first = next(iter(self._asked.values()))
            if self._bytes <= _MAX_HELD_BYTES and nanoseconds - first.nanoseconds <= _MAX_LOG_NANOSECONDS:
                return
            yield from self._unanswered()

    def _unanswered(self) -> list[Outcome]:
        asked = self._take(next(iter(self._asked)))
        return [] if asked is None else self._outcomes(asked)

    def _outcomes(self, asked: _Asked) -> list[Outcome]:
        return [Outcome(result, (asked.record,)) for result in self._results(asked.row)]

    def _results(self, row: Event) -> list[Result]:
        try:
            event, target = event_of(row, self._estate)
        except (Drop, Invalid) as reason:
            return [reason]
        facts = self._secrets.facts_of(row, event, target)
        return [event] if facts is None else [facts, event]

    def _hold(self, number: str, asked: _Asked) -> None:
        self._asked[number] = asked
        self._bytes += len(asked.record.data)

    def _take(self, number: str) -> _Asked | None:
        asked = self._asked.pop(number, None)
        if asked is not None:
            self._bytes -= len(asked.record.data)
        return asked


def _nanoseconds(row: Event) -> int | None:
    """Return when a line was written; None if it does not say so as it should."""
    try:
        return parse_time(text_of(row.get("time")) or "")
    except Invalid:
        return None
