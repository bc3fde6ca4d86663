"""What a process said last that explains why it ended."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["find_telling_line", "strip_colours"]

TAIL_BYTES = 256 * 1024
# The level of a line of log4j or structlog, or the last line of a Python or Java stack trace.
TELLING = re.compile(
    r"[\s\[](?:ERROR|FATAL|CRITICAL|error|critical)\s*[\s\]]|^(?:[\w.]+\.)?\w*(?:Error|Exception|Exit)\b"
)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
MAX_LINE_CHARACTERS = 400


def find_telling_line(log: Path) -> str:
    """Return the last line of the log's end that is an error, else its last line, else an empty string; 400 characters at most."""
    lines = [line.rstrip() for line in strip_colours(_read_tail(log)).splitlines()]
    spoken = [line for line in lines if line]
    telling = [line for line in spoken if TELLING.search(line)]
    chosen = telling or spoken
    return chosen[-1][:MAX_LINE_CHARACTERS] if chosen else ""


def strip_colours(text: str) -> str:
    """Return the text without the escape sequences that colour a terminal."""
    return COLOUR.sub("", text)


def _read_tail(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL_BYTES))
        return file.read().decode(errors="replace")
