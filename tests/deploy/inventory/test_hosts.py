from __future__ import annotations

from deploy.inventory.hosts import hosts_of
from tests.deploy.inventory.lab import LATER, NEW, NOON, OLD, estate_of
from tests.deploy.view.lab import activity, container


def test_hosts_are_those_of_containers_and_those_that_act_themselves() -> None:
    found = hosts_of(
        estate_of(
            container("a" * 12, container__image__id=OLD, container__runtime="podman"),
            container("b" * 12, "shop/db/db", container__image__id=NEW, container__runtime="podman"),
            container("c" * 12, ended=NOON),
            activity("host:node-2", {"event.action": "exec"}, first=NOON, last=LATER, count=7),
            activity("host:", {"event.action": "exec"}),
        )
    )
    assert [one.host for one in found] == ["node-1", "node-2"]
    assert (found[0].running, found[0].stopped, found[0].images, found[0].workloads) == (2, 1, 2, 2)
    assert (found[0].clusters, found[0].runtimes, found[0].last) == (("prod",), ("podman",), NOON)
    assert (found[1].outcomes, found[1].first, found[1].last) == ({"authorized": 7}, NOON, LATER)


def test_two_containers_of_a_workload_are_one_and_no_image_is_none() -> None:
    (one,) = hosts_of(estate_of(container("a" * 12, "shop/app/app"), container("b" * 12, "shop/app/proxy")))
    assert (one.running, one.workloads, one.images) == (2, 1, 0)
