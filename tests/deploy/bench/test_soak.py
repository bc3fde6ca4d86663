"""Nothing is lost, repeated or judged otherwise whatever is killed; ``make soak`` does it at full size."""

from __future__ import annotations

import os
from dataclasses import dataclass

import pytest

from deploy.bench.soak import soak

EVENTS = int(os.environ.get("TIDEWAITER_SOAK_EVENTS", "8000"))
KILLS = int(os.environ.get("TIDEWAITER_KILLS", "8"))


@dataclass(frozen=True)
class Given:
    """Servers that run already."""

    kafka: str
    elasticsearch: str


@pytest.mark.services
def test_kills_change_nothing(kafka: str, elasticsearch: str) -> None:
    told: list[str] = []
    figures = {
        figure.name: figure
        for figure in soak(Given(kafka, elasticsearch), events=EVENTS, kills=KILLS, progress=told.append)
    }
    assert figures["soak_events"].value == EVENTS
    assert sum(line.startswith("kill ") for line in told) == KILLS
    faults = {name: figure.value for name, figure in figures.items() if figure.unit == "faults"}
    assert len(faults) == 6
    assert not any(faults.values()), "\n".join(told)
