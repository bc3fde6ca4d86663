from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from schemas.derive import EXPORTS, elasticsearch_mappings, field_reference, json_schema
from schemas.event import validate_event
from schemas.fields import FIELDS, Field

VALUES: dict[str, Any] = {
    "keyword": "text",
    "text": "text",
    "long": 7,
    "double": 0.5,
    "boolean": True,
    "ip": "2001:db8::1",
    "date": "2025-03-01T10:00:00.123456789Z",
    "flattened": {"app.kubernetes.io/name": "web"},
}
MALFORMED: dict[str, Any] = {"long": "many", "double": "half", "boolean": "perhaps", "ip": "here", "date": "soon"}


def value_of(row: Field) -> Any:
    return [VALUES[row.type]] if row.many else VALUES[row.type]


@pytest.mark.parametrize(("name", "make"), EXPORTS.items())
def test_what_is_committed_is_what_the_table_says(name: str, make: Callable[[], str]) -> None:
    committed = (Path(__file__).parent.parent.parent / name).read_text(encoding="utf-8")
    assert committed == make(), f"{name} is out of date: run `python -m schemas.derive` and commit it"


def test_every_field_is_in_the_schema_with_its_description() -> None:
    properties = json_schema()["properties"]
    assert {name: shape["description"] for name, shape in properties.items()} == {
        name: row.description for name, row in FIELDS.items()
    }
    assert properties["source.ip"]["anyOf"] == [{"format": "ipv4"}, {"format": "ipv6"}]
    assert properties["container.ip"]["items"]["anyOf"] == [{"format": "ipv4"}, {"format": "ipv6"}]
    assert properties["@timestamp"]["format"] == "date-time"
    assert "null" not in str(properties)


def test_the_schema_requires_what_the_model_requires() -> None:
    assert json_schema()["required"] == [
        "@timestamp",
        "ecs.version",
        "entity.id",
        "event.action",
        "event.dataset",
        "event.id",
    ]


def leaves(properties: dict[str, Any], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, mapping in properties.items():
        if "type" in mapping:
            found[prefix + name] = mapping["type"]
        else:
            found |= leaves(mapping["properties"], f"{prefix}{name}.")
    return found


def test_every_field_is_mapped_and_none_is_inside_another() -> None:
    assert leaves(elasticsearch_mappings()["properties"]).keys() == FIELDS.keys()


def test_every_field_is_in_the_reference() -> None:
    reference = field_reference()
    assert all(f"| `{name}` |" in reference for name in FIELDS)
    assert r"ro\|rw" in reference


def test_a_record_with_every_field_is_valid() -> None:
    validate_event({name: value_of(row) for name, row in FIELDS.items()})


@pytest.mark.services
def test_elasticsearch_takes_every_field_and_forgives_wrong_ones(elasticsearch: str) -> None:
    index = f"{elasticsearch}/derive-test"
    good = {name: value_of(row) for name, row in FIELDS.items()}
    wrong = {
        name: MALFORMED[row.type] for name, row in FIELDS.items() if row.type in MALFORMED and name != "@timestamp"
    }
    try:
        httpx.put(index, json={"mappings": elasticsearch_mappings()}).raise_for_status()
        for document in (good, good | wrong):
            httpx.post(f"{index}/_doc?refresh=true", json=document).raise_for_status()
        terms = [
            {"term": {name: VALUES[row.type]}} for name, row in FIELDS.items() if row.type not in ("flattened", "text")
        ]
        query = {"query": {"bool": {"filter": terms}}}
        found = httpx.post(f"{index}/_search", json=query).raise_for_status().json()
        assert found["hits"]["total"]["value"] == 1
    finally:
        httpx.delete(index)
