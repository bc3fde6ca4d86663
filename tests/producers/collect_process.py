"""A collector as a process of its own, for tests that kill it; the arguments are one JSON object.

The format is that of ``lines_format``, so that every line is one event.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import MappingProxyType
from typing import Any

import producers.run
from producers.run import CollectOptions, collect
from schemas.settings import CollectorSettings, KafkaSettings, Settings
from tests.producers.lines_format import LinesFormat

PATHS = ("file", "socket", "record")


def main(arguments: dict[str, Any]) -> None:
    producers.run.FORMATS = MappingProxyType({"lines": lambda _: LinesFormat()})  # type: ignore[attr-defined]  # only here
    settings = Settings(
        kafka=KafkaSettings(**arguments["kafka"]),
        collector=CollectorSettings(**arguments["collector"]),
        state_directory=Path(arguments["state_directory"]),
    )
    options: dict[str, Any] = {
        name: Path(value) if name in PATHS else value for name, value in arguments["options"].items()
    }
    collect(settings, CollectOptions(format_name="lines", **options))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
