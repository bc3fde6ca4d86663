"""The page of the inventory names every command, every filter, and nothing that there is not."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import pytest
from typer.main import get_command

import deploy
from deploy.cli import inventory
from deploy.inventory.containers import Container
from deploy.inventory.hosts import Host
from deploy.inventory.images import Image
from deploy.inventory.registries import Registry
from deploy.inventory.secrets import Misplaced, Secret
from deploy.inventory.unused import Unused
from deploy.inventory.users import User
from deploy.inventory.workloads import WorkloadRow

TEXT = (Path(deploy.__file__).parent / "docs" / "inventory.md").read_text()
COMMANDS: Final[dict[str, Any]] = get_command(inventory.app).commands  # type: ignore[attr-defined]
EVERYWHERE: Final = {"--json", "--rebuild", "--cluster", "--namespace", "--since", "--help"}
ROWS: Final[tuple[type[Any], ...]] = (
    *(Container, Host, Image, Misplaced, Registry, Secret, Unused, User, WorkloadRow),
)


def options(command: str) -> set[str]:
    return {name for parameter in COMMANDS[command].params for name in parameter.opts}


def test_every_command_is_named_with_all_its_filters() -> None:
    table = re.findall(
        r"^\| `(\w+)` \| .* \| (.*?) ?\|$", TEXT.partition("| command |")[2].partition("\n\n")[0], re.MULTILINE
    )
    said = {command: set(re.findall(r"`(--[a-z-]+)", filters)) for command, filters in table}
    assert said == {command: options(command) - EVERYWHERE for command in COMMANDS}


def test_every_flag_is_a_field_of_a_row_or_a_filter() -> None:
    names = {field.name for row in ROWS for field in fields(row)} | set().union(*map(options, COMMANDS))
    flags = re.findall(r"^\| (.*?) \|", TEXT.partition("| flag |")[2].partition("\n\n")[0], re.MULTILINE)
    named = [name for flag in flags[1:] for name in re.findall(r"`([\w-]+)", flag)]
    assert len(named) > 12
    assert set(named) <= names


@pytest.mark.parametrize("example", re.findall(r"^tidewaiter inventory (\w+ --.*?)(?: \|.*)?$", TEXT, re.MULTILINE))
def test_examples_are_commands(example: str) -> None:
    command, *arguments = example.split()
    assert {one for one in arguments if one.startswith("--")} <= options(command)
