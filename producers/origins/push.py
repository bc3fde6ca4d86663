"""HTTP push: sensors and API servers send their records with ``POST /``.

Example: ``TIDEWAITER_COLLECTOR__PUSH_TOKEN=… tidewaiter collect kubernetes-audit --listen 0.0.0.0:8443``, and ::

    curl -H "Authorization: Bearer $TOKEN" --data-binary @events.ndjson https://collector:8443/

A body that is one JSON document (pretty-printed or not) is one record; anything else is one record a line. The answer is 200
once all records of the body are on the collector's disk, and not before. 401: wrong token; 413: longer than
``collector.max_body_bytes``; 415: compressed; 503: the spool is full, try again later. ``GET /healthz`` answers 200.
"""

from __future__ import annotations

import asyncio
import hmac
import socket
import sqlite3
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uvicorn
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from producers.origins.spooled import Keep
from producers.spool import Entry, SpoolFull
from schemas.codec import loads
from schemas.errors import ConfigurationError, Invalid
from schemas.telemetry import count

__all__ = ["PushFeeder", "PushOptions", "records_in"]

_RETRY_AFTER_SECONDS: Final = "5"
_DISCONNECTED: Final = 499


@dataclass(frozen=True, slots=True)
class PushOptions:
    """Where to listen and what to ask of senders; without a certificate it speaks plain HTTP."""

    address: str
    port: int
    token: SecretStr
    max_body_bytes: int
    certificate_file: Path | None = None
    key_file: Path | None = None


class PushFeeder:
    """Serves HTTP. At least once for senders that try again, as all should, when an answer does not come."""

    def __init__(self, collector_id: str, options: PushOptions) -> None:
        self._collector_id = collector_id
        self._options = options
        self._token = options.token.get_secret_value().encode()
        self._thread = ThreadPoolExecutor(1, "push")
        self._server: uvicorn.Server | None = None
        self.port = options.port
        """The port that it listens on, of use where 0 was asked for."""

    def start(self, keep: Keep) -> Future[None]:
        """Begin to listen."""
        server = uvicorn.Server(self._configuration(keep))
        listener = self._listen()
        self.port = listener.getsockname()[1]
        self._server = server
        return self._thread.submit(server.run, [listener])

    def stop(self) -> None:
        """Answer what has come in, and end."""
        if self._server is not None:
            self._server.should_exit = True
        self._thread.shutdown()

    def _configuration(self, keep: Keep) -> uvicorn.Config:
        options = self._options
        try:
            configuration = uvicorn.Config(
                _Push(self._collector_id, self._token, options.max_body_bytes, keep).application(),
                log_config=None,
                access_log=False,
                lifespan="off",
                ws="none",
                server_header=False,
                ssl_certfile=options.certificate_file,
                ssl_keyfile=options.key_file,
            )
            configuration.load()
        except OSError as error:
            raise ConfigurationError(
                f"the certificate {options.certificate_file} cannot be used: {error}; "
                "check collector.push_certificate_file and collector.push_key_file"
            ) from error
        return configuration

    def _listen(self) -> socket.socket:
        address = (self._options.address, self._options.port)
        try:
            family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
            return socket.create_server(address, family=family)
        except OSError as error:
            raise ConfigurationError(
                f"cannot listen on {address[0]}:{address[1]}: {error.strerror}; choose another address for --listen"
            ) from error


@dataclass(frozen=True, slots=True)
class _Push:
    """The web application."""

    collector_id: str
    token: bytes
    max_body_bytes: int
    keep: Keep

    def application(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/", self.receive, methods=["POST"]),
                Route("/healthz", self.health, methods=["GET"]),
            ]
        )

    async def health(self, _: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def receive(self, request: Request) -> Response:
        response = await self._answer(request)
        count("push_requests", collector=self.collector_id, status=str(response.status_code))
        return response

    async def _answer(self, request: Request) -> Response:
        if not self._is_allowed(request):
            return _say(401, "send the token: Authorization: Bearer …", {"WWW-Authenticate": "Bearer"})
        if request.headers.get("content-encoding", "identity") != "identity":
            return _say(415, "send the body without compression")
        try:
            body = await self._body(request)
        except ClientDisconnect:
            return _say(_DISCONNECTED, "the sender has gone")
        if body is None:
            return _say(413, f"send at most {self.max_body_bytes} bytes at once")
        return await self._store(body, request.client.host if request.client else "unknown")

    def _is_allowed(self, request: Request) -> bool:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        same = hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), self.token)
        return same and scheme.lower() == "bearer"

    async def _body(self, request: Request) -> bytes | None:
        """Return the body, or None as soon as it is known to be too long.

        The server reads on and drops the rest: a connection that is closed on unread bytes is reset, and the sender never sees why.
        """
        body = bytearray()
        if int(request.headers.get("content-length", "0")) > self.max_body_bytes:
            return None
        async for chunk in request.stream():
            body += chunk
            if len(body) > self.max_body_bytes:
                return None
        return bytes(body)

    async def _store(self, body: bytes, sender: str) -> Response:
        entries = [Entry(data, f"pushed by {sender}") for data in records_in(body)]
        if not entries:
            return _say(200, "0 records")
        try:
            await asyncio.wrap_future(self.keep(entries))
        except SpoolFull:
            return _say(503, "the spool is full; try again later", {"Retry-After": _RETRY_AFTER_SECONDS})
        except sqlite3.Error:
            return _say(503, "the spool cannot write; try again later", {"Retry-After": _RETRY_AFTER_SECONDS})
        return _say(200, f"{len(entries)} records")


def records_in(body: bytes) -> list[bytes]:
    """Return the records of a body: the whole if it is one JSON document, else its lines that are not blank."""
    lines = [line for line in body.splitlines() if line.strip()]
    if len(lines) > 1 and _is_document(body):
        return [body]
    return lines


def _is_document(body: bytes) -> bool:
    try:
        loads(body)
    except Invalid:
        return False
    return True


def _say(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(text + "\n", status, headers)
