"""A Docker engine as far as we ask one: its Unix socket, its ring of events, its death."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from time import time_ns
from typing import Any
from urllib.parse import parse_qs, urlsplit

from schemas.codec import Event
from schemas.event import timestamp
from tests.producers.formats.docker.engine_records import engine_event, inspect_of


class _Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True

    def __init__(self, path: Path, engine: FakeEngine) -> None:
        self.engine = engine
        self.connections: set[socket.socket] = set()
        super().__init__(str(path), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.add(request)
        super().process_request(request, client_address)

    def break_connections(self) -> None:
        for connection in list(self.connections):
            with suppress(OSError):  # it is closed already
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that go away are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def address_string(self) -> str:
        return "client"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the standard library's
        """Say nothing."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        engine = self.server.engine
        engine.asked.append(url.path)
        if url.path == "/events":
            self._events({name: values[0] for name, values in parse_qs(url.query).items()})
        else:
            self._answer(engine.answers().get(url.path))

    def _answer(self, value: Any) -> None:
        body = json.dumps({"message": "no such thing"} if value is None else value).encode()
        self.send_response(404 if value is None else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _events(self, query: dict[str, str]) -> None:
        self.server.engine.answers_events.wait()
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for event in self.server.engine.follow(_nanoseconds(query["since"]), query.get("until")):
            data = event.get("raw", json.dumps(event)).encode() + b"\n"
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.write(b"0\r\n\r\n")


def _nanoseconds(text: str) -> int:
    seconds, _, fraction = text.partition(".")
    return int(seconds) * 1_000_000_000 + int(fraction.ljust(9, "0"))


class FakeEngine:
    """Keeps the last ``ring`` events, as Docker does (256 there), and none through a restart."""

    def __init__(self, path: Path, ring: int = 256) -> None:
        self.path = path
        self.containers: dict[str, Event] = {}
        self.summaries: dict[str, Event] = {}
        self.unlisted: set[str] = set()
        self.component: Event = {"Name": "Engine", "Version": "29.0"}
        self.stats: dict[str, Event] = {}
        self.asked: list[str] = []
        self.answers_events = threading.Event()
        self.answers_events.set()
        self._ring = ring
        self._events: list[Event] = []
        self._changed = threading.Condition()
        self._server: _Server | None = None
        self._clock = time_ns()

    @property
    def address(self) -> str:
        return f"unix://{self.path}"

    def start(self) -> None:
        self._server = _Server(self.path, self)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def die(self) -> None:
        """End, and with it all connections and what was kept of the past."""
        server, self._server = self._server, None
        assert server is not None
        server.shutdown()
        server.server_close()
        self.path.unlink()
        with self._changed:
            self._events.clear()
            self._changed.notify_all()
        server.break_connections()
        self.answers_events.set()

    def break_connections(self) -> None:
        assert self._server is not None
        self._server.break_connections()

    def says(self, action: str, container: str, **changes: Any) -> Event:
        """Let an event happen, a tenth of a second after the last one; with ``raw`` it is written as that text."""
        self._clock += 100_000_000
        nanoseconds = changes.pop("timeNano", self._clock)
        event = engine_event(action, container=container)
        event |= {"timeNano": nanoseconds, "time": nanoseconds // 1_000_000_000} | changes
        with self._changed:
            self._events = [*self._events, event][-self._ring :]
            self._changed.notify_all()
        return event

    def runs(self, container: str, **summary: Any) -> None:
        """Let a container run; ``summary`` is what the list of containers says of it."""
        self.containers[container] = inspect_of(Id=container)
        self.summaries[container] = {"Id": container} | summary

    def uses(self, container: str, stats: Event) -> None:
        self.stats[container] = stats

    def answers(self) -> dict[str, Any]:
        answers: dict[str, Any] = {
            "/version": {"Components": [self.component]},
            "/info": {"SystemTime": timestamp(self._clock)},
            "/containers/json": [
                self.summaries.get(name, {"Id": name}) for name in self.containers if name not in self.unlisted
            ],
        }
        for name, inspect in self.containers.items():
            answers |= dict.fromkeys((f"/containers/{name}/json", f"/containers/{name[:12]}/json"), inspect)
            answers[f"/containers/{name}/stats"] = self.stats.get(name)
            answers[f"/images/{inspect['Image'].replace(':', '%3A')}/json"] = {"RepoDigests": ["web@sha256:d1"]}
        return answers

    def follow(self, since: int, until: str | None) -> Iterator[Event]:
        """Yield what is in the ring, and without ``until`` what comes, until the engine dies."""
        given: set[int] = set()
        server = self._server
        while self._server is server:
            with self._changed:
                new = [event for event in self._events if event["timeNano"] >= since and id(event) not in given]
                if not new and until is None:
                    self._changed.wait(0.1)
            for event in new:
                given.add(id(event))
                yield event
            if until is not None:
                return
