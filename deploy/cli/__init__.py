"""The command line: one Typer application, a module a group of commands."""

from __future__ import annotations

import sys

from confluent_kafka import KafkaError, KafkaException

from deploy.cli.app import app
from deploy.cli.console import fail
from schemas.errors import TidewaiterError

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line; an error of ours or of Kafka is one clear text on standard error and exit code 2, never a traceback."""
    try:
        app()
    except TidewaiterError as error:
        fail(str(error))
        sys.exit(2)
    except KafkaException as error:
        cause = error.args[0] if error.args else error
        said = cause.str() if isinstance(cause, KafkaError) else str(cause)
        fail(f"Kafka: {said}; is it running (`tidewaiter status`), and are the settings kafka.* right?")
        sys.exit(2)
