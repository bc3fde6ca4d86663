from __future__ import annotations

from deploy.map.drawing import describe_line, describe_node, lines_of, subtitle_of
from tests.deploy.map.lab import connected, known_of, made, reached
from tests.deploy.view.lab import container


def test_one_line_for_all_ports_of_a_pair_as_bad_as_the_worst() -> None:
    rows = [connected("web", "prod/shop/app", port, count=port) for port in (80, 81, 82)]
    (line,) = lines_of(made([*rows, connected("web", "prod/shop/app", 82, outcome="unauthorized", partition=1)]))
    assert (line.label, line.style, line.count, line.is_failed) == ("80, 81, 82", "unauthorized", 244, False)
    (line,) = lines_of(made([*rows, connected("web", "prod/shop/app", 83)]))
    assert line.label == "4 ports"


def test_a_line_is_described() -> None:
    (line,) = lines_of(made([connected("web", "prod/shop/app", 80, data=["personal"], event__outcome="failure")]))
    assert describe_line(line) == (
        "workload:prod/shop/web → workload:prod/shop/app\n"
        "80: 1 times, authorized; 1 failed; data: personal; first 2026-06-01T12:00:00Z, last 2026-06-01T12:00:00Z; seen by egress"
    )


def test_nodes_are_described() -> None:
    graph = made(
        [
            connected("web", "prod/shop/db", 5432, known=known_of("web", container__image__name="registry/team/web")),
            connected("web", "203.0.113.9"),
            reached("db", "", 5432),
            container("a" * 12, "shop/db/db", container__image__name="postgres"),
        ]
    )
    assert {node.end.label: subtitle_of(node) for node in graph.nodes} == {
        "203.0.113.9": "outside",
        "db": "PostgreSQL",
        "web": "web",
    }
    assert describe_node(graph.nodes[1]) == (
        "workload:prod/shop/db\na workload\nimage postgres\ndata store: PostgreSQL (image postgres, port 5432)\nlistens on 5432"
    )
