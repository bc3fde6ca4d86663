"""What is said of alerts is what there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest
from typer.testing import CliRunner

from deploy.cli import app
from schemas.alert import STATES, Alert
from schemas.settings import AlertSettings

TEXT: Final = (Path(__file__).parents[3] / "deploy/docs/alerts.md").read_text()
PLACES: Final = {"id", "principal", "cause", "title", "closed", "exposure", "offset", "decided"}
"""What is said elsewhere than in the table of fields, or tells nothing of the problem."""


def test_every_field_is_explained() -> None:
    table = TEXT[TEXT.index("## What an alert says") : TEXT.index("**The score**")]
    assert set(Alert.__slots__) - PLACES <= set(re.findall(r"`([a-z_]+)`", table))


def test_settings_and_states_are_as_they_are_said() -> None:
    for name, value in AlertSettings().model_dump().items():
        assert f"`alerts.{name}` ({value:g})" in TEXT
    assert all(f"`{state}`" in TEXT for state in STATES)


@pytest.mark.parametrize("command", sorted({*re.findall(r"^tidewaiter alerts (\w+)", TEXT, re.MULTILINE)}))
def test_commands_have_the_options_that_are_said(command: str) -> None:
    known = CliRunner().invoke(app, ["alerts", command, "--help"], env={"COLUMNS": "200"}).stdout
    for line in re.findall(rf"^tidewaiter alerts {command} (.*)$", TEXT, re.MULTILINE):
        for option in re.findall(r"(?:^| )(--[a-z-]+)", line.partition("#")[0]):
            assert option in known, option
