from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest

from producers.formats import FORMATS
from producers.formats.emitted import EMITTED
from schemas.fields import FIELDS

ALWAYS = {"ecs.version", "resource.band", "resource.metric"}
"""Written by the codec, or by a module that formats share."""


def files_of(name: str) -> list[Path]:
    """Return the files of a format: its module, or all of its package."""
    module = import_module(FORMATS[name].__module__)
    assert module.__file__ is not None
    own = Path(module.__file__)
    shared = [own.parent / "scan.py"] if "events_of_scan" in vars(module) else []
    return [own, *shared] if own.parent.name == "formats" else sorted(own.parent.rglob("*.py"))


def named_in(files: list[Path]) -> set[str]:
    """Return the deciding fields of activities that the text of a format names."""
    nodes = (node for path in files for node in ast.walk(ast.parse(path.read_text())))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {
        name
        for name in texts & FIELDS.keys()
        if FIELDS[name].part == "activity"
        and FIELDS[name].decides
        and not name.startswith(("container.settings.", "facts."))
    }


@pytest.mark.parametrize("name", sorted(EMITTED))
def test_a_format_gives_the_fields_that_its_text_names(name: str) -> None:
    assert EMITTED[name] - ALWAYS == named_in(files_of(name)) - ALWAYS


def test_only_deciding_fields_of_activities_are_listed() -> None:
    assert all(
        FIELDS[name].part == "activity" and FIELDS[name].decides for fields in EMITTED.values() for name in fields
    )
