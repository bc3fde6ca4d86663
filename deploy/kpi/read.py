"""Reading key figures from their topic."""

from __future__ import annotations

from deploy.kafka import partitions_of, read_all
from schemas.errors import ConfigurationError, Invalid
from schemas.kpi import KpiRecord
from schemas.settings import Settings

__all__ = ["read_records"]


def read_records(settings: Settings) -> list[KpiRecord]:
    """Return all key figures; raise ``ConfigurationError`` for what this version cannot read."""
    partitions_of(settings.kafka, "kpi")  # which says what to do where there is no such topic
    try:
        found = read_all(settings.kafka, "kpi").items()
        return [KpiRecord.decode(key or b"", value) for (_, key), value in found if value]
    except Invalid as error:
        raise ConfigurationError(f"topic kpi: {error}; run the version of Tidewaiter that wrote it") from error
