from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from random import Random

import pytest
import yaml

from schemas.errors import PolicyErrors, PolicyFault
from schemas.policyset import load_policies
from streams.judge.policy import CompiledPolicies
from tests.schemas.mutations import mutated

ROOT = Path(__file__).parents[2]
DOCUMENTED = [
    text
    for text in re.findall(r"```yaml\n(.*?)```", (ROOT / "deploy" / "docs" / "policy.md").read_text(), re.DOTALL)
    if "\nclauses:" not in text
]
SHIPPED = [
    text
    for path in sorted((ROOT / "deploy" / "policies").glob("*.yaml"))
    if ".cases" not in path.name and len(text := path.read_text()) < 2_500
]
TODAY = date(2026, 6, 1)
LINE_BREAKS = rb"\n|\r|\xc2\x85|\xe2\x80[\xa8\xa9]"


@pytest.mark.parametrize("seed", range(20))
def test_a_mutated_file_gives_clear_errors_or_all_of_its_policies(tmp_path: Path, seed: int) -> None:
    random, path = Random(seed), tmp_path / "mutated.yaml"
    for _ in range(500):
        content = mutated(random.choice((*DOCUMENTED, *SHIPPED)), random)
        path.write_bytes(content)
        try:
            loaded = load_policies([path], TODAY)
        except PolicyErrors as error:
            check_faults(error.faults, path, content)
        else:
            documents = [node for node in yaml.compose_all(content, Loader=yaml.SafeLoader) if node.tag[-4:] != "null"]
            assert len(loaded.policies) == len(documents), content
            CompiledPolicies.compile(loaded)


def check_faults(faults: list[PolicyFault], path: Path, content: bytes) -> None:
    assert faults, content
    lines = 1 + len(re.findall(LINE_BREAKS, content))
    for fault in faults:
        assert fault.file == str(path), content
        assert 1 <= fault.line <= lines, (fault, content)
        assert fault.path, content
        assert fault.message, content
