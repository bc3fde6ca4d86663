"""Engine events and answers of inspect, made up in the shapes that were recorded."""

from __future__ import annotations

from typing import Any

from schemas.codec import Event

CONTAINER = "6a7a7c7547049d41acdb009324395a5067bef169a7421a1a189e63477e4bde20"
ENTITY = "6a7a7c754704"
TIME = 1714000000123456789
IMAGE = "registry.example:5000/shop/web:1.0"


def engine_event(
    action: str,
    attributes: Event | None = None,
    *,
    labels: Event | None = None,
    inspect: Event | None = None,
    container: str = CONTAINER,
) -> Event:
    event: Event = {
        "status": action,
        "id": container,
        "from": IMAGE,
        "Type": "container",
        "Action": action,
        "Actor": {"ID": container, "Attributes": {"image": IMAGE, "name": "web"} | (labels or {}) | (attributes or {})},
        "scope": "local",
        "time": TIME // 1_000_000_000,
        "timeNano": TIME,
    }
    return event if inspect is None else event | {"inspect": inspect}


def inspect_of(**changes: Any) -> Event:
    """Return an answer of inspect; objects in ``changes`` are merged into those that are there."""
    whole: Event = {
        "Id": CONTAINER,
        "Name": "/web",
        "Created": "2024-04-24T23:06:39Z",
        "Path": "/web",
        "Args": ["--port", "80"],
        "Image": "sha256:" + "ab" * 32,
        "State": {"StartedAt": "2024-04-24T23:06:40.1Z", "Pid": 7},
        "Config": {"Image": IMAGE, "User": "", "Labels": {}, "Env": ["PASSWORD=hunter2"]},
        "HostConfig": {"NetworkMode": "bridge"},
        "Mounts": [],
        "NetworkSettings": {"Networks": {}},
    }
    for name, value in changes.items():
        whole[name] = whole[name] | value if isinstance(value, dict) else value
    return whole
