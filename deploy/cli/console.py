"""How commands speak to people: tables and progress on the terminal, logs and errors on standard error."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import structlog
from rich.console import Console

from schemas.errors import ConfigurationError

__all__ = ["err", "fail", "log_to_stderr", "out", "stop_on_signals", "write_file"]

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def fail(message: str) -> None:
    """Print an error as it is, without markup, wrapping or a traceback."""
    err.print(message, style="red", markup=False, soft_wrap=True)


def write_file(file: Path, text: str) -> None:
    """Write what a person asked to have in a file, and say so."""
    try:
        file.write_text(text)
    except OSError as error:
        raise ConfigurationError(f"{file}: {error.strerror}; name a file that can be written") from error
    err.print(f"written to {file}", markup=False, soft_wrap=True)


def log_to_stderr() -> None:
    """Log one JSON object a line for processes, readable lines for a person at a terminal."""
    renderer = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def stop_on_signals() -> Callable[[], bool]:
    """Return a function that says whether SIGTERM or SIGINT has come; a second one ends the process at once."""
    stopping = threading.Event()

    def stop(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return stopping.is_set
