from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deploy.cli import app
from schemas.codec import encode_event
from tests.deploy.test_rejudge import event, facts

OLD = "policy: p\nexec: {deny: /bin/curl}\n"
NEW = "policy: p\nscope: {namespace: shop}\nexec: {deny: /bin/sh}\n"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "old.yaml").write_text(OLD)
    (tmp_path / "new.yaml").write_text(NEW)
    records = [facts(1), event(2, process__executable="/bin/sh"), event(3, process__executable="/bin/sh")]
    (tmp_path / "events").write_bytes(b"".join(encode_event(one) + b"\n" for one in records))
    (tmp_path / "principals").write_text("container:lab/shop/web/web\ncontainer:lab/ci/run/run\n")
    return tmp_path


def run(directory: Path, *arguments: str) -> Result:
    options = [str(directory / text) if (directory / text).exists() else text for text in arguments]
    return CliRunner().invoke(app, ["policy", *options])


def test_a_difference_names_for_whom_it_is(directory: Path) -> None:
    result = run(directory, "diff", "new.yaml", "--base", "old.yaml", "--principals", "principals", "--json")
    assert result.exit_code == 1
    scope = next(found for line in result.stdout.splitlines() if (found := json.loads(line))["clause"] == "scope")
    assert scope["loses"] == ["container:lab/ci/run/run"]


def test_a_difference_is_shown_by_the_verdicts_that_change(directory: Path) -> None:
    result = run(directory, "diff", "new.yaml", "--base", "old.yaml", "--against", "events", "--json")
    assert result.exit_code == 1
    change = json.loads(result.stdout.splitlines()[-1])
    assert (change["principal"], change["count"], change["new_clause"]) == (
        "container:lab/shop/web/web",
        2,
        "p: exec.deny[0]",
    )
    assert "3 events judged" in result.stderr.replace("\n", " ")


def test_a_set_does_not_differ_from_itself(directory: Path) -> None:
    assert run(directory, "diff", "new.yaml", "--base", "new.yaml", "--against", "events").exit_code == 0


def test_records_that_cannot_be_read_are_told(directory: Path) -> None:
    (directory / "events").write_text("x\n")
    result = run(directory, "diff", "new.yaml", "--base", "new.yaml", "--against", "events")
    assert result.exit_code == 3
    assert "events:1: not JSON" in result.stderr.replace("\n", "")
