from __future__ import annotations

from deploy.map.difference import Difference, change_of, with_edges
from tests.deploy.map.lab import connected, lines, made

EARLY, NOON, LATE = (f"2026-06-01T{hour}:00:00.000000000Z" for hour in (11, 12, 13))
BETWEEN = "2026-06-01T12:30:00.000000000Z"
GRAPH = made(
    [
        connected("web", "prod/shop/gone", 80, first=EARLY, last=NOON),
        connected("web", "prod/shop/new", 80, first=LATE, last=LATE),
        connected("web", "prod/shop/stays", 80, first=EARLY, last=LATE),
        connected("app", "prod/shop/stays", 80, first=BETWEEN, last=BETWEEN),
    ]
)


def test_what_was_not_seen_before_is_new_and_what_was_not_seen_since_is_gone() -> None:
    changes = {(edge.source.label, edge.target.label): change_of(edge, BETWEEN) for edge in GRAPH.edges}
    assert changes == {
        ("web", "gone"): "gone",
        ("web", "new"): "new",
        ("web", "stays"): "stays",
        ("app", "stays"): "gone",
    }


def test_a_difference_tells_what_has_changed() -> None:
    told = Difference(BETWEEN, GRAPH).as_json()
    assert (told["since"], told["stays"]) == (BETWEEN, 1)
    assert [edge["to"] for edge in told["new"]] == ["workload:prod/shop/new"]
    assert [(edge["from"], edge["to"]) for edge in told["gone"]] == [
        ("workload:prod/shop/app", "workload:prod/shop/stays"),
        ("workload:prod/shop/web", "workload:prod/shop/gone"),
    ]
    assert {node["name"] for node in told["nodes"]} == {"app", "gone", "new", "stays", "web"}


def test_a_part_of_a_map_has_the_ends_of_its_edges() -> None:
    part = with_edges(GRAPH, GRAPH.edges[:1])
    assert len(lines(part)) == 1
    assert [node.end.label for node in part.nodes] == ["app", "stays"]
