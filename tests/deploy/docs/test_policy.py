from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from deploy.cases import read_cases
from deploy.policies import DEFAULT_POLICIES
from schemas.policy import Policy
from schemas.policyset import Document, load_policies, parse_policies

TEXT = (Path(__file__).parents[3] / "deploy" / "docs" / "policy.md").read_text()
BLOCKS = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
TODAY = date(2026, 6, 1)
DEFAULTS = load_policies([DEFAULT_POLICIES], TODAY)


@pytest.mark.parametrize("block", [block for block in BLOCKS if "\nclauses:" not in block])
def test_every_policy_in_the_document_loads_beside_the_shipped_ones(block: str) -> None:
    loaded = parse_policies([*DEFAULTS.documents, Document("document.yaml", block)], TODAY)
    assert len(loaded.policies) == len(DEFAULTS.policies) + 1
    assert loaded.expired == frozenset()


def test_the_cases_in_the_document_can_be_read(tmp_path: Path) -> None:
    (block,) = [block for block in BLOCKS if "\nclauses:" in block]
    path = tmp_path / "x.cases.yaml"
    path.write_text(block)
    assert len(read_cases(path)) == 1


def keys(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield field.alias or name
        yield from inner(field.annotation)


def inner(annotation: Any) -> Iterator[str]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from keys(annotation)
    for part in get_args(annotation):
        yield from inner(part)


def test_every_key_of_the_vocabulary_stands_in_the_document() -> None:
    assert [key for key in sorted(set(keys(Policy))) if not re.search(rf"\b{key}\b", TEXT)] == []


def test_every_shipped_policy_stands_in_the_document() -> None:
    assert [policy.policy for policy in DEFAULTS.policies if f"| {policy.policy} |" not in TEXT] == []
