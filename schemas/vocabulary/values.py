"""Values that people write in policies, checked and cleaned once, and the base of all models of the vocabulary."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, ClassVar, Final, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from schemas.images import check_registry
from schemas.matching import check_cidr, check_domain, check_name, check_path
from schemas.quantity import quantity_of

__all__ = [
    "LEVELS",
    "Blocks",
    "Capability",
    "Domains",
    "Expiry",
    "Identifier",
    "Label",
    "Level",
    "Model",
    "Name",
    "Names",
    "Namespace",
    "Paths",
    "Ports",
    "Quantity",
    "Registry",
    "Some",
    "Technique",
    "Truth",
]

LEVELS: Final = ("informational", "low", "medium", "high", "critical")
"""Levels of findings, from the least to the gravest, in Sigma's words."""

_MAX_PORT: Final = 65_535


class Model(BaseModel):
    """What a part of a policy is: frozen, and without keys that nobody reads.

    ``short`` is its most important key, which it may be written as alone; empty where it has none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, defer_build=True)
    short: ClassVar[str] = ""

    @model_validator(mode="before")
    @classmethod
    def _of_short_form(cls, value: Any) -> Any:
        is_short = cls.short and isinstance(value, str | int) and not isinstance(value, bool)
        return {cls.short: value} if is_short else value

    def given(self) -> frozenset[str]:
        """Return the names of the keys that were written."""
        return frozenset(name for name in self.model_fields_set if getattr(self, name) is not None)


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


def _check_port(value: Any) -> tuple[int, int]:
    first, _, last = str(value).partition("-") if not isinstance(value, bool) else ("", "", "")
    if not (first.isdecimal() and (last or first).isdecimal() and int(first) <= int(last or first) <= _MAX_PORT):
        raise ValueError(f"`{value}` is no port; write 443 or 8000-8999")
    return int(first), int(last or first)


def _check_label(pattern: str) -> str:
    if "=" not in pattern:
        raise ValueError(f"`{pattern}` is no label; write key=value, or key=* for any value")
    return check_name(pattern)


def _check_capability(name: str) -> str:
    cleaned = name.upper().removeprefix("CAP_")
    if not cleaned.replace("_", "").isalnum():
        raise ValueError(f"`{name}` is no capability; write SYS_ADMIN, or ALL")
    return cleaned


def _check_quantity(value: Any) -> float:
    number = quantity_of(value)
    if number is None:
        raise ValueError(f"`{value}` is no quantity; write 512Mi, 0.5 or 100m")
    return number


def _check_expiry(value: Any) -> date | None:
    if value == "never":
        return None
    try:
        return value if type(value) is date else date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`{value}` is no date; write 2030-12-31, or never") from error


T = TypeVar("T")

Some = Annotated[tuple[T, ...], BeforeValidator(_listed), Field(min_length=1)]
Name = Annotated[str, AfterValidator(check_name)]
Names = Some[Name]
Paths = Some[Annotated[str, AfterValidator(check_path)]]
Domains = Some[Annotated[str, AfterValidator(check_domain)]]
Blocks = Some[Annotated[str, AfterValidator(check_cidr)]]
Registry = Annotated[str, AfterValidator(check_registry)]
Label = Annotated[str, AfterValidator(_check_label)]
Ports = Some[Annotated[tuple[int, int], BeforeValidator(_check_port, json_schema_input_type=int | str)]]
Capability = Annotated[str, AfterValidator(_check_capability)]
Quantity = Annotated[float, BeforeValidator(_check_quantity, json_schema_input_type=float | str)]
Expiry = Annotated[date | None, BeforeValidator(_check_expiry, json_schema_input_type=date | Literal["never"])]
Identifier = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
Technique = Annotated[str, Field(pattern=r"^T[0-9]{4}(\.[0-9]{3})?$")]
Truth = Annotated[bool, Field(strict=True)]
Level = Literal["informational", "low", "medium", "high", "critical"]
Namespace = Literal["pid", "ipc", "network", "uts", "user", "cgroup"]
