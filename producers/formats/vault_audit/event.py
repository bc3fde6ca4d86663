"""One line of Vault's audit log to an event of ours.

Of what a request or an answer holds only names are read: no value, hashed or not, gets into an event.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Any, Final

from producers.formats.values import endpoint_address_of, integer_of, object_of, text_of, texts_of, time_of
from producers.formats.vault_audit.target import Target, target_of
from schemas.codec import Event
from schemas.errors import Invalid
from schemas.facts import user_entity

__all__ = ["event_of"]

_ESTATE: Final = "vault"
_NOBODY: Final = "anonymous"
_OF_ANYONE: Final = "token"
"""Display name of every token that was made from another one."""

_UUID: Final = re.compile(r"-?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HASHED: Final = "hmac-"
_MAX_REASON: Final = 200
_MAIL_NAMES: Final = ("email", "mail", "user_email")
_TYPES: Final = MappingProxyType(
    dict.fromkeys(("read", "list"), "access")
    | {"create": "creation", "delete": "deletion", "revoke": "deletion"}
    | dict.fromkeys(("update", "patch", "renew"), "change")
)
_OUTCOMES: Final = MappingProxyType({"success": ["allowed"], "failure": ["denied"]})


def event_of(row: Event, estate: str) -> tuple[Event, Target]:
    """Return the event of a request or a response, and what it is about; raise ``Invalid`` naming what it lacks.

    A request alone has no outcome but that of an error; ``estate`` is the name of this Vault.
    """
    request = object_of(row.get("request"))
    target = target_of(request)
    if target is None:
        raise Invalid("no request.operation or no request.path: not a line of Vault's audit log")
    login = target.path.startswith("auth/") and "/login" in target.path
    outcome = _outcome(row)
    return {
        "@timestamp": time_of(row.get("time")),
        "http.request.id": text_of(request.get("id")),
        "source.port": integer_of(request.get("remote_port")),
        "event.kind": "event",
        "event.module": "vault",
        "event.dataset": "vault.audit",
        "event.action": "vault-login" if login else target.action,
        "event.category": ["authentication"] if login else ["api"],
        "event.type": [_TYPES.get(target.operation, "info"), *_OUTCOMES.get(outcome, [])],
        "event.outcome": outcome,
        "event.reason": _reason(row),
        "source.ip": endpoint_address_of(request.get("remote_address")),
        "user_agent.original": _user_agent(object_of(request.get("headers"))),
        "secret.path": target.secret,
        "url.path": None if target.secret else target.path,
    } | _actor(row, estate), target


def _outcome(row: Event) -> str:
    if text_of(row.get("error")):
        return "failure"
    return "success" if row.get("type") == "response" else "unknown"


def _reason(row: Event) -> str | None:
    error = text_of(row.get("error"))
    return " ".join(error.split())[:_MAX_REASON] if error else None


def _user_agent(headers: Event) -> str | None:
    named = {name.lower(): value for name, value in headers.items()}
    return next(filter(None, map(_clear, texts_of(named.get("user-agent")))), None)


def _clear(value: Any) -> str | None:
    """Return a text that the log does not hold as a hash."""
    text = text_of(value)
    return None if text is None or text.startswith(_HASHED) else text


def _actor(row: Event, estate: str) -> Event:
    """Return who asks; of a login whoever it lets in."""
    auth = object_of(row.get("auth"))
    if not _clear(auth.get("display_name")) and not _clear(auth.get("entity_id")):
        auth = object_of(object_of(row.get("response")).get("auth")) or auth
    shown, number = _clear(auth.get("display_name")), _clear(auth.get("entity_id"))
    stable = _UUID.sub("", shown or "").strip("-")  # schedulers put the id of an instance into the names of its tokens
    name = (number or shown) if stable in ("", _OF_ANYONE) else stable
    metadata = object_of(auth.get("metadata"))
    policies = {
        policy for kind in ("policies", "token_policies", "identity_policies") for policy in texts_of(auth.get(kind))
    }
    return {
        "entity.id": user_entity(estate or _ESTATE, name or _NOBODY),
        "user.id": number,
        "user.name": shown,
        "user.email": next(filter(None, (_mail(metadata.get(key)) for key in _MAIL_NAMES)), None),
        "user.roles": sorted(policy for policy in policies if not policy.startswith(_HASHED)),
    }


def _mail(value: Any) -> str | None:
    text = _clear(value)
    return text if text and "@" in text else None
