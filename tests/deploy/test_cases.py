from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from deploy.cases import read_cases, run_cases
from schemas.errors import PolicyErrors
from schemas.policyset import load_policies

POLICY = "policy: shop\nsettings: {privileged: deny}\nexec: {allow: /usr/**}\n"
START = "event.action: container-start, container.settings.privileged"


def failures(directory: Path, clauses: str) -> list[str]:
    (directory / "shop.yaml").write_text(POLICY)
    (directory / "shop.cases.yaml").write_text(f"policy: shop\nprincipal: container:a/b/c/d\nclauses:\n{clauses}")
    found = run_cases([directory], load_policies([directory], date(2026, 1, 1)))
    return [str(failure).removeprefix(f"{directory}/") for failure in found]


@pytest.mark.parametrize(
    "clauses",
    [
        f"  settings.privileged: {{hits: [{{{START}: true}}], misses: [{{{START}: false}}]}}\n",
        "  'exec.allow[0]': {hits: [{event.action: exec, process.executable: /usr/x}], misses: [{event.action: exec}]}\n",
    ],
)
def test_cases_that_come_out_as_they_say_are_no_failures(tmp_path: Path, clauses: str) -> None:
    assert failures(tmp_path, clauses) == []


@pytest.mark.parametrize(
    ("clauses", "expected"),
    [
        (
            f"  settings.privileged:\n    hits:\n      - {{{START}: false}}\n",
            "shop.cases.yaml:6: shop: settings.privileged: should be unauthorized by it, but is undetermined",
        ),
        (
            f"  settings.privileged:\n    misses:\n      - {{{START}: true}}\n",
            "shop.cases.yaml:6: shop: settings.privileged: should not be unauthorized, but is unauthorized",
        ),
        (
            "  'exec.allow[0]':\n    hits:\n      - {event.action: exec}\n",
            "shop.cases.yaml:6: shop: exec.allow[0]: should be authorized by it, but is undetermined",
        ),
        (
            "  'exec.allow[0]':\n    misses:\n      - {event.action: exec, process.executable: /usr/x}\n",
            "shop.cases.yaml:6: shop: exec.allow[0]: should not be authorized, but is authorized",
        ),
        ("  settings.root: {hits: [{event.action: x}]}\n", "shop: settings.root: no such clause in this policy set"),
        ("  settings.privileged: {hits: [{process.pid: 1}]}\n", "`process.pid` is no field that a policy may read"),
    ],
)
def test_other_cases_are_failures_with_their_place(tmp_path: Path, clauses: str, expected: str) -> None:
    (found,) = failures(tmp_path, clauses)
    assert expected in found


def test_a_case_may_name_another_principal(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("policy: a\nscope: {entities: host}\nexec: {deny: /x}\n")
    (tmp_path / "a.cases.yaml").write_text(
        "policy: a\nprincipal: host:a\nclauses:\n  'exec.deny[0]':\n"
        "    hits: [{event.action: exec, process.executable: /x}]\n"
        "    misses: [{principal: 'container:a/b/c/d', event.action: exec, process.executable: /x}]\n"
    )
    assert list(run_cases([tmp_path], load_policies([tmp_path], date(2026, 1, 1)))) == []


@pytest.mark.parametrize("text", ["policy: a\n", "policy: [\n", "policy: a\nprincipal: b\nclauses: {}\nx: 1\n"])
def test_unreadable_cases_are_faults(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.cases.yaml"
    path.write_text(text)
    with pytest.raises(PolicyErrors):
        read_cases(path)
