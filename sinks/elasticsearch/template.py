"""The index template of the data stream."""

from __future__ import annotations

from typing import Any, Final

from schemas.derive import elasticsearch_mappings
from schemas.settings import ElasticsearchSettings

__all__ = ["index_template"]

_PRIORITY: Final = 500
"""Above the templates that Elasticsearch brings along (100 and 200)."""


def index_template(settings: ElasticsearchSettings) -> dict[str, Any]:
    """Return the body of ``PUT _index_template``.

    Its ``@timestamp`` must have no ``ignore_malformed``, neither of its own nor of the index: data streams refuse that. A
    second node gets a replica, a single one stays green without.
    """
    return {
        "index_patterns": [settings.data_stream],
        "data_stream": {},
        "priority": _PRIORITY,
        "_meta": {"managed_by": "tidewaiter"},
        "template": {
            "lifecycle": {"enabled": True, "data_retention": settings.retention},
            "settings": {
                "index": {
                    "number_of_shards": 1,
                    "auto_expand_replicas": "0-1",
                    "refresh_interval": settings.refresh_interval,
                }
            },
            "mappings": elasticsearch_mappings(),
        },
    }
