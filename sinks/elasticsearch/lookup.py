"""What the data stream has already, in all of its backing indices.

``create`` refuses an id only within the index that is written to now: after a rollover the same id would be taken again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from schemas.codec import decode
from schemas.errors import DeliveryError
from sinks.elasticsearch.answer import meaning_of_request
from sinks.elasticsearch.bulk import Document
from sinks.elasticsearch.server import Answer, Server, Unanswered

__all__ = ["find_present", "holds_same"]

_IDS_A_QUESTION: Final = 5_000
"""Half of what a search returns at most (index.max_result_window), so that an id that is there twice hides no other."""
_MOST_HITS: Final = 10_000
_NOT_FOUND: Final = 404


def find_present(server: Server, path: str, ids: Sequence[str]) -> frozenset[str]:
    """Return those ids of which the data stream at ``path`` has a document, written until now.

    Raises ``Unanswered`` also when a shard could not be asked: an answer with holes in it would make copies.
    """
    if not _refresh(server, path):
        return frozenset()
    chunks = (ids[start : start + _IDS_A_QUESTION] for start in range(0, len(ids), _IDS_A_QUESTION))
    return frozenset(hit["_id"] for chunk in chunks for hit in _search(server, path, chunk, with_source=False))


def holds_same(server: Server, path: str, document: Document) -> bool | None:
    """Return whether what the stream has under the document's id says the same; None if it has nothing. Raises as above."""
    hits = _search(server, path, [document.id], with_source=True) if _refresh(server, path) else []
    return all(hit["_source"] == decode(document.record.value) for hit in hits) if hits else None


def _refresh(server: Server, path: str) -> bool:
    answer = server.ask("POST", f"{path}/_refresh")
    if answer.status == _NOT_FOUND:
        return False
    _check(answer)
    return True


def _search(server: Server, path: str, ids: Sequence[str], *, with_source: bool) -> list[dict[str, Any]]:
    question = {
        "query": {"ids": {"values": list(ids)}},
        "size": _MOST_HITS,
        "_source": with_source,
        "sort": ["_doc"],
        "track_total_hits": False,
    }
    parameters = {
        "allow_partial_search_results": "false",
        "filter_path": "timed_out,_shards.failed,hits.hits._id,hits.hits._source",
    }
    answer = server.ask("POST", f"{path}/_search", parameters=parameters, body=question)
    _check(answer)
    hits: list[dict[str, Any]] = answer.body.get("hits", {}).get("hits", [])
    return hits


def _check(answer: Answer) -> None:
    meaning = meaning_of_request(answer)
    if meaning == "too large":
        raise DeliveryError(f"Elasticsearch does not understand a look-up of ids: {answer.describe()}; report this")
    if meaning != "indexed" or answer.body.get("timed_out") or answer.body["_shards"]["failed"]:
        raise Unanswered(answer.describe())
