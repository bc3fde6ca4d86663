"""The JSON Schema of a policy document, for editors that complete and check while one writes.

It is wider than the model where JSON Schema cannot say what is checked (patterns, dates, quantities), and never narrower: short
forms and single values for lists are in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, get_args

from schemas.policy import Policy
from schemas.vocabulary.values import Model

__all__ = ["policy_schema"]

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_TEXT: Final = {"type": "string"}
_REFERENCE: Final = {"$ref": "#/$defs/Texts"}
_DROPPED: Final = frozenset({"title", "default"})

Schema = dict[str, Any]


def policy_schema() -> Schema:
    """Return the schema of one document."""
    made = Policy.model_json_schema(by_alias=True)
    shorts = {model.__name__: model for model in _models(Policy)}
    definitions = {name: _short(_plain(body), shorts.get(name)) for name, body in sorted(made.pop("$defs").items())}
    definitions["Texts"] = _one_or_many(_TEXT)
    return {"$schema": _DIALECT, "title": "Tidewaiter policy", **_plain(made), "$defs": definitions}


def _models(annotation: Any) -> Iterator[type[Model]]:
    """Yield the models that an annotation holds, and those in their fields."""
    if isinstance(annotation, type) and issubclass(annotation, Model):
        yield annotation
        for field in annotation.model_fields.values():
            yield from _models(field.annotation)
    for part in get_args(annotation):
        yield from _models(part)


def _short(body: Schema, model: type[Model] | None) -> Schema:
    """Return the schema of a model, or of the value of its most important key alone."""
    if model is None or not model.short:
        return body
    return {"anyOf": [body["properties"][model.short], body], "description": body.get("description", "")}


def _plain(value: Any) -> Any:
    """Return a schema without what editors have no use for; a list may be one of its items, and nothing is null."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    known = {key: _plain(part) for key, part in value.items() if key not in _DROPPED}
    if known.get("type") == "array" and "items" in known:
        return dict(_REFERENCE) if known["items"] == _TEXT else _one_or_many(known["items"])
    return _without_null(known)


def _one_or_many(items: Schema) -> Schema:
    return {"anyOf": [items, {"type": "array", "items": items}]}


def _without_null(schema: Schema) -> Schema:
    options = schema.get("anyOf")
    if not isinstance(options, list):
        return schema
    rest = [option for option in options if option != {"type": "null"}]
    beside = {key: part for key, part in schema.items() if key != "anyOf"}
    return rest[0] | beside if len(rest) == 1 else beside | {"anyOf": rest}
