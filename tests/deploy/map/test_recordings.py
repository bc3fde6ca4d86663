"""The map of the recordings against what the script did that made them: the shop's true connections, and nothing else."""

from __future__ import annotations

from deploy.demo.lab import outside, shop
from deploy.demo.recording import Recording
from deploy.map.read import Asked, read_map
from schemas.event import timestamp
from streams.judge.data import DataClasses
from tests.deploy.demo.test_recordings import events, policies, rules
from tests.deploy.map.lab import judged, lines, whole_map

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
    f"workload:shop/shop/app > outside:{outside.ADDRESS} {outside.PORT}",
    f"workload:shop//system-update > outside:{outside.ADDRESS} {outside.PORT}",
}
"""The download and the beacon in the application, and the miner."""


def test_the_demo_has_its_true_connections_and_nothing_else() -> None:
    recording = Recording.shipped()
    view = judged(events(recording), policies(), rules())
    before = read_map(view, DataClasses(()), Asked(until=timestamp(recording.attack_start * 1_000_000)))
    assert set(lines(before)) == SHOP | PAUSED
    found = whole_map(view)
    assert set(lines(found)) == SHOP | PAUSED | ATTACK
    stores = {node.end.label: node.store.product for node in found.nodes if node.store}
    assert stores == {"database": "PostgreSQL", "cache": "Redis"}
    # Health checks, the database's look at its own addresses, and auditd's talk with the kernel.
    assert found.left_out.keys() == {"within one container or host", "to a peer that the sensor did not name"}
