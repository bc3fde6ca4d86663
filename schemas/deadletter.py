"""Dead letters: what could not be read, with its bytes, where it lay, why, and who found it.

On the topic ``deadletters`` the key is the stage; the value one JSON object, as in ::

    {"stage": "parse", "process": "shop-auditd", "place": "/var/log/audit/audit.log@1042", "error": "no msg=audit(…)",
     "time": "2026-01-02T10:00:00.000000000Z", "size": 17, "bytes": "dHlwZT1TWVNDQUxMIGZvbw=="}

``bytes`` is base64 of at most ``MAX_BYTES``; ``size`` is the length of the whole, so a cut is seen.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from typing import Final

from schemas.codec import dumps, loads
from schemas.errors import Invalid
from schemas.event import now

__all__ = ["MAX_BYTES", "DeadLetter", "decode_deadletter", "encode_deadletter", "headers_of"]

MAX_BYTES: Final = 512 * 1024
"""As base64, and with the rest, this stays below the megabyte that a Kafka broker takes by default."""

_MAX_ERROR_CHARACTERS: Final = 2_000
_MAX_PLACE_CHARACTERS: Final = 4_096


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One record that could not be read.

    ``stage`` is what failed (``parse``, ``judge``, ``deliver``), ``process`` who says so (collector id, judge slot, sink
    name), ``place`` where the record lies for a person (file and offset, topic/partition/offset), ``time`` RFC 3339.
    """

    stage: str
    process: str
    place: str
    error: str
    data: bytes
    time: str
    size: int

    @classmethod
    def of(cls, *, stage: str, process: str, place: str, error: Exception | str, data: bytes) -> DeadLetter:
        """Return the dead letter of ``data`` as it is found now."""
        return cls(stage, process, place, str(error), data[:MAX_BYTES], now(), len(data))


def encode_deadletter(letter: DeadLetter) -> bytes:
    """Return the value on the topic; never raises, whatever the texts hold."""
    return dumps(
        {
            "stage": letter.stage,
            "process": letter.process,
            "place": _printable(letter.place[:_MAX_PLACE_CHARACTERS]),
            "error": _printable(letter.error[:_MAX_ERROR_CHARACTERS]),
            "time": letter.time,
            "size": letter.size,
            "bytes": b64encode(letter.data[:MAX_BYTES]).decode("ascii"),
        }
    )


def decode_deadletter(value: bytes) -> DeadLetter:
    """Return the dead letter of a value of the topic; raise ``Invalid`` if it is none."""
    try:
        row = loads(value)
        texts = {name: str(row[name]) for name in ("stage", "process", "place", "error", "time")}
        return DeadLetter(**texts, size=int(row["size"]), data=b64decode(row["bytes"], validate=True))
    except (KeyError, TypeError, ValueError, Base64Error) as error:
        raise Invalid(f"not a dead letter: {error!r}") from error


def headers_of(letter: DeadLetter) -> list[tuple[str, str | bytes | None]]:
    """Return the Kafka headers, by which letters can be counted without reading them."""
    return [("stage", letter.stage.encode()), ("process", letter.process.encode())]


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
