"""The page on the map names all that there is: kinds of ends, options, fields and data stores."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import typer
from typer.main import get_command

import deploy
from deploy.cli import app
from deploy.map.end import KINDS
from deploy.map.folds import MAX_ADDRESSES, MAX_PORTS
from deploy.map.narrow import MAX_DRAWN
from deploy.stores import PRODUCTS
from tests.deploy.map.lab import connected, made

TEXT: Final = (Path(deploy.__file__).parent / "docs" / "map.md").read_text()


def table(heading: str) -> list[list[str]]:
    """Return the cells of the table that begins with a line."""
    rows = TEXT.partition(f"\n{heading}\n")[2].partition("\n\n")[0].splitlines()[1:]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def named(rows: list[list[str]]) -> set[str]:
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row[0])}


def test_all_kinds_of_ends() -> None:
    assert named(table("| kind | is |")) == set(KINDS)


def test_all_options() -> None:
    command = get_command(app).get_command(typer.Context(get_command(app)), "map")  # type: ignore[attr-defined]  # a group
    options = {name for option in command.params for name in option.opts} - {"--out", "--json", "--help"}
    told = {word for row in table("| option | |") for word in re.findall(r"--[a-z]+", row[0])}
    assert told == options


def test_all_fields() -> None:
    found = made([connected("web", "prod/shop/app", 80)]).as_json()
    assert named(table("| field of an edge | |")) == set(found["edges"][0])
    assert named(table("| field of a node | |")) | {"id"} == set(found["nodes"][0])


def test_all_data_stores() -> None:
    told = [[product.name, ", ".join(product.words), ", ".join(map(str, product.ports))] for product in PRODUCTS]
    assert [[*row, ""][:3] if len(row) < 3 else row for row in table("| product | words | ports |")] == told


def test_the_limits() -> None:
    assert f"More than {MAX_PORTS} ports" in TEXT
    assert f"more than {MAX_ADDRESSES} addresses" in TEXT
    assert f"more than {MAX_DRAWN} ends" in TEXT
