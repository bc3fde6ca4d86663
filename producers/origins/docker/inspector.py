"""Asking the engine about the containers of its events, at once: a moment later they may be gone."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

import structlog

from producers.formats.docker import reduced_image, reduced_inspect
from producers.formats.values import object_of, text_of, texts_of
from producers.origins.docker.engine import Engine
from schemas.codec import Event

__all__ = ["ENDS", "Inspector", "action_of", "container_of"]

_CHANGES: Final = frozenset({"create", "start", "restart", "update", "rename"})
ENDS: Final = frozenset({"die", "died", "destroy", "remove", "stop", "cleanup"})
_PODMAN_EXEC: Final = "exec"
_MAX_KNOWN: Final = 20_000
_MAX_EXECS: Final = 20_000

_log = structlog.get_logger(__name__)


def action_of(event: Event) -> str:
    """Return what an event says was done, without what follows its colon."""
    return (text_of(event.get("Action")) or text_of(event.get("status")) or "").partition(": ")[0]


def container_of(event: Event) -> str:
    """Return the id of the container that an event is about; empty for one about anything else."""
    if event.get("Type", "container") != "container":
        return ""
    return text_of(object_of(event.get("Actor")).get("ID")) or text_of(event.get("id")) or ""


class Inspector:
    """Adds to an event what its container is, when it is first seen and when its settings may have changed.

    ``missed`` counts containers that were gone before they could be inspected.
    """

    def __init__(self, engine: Engine) -> None:
        self.missed = 0
        self._engine = engine
        self._known: OrderedDict[str, None] = OrderedDict()
        self._execs: OrderedDict[str, None] = OrderedDict()
        self._images: dict[str, Event] = {}

    def running(self) -> Iterator[Event]:
        """Yield what is to be known of each container that runs."""
        for container_id in self._engine.running():
            found = self._inspected(container_id)
            if found:
                yield found

    def about(self, event: Event) -> Event:
        """Return what to add to an event; raise ``EngineError`` if the engine cannot be asked."""
        if event.get("Type") == "image":
            self._images.clear()  # it may have another name or digest now
        container_id = container_of(event)
        return self._about_container(container_id, action_of(event)) if container_id else {}

    def _about_container(self, container_id: str, action: str) -> Event:
        if action in ENDS:
            self._known.pop(container_id, None)
            return {}
        found: Event = {}
        if action in _CHANGES or container_id not in self._known:
            found = self._inspected(container_id)
        if action == _PODMAN_EXEC:
            found = found | self._execution(container_id)
        return found

    def _inspected(self, container_id: str) -> Event:
        inspect = self._engine.container(container_id)
        if inspect is None:
            self.missed += 1
            _log.info("a container was gone before it could be inspected", container=container_id)
            return {}
        self._remember(container_id)
        image = self._image(text_of(inspect.get("Image")))
        return {"engine": self._engine.kind, "inspect": reduced_inspect(inspect)} | (
            {"inspect_image": image} if image else {}
        )

    def _image(self, image_id: str | None) -> Event | None:
        if image_id is None:
            return None
        if image_id not in self._images:
            self._images[image_id] = reduced_image(self._engine.image(image_id) or {})
        return self._images[image_id]

    def _execution(self, container_id: str) -> Event:
        """Return the session of an exec event, which Podman does not name: the first of its container that is new."""
        inspect = self._engine.container(container_id) or {}
        for exec_id in texts_of(inspect.get("ExecIDs")):
            if exec_id in self._execs:
                continue
            self._execs[exec_id] = None
            if len(self._execs) > _MAX_EXECS:
                self._execs.popitem(last=False)
            session = self._engine.execution(exec_id)
            return {"inspect_exec": {"ProcessConfig": object_of(session.get("ProcessConfig"))}} if session else {}
        return {}

    def _remember(self, container_id: str) -> None:
        self._known[container_id] = None
        self._known.move_to_end(container_id)
        if len(self._known) > _MAX_KNOWN:
            self._known.popitem(last=False)
