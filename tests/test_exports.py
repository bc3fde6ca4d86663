"""Every module says what it exports, sorted, and has it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import pytest

import deploy
import producers
import schemas
import sinks
import streams


def modules() -> Iterator[str]:
    for package in (producers, streams, sinks, schemas, deploy):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                yield found.name


@pytest.mark.parametrize("name", sorted(modules()))
def test_exports_are_sorted_and_exist(name: str) -> None:
    module: ModuleType = importlib.import_module(name)
    exported = getattr(module, "__all__", [])
    assert len(set(exported)) == len(exported)
    assert [export for export in exported if not hasattr(module, export)] == []
