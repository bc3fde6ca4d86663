"""Health checks: execs that the engine itself makes every few seconds, known by their command."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from producers.formats.docker.action import EngineEvent
from producers.formats.values import object_of, text_of, texts_of
from schemas.codec import Event

__all__ = ["HealthChecks"]

_MAX_CONTAINERS: Final = 20_000
_MAX_EXECS: Final = 20_000
_SHELLS: Final = ("/bin/sh -c", "sh -c")
"""Docker's and Podman's shell for a check that is a string."""


class HealthChecks:
    """The commands of health checks by container, and the execs that ran one: an exec's end names only its id.

    Whoever executes the very command of the check does nothing but the check.
    """

    def __init__(self) -> None:
        self._commands: OrderedDict[str, frozenset[str]] = OrderedDict()
        self._execs: OrderedDict[str, None] = OrderedDict()

    def learn(self, entity: str, inspect: Event) -> None:
        """Take the command from what the engine says of a container."""
        self._commands[entity] = frozenset(_commands(object_of(inspect.get("Config"))))
        self._commands.move_to_end(entity)
        if len(self._commands) > _MAX_CONTAINERS:
            self._commands.popitem(last=False)

    def is_check(self, entity: str, event: EngineEvent, command: str | None) -> bool:
        """Return whether an exec event is of a health check."""
        exec_id = text_of(event.attributes.get("execID"))
        if command is None:
            return exec_id in self._execs
        if command not in self._commands.get(entity, frozenset()):
            return False
        if exec_id is not None:
            self._execs[exec_id] = None
            if len(self._execs) > _MAX_EXECS:
                self._execs.popitem(last=False)
        return True


def _commands(config: Event) -> list[str]:
    kind, *words = texts_of(object_of(config.get("Healthcheck")).get("Test")) or [""]
    if kind == "CMD":
        return [" ".join(words)]
    if kind != "CMD-SHELL":
        return []
    own = " ".join(texts_of(config.get("Shell")))
    return [f"{shell} {' '.join(words)}" for shell in (own, *_SHELLS) if shell]
