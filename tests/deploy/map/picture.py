"""The picture of the page on the map: the demo's shop when it was attacked. ``python -m tests.deploy.map.picture`` draws it again."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

import deploy
from deploy.demo.recording import Recording
from deploy.map.graph import Map
from deploy.map.svg import write_svg
from tests.deploy.demo.test_recordings import events, policies, rules, shop
from tests.deploy.map.lab import judged, whole_map

__all__ = ["PICTURE", "demo_view", "picture_of"]

PICTURE: Final = Path(deploy.__file__).parent / "docs" / "map.svg"


def demo_view() -> sqlite3.Connection:
    """Return what the view holds behind the demo: the normal day was learned and approved, then came the attack."""
    return judged(events(Recording.shipped()), policies(), rules(), shop())


def picture_of(graph: Map) -> str:
    return write_svg(graph, "Connections of the demo's shop when it was attacked")


if __name__ == "__main__":
    PICTURE.write_text(picture_of(whole_map(demo_view())))
