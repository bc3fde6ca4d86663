"""What writes into Vault's key-value store tell of secrets: names of entries, when they were made and last changed.

Every write of a content is a new version, and so a change; what is written about a secret (``metadata/``) is none. A secret
is forgotten when it is deleted with all its versions.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from producers.formats.values import integer_of, object_of
from producers.formats.vault_audit.target import Target
from schemas.codec import Event
from schemas.facts import FACTS_ACTION

__all__ = ["Secrets"]

_MAX_SECRETS: Final = 20_000
_MAX_KEYS: Final = 128
_VERSION_TWO: Final = "data"
_ALL_VERSIONS: Final = ("", "metadata")


class Secrets:
    """Remembers what was said of the secrets that were written lately, to say all of it again with each change."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Event] = OrderedDict()

    def facts_of(self, row: Event, event: Event, target: Target) -> Event | None:
        """Return the facts event of the secret that was written or deleted; None if nothing has changed for certain."""
        if event["event.outcome"] != "success" or target.secret is None or target.secret.endswith("/"):
            return None
        if target.verb == "delete" and target.word in _ALL_VERSIONS:
            self._known.pop(target.secret, None)
            return _facts_event(event, target.secret, {})
        if target.verb != "write":
            return None
        known = self._known.pop(target.secret, {})
        facts = known | _written(row, event, target, known)
        self._remember(target.secret, facts)
        return _facts_event(event, target.secret, facts)

    def _remember(self, path: str, facts: Event) -> None:
        self._known[path] = facts
        if len(self._known) > _MAX_SECRETS:
            self._known.popitem(last=False)


def _written(row: Event, event: Event, target: Target, known: Event) -> Event:
    """Return what a write tells; the entries of one that is changed in part are told if the others are known."""
    data = object_of(object_of(row.get("request")).get("data"))
    names = object_of(data.get("data")) if target.word == _VERSION_TWO else data
    facts: Event = {"secret.type": "kv", "secret.changed": event["@timestamp"]}
    if _is_new(row, target):
        facts["secret.created"] = event["@timestamp"]
    if target.operation != "patch":
        facts["secret.keys"] = sorted(names)[:_MAX_KEYS]
    elif "secret.keys" in known:
        facts["secret.keys"] = sorted({*known["secret.keys"], *names})[:_MAX_KEYS]
    return facts


def _is_new(row: Event, target: Target) -> bool:
    """Return whether a secret was not there before: its first version, or created as the store says."""
    version = integer_of(object_of(object_of(row.get("response")).get("data")).get("version"))
    return target.operation == "create" if version is None else version == 1


def _facts_event(event: Event, path: str, facts: Event) -> Event:
    return {
        "@timestamp": event["@timestamp"],
        "entity.id": f"secret:{path}",
        "event.kind": "state",
        "event.action": FACTS_ACTION,
        "event.module": "vault",
        "event.dataset": "vault.facts",
        "facts.authority": "vault",
    } | facts
