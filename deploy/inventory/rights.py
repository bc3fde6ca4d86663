"""What containers are started with that they had better not be, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from deploy.inventory.estate import NOT_OBSERVABLE
from schemas.codec import Event

__all__ = ["is_root", "rights_of", "root_of"]

_SETTING: Final = "container.settings."


def root_of(known: Event) -> bool | str:
    """Return whether a container runs as root; not observable where nobody tells of its settings."""
    return is_root(known) if f"{_SETTING}root" in known else NOT_OBSERVABLE


def is_root(known: Event) -> bool:
    """Return whether somebody tells that a container runs as root."""
    return bool(known.get(f"{_SETTING}root"))


def rights_of(known: Event) -> Iterator[str]:
    """Yield special rights; whether a capability is ever used no sensor of ours can see."""
    if known.get(f"{_SETTING}privileged"):
        yield "privileged"
    yield from (f"host namespace {name}" for name in known.get(f"{_SETTING}host_namespaces") or ())
    yield from (f"capability {name}" for name in known.get(f"{_SETTING}capabilities.add") or ())
    yield from (f"device {name}" for name in known.get(f"{_SETTING}devices") or ())
    yield from (f"host path {mount}" for mount in known.get(f"{_SETTING}mounts") or ())
