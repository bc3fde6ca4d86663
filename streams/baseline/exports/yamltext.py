"""YAML that reads back as what was written, whatever is in the strings, and that a person can read in a diff."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import yaml

__all__ = ["dump_flow", "dump_yaml"]

_NO_WRAP: Final = float("inf")


class _Dumper(yaml.SafeDumper):
    """Writes every value out in its place, and text with control characters or line ends in double quotes on one line."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML passes it by name
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - as PyYAML calls it
        super().increase_indent(flow=flow, indentless=False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if text.isprintable() else '"')


_Dumper.add_representer(str, _text)


def dump_yaml(value: Any) -> str:
    """Return a value (dicts in their order, lists, scalars) as a block of YAML."""
    return _dump(value, flow=False)


def dump_flow(words: Iterable[str]) -> str:
    """Return words as a YAML list on one line, without its line end."""
    return _dump(list(words), flow=True).removesuffix("\n")


def _dump(value: Any, *, flow: bool) -> str:
    written: str = yaml.dump(
        value,
        Dumper=_Dumper,
        default_flow_style=flow,
        allow_unicode=True,
        sort_keys=False,
        width=_NO_WRAP,
    )
    return written
