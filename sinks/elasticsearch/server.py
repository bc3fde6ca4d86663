"""One question to Elasticsearch, and its answer, whatever its status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from elastic_transport import TlsError
from elasticsearch import ConnectionError as NoConnection
from elasticsearch import Elasticsearch, TransportError, UnsupportedProductError

from schemas.errors import DeliveryError

__all__ = ["Answer", "Server", "Unanswered"]

_EVERY_STATUS: Final = range(300, 600)


class Unanswered(Exception):
    """No answer came; whether the question was heard is unknown."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body: JSON as Python values, or text where a proxy answered."""

    status: int
    body: Any

    @property
    def is_good(self) -> bool:
        """Return whether the request as a whole was carried out."""
        return 200 <= self.status < 300  # noqa: PLR2004 - HTTP's own

    @property
    def error_type(self) -> str:
        """Return Elasticsearch's name of the error, empty where it gave none."""
        error = self.body.get("error") if isinstance(self.body, dict) else None
        return str(error.get("type", "")) if isinstance(error, dict) else ""

    def describe(self) -> str:
        """Return status and reason in one line."""
        error = self.body.get("error") if isinstance(self.body, dict) else self.body
        reason = f"{error.get('type')}: {error.get('reason')}" if isinstance(error, dict) else str(error or "")
        return f"HTTP {self.status} {reason}"[:500].strip()


class Server:
    """Asks through the official client: its connections, its authentication, its choice of node; thread-safe.

    The client's checks of a whole cluster are left out, so that no ``info()`` is needed.
    """

    def __init__(self, client: Elasticsearch) -> None:
        self._client = client.options(ignore_status=_EVERY_STATUS)

    def ask(
        self,
        method: str,
        path: str,
        *,
        parameters: Mapping[str, str] | None = None,
        body: bytes | Mapping[str, Any] | None = None,
        lines: bool = False,
    ) -> Answer:
        """Return the answer; raise ``Unanswered``, or ``DeliveryError`` where it is no Elasticsearch we can trust."""
        content = "application/x-ndjson" if lines else "application/json"
        headers = {"accept": "application/json"} | ({"content-type": content} if body is not None else {})
        try:
            answer = self._client.perform_request(method, path, params=parameters, headers=headers, body=body)
        except TlsError as error:
            raise DeliveryError(
                f"no TLS connection to Elasticsearch: {error}; set elasticsearch.ca_file to the CA that signed its certificate"
            ) from error
        except NoConnection as error:
            raise Unanswered(f"no connection: {error}") from error
        except UnsupportedProductError as error:
            raise DeliveryError(f"{error}; set elasticsearch.urls to an Elasticsearch") from error
        except TransportError as error:
            raise Unanswered(f"no answer: {error}") from error
        return Answer(answer.meta.status, answer.body)

    def close(self) -> None:
        """Close all connections."""
        self._client.close()
