"""What follows from the field table: JSON Schema, Elasticsearch mapping, and the field reference of the documentation.

The first and the last are committed, and so is the JSON Schema of policies; ``python -m schemas.derive`` writes them anew after a
change to the table or the vocabulary.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, get_args

from schemas.event import event_model
from schemas.fields import ECS_VERSION, FIELDS, Field, Part, Type, names_of
from schemas.policy_schema import policy_schema

__all__ = ["EXPORTS", "elasticsearch_mappings", "field_reference", "json_schema"]

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_IGNORE_ABOVE: Final = 8_191  # of four bytes each fit into Lucene's longest term of 32,766 bytes

_MAPPINGS: Final[MappingProxyType[Type, dict[str, Any]]] = MappingProxyType(
    {
        "keyword": {"type": "keyword", "ignore_above": _IGNORE_ABOVE},
        "text": {"type": "text", "norms": False},
        "long": {"type": "long", "ignore_malformed": True},
        "double": {"type": "double", "ignore_malformed": True},
        "boolean": {"type": "boolean", "ignore_malformed": True},
        "ip": {"type": "ip", "ignore_malformed": True},
        "date": {"type": "date_nanos", "ignore_malformed": True},
        "flattened": {"type": "flattened", "ignore_above": _IGNORE_ABOVE},
    }
)
_TIMESTAMP: Final = MappingProxyType({"type": "date_nanos"})
"""A data stream refuses ``ignore_malformed`` on its timestamp."""

_FORMATS: Final[MappingProxyType[Type, dict[str, Any]]] = MappingProxyType(
    {"date": {"format": "date-time"}, "ip": {"anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]}}
)

_PARTS: Final[MappingProxyType[Part, str]] = MappingProxyType(
    {
        "envelope": "differs every time; nothing decides by it",
        "activity": "repeats: what was done",
        "facts": "is known of the entity; it comes as events of its own",
        "verdict": "is the judge's",
    }
)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a whole record; a field that says nothing is left out, never null."""
    model = event_model().model_json_schema()
    properties = {name: _property(row, model["properties"][name]) for name, row in FIELDS.items()}
    return {
        "$schema": _DIALECT,
        "title": "Tidewaiter event",
        "description": f"One flat record of ECS {ECS_VERSION} fields and Tidewaiter's own.",
        "type": "object",
        "properties": properties,
        "required": sorted(model["required"]),
        "additionalProperties": False,
    }


def _property(row: Field, made: dict[str, Any]) -> dict[str, Any]:
    """Return what pydantic made of a field, without its null and its title, with the format that a validator checks."""
    shape = next((option for option in made.get("anyOf", []) if option.get("type") != "null"), made)
    shape = {key: value for key, value in shape.items() if key not in ("title", "default", "description")}
    inner = shape["items"] if row.many else shape
    inner.update(_FORMATS.get(row.type, {}))
    return {"description": row.description} | shape


def elasticsearch_mappings() -> dict[str, Any]:
    """Return the mappings of an index: fields outside of the table are kept in the source, not indexed."""
    mappings: dict[str, Any] = {"dynamic": False, "properties": {}}
    for row in FIELDS.values():
        *objects, leaf = row.name.split(".")
        place = mappings
        for name in objects:
            place = place["properties"].setdefault(name, {"properties": {}})
        place["properties"][leaf] = dict(_TIMESTAMP if row.name == "@timestamp" else _MAPPINGS[row.type])
    return mappings


def field_reference() -> str:
    """Return the reference of all fields in Markdown, one table a part."""
    head = [
        "# Fields",
        "",
        f"Every field that a record may have; names that ECS has are those of ECS {ECS_VERSION}.",
        "Policies and rules may read those that decide. Made from `schemas/fields.py` by `python -m schemas.derive`.",
        "",
    ]
    return "\n".join(head + [line for part in get_args(Part) for line in _section(part)])


def _section(part: Part) -> list[str]:
    rows = [_row(FIELDS[name]) for name in names_of(part)]
    table = ["| field | type | decides | personal data | what it says |", "| --- | --- | --- | --- | --- |", *rows]
    return [f"## {part.capitalize()}: {_PARTS[part]}", "", *table, ""]


def _row(row: Field) -> str:
    kind = f"{row.type}, many" if row.many else row.type
    privacy = "" if row.privacy == "none" else row.privacy
    description = row.description.replace("|", r"\|")
    return f"| `{row.name}` | {kind} | {'yes' if row.decides else ''} | {privacy} | {description} |"


def _schema_text() -> str:
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def _policy_text() -> str:
    return json.dumps(policy_schema(), indent=2, ensure_ascii=False) + "\n"


EXPORTS: Final = MappingProxyType(
    {
        "schemas/exports/event.schema.json": _schema_text,
        "schemas/exports/policy.schema.json": _policy_text,
        "deploy/docs/fields.md": field_reference,
    }
)
"""Files of the repository and what makes their text."""


def _main() -> None:
    root = Path(__file__).parent.parent
    for name, make in EXPORTS.items():
        (root / name).write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    _main()
