from __future__ import annotations

import importlib
import pkgutil
from contextlib import suppress
from inspect import signature

import pytest
from hypothesis import given

from schemas.baseline import Baseline
from schemas.errors import ConfigurationError
from streams.baseline import exports
from streams.baseline.exports import EXPORTS, Options
from tests.streams.baseline.exports.reading import comments_of
from tests.streams.baseline.exports.strategies import baselines, hostile_principals


def test_every_export_is_in_the_registry_under_its_name() -> None:
    modules = [
        importlib.import_module(f"{exports.__name__}.{found.name}") for found in pkgutil.iter_modules(exports.__path__)
    ]
    named = {module.__name__.rpartition(".")[2]: module for module in modules}
    found = {name: getattr(module, name) for name, module in named.items() if hasattr(module, name)}
    functions = {name: one for name, one in found.items() if list(signature(one).parameters) == ["baseline", "options"]}
    assert dict(EXPORTS) == functions
    assert list(EXPORTS) == sorted(EXPORTS)


def written(name: str, baseline: Baseline) -> str | None:
    """Return the export; None for what it refuses, in one line that a terminal can show."""
    with suppress(ConfigurationError):
        return EXPORTS[name](baseline, Options())
    with pytest.raises(ConfigurationError) as caught:
        EXPORTS[name](baseline, Options())
    assert str(caught.value).isprintable()
    return None


@pytest.mark.parametrize("name", sorted(EXPORTS))
@given(baselines(principals=hostile_principals))
def test_an_export_says_what_it_was_made_from_and_is_the_same_again_or_says_why_there_is_none(
    name: str, baseline: Baseline
) -> None:
    text = written(name, baseline)
    assert text == written(name, baseline)
    if text is not None:
        assert text.endswith("\n")
        assert comments_of(text)[2] == f"Baseline: version {baseline.version}, hash {baseline.hash}"
