from __future__ import annotations

import re
import shlex
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from deploy.cli import app
from schemas.baseline import DIMENSIONS, STATES, Baseline, Element, elements_in
from schemas.fields import FIELDS
from schemas.policyset import Document, parse_policies
from streams.baseline.exports import EXPORTS
from streams.baseline.phrases import deviation, knows

TEXT = (Path(__file__).parents[3] / "deploy" / "docs" / "baseline.md").read_text()
ASKED: Final[Any] = None
"""The context in which a command is asked for; no group of ours heeds it."""

COMMANDS = [
    line for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines() if line.strip()
]
POLICIES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
GZIP, CURL = ("/usr/bin/gzip",), ("/usr/bin/curl",)
KNOWN = Baseline("container:/shop/app/app", 3, {"exec": (GZIP, ("/usr/bin/python3",))})


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table whose heading begins so."""
    table = TEXT.partition(f"| {heading} |")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table.splitlines()[2:]]


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_of_the_document_is_one(line: str) -> None:
    program, *words = shlex.split(line)
    command: Any = get_command(app)
    assert program == "tidewaiter"
    while isinstance(command, TyperGroup):
        command = command.get_command(ASKED, words.pop(0))
    with command.make_context(program, words) as context:
        assert not context.args


def test_a_command_that_is_none_would_be_found() -> None:
    command: Any = get_command(app)
    listing = command.get_command(ASKED, "baseline").get_command(ASKED, "list")
    with pytest.raises(Exception, match="No such option"):
        listing.make_context("tidewaiter", ["--nothing"])


def test_every_dimension_has_an_example_that_is_an_element() -> None:
    found = {cells[0].strip("`"): cells[2].strip("`") for cells in rows("dimension")}
    assert tuple(found) == DIMENSIONS
    for dimension, text in found.items():
        element: Element = tuple(text.split())
        assert elements_in({dimension: [list(element)]}) == {dimension: (element,)}


def test_every_state_and_every_export_is_named() -> None:
    assert tuple(cells[0].strip("`") for cells in rows("state")) == STATES
    formats = re.findall(r"`([a-z]+)`", TEXT.partition("\nFormats: ")[2].partition("(")[0])
    assert sorted(formats) == sorted(["yaml", *EXPORTS])


def test_every_policy_of_the_document_loads() -> None:
    documents = [Document(f"{number}.yaml", text) for number, text in enumerate(POLICIES)]
    assert len(parse_policies(documents, date(2026, 6, 1)).policies) == 2


def test_verdicts_say_what_the_document_says() -> None:
    assert [cells[1].strip("`") for cells in rows("verdict")] == [
        knows(KNOWN, "exec", GZIP),
        deviation(KNOWN, "exec", CURL, GZIP, forbidden=False, release="sha256:2f5c"),
        deviation(KNOWN, "exec", CURL, None, forbidden=True, release=""),
    ]
    for field in ("verdict.by", "verdict.baseline.nearest", "verdict.baseline.release"):
        assert field in FIELDS
