"""Reading key figures, and the lives of alerts, from their topics."""

from __future__ import annotations

from deploy.kafka import read_all
from schemas.alert import Alert
from schemas.errors import ConfigurationError, Invalid
from schemas.kpi import KpiRecord
from schemas.settings import KafkaSettings

__all__ = ["read_alerts", "read_records"]


def read_records(settings: KafkaSettings) -> list[KpiRecord]:
    """Return all key figures; raise ``ConfigurationError`` for what this version cannot read."""
    try:
        return [KpiRecord.decode(key or b"", value) for (_, key), value in read_all(settings, "kpi").items() if value]
    except Invalid as error:
        raise ConfigurationError(f"topic kpi: {error}; run the version of Tidewaiter that wrote it") from error


def read_alerts(settings: KafkaSettings) -> list[Alert]:
    """Return all alerts as they stand; raise ``ConfigurationError`` for what this version cannot read."""
    try:
        return [Alert.decode(value) for value in read_all(settings, "alerts").values() if value]
    except Invalid as error:
        raise ConfigurationError(f"topic alerts: {error}; run the version of Tidewaiter that wrote it") from error
