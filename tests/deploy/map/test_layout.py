from __future__ import annotations

from itertools import combinations
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from deploy.map.graph import Edge, Map, Node
from deploy.map.layout import Box, layout_of
from deploy.map.tally import Tally
from tests.deploy.map.lab import end


def graph_of(*pairs: tuple[str, str]) -> Map:
    edges = [Edge(end(source), end(target), "tcp", 80, None, Tally()) for source, target in sorted(set(pairs))]
    ends = sorted({one for edge in edges for one in (edge.source, edge.target)})
    return Map(tuple(map(Node, ends)), tuple(edges))


def test_a_namespace_is_a_band_with_callers_on_the_left() -> None:
    web, app, db = "workload:prod/shop/web", "workload:prod/shop/app", "workload:prod/data/db"
    layout = layout_of(graph_of((web, app), (app, db), ("outside:192.0.2.1", web), (app, "name:api.example.com")))
    assert [band.title for band in layout.bands] == ["prod/data", "prod/shop"]
    x = {one.id: box.x for one, box in layout.nodes.items()}
    assert x["outside:192.0.2.1"] < x[web] == x[db] < x[app] < x["name:api.example.com"]
    assert all(box.right < layout.width and box.y + box.height < layout.height for box in layout.nodes.values())


def test_a_line_that_passes_a_column_has_a_lane_beside_what_stands_there() -> None:
    a, b, c = (f"workload:prod/shop/{name}" for name in "abc")
    layout = layout_of(graph_of((a, b), (b, c), (a, c)))
    (lane,) = layout.lanes[end(a), end(c)]
    other = layout.nodes[end(b)]
    assert lane.x == other.x
    assert not other.y < lane.middle < other.y + other.height
    assert layout.lanes[end(a), end(b)] == ()


def test_nothing_has_a_layout() -> None:
    assert layout_of(graph_of()).nodes == {}


ENDS = st.sampled_from(
    [
        *(f"workload:prod/{space}/{name}" for space in ("shop", "jobs") for name in "abcdef"),
        *("outside:192.0.2.1", "outside:192.0.2.2", "name:a.example", "address:prod/10.0.0.1", "host:node-1"),
        *("service:prod/shop/s", "container:0123456789ab", "others:x", "account:user:prod/alice"),
    ]
)


def meet(one: Box, other: Box) -> bool:
    beside = one.right <= other.x or other.right <= one.x
    return not (beside or one.y + one.height <= other.y or other.y + other.height <= one.y)


@given(st.lists(st.tuples(ENDS, ENDS), max_size=40), st.randoms())
def test_no_two_boxes_meet_and_the_order_makes_no_difference(pairs: list[tuple[str, str]], chance: Random) -> None:
    graph = graph_of(*pairs)
    layout = layout_of(graph)
    assert layout.nodes.keys() == {node.end for node in graph.nodes}
    assert not [pair for pair in combinations(layout.nodes.items(), 2) if meet(pair[0][1], pair[1][1])]
    assert not [pair for pair in combinations(layout.bands, 2) if meet(pair[0].box, pair[1].box)]
    turned = list(pairs)
    chance.shuffle(turned)
    assert layout_of(graph_of(*turned)) == layout
