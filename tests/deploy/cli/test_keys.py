from __future__ import annotations

import json
import stat
from datetime import date
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from deploy.cli import app
from schemas.errors import ConfigurationError
from schemas.keys import load_key, public_key_of
from schemas.policyset import Document, parse_policies
from schemas.settings import Settings

RUN = CliRunner()


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run where no settings name an operator."""
    monkeypatch.chdir(tmp_path)
    for name in ("NAME", "KEY_FILE"):
        monkeypatch.delenv(f"TIDEWAITER_OPERATOR__{name}", raising=False)


def test_a_new_key_is_the_owners_alone_and_what_is_printed_enrols_it(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "alice.key"
    result = RUN.invoke(app, ["keys", "new", "alice", "--file", str(file)])
    assert result.exit_code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    policy, settings = result.stdout.split("# into tidewaiter.yaml\n")
    (person,) = parse_policies([Document("people.yaml", policy)], date(2026, 6, 1)).policies[0].people
    assert (person.name, person.key) == ("alice", public_key_of(load_key(file)))
    assert Settings(**yaml.safe_load(settings)).operator.key_file == file
    assert file.read_text() not in result.output


def test_the_file_is_in_the_users_configuration_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    told = json.loads(RUN.invoke(app, ["keys", "new", "alice", "--json"]).stdout)
    assert told["name"] == "alice"
    assert Path(told["key_file"]).is_relative_to(tmp_path)
    assert public_key_of(load_key(Path(told["key_file"]))) == told["key"]


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    arguments = ["keys", "new", "alice", "--file", str(tmp_path / "alice.key")]
    RUN.invoke(app, arguments)
    before = (tmp_path / "alice.key").read_bytes()
    assert isinstance(RUN.invoke(app, arguments).exception, ConfigurationError)
    assert (tmp_path / "alice.key").read_bytes() == before


def test_a_name_that_cannot_be_enrolled_gets_no_key(tmp_path: Path) -> None:
    result = RUN.invoke(app, ["keys", "new", "alice@shop.example", "--file", str(tmp_path / "x.key")])
    assert "small letters" in str(result.exception)
    assert not (tmp_path / "x.key").exists()


def test_show_tells_who_decides_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert "keys new" in str(RUN.invoke(app, ["keys", "show"]).exception)
    made = RUN.invoke(app, ["keys", "new", "alice", "--file", str(tmp_path / "alice.key")])
    monkeypatch.setenv("TIDEWAITER_OPERATOR__NAME", "alice")
    monkeypatch.setenv("TIDEWAITER_OPERATOR__KEY_FILE", str(tmp_path / "alice.key"))
    assert RUN.invoke(app, ["keys", "show"]).stdout == made.stdout
    assert json.loads(RUN.invoke(app, ["keys", "show", "--json"]).stdout)["name"] == "alice"
