"""The map of the recordings against what the script did that made them: the shop's true connections, and nothing else."""

from __future__ import annotations

from deploy.demo.lab import outside, shop
from deploy.demo.recording import Recording
from deploy.map.graph import Edge, Map
from deploy.map.read import Asked, read_map
from schemas.event import timestamp
from streams.judge.data import DataClasses
from tests.deploy.map.lab import lines, whole_map
from tests.deploy.map.picture import PICTURE, demo_view, picture_of

GATEWAY = shop.SUBNET.replace("0/24", "1")
"""The name server of the shop's network."""

SECOND = "10.255.255.53"
"""The host's own name server in the laboratory, which podman tells containers as the second one."""


def _of_shop(line: str) -> str:
    return line.replace("shop.", "workload:shop/shop/").replace("name-server", f"address:shop/{GATEWAY}")


SHOP = {
    _of_shop(line)
    for line in (
        "shop.web > shop.app 8000",
        "shop.app > shop.database 5432",
        "shop.app > shop.cache 6379",
        "shop.report > shop.database 5432",
        "shop.web > name-server 53",
        "shop.app > name-server 53",
        "shop.report > name-server 53",
    )
}
"""nginx.conf, connections.py and report.py, and the names that stand in them."""

PAUSED = {f"workload:shop/shop/app > address:shop/{SECOND} 53"}
"""Whoever asks while the first name server is paused asks the second one."""

ATTACK = {
    f"workload:shop/shop/app > outside:{outside.ADDRESS} {outside.PORT}": "unauthorized",
    f"workload:shop//system-update > outside:{outside.ADDRESS} {outside.PORT}": "undetermined",
}
"""The download and the beacon in the application; and the miner, whose start is denied, and of which nothing was learned."""


def test_the_demo_has_its_true_connections_and_nothing_else() -> None:
    recording = Recording.shipped()
    view = demo_view()
    before = read_map(view, DataClasses(()), Asked(until=timestamp(recording.attack_start * 1_000_000)))
    assert {line: edge.tally.verdict for line, edge in told(before)} == dict.fromkeys(SHOP | PAUSED, "authorized")
    found = whole_map(view)
    expected = dict.fromkeys(SHOP | PAUSED, "authorized") | ATTACK
    assert {line: edge.tally.verdict for line, edge in told(found)} == expected
    stores = {node.end.label: node.store.product for node in found.nodes if node.store}
    assert stores == {"database": "PostgreSQL", "cache": "Redis"}
    # Health checks, the database's look at its own addresses, and auditd's talk with the kernel.
    assert found.left_out.keys() == {"within one container or host", "to a peer that the sensor did not name"}
    assert PICTURE.read_text() == picture_of(found), "draw it again: python -m tests.deploy.map.picture"


def told(graph: Map) -> list[tuple[str, Edge]]:
    return list(zip(lines(graph), graph.edges, strict=True))
