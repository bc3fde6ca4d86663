"""The colours of drawings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from deploy.map.drawing import Style

__all__ = ["DARK", "LIGHT", "Palette"]


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours for a light or a dark screen; written out, for not every program that shows SVG knows variables."""

    ground: str
    band: str
    edge: str
    node: str
    text: str
    dim: str
    store: str
    lines: Mapping[Style, str]

    @property
    def css(self) -> str:
        """Return the rules that give everything its colour."""
        lines = " ".join(
            f".{style} {{ stroke: {colour}; }} .head-{style} {{ fill: {colour}; }}"
            for style, colour in self.lines.items()
        )
        return f"""
text {{ fill: {self.text}; }} .dim, .port {{ fill: {self.dim}; }} .data {{ fill: {self.store}; }}
.ground, .label {{ fill: {self.ground}; }} .band {{ fill: {self.band}; stroke: {self.edge}; }}
.node {{ fill: {self.node}; stroke: {self.edge}; }} .store {{ stroke: {self.store}; }}
{lines}
"""


LIGHT: Final = Palette(
    ground="#fbfbfd",
    band="#f1f3f8",
    edge="#cfd5e2",
    node="#ffffff",
    text="#1c2333",
    dim="#667085",
    store="#7c5cff",
    lines=MappingProxyType(
        {
            "authorized": "#2e9e6b",
            "undetermined": "#8a94a8",
            "unauthorized": "#d92d4a",
            "unknown": "#8a94a8",
            "new": "#2563eb",
            "gone": "#d97706",
            "stays": "#8a94a8",
        }
    ),
)
DARK: Final = Palette(
    ground="#12151c",
    band="#191e29",
    edge="#323a4b",
    node="#222938",
    text="#e8ecf5",
    dim="#98a2b8",
    store="#a996ff",
    lines=MappingProxyType(
        {
            "authorized": "#4cc38a",
            "undetermined": "#7d879c",
            "unauthorized": "#ff5c77",
            "unknown": "#7d879c",
            "new": "#6ea0ff",
            "gone": "#f5a524",
            "stays": "#7d879c",
        }
    ),
)
