"""What an event must be: a pydantic model made from the field table, and the times events carry."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache, lru_cache
from ipaddress import ip_address
from time import time_ns
from typing import Annotated, Any, Final, Required

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    create_model,
    with_config,
)
from pydantic_core import ErrorDetails
from typing_extensions import TypedDict

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
        seconds = _seconds(whole + rest[digits:])
    except ValueError as error:
        raise Invalid(f"not a time: {text[:64]!r}") from error
    return seconds * _NANOSECONDS + int(fraction[:9].ljust(9, "0"))


@lru_cache(maxsize=1024)
def _seconds(text: str) -> int:
    """Return the whole seconds since 1970 of a time without a fraction; many events are of one second."""
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


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

_FAULTS: Final = {"missing": "missing", "extra_forbidden": "not a field of this version"}
_REQUIRED: Final = frozenset({"event.id", "@timestamp", "entity.id", "ecs.version", "event.action", "event.dataset"})


def _annotation(row: FieldRow) -> Any:
    single: Any = _TYPES[row.type]
    return list[single] if row.many else single


def _definition(row: FieldRow) -> tuple[Any, Any]:
    kind = _annotation(row)
    required = row.name in _REQUIRED
    return (kind if required else kind | None), Field(
        default=... if required else None, alias=row.name, description=row.description
    )


@cache
def event_model() -> type[BaseModel]:
    """Return the pydantic model of a whole record (event, facts and verdict), one attribute a field of the table."""
    definitions: dict[str, Any] = {f"field_{number}": _definition(row) for number, row in enumerate(FIELDS.values())}
    return create_model("Event", __config__=ConfigDict(extra="forbid", frozen=True, title="Event"), **definitions)


@cache
def _validator() -> TypeAdapter[Any]:
    """Return the validator of a flat record: unlike the model it makes no object of it, which takes twice as long."""
    fields = {
        row.name: Required[_annotation(row)] if row.name in _REQUIRED else _annotation(row) for row in FIELDS.values()
    }
    record = TypedDict("record", fields, total=False)  # type: ignore[misc]  # made from the table
    return TypeAdapter(with_config(ConfigDict(extra="forbid"))(record))


def validate_event(event: Event) -> None:
    """Raise ``Invalid`` naming fields that are missing, unknown or of the wrong type; looks only at what is there."""
    try:
        _validator().validate_python(event)
    except ValidationError as error:
        faults = {_fault(one) for one in error.errors(include_url=False, include_input=False)}
        raise Invalid("; ".join(sorted(faults)[:8])) from None


def _fault(error: ErrorDetails) -> str:
    name = str(error["loc"][0])[:64]
    return f"{name}: {_FAULTS.get(error['type'], error['msg'])}"
