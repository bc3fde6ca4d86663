from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from deploy.map.svg import write_svg
from tests.deploy.map.lab import connected, made, reached

SVG = "{http://www.w3.org/2000/svg}"
LATE = "2026-06-01T13:00:00.000000000Z"
SHOP = [
    connected("web", "prod/shop/app", 8080, outcome="authorized"),
    connected("app", "prod/shop/db", 5432, outcome="authorized", data=["personal"]),
    connected("app", "203.0.113.9", 443, outcome="unauthorized", first=LATE, event__outcome="failure"),
    reached("web", "198.51.100.1", 80, outcome="undetermined"),
    connected("db", "prod/shop/web", 9000),
]


def drawn(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 - our own


def texts(root: ET.Element) -> list[str]:
    return [one.text or "" for one in root.iter(f"{SVG}text")]


def styles(root: ET.Element) -> list[str]:
    return sorted(one.get("class", "") for one in root.iter(f"{SVG}path") if one.get("marker-end"))


def test_a_drawing_shows_ends_lines_and_ports() -> None:
    root = drawn(write_svg(made(SHOP), "Connections of shop"))
    assert {"Connections of shop", "prod/shop", "web", "app", "db", "PostgreSQL", "203.0.113.9", "5432"} <= set(
        texts(root)
    )
    assert styles(root) == ["line authorized"] * 3 + ["line unauthorized failed", "line undetermined"]
    titles = [one.text or "" for one in root.iter(f"{SVG}title")]
    assert any("5432: 1 times, authorized; data: personal" in title for title in titles)


def test_a_difference_shows_what_is_new_and_what_is_gone() -> None:
    root = drawn(write_svg(made(SHOP), "June", "2026-06-01T12:30:00.000000000Z"))
    assert styles(root) == ["line gone"] * 4 + ["line new failed"]
    assert {"new", "gone", "stays"} <= set(texts(root))


def test_nothing_is_drawn_too() -> None:
    assert styles(drawn(write_svg(made([]), "Nothing"))) == []


@given(st.text(), st.text(st.characters(exclude_categories=["Cs"]), min_size=1).map(lambda text: text.replace("|", "")))
def test_no_name_breaks_a_drawing(title: str, name: str) -> None:
    hostile: dict[str, Any] = {"destination__domain": f'{name}<script>&"]]>'}
    root = drawn(
        write_svg(made([connected("web", "203.0.113.9", 443, **hostile)]), title.encode("utf-8", "replace").decode())
    )
    assert not list(root.iter(f"{SVG}script"))
