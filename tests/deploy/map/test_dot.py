from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.map.dot import write_dot
from tests.deploy.map.lab import connected, made
from tests.deploy.map.test_svg import SHOP


def test_a_graph_for_graphviz() -> None:
    text = write_dot(made(SHOP), "Connections of shop")
    assert text.startswith('digraph tidewaiter {\n  graph [rankdir="LR", label="Connections of shop"')
    assert '    label="prod/shop"; style="rounded"' in text
    assert '"workload:prod/shop/db" [label="db\\nPostgreSQL"' in text
    assert '"workload:prod/shop/app" -> "outside:203.0.113.9" [label="443", color="#d92d4a"' in text
    assert text.count(" -> ") == 5
    assert text.count('style="dashed"') == 1


def test_a_difference_has_its_colours() -> None:
    text = write_dot(made(SHOP), "June", "2026-06-01T12:30:00.000000000Z")
    assert (text.count("#2563eb"), text.count("#d97706")) == (1, 4)


def test_a_name_is_text_and_no_escape() -> None:
    text = write_dot(made([connected("web", "203.0.113.9", destination__domain='a"b\\nc\td')]), "x")
    assert '"name:a\\"b\\\\nc\\\\td"' in text


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).map(lambda text: text.replace("|", ""))


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
@given(st.lists(NAMES, max_size=4), NAMES)
@settings(max_examples=15)
def test_graphviz_reads_it(names: list[str], title: str) -> None:
    rows = [connected("web", "203.0.113.9", 443, destination__domain=name) for name in names]
    text = write_dot(made([*SHOP, *rows]), title)
    read = subprocess.run(["dot", "-Tcanon"], input=text.encode(), capture_output=True, check=False)
    assert (read.returncode, read.stderr) == (0, b"")
