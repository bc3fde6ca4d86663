"""Measures key figures of years: ``python -m tests.deploy.kpi.measure [YEARS]``.

Writes what judges of 16 partitions would have written, to a Kafka of its own: counts of 12 causes each hour, and how things stood. Prints
how long the view takes to build and to follow, and how long the latest hours and all days take to be told.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from deploy.kafka import create_topics
from deploy.kpi.periods import Span, periods
from deploy.kpi.read import read_records
from deploy.view.update import following
from schemas.kpi import KpiRecord
from schemas.settings import KafkaSettings, Settings
from tests.conftest import running
from tests.deploy.inventory.measure import send, timed
from tests.deploy.view.lab import Said

PARTITIONS: Final = 16
BEGINNING: Final = datetime(2026, 1, 1)  # noqa: DTZ001 - hours have no zone
CAUSES: Final = [f"verdicts|authorized|policy|shop: files.allow[{number}]" for number in range(12)]
STANDING: Final = ["containers", "containers|root", "containers|covered", "principals", "principals|active"]
IMAGES: Final = tuple(f"sha256:{number:064x}" for number in range(10))


def records(hours: int) -> Iterator[Said]:
    for number in range(hours):
        hour = (BEGINNING + timedelta(hours=number)).isoformat()[: len("2026-11-27T10")]
        for partition in range(PARTITIONS):
            counts = dict.fromkeys(CAUSES, number + partition)
            yield said(KpiRecord(hour, "counts", partition, 1, counts))
            standing = dict.fromkeys(STANDING, number + partition)
            yield said(KpiRecord(hour, "levels", partition, 0, standing, {"images": IMAGES}))


def said(record: KpiRecord) -> Said:
    return "kpi", record.key, record.encode()


def told(settings: Settings, span: Span) -> int:
    with following(settings, ["kpi"]) as view:
        bounded, found = read_records(view, span)
        return len([one.document() for one in periods(found, (), bounded)])


def measure(settings: Settings, hours: int) -> None:
    create_topics(settings.kafka)
    with timed(lambda: f"{2 * PARTITIONS * hours} records written"):
        send(settings.kafka, records(hours))
    file = settings.state_directory / "view" / "view.sqlite"
    with timed(lambda: f"view built, {file.stat().st_size >> 20} MiB"), following(settings, ["kpi"]):
        pass
    with timed(lambda: "view followed, nothing new"), following(settings, ["kpi"]):
        pass
    for what, span in {
        "the latest hours": Span(),
        "the latest days": Span("day"),
        "all days": Span("day", "2026"),
    }.items():
        count = 0
        with timed(lambda: f"{what}: {count}"):  # noqa: B023 - called at once
            count = told(settings, span)


def main(years: int) -> None:
    with running("kafka") as stack, tempfile.TemporaryDirectory() as directory:
        kafka = KafkaSettings(bootstrap_servers=stack.kafka, topic_prefix="measure.", partitions=PARTITIONS)
        measure(Settings(kafka=kafka, state_directory=Path(directory)), years * 365 * 24)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
