"""Reading ``findings``: what cannot be read must end whoever reads it, since it would be found or told again, or never."""

from __future__ import annotations

from schemas.errors import ConfigurationError, Invalid
from schemas.finding import Finding
from streams.kafka import Consumed

__all__ = ["finding_of"]


def finding_of(message: Consumed) -> Finding:
    """Return the finding of a record; raise ``ConfigurationError`` where this version cannot read it."""
    try:
        return Finding.decode(message.value() or b"")
    except Invalid as error:
        place = f"{message.topic()}/{message.partition()}/{message.offset()}"
        raise ConfigurationError(f"{place}: {error}; run the version of Tidewaiter that wrote it") from error
