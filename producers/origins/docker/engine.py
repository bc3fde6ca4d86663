"""The few questions that we ask an engine, over its Unix socket or HTTP.

https://docs.docker.com/reference/api/engine/; Podman's differences are those of 4.3: its ``until`` may end an answer
before all of it is there, ``stream=false`` does not; Docker does not know ``stream``.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import time_ns
from typing import Any, Final
from urllib.parse import quote

import httpx

from producers.formats.values import items_of, object_of, text_of
from producers.lines import LineCutter
from schemas.codec import Event, loads
from schemas.errors import ConfigurationError, Invalid
from schemas.event import parse_time

__all__ = ["DOCKER", "PODMAN", "Engine", "EngineError"]

DOCKER: Final = "docker"
PODMAN: Final = "podman"

_PODMAN_COMPONENT: Final = "Podman Engine"
_NETWORK_UNSWAPPED: Final = (4, 4)
"""Before this version Podman had the two network counters swapped: https://github.com/containers/podman/issues/16618."""

_CONNECT_SECONDS: Final = 5.0
_ANSWER_SECONDS: Final = 30.0
_MAX_LINE_BYTES: Final = 1024 * 1024
_KEEPALIVE: Final = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
)
"""An engine that dies without a word is noticed within a minute: its stream of events has no signs of life."""


class EngineError(Exception):
    """The engine cannot be reached, or has answered with an error."""


class Engine:
    """A client of one engine; ``address`` is ``unix:///path`` or ``http://host:port`` (``tcp://`` is the same).

    ``answer_seconds`` is how long an answer may keep us waiting; ``swaps_network`` says that its statistics call what a
    container receives sent, and the other way round.
    """

    def __init__(
        self, address: str, max_line_bytes: int = _MAX_LINE_BYTES, *, answer_seconds: float = _ANSWER_SECONDS
    ) -> None:
        self.address = address
        self.kind = DOCKER
        self.swaps_network = False
        self._max_line_bytes = max_line_bytes
        self._client = _client(address, answer_seconds)
        self._followed = _Connection()

    def identify(self) -> str:
        """Ask which engine it is and return its name; must come first."""
        components = map(object_of, items_of(object_of(self._get("/version")).get("Components")))
        versions = {text_of(component.get("Name")): text_of(component.get("Version")) for component in components}
        self.kind = PODMAN if _PODMAN_COMPONENT in versions else DOCKER
        self.swaps_network = _is_before(versions.get(_PODMAN_COMPONENT), _NETWORK_UNSWAPPED)
        return self.kind

    def clock(self) -> int:
        """Return the engine's time in nanoseconds, or our own if it does not tell (some proxies forbid the question)."""
        try:
            return parse_time(str(object_of(self._get("/info")).get("SystemTime")))
        except (EngineError, Invalid):
            return time_ns()

    def running(self) -> list[str]:
        """Return the ids of the containers that run."""
        return [container_id for container in self.containers() if (container_id := text_of(container.get("Id")))]

    def containers(self) -> list[Event]:
        """Return a summary of each container that runs: id, names, labels, networks."""
        return [object_of(container) for container in items_of(self._get("/containers/json"))]

    def container(self, container_id: str) -> Event | None:
        """Return what ``inspect`` says, or None if it says nothing: there is no such container any more."""
        return self._find(f"/containers/{quote(container_id, safe='')}/json")

    def state(self, container_id: str) -> str:
        """Return how a container stands, such as ``running``; empty if there is none."""
        return text_of(object_of(object_of(self.container(container_id)).get("State")).get("Status")) or ""

    def stats(self, container_id: str) -> Event | None:
        """Return what the counters of a container stand at now, or None if it is gone."""
        return self._find(f"/containers/{quote(container_id, safe='')}/stats?stream=false&one-shot=true")

    def image(self, image_id: str) -> Event | None:
        """Return what the engine knows of an image, or None if it is gone."""
        return self._find(f"/images/{quote(image_id, safe='')}/json")

    def execution(self, exec_id: str) -> Event | None:
        """Return an exec session, or None if it is over and forgotten."""
        return self._find(f"/exec/{quote(exec_id, safe='')}/json")

    def past(self, since: int, until: int) -> Iterator[bytes]:
        """Yield the events from ``since`` to now (``until``, for engines that must be told), one line each."""
        end = {"stream": "false"} if self.kind == PODMAN else {"until": _seconds(until)}
        return self._events({"since": _seconds(since)} | end, _ANSWER_SECONDS)

    def future(self, since: int) -> Iterator[bytes]:
        """Yield the events from ``since`` on until ``abort`` is called; raise ``EngineError`` when the stream ends."""
        yield from self._events({"since": _seconds(since)}, None)
        raise EngineError("the stream of events has ended")

    def abort(self) -> None:
        """Make the running ``past`` or ``future`` end, and any later one, from another thread."""
        self._followed.abort()

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def _events(self, parameters: dict[str, str], patience: float | None) -> Iterator[bytes]:
        timeout = httpx.Timeout(_CONNECT_SECONDS, read=patience)
        cutter = LineCutter(self._max_line_bytes)
        with (
            _translated(),
            _client(self.address, _ANSWER_SECONDS) as client,  # its own, so that it connects, which ``trace`` is told
            client.stream(
                "GET", "/events", params=parameters, timeout=timeout, extensions={"trace": self._followed.trace}
            ) as response,
        ):
            response.raise_for_status()
            for chunk in response.iter_raw():
                yield from (line.data for line in cutter.feed(chunk) if line.data.strip())

    def _find(self, path: str) -> Event | None:
        with _translated():
            response = self._client.get(path)
        if response.is_error:  # gone, or it cannot say: asking again would not help, and there is more to be read
            return None
        return object_of(_value_of(response)) or None

    def _get(self, path: str) -> Any:
        with _translated():
            return _value_of(self._client.get(path))


