"""What an event must be: a pydantic model made from the field table, and the times events carry."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from ipaddress import ip_address
from time import time_ns
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, create_model

from schemas.codec import Event
from schemas.errors import Invalid
from schemas.fields import FIELDS, Type
from schemas.fields import Field as FieldRow

__all__ = ["event_model", "now", "parse_time", "timestamp", "validate_event"]

_NANOSECONDS: Final = 1_000_000_000
_MAX_KEYWORD_CHARACTERS: Final = 32_768


def timestamp(nanoseconds: int) -> str:
    """Return RFC 3339 in UTC with nine fractional digits, always 30 characters, of nanoseconds since 1970."""
    seconds, fraction = divmod(nanoseconds, _NANOSECONDS)
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError) as error:
        raise Invalid(f"time out of range: {nanoseconds} ns since 1970") from error
    return f"{moment.isoformat(timespec='seconds')[:19]}.{fraction:09d}Z"


def now() -> str:
    """Return the present as ``timestamp`` does."""
    return timestamp(time_ns())


def parse_time(text: str) -> int:
    """Return nanoseconds since 1970 of an RFC 3339 time; offsets without a colon and up to nine digits are read too.

    A time without an offset is taken as UTC. Raises ``Invalid``.
    """
    whole, dot, rest = text.strip().partition(".")
    digits = len(rest) - len(rest.lstrip("0123456789")) if dot else 0
    fraction = rest[:digits]
    try:
        moment = datetime.fromisoformat(whole + rest[digits:])
    except ValueError as error:
        raise Invalid(f"not a time: {text[:64]!r}") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp()) * _NANOSECONDS + int(fraction[:9].ljust(9, "0"))


def _check_date(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be an RFC 3339 string")  # noqa: TRY004 - pydantic collects ValueError
    try:
        parse_time(value)
    except Invalid as error:
        raise ValueError(str(error)) from error
    return value


def _check_address(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be an address in text")  # noqa: TRY004 - pydantic collects ValueError
    ip_address(value)
    return value


_Keyword = Annotated[str, Field(max_length=_MAX_KEYWORD_CHARACTERS)]
_Long = Annotated[int, Field(ge=-(2**63), lt=2**63, strict=True)]

_TYPES: Final[dict[Type, Any]] = {
    "keyword": _Keyword,
    "text": str,
    "long": _Long,
    "double": Annotated[float, Field(allow_inf_nan=False)],
    "boolean": Annotated[bool, Field(strict=True)],
    "ip": Annotated[str, BeforeValidator(_check_address)],
    "date": Annotated[str, BeforeValidator(_check_date)],
    "flattened": dict[str, _Keyword],
}

_REQUIRED: Final = frozenset({"event.id", "@timestamp", "entity.id", "ecs.version", "event.action", "event.dataset"})


def _definition(row: FieldRow) -> tuple[Any, Any]:
    single: Any = _TYPES[row.type]
    kind: Any = list[single] if row.many else single
    required = row.name in _REQUIRED
    return (kind if required else kind | None), Field(
        default=... if required else None, alias=row.name, description=row.description
    )


@cache
def event_model() -> type[BaseModel]:
    """Return the pydantic model of a whole record (event, facts and verdict), one attribute a field of the table."""
    definitions: dict[str, Any] = {f"field_{number}": _definition(row) for number, row in enumerate(FIELDS.values())}
    return create_model("Event", __config__=ConfigDict(extra="forbid", frozen=True, title="Event"), **definitions)


def validate_event(event: Event) -> None:
    """Raise ``Invalid`` naming every field that is missing, unknown or of the wrong type."""
    try:
        event_model().model_validate(event)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
        raise Invalid("; ".join(faults[:8])) from error
