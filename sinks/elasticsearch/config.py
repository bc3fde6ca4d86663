"""The client of the settings."""

from __future__ import annotations

import logging
from typing import Any, Final

from elasticsearch import Elasticsearch

from schemas.settings import ElasticsearchSettings

__all__ = ["connect"]

REQUEST_SECONDS: Final = 60.0
"""How long an answer may take, which is how long Elasticsearch itself tries a bulk; what comes later is looked up instead."""

_CONNECTIONS_PER_NODE: Final = 16


def connect(settings: ElasticsearchSettings, **options: Any) -> Elasticsearch:
    """Return a client that asks once and never retries by itself; connects to nothing yet.

    ``options`` go to the client as they are (a ``node_class`` in tests).
    """
    logging.getLogger("elastic_transport").setLevel(logging.ERROR)  # one line an attempt, where Health says it once
    password = settings.password.get_secret_value() if settings.password else ""
    if settings.username is not None:
        options["basic_auth"] = (settings.username, password)
    if settings.ca_file is not None:
        options["ca_certs"] = str(settings.ca_file)
    return Elasticsearch(
        list(settings.urls),
        request_timeout=REQUEST_SECONDS,
        max_retries=0,
        retry_on_timeout=False,
        connections_per_node=_CONNECTIONS_PER_NODE,
        **options,
    )