class _Connection:
    """The connection that events come by, known before anything is asked on it: an engine may be long in answering."""

    def __init__(self) -> None:
        self._aborted = False
        self._socket: socket.socket | None = None

    def trace(self, event: str, information: dict[str, Any]) -> None:
        """Take what httpx tells of a request."""
        if event.startswith("connection.connect_") and event.endswith(".complete"):
            self._socket = information["return_value"].get_extra_info("socket")
            if self._aborted:
                self._shut_down()

    def abort(self) -> None:
        """Shut the connection down, or one that is about to be made."""
        self._aborted = True
        self._shut_down()

    def _shut_down(self) -> None:
        if self._socket is not None:
            with suppress(OSError):  # it is closed already
                self._socket.shutdown(socket.SHUT_RDWR)


def _is_before(version: str | None, other: tuple[int, int]) -> bool:
    found = re.match(r"(\d{1,9})\.(\d{1,9})", version or "")
    return found is not None and (int(found[1]), int(found[2])) < other


def _client(address: str, answer_seconds: float) -> httpx.Client:
    timeout = httpx.Timeout(answer_seconds, connect=min(_CONNECT_SECONDS, answer_seconds))
    scheme, _, rest = address.partition("://")
    if scheme == "unix" and rest.startswith("/"):
        return httpx.Client(transport=httpx.HTTPTransport(uds=rest), base_url="http://engine", timeout=timeout)
    if scheme in ("http", "tcp") and rest:
        transport = httpx.HTTPTransport(socket_options=_KEEPALIVE)
        return httpx.Client(transport=transport, base_url=f"http://{rest}", timeout=timeout)
    raise ConfigurationError(
        f"{address!r} is no engine's address; write unix:///var/run/docker.sock or http://host:port"
    )


def _value_of(response: httpx.Response) -> Any:
    response.raise_for_status()
    try:
        return loads(response.content)
    except Invalid as error:
        raise EngineError(f"the answer of {response.url.path} is {error}") from error


def _seconds(nanoseconds: int) -> str:
    return f"{nanoseconds // 1_000_000_000}.{nanoseconds % 1_000_000_000:09d}"


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except httpx.HTTPError as error:
        raise EngineError(f"{type(error).__name__}: {error}") from error
