"""Lines of Vault's audit log, made up for the tests."""

from __future__ import annotations

from typing import Any

from schemas.codec import Event

TIME = "2026-01-02T10:00:00.000000000Z"


def request(path: str = "secret/data/app/db", operation: str = "read", *, number: str = "1", **changes: Any) -> Event:
    """Return the line of a request; what is for ``request`` and ``auth`` is added to what is there."""
    asked = {
        "id": f"cd09708b-0000-4000-8000-{number:0>12}",
        "operation": operation,
        "mount_type": "kv",
        "mount_point": "secret/",
        "path": path,
        "client_token": "hmac-sha256:9cc3",
        "namespace": {"id": "root"},
        "remote_address": "192.0.2.7",
        "remote_port": 54336,
    } | changes.pop("request", {})
    auth = {
        "client_token": "hmac-sha256:9cc3",
        "accessor": "hmac-sha256:eb60",
        "display_name": "oidc-1234",
        "policies": ["default", "shop"],
        "token_policies": ["default"],
        "identity_policies": ["shop"],
        "metadata": {"email": "alice@example.org", "role": "hmac-sha256:1234"},
        "entity_id": "e4f5c67a-0000-4000-8000-000000000000",
        "token_type": "service",
    } | changes.pop("auth", {})
    return {"time": TIME, "type": "request", "auth": auth, "request": asked} | changes


def response(*arguments: Any, **changes: Any) -> Event:
    """Return the line of the answer to a request."""
    return request(*arguments, **{"type": "response", "response": {"mount_type": "kv"}} | changes)


def pair(*arguments: Any, **changes: Any) -> tuple[Event, Event]:
    answer = {key: changes.pop(key) for key in ("response", "error") if key in changes}
    return request(*arguments, **changes), response(*arguments, **changes, **answer)


def write(
    path: str, *keys: str, operation: str = "update", version: int | None = 2, **changes: Any
) -> tuple[Event, Event]:
    """Return the lines of a write of a content, as they are with hashed values."""
    content: Event = dict.fromkeys(keys, "hmac-sha256:77aa")
    data = {"data": content, "options": {}} if version is not None else content
    told = {} if version is None else {"data": {"version": version, "created_time": "hmac-sha256:88bb"}}
    asked = changes.pop("request", {}) | {"data": data}
    return pair(path, operation, request=asked, response=told, **changes)
