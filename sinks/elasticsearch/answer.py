"""What Elasticsearch's answers mean for a document: done, again later, never, or a person is needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from schemas.errors import DeliveryError
from sinks.elasticsearch.server import Answer

__all__ = ["Meaning", "meaning_of_item", "meaning_of_request", "reason_of_item"]

Meaning = Literal["indexed", "quarantined", "conflict", "overloaded", "unknown", "refused", "too large"]
"""``overloaded``: surely not taken, again later. ``unknown``: again later, after a look. ``too large``: again in halves."""

_CONFLICT: Final = 409
_TOO_LARGE: Final = 413
_TOO_MANY: Final = 429
_SERVER_ERRORS: Final = 500
_WAIT: Final = frozenset({408, 425})
_MAX_REASON_CHARACTERS: Final = 500

_PASSING_TYPES: Final = frozenset({"cluster_block_exception", "es_rejected_execution_exception"})
"""A block (a full disk, no master) has status 403, and ends by itself or by its administrator's hand."""

_ADVICE: Final[Mapping[int, str]] = {
    401: "check elasticsearch.username and elasticsearch.password",
    403: "the role needs `create_doc`, `read`, `maintenance` and `auto_configure` on the data stream and `manage_index_templates`",
    404: "the index template is gone or elasticsearch.urls lead elsewhere; start this sink again, it puts the template",
}
_STOPPING_TYPES: Final = frozenset({"index_closed_exception", "index_not_found_exception", "security_exception"})


def meaning_of_request(answer: Answer) -> Meaning:
    """Return what the status of a whole request means; ``indexed`` if its items have answers of their own.

    Raises ``DeliveryError`` with what to do where retrying cannot help.
    """
    if answer.is_good:
        return "indexed"
    if answer.status == _TOO_MANY or answer.error_type in _PASSING_TYPES:
        return "overloaded"
    if answer.status >= _SERVER_ERRORS or answer.status in _WAIT:
        return "unknown"
    if answer.status in (400, _TOO_LARGE):
        return "too large"
    raise DeliveryError(f"Elasticsearch refuses: {answer.describe()}; {_advice(answer.status)}")


def meaning_of_item(item: Mapping[str, Any]) -> Meaning:
    """Return what one item of a bulk answer means; raise ``DeliveryError`` where the fault is not the document's."""
    status = int(item["status"])
    if status < 300:  # noqa: PLR2004 - HTTP's own
        return "quarantined" if item.get("failure_store") == "used" else "indexed"
    kind = _error_of(item).get("type", "")
    if status == _CONFLICT:
        return "conflict"
    if status == _TOO_MANY or kind in _PASSING_TYPES:
        return "overloaded"
    if status >= _SERVER_ERRORS or status in _WAIT:
        return "unknown"
    if status in _ADVICE or kind in _STOPPING_TYPES:
        raise DeliveryError(f"Elasticsearch refuses documents: {reason_of_item(item)}; {_advice(status)}")
    return "refused"


def reason_of_item(item: Mapping[str, Any]) -> str:
    """Return status and reason of an item in one line."""
    error = _error_of(item)
    return f"HTTP {item['status']} {error.get('type')}: {error.get('reason')}"[:_MAX_REASON_CHARACTERS]


def _error_of(item: Mapping[str, Any]) -> Mapping[str, Any]:
    error = item.get("error")
    return error if isinstance(error, dict) else {}


def _advice(status: int) -> str:
    return _ADVICE.get(status, "nothing is lost: put right what it names, then start again")
