"""The page of formats has a section for each, with the same parts, and its examples give what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import deploy
from producers.formats import FORMATS
from producers.types import FormatOptions
from tests.producers.formats.reading import events_of

TEXT = (Path(deploy.__file__).parent / "docs" / "formats.md").read_text()
SECTIONS = dict(re.findall(r"^## ([a-z-]+)\n(.*?)(?=^## |\Z)", TEXT, re.DOTALL | re.MULTILINE))


def test_every_format_has_a_section() -> None:
    assert sorted(SECTIONS) == sorted(FORMATS)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_section_has_all_parts(name: str) -> None:
    for part in ("What", "Guarantee", "Settings", "Limits", "Gives"):
        assert f"\n**{part}" in SECTIONS[name]


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_the_example_of_a_format_gives_what_it_says(name: str) -> None:
    example = re.findall(r"```(?:json|text)\n(.*?)```", SECTIONS[name], re.DOTALL)
    (said,) = re.findall(r"^\*\*Gives\*\* (.*)\.$", SECTIONS[name], re.MULTILINE)
    events = events_of(FORMATS[name](FormatOptions(cluster="prod")), *example[-1].encode().splitlines())
    assert [event["event.action"] for event in events] == re.findall(r"`([a-z-]+)`", said)
