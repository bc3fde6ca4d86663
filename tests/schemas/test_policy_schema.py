from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from schemas.policy import Policy
from schemas.policy_schema import policy_schema

ROOT = Path(__file__).parents[2]
SCHEMA = Draft202012Validator(policy_schema())
DOCUMENTED = re.findall(r"```yaml\n(.*?)```", (ROOT / "deploy" / "docs" / "policy.md").read_text(), re.DOTALL)
SHIPPED = [path.read_text() for path in (ROOT / "deploy" / "policies").glob("*.yaml") if ".cases" not in path.name]


def faults(value: Any) -> list[str]:
    return [error.message for error in SCHEMA.iter_errors(json.loads(json.dumps(value, default=str)))]


@pytest.mark.parametrize("text", [text for text in (*SHIPPED, *DOCUMENTED) if "\nclauses:" not in text])
def test_every_policy_that_ships_or_is_documented_is_as_the_schema_says(text: str) -> None:
    for document in yaml.safe_load_all(text):
        assert faults(document) == []


@pytest.mark.parametrize(
    "section",
    [
        {"exec": {"deny": [{"paht": "/x"}]}},
        {"exec": {"denny": "/x"}},
        {"settings": {"privileged": "forbid"}},
        {"settings": {"limits": {"require": ["ram"]}}},
        {"images": {"max_age_days": 0}},
        {"images": {"max_age_days": "soon"}},
        {"exec": {"deny": {"path": "/x", "attack": "X1"}}},
        {"respond": {"action": "explode"}},
        {"data": {"personal": {"path": "/x"}}},
        {"policy": "Not A Name"},
        {"scope": {"entities": "robot"}},
    ],
)
def test_what_the_schema_refuses_the_model_refuses(section: dict[str, Any]) -> None:
    document = {"policy": "p", "learn": {"hours": 1}} | section
    assert faults(document)
    with pytest.raises(ValidationError):
        Policy.model_validate(document)


def test_the_schema_knows_every_section() -> None:
    assert set(policy_schema()["properties"]) == set(Policy.model_fields)
