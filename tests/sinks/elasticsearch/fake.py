"""An Elasticsearch behind the network's edge: the real client asks it, and it can be made to fail in every way."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, urlsplit

from elastic_transport import ApiResponseMeta, BaseNode, HttpHeaders
from elastic_transport import ConnectionError as NoConnection
from elastic_transport._node import NodeApiResponse
from elasticsearch import Elasticsearch

from schemas.codec import dumps, loads
from schemas.errors import Invalid
from schemas.settings import ElasticsearchSettings
from sinks.elasticsearch.config import connect
from sinks.elasticsearch.retry import Backoff
from sinks.elasticsearch.sink import ElasticsearchSink

Reply = tuple[int, Any]
Fault = Callable[["FakeElasticsearch", str, str, bytes], Reply | None]


class FakeElasticsearch:
    """A data stream of several backing indices; ``faults`` are used up, one a request that they answer."""

    def __init__(self) -> None:
        self.indices: list[dict[str, Any]] = [{}]
        self.visible: set[str] = set()
        self.template: dict[str, Any] | None = None
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str]] = []
        self.parameters: list[dict[str, list[str]]] = []
        self.most_bytes = 1 << 30
        self.product = "Elasticsearch"
        self._lock = Lock()

    # what a test sees and does

    def count(self, identity: str) -> int:
        return sum(identity in index for index in self.indices)

    def roll_over(self) -> None:
        self.indices.append({})

    def bulks(self) -> int:
        return sum(path.endswith("/_bulk") for _, path in self.requests)

    def searches(self) -> int:
        return sum(path.endswith("/_search") for _, path in self.requests)

    # what the client asks

    def answer(self, method: str, target: str, body: bytes) -> Reply:
        with self._lock:
            parts = urlsplit(target)
            self.requests.append((method, parts.path))
            self.parameters.append(parse_qs(parts.query))
            for number, fault in enumerate(self.faults):
                reply = fault(self, method, parts.path, body)
                if reply is not None:
                    del self.faults[number]
                    return reply
            return self.normal(method, parts.path, body)

    def normal(self, method: str, path: str, body: bytes) -> Reply:
        if len(body) > self.most_bytes:
            return 413, ""
        if path.startswith("/_index_template/"):
            self.template = loads(body)
            return 200, {"acknowledged": True}
        if path.endswith("/_refresh"):
            self.visible = {identity for index in self.indices for identity in index}
            return 200, {"_shards": {"total": 2, "successful": 1, "failed": 0}}
        if path.endswith("/_search"):
            return self._search(loads(body))
        if path.endswith("/_bulk"):
            return self.bulk(body)
        raise AssertionError(f"nothing asks {method} {path}")

    def bulk(self, body: bytes) -> Reply:
        assert body.endswith(b"\n")
        lines = body.split(b"\n")[:-1]
        assert len(lines) % 2 == 0
        items = [
            self._create(loads(action)["create"]["_id"], source)
            for action, source in zip(lines[::2], lines[1::2], strict=True)
        ]
        return 200, {"errors": any("error" in item for item in items), "items": [{"create": item} for item in items]}

    def _create(self, identity: str, source: bytes) -> dict[str, Any]:
        if identity in self.indices[-1]:
            return error_item(409, "version_conflict_engine_exception")
        try:
            document = loads(source)
        except Invalid as error:
            return error_item(400, "document_parsing_exception", str(error))
        if "@timestamp" not in document:
            return error_item(400, "document_parsing_exception", "data stream timestamp field [@timestamp] is missing")
        self.indices[-1][identity] = document
        return {"status": 201}

    def _search(self, question: dict[str, Any]) -> Reply:
        assert question["size"] >= 2 * len(question["query"]["ids"]["values"]) or len(self.indices) < 2
        hits = [
            {"_id": identity} | ({"_source": index[identity]} if question["_source"] else {})
            for identity in question["query"]["ids"]["values"]
            for index in self.indices
            if identity in index and identity in self.visible
        ]
        return 200, {"timed_out": False, "_shards": {"failed": 0}, "hits": {"hits": hits}}


def error_item(status: int, kind: str, reason: str = "because") -> dict[str, Any]:
    return {"status": status, "error": {"type": kind, "reason": reason}}


def error(status: int, kind: str) -> Reply:
    return status, {"error": {"type": kind, "reason": "because"}, "status": status}


def on(suffix: str, *replies: Reply) -> list[Fault]:
    """Return faults that answer the next requests of a path."""

    def fault_of(reply: Reply) -> Fault:
        return lambda _server, _method, path, _body: reply if path.endswith(suffix) else None

    return [fault_of(reply) for reply in replies]


def lost(*, before: bool = False, suffix: str = "/_bulk") -> Fault:
    """Return a fault that loses the answer, after or before the request was carried out."""

    def fault(server: FakeElasticsearch, method: str, path: str, body: bytes) -> Reply | None:
        if not path.endswith(suffix):
            return None
        if not before:
            server.normal(method, path, body)
        return 0, None

    return fault


def sink_of(server: FakeElasticsearch, **settings: Any) -> ElasticsearchSink:
    """Return a sink that asks the server through the official client, and waits for milliseconds only."""
    configuration = ElasticsearchSettings(data_stream="verdicts", **settings)
    return ElasticsearchSink(
        configuration,
        client_of(server, configuration),
        backoff=lambda cancelled: Backoff(cancelled, first_seconds=0.001, most_seconds=0.002),
    )


def client_of(server: FakeElasticsearch, settings: ElasticsearchSettings) -> Elasticsearch:
    class Node(BaseNode):
        def perform_request(
            self,
            method: str,
            target: str,
            body: bytes | None = None,
            headers: HttpHeaders | None = None,  # noqa: ARG002 - the transport passes it
            request_timeout: object = None,  # noqa: ARG002 - the transport passes it
        ) -> NodeApiResponse:
            status, reply = server.answer(method, target, body or b"")
            if status == 0:
                raise NoConnection("connection reset by peer")
            text = isinstance(reply, str)
            answer_headers = HttpHeaders(
                {"content-type": "text/plain" if text else "application/json", "x-elastic-product": server.product}
            )
            meta = ApiResponseMeta(status, "1.1", answer_headers, 0.0, self.config)
            return NodeApiResponse(meta, reply.encode() if text else dumps(reply))

        def close(self) -> None:
            pass

    return connect(settings, node_class=Node)
