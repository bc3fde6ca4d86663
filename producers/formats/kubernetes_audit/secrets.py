"""What writes of secrets tell of them: type, names of entries, when they were made and when their content last changed.

No value is kept. To tell a change of the content from a new label, each entry's value is remembered as a digest under a key
that is drawn at random for this process, is never written anywhere and dies with it. So nothing that leaves the process
says anything of a value, not even that two secrets hold the same.

What the API server was told to log decides what can be known:

* ``RequestResponse``: everything, from the second sight of a secret on
* ``Request``: creations, patches of the content, and replacements of a secret that was seen before
* ``Metadata``: creations and deletions; an update may or may not have changed the content, so nothing is said of it
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from secrets import token_bytes
from typing import Any, Final

from producers.formats.values import object_of, text_of, time_of
from schemas.codec import Event
from schemas.errors import Invalid
from schemas.facts import FACTS_ACTION

__all__ = ["Secrets", "secret_path"]

_MAX_ENTRIES: Final = 200_000
_MAX_KEYS: Final = 128
_DIGEST_BYTES: Final = 16
_KEY_BYTES: Final = 32
_DATA: Final = "data"
_TEXT: Final = "stringData"
_ALL: Final = ""
"""No entry can have this name: in a patch it says that what is not named in it is removed."""

_DEFAULT_TYPE: Final = "Opaque"

_Entries = dict[str, bytes]


@dataclass(frozen=True, slots=True)
class _Known:
    """What was last said of a secret, and the digests of its entries where all of them were seen."""

    facts: Event
    entries: _Entries | None


def secret_path(cluster: str, namespace: str, name: str) -> str:
    """Return ``CLUSTER/NAMESPACE/NAME``; ``*`` stands for all, where a request names no namespace or no secret."""
    return f"{cluster}/{namespace or '*'}/{name or '*'}"


class Secrets:
    """Remembers the secrets that were seen lately, by no more than 200,000 entries; those longest unseen go first."""

    def __init__(self) -> None:
        self._key = token_bytes(_KEY_BYTES)
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._entries = 0

    def facts_of(self, audit: Event, event: Event) -> Event | None:
        """Return the facts event of the secret that a request is about, if the request tells that they have changed.

        ``event`` is what became of ``audit``. A secret's facts are all said again each time, and none once it is deleted.
        """
        if not _is_done(audit, event):
            return None
        path, verb, time = event["secret.path"], event["kubernetes.audit.verb"], event["@timestamp"]
        if verb == "create":
            return _facts_event(event, self._created(path, audit, time))
        if verb == "delete":
            self._forget(path)
            return _facts_event(event, {})
        if verb in ("update", "patch"):
            facts = self._written(path, audit, time, is_patch=verb == "patch")
            return _facts_event(event, facts) if facts else None
        self._shown(path, audit)
        return None

    def _created(self, path: str, audit: Event, time: str) -> Event:
        body = object_of(audit.get("requestObject")) or _secret_in(audit.get("responseObject"))
        entries = self._digests(_content(body)) if body else None
        facts = _described(body, entries) | {"secret.created": time, "secret.changed": time}
        self._remember(path, _Known(facts, entries))
        return facts

    def _written(self, path: str, audit: Event, time: str, *, is_patch: bool) -> Event | None:
        """Return the facts if the content has changed for certain, and remember what was seen of it."""
        request, shown = audit.get("requestObject"), _secret_in(audit.get("responseObject"))
        before = self._known.get(path)
        known = before.entries if before else None
        touched = self._digests_of_patch(request) if is_patch else None
        whole = shown or ({} if is_patch else object_of(request))
        if whole:
            entries: _Entries | None = self._digests(_content(whole))
        else:
            entries = None if known is None or touched is None else _patched(known, touched)
        changed = entries != known if entries is not None and known is not None else _is_change(request, touched)
        facts = (
            (before.facts if before else {})
            | _described(whole, entries)
            | ({"secret.changed": time} if changed else {})
        )
        self._remember(path, _Known(facts, entries))
        return facts if changed else None

    def _shown(self, path: str, audit: Event) -> None:
        """Learn a secret that is only read: what is written into it later can then be told from what was there."""
        secret = _secret_in(audit.get("responseObject"))
        if secret and path not in self._known:
            entries = self._digests(_content(secret))
            self._remember(path, _Known(_described(secret, entries), entries))

    def _digests(self, content: Mapping[str, bytes]) -> _Entries:
        return {name: self._digest(value) for name, value in content.items()}

    def _digest(self, value: bytes) -> bytes:
        return blake2b(value, key=self._key, digest_size=_DIGEST_BYTES).digest()

    def _digests_of_patch(self, request: Any) -> dict[str, bytes | None] | None:
        """Return what a patch does to entries, None for one it removes; None if the patch was not logged."""
        if not isinstance(request, (dict, list)) or not request:
            return None
        parts = _parts_of_patch(request) if isinstance(request, list) else _parts_of_merge(request)
        return {name: None if value is None else self._digest(value) for name, value in parts.items()}

    def _remember(self, path: str, known: _Known) -> None:
        self._forget(path)
        self._known[path] = known
        self._entries += 1 + len(known.entries or ())
        while self._entries > _MAX_ENTRIES:
            self._forget(next(iter(self._known)))

    def _forget(self, path: str) -> None:
        known = self._known.pop(path, None)
        if known is not None:
            self._entries -= 1 + len(known.entries or ())


def _is_done(audit: Event, event: Event) -> bool:
    """Return whether a request is about one secret and was carried out, not tried out."""
    return (
        "secret.path" in event
        and event.get("kubernetes.audit.subresource") is None
        and event.get("event.outcome") == "success"
        and not (event.get("orchestrator.resource.id") or "-").endswith("-")
        and "dryRun=" not in (text_of(audit.get("requestURI")) or "")
    )


def _facts_event(event: Event, facts: Event) -> Event:
    return {
        "@timestamp": event["@timestamp"],
        "entity.id": f"secret:{event['secret.path']}",
        "event.kind": "state",
        "event.action": FACTS_ACTION,
        "event.module": "kubernetes",
        "event.dataset": "kubernetes.facts",
        "facts.authority": "kubernetes",
    } | facts


def _secret_in(answer: Any) -> Event:
    """Return a secret that an answer shows with its content; some logs leave the content out, or show a Status."""
    secret = object_of(answer)
    return secret if secret.get("kind") in ("Secret", None) and _DATA in secret else {}


def _described(secret: Event, entries: _Entries | None) -> Event:
    metadata = object_of(secret.get("metadata"))
    described = {
        "secret.type": text_of(secret.get("type")) or (_DEFAULT_TYPE if secret else None),
        "secret.keys": None if entries is None else sorted(entries)[:_MAX_KEYS],
        "secret.created": _time(metadata.get("creationTimestamp")),
    }
    return {name: value for name, value in described.items() if value is not None}


def _time(value: Any) -> str | None:
    try:
        return time_of(value)
    except Invalid:
        return None


def _content(secret: Event) -> dict[str, bytes]:
    """Return the values of entries as they are stored; ``stringData`` wins over ``data``, as it does in the server."""
    stored = {name: _stored(value) for name, value in object_of(secret.get(_DATA)).items()}
    return stored | {name: _plain(value) for name, value in object_of(secret.get(_TEXT)).items()}


def _stored(value: Any) -> bytes:
    text = _plain(value)
    try:
        return b64decode(text, validate=True)
    except (Base64Error, ValueError):
        return text


def _plain(value: Any) -> bytes:
    return (text_of(value) or "").encode("utf-8", "surrogatepass")


def _parts_of_merge(patch: Event) -> dict[str, bytes | None]:
    parts: dict[str, bytes | None] = {}
    for place, read in ((_DATA, _stored), (_TEXT, _plain)):
        for name, value in object_of(patch.get(place)).items():
            if not name.startswith("$"):  # directives of strategic merge patches
                parts[name] = None if value is None else read(value)
    return parts


def _parts_of_patch(operations: list[Any]) -> dict[str, bytes | None]:
    """Return what a JSON patch (RFC 6902) does to entries."""
    parts: dict[str, bytes | None] = {}
    for operation in map(object_of, operations):
        place, _, entry = (text_of(operation.get("path")) or "").removeprefix("/").partition("/")
        if place not in (_DATA, _TEXT) or operation.get("op") == "test":
            continue
        if entry:
            parts[entry.replace("~1", "/").replace("~0", "~")] = _value(operation, place)
        else:
            parts |= {_ALL: None} | _parts_of_merge({place: operation.get("value")})
    return parts


def _value(operation: Event, place: str) -> bytes | None:
    """Return what an operation puts into an entry; what it copies from elsewhere is unlike everything."""
    if operation.get("op") == "remove":
        return None
    if operation.get("op") not in ("add", "replace"):
        return token_bytes(_KEY_BYTES)
    value = operation.get("value")
    return _stored(value) if place == _DATA else _plain(value)


def _patched(known: _Entries, touched: Mapping[str, bytes | None]) -> _Entries:
    kept = {} if _ALL in touched else known
    return {name: digest for name, digest in (kept | dict(touched)).items() if digest is not None}


def _is_change(request: Any, touched: Mapping[str, bytes | None] | None) -> bool:
    """Return whether a patch changes the content, where it cannot be compared with what was there.

    Clients send what differs; only a server-side apply, which carries its kind, repeats everything that it manages.
    """
    return bool(touched) and not object_of(request).get("kind")
