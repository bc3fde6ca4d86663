"""Verdicts to an Elasticsearch data stream, each event as one document whose ``_id`` is its ``event.id``.

Settings (``tidewaiter.yaml``)::

    elasticsearch:
      urls: ["https://es.example:9200"]
      username: tidewaiter-sink
      ca_file: /etc/tidewaiter/ca.pem
      data_stream: tidewaiter-verdicts
      retention: 365d

Only what is in Elasticsearch's core is used, so that it works with 8.19 and 9.x, a full cluster and a bare server alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from threading import Event
from typing import Any, Final, Self
from urllib.parse import quote

import structlog
from elasticsearch import Elasticsearch

from schemas.errors import DeliveryError
from schemas.settings import ElasticsearchSettings, Settings
from sinks.elasticsearch.answer import Meaning, meaning_of_item, meaning_of_request, reason_of_item
from sinks.elasticsearch.bulk import Document, encode_bulk
from sinks.elasticsearch.config import connect
from sinks.elasticsearch.delivery import Delivery, Part
from sinks.elasticsearch.health import Health
from sinks.elasticsearch.lookup import find_present, holds_same
from sinks.elasticsearch.retry import Backoff
from sinks.elasticsearch.server import Answer, Server, Unanswered
from sinks.elasticsearch.template import index_template
from sinks.types import Batch, BatchLimits, Delivered

__all__ = ["ElasticsearchSink"]

_log = structlog.get_logger(__name__)

_MOST_BYTES: Final = 90 * 1024 * 1024
"""Elasticsearch takes 100 MiB (http.max_content_length) unless told otherwise; where it takes less, it says so."""
_BULK_PARAMETERS: Final = {
    "require_data_stream": "true",
    "filter_path": "errors,items.*.status,items.*.error,items.*.failure_store",
}
"""Without ``require_data_stream`` a missing template would let Elasticsearch make an ordinary index of this name."""


class ElasticsearchSink:
    """At least once to Elasticsearch, each event one document.

    What is sent again after a crash, a rebalance or an answer that never came is looked up first, over all backing
    indices. So a document stands there once, also when the stream rolled over in between. What Elasticsearch cannot parse
    is refused. A document whose id is there already though nobody can have sent it is compared: the same content counts as
    a repeat and is logged as an error, another content is refused, so that nobody can suppress an event by taking its id.
    """

    name = "elasticsearch"

    def __init__(
        self, settings: ElasticsearchSettings, client: Elasticsearch, backoff: Callable[[Event], Backoff] = Backoff
    ) -> None:
        self.limits = BatchLimits(settings.batch_events, settings.batch_bytes, settings.batch_seconds)
        self._settings = settings
        self._server = Server(client)
        self._backoff = backoff
        self._health = Health(self.name)
        self._most_bytes = _MOST_BYTES
        self._path = f"/{quote(settings.data_stream, safe='')}"

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        return cls(settings.elasticsearch, connect(settings.elasticsearch))

    def open(self, cancelled: Event) -> None:
        """Put the index template; the stream itself comes with the first document."""
        backoff = self._backoff(cancelled)
        body = index_template(self._settings)
        while not self._put_template(body):
            backoff.wait()
        self._health.succeeded()

    def close(self) -> None:
        self._server.close()

    def deliver(self, batch: Batch, cancelled: Event) -> Delivered:
        delivery = Delivery(batch)
        backoff = self._backoff(cancelled)
        parts = delivery.parts(batch.maybe_sent)
        while parts:
            part = parts.pop()
            if part.has_failed:
                delivery.throttled = True
                backoff.wait()
            parts += self._attempt(part, delivery)
        return delivery.result()

    def _put_template(self, body: dict[str, Any]) -> bool:
        try:
            answer = self._server.ask("PUT", f"/_index_template{self._path}", body=body)
        except Unanswered as error:
            self._health.failed("unanswered", str(error))
            return False
        meaning = meaning_of_request(answer)
        if meaning == "too large":
            raise DeliveryError(
                f"Elasticsearch does not take the index template: {answer.describe()}; check elasticsearch.retention and "
                "elasticsearch.refresh_interval, and that no other template of priority 500 matches the data stream"
            )
        if meaning != "indexed":
            self._health.failed(meaning, answer.describe())
        return meaning == "indexed"

    def _attempt(self, part: Part, delivery: Delivery) -> Sequence[Part]:
        """Try once; return the parts that are left to do."""
        if part.size > self._most_bytes and len(part.documents) > 1:
            return part.halves()
        try:
            documents = self._missing(part, delivery) if part.maybe_sent else part.documents
            return self._create(part.of(documents), delivery) if documents else ()
        except Unanswered as error:
            self._health.failed("unanswered", str(error))
            return (part.again(maybe_sent=True),)

    def _missing(self, part: Part, delivery: Delivery) -> Sequence[Document]:
        present = find_present(self._server, self._path, [each.id for each in part.documents])
        for document in part.documents:
            if document.id in present:
                delivery.conclude(document, "repeat")
        return [each for each in part.documents if each.id not in present]

    def _create(self, part: Part, delivery: Delivery) -> Sequence[Part]:
        body = encode_bulk(part.documents)
        answer = self._server.ask("POST", f"{self._path}/_bulk", parameters=_BULK_PARAMETERS, body=body, lines=True)
        meaning = meaning_of_request(answer)
        if meaning == "indexed":
            return self._sort(part, answer, delivery)
        if meaning == "too large":
            return self._shrink(part, answer, delivery)
        self._health.failed(meaning, answer.describe())
        return (part.again(maybe_sent=part.maybe_sent or meaning == "unknown"),)

    def _shrink(self, part: Part, answer: Answer, delivery: Delivery) -> Sequence[Part]:
        """Go on with halves, down to the one document that the request failed for."""
        if len(part.documents) == 1:
            delivery.refuse(part.documents[0], answer.describe())
            return ()
        if answer.status == 413:  # noqa: PLR2004 - Content Too Large
            self._most_bytes = max(1, part.size // 2)
            _log.warning("requests are too large, made smaller", sink=self.name, request_bytes=part.size)
        return part.halves()

    def _sort(self, part: Part, answer: Answer, delivery: Delivery) -> Sequence[Part]:
        """Give each document what its item means; return those that are left, sorted by what is known of them."""
        left: dict[Meaning, list[Document]] = {"overloaded": [], "unknown": [], "conflict": []}
        for document, item in zip(part.documents, answer.body["items"], strict=True):
            self._settle(part, document, item["create"], delivery, left)
        again = [*left["overloaded"], *left["unknown"], *self._examine(left["conflict"], delivery)]
        if not again:
            self._health.succeeded()
            return ()
        return (part.of(again).again(maybe_sent=part.maybe_sent or bool(left["unknown"])),)

    def _settle(
        self,
        part: Part,
        document: Document,
        item: dict[str, Any],
        delivery: Delivery,
        left: dict[Meaning, list[Document]],
    ) -> None:
        meaning = meaning_of_item(item)
        if meaning == "conflict" and part.maybe_sent:
            delivery.conclude(document, "repeat")
        elif meaning in left:
            left[meaning].append(document)
            if meaning != "conflict":
                self._health.failed(meaning, reason_of_item(item))
        elif meaning == "refused":
            delivery.refuse(document, reason_of_item(item))
        else:
            delivery.conclude(document, "quarantined" if meaning == "quarantined" else "indexed")

    def _examine(self, conflicts: Iterable[Document], delivery: Delivery) -> list[Document]:
        """Compare documents with those that have their ids though nobody can have sent them; return those not found."""
        absent = []
        for document in conflicts:
            same = holds_same(self._server, self._path, document)
            _log.error(
                "an id is there already that nobody sent",
                sink=self.name,
                id=document.id,
                same_content=same,
                place=document.record.place,
            )
            if same is None:
                absent.append(document)
            elif same:
                delivery.conclude(document, "repeat")
            else:
                delivery.refuse(
                    document, "another document has this id: an id was given twice, or somebody else writes here"
                )
        return absent
