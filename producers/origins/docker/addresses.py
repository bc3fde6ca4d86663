"""Whose an address is, as the engine knows it: the workloads of its running containers by their addresses."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import ip_address
from time import monotonic
from typing import Final

import structlog

from producers.formats.docker.facts import addresses_of, labels_of
from producers.formats.docker.workload import workload_of
from producers.formats.values import object_of, text_of, texts_of
from producers.origins.docker.engine import Engine, EngineError
from schemas.codec import Event

__all__ = ["ContainerAddresses"]

_MAX_KNOWN: Final = 65_536
_MAX_STRANGERS: Final = 4_096
_KNOWN_SECONDS: Final = 5.0
_STRANGER_SECONDS: Final = 1.0
_REMEMBERED_SECONDS: Final = 60.0
_SHARE: Final = 20
"""Asking takes at most a twentieth of the time: after an answer that took 50 ms nothing is asked for a second."""

_AFTER_FAILURE_SECONDS: Final = 10.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Owner:
    workload: tuple[str, str]
    seen: float


class ContainerAddresses:
    """The ``Peers`` of one host: asks the engine when a private address is met that it does not know, and now and then.

    An address stays with its container for a minute after that is gone, unless another one has it: a connection that
    was made just before the end is read just after it. One that passes from a container to another within five seconds
    may be taken for the first one's.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._owners: OrderedDict[str, _Owner] = OrderedDict()
        self._strangers: OrderedDict[str, None] = OrderedDict()
        self._asked = self._next_question = float("-inf")
        self._silent = False

    def workload_of(self, address: str) -> tuple[str, str] | None:
        """Return namespace and name of the workload that has an address, or had it within the last minute."""
        if self._is_due(address) and monotonic() >= self._next_question:
            self._ask()
        workload = self._owner(address)
        if workload is None:
            self._strangers[address] = None
            if len(self._strangers) > _MAX_STRANGERS:
                self._strangers.popitem(last=False)
        return workload

    def close(self) -> None:
        """Close the connection to the engine."""
        self._engine.close()

    def _owner(self, address: str) -> tuple[str, str] | None:
        owner = self._owners.get(address)
        return owner.workload if owner and monotonic() - owner.seen < _REMEMBERED_SECONDS else None

    def _is_due(self, address: str) -> bool:
        age = monotonic() - self._asked
        if self._owner(address) is not None:
            return age >= _KNOWN_SECONDS
        if ip_address(address).is_global:
            return False
        return address not in self._strangers or age >= _STRANGER_SECONDS

    def _ask(self) -> None:
        started = monotonic()
        try:
            containers = self._engine.containers()
        except EngineError as error:
            self._complain(error)
            self._next_question = monotonic() + _AFTER_FAILURE_SECONDS
            return
        self._silent = False
        self._asked = monotonic()
        self._next_question = self._asked + (self._asked - started) * _SHARE
        for container in containers:
            self._learn(container)

    def _learn(self, container: Event) -> None:
        names = texts_of(container.get("Names"))
        known = workload_of(names[0].removeprefix("/") if names else "", labels_of(container.get("Labels")))
        name = text_of(known.get("workload.name"))
        if name is None:
            return
        owner = _Owner((text_of(known.get("workload.namespace")) or "", name), self._asked)
        for address in addresses_of(object_of(container.get("NetworkSettings"))):
            self._owners[address] = owner
            self._owners.move_to_end(address)
        while len(self._owners) > _MAX_KNOWN:
            self._owners.popitem(last=False)

    def _complain(self, error: EngineError) -> None:
        if not self._silent:
            _log.warning(
                "peers are not known: the engine does not answer", address=self._engine.address, error=str(error)
            )
        self._silent = True
