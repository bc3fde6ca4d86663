from __future__ import annotations

from typing import Any

import pytest

from deploy.map.connection import Asked, Connection, Listening, Peer, owner_of, told_by
from deploy.map.end import End
from tests.deploy.map.lab import activities_of, connected, known_of, reached, workload
from tests.deploy.view.lab import NOON, Said, activity


def told(record: Said) -> Any:
    (found,) = activities_of([record])
    return told_by(found)


def test_who_connects_tells_whom_with() -> None:
    row = connected(
        "web",
        "198.51.100.7",
        443,
        count=7,
        outcome="unauthorized",
        level="high",
        data=["personal"],
        destination__domain="API.example.com.",
        network__transport="tcp",
        network__protocol="tls",
        event__outcome="failure",
    )
    assert told(row) == Connection(
        owner=workload("web"),
        cluster="prod",
        side="egress",
        peer=Peer("", "api.example.com", "198.51.100.7"),
        port=443,
        transport="tcp",
        protocol="tls",
        dataset="falco.alerts",
        times=7,
        first=NOON,
        last=NOON,
        outcome="unauthorized",
        failed=True,
        level="high",
        data=("personal",),
    )


def test_who_is_connected_to_tells_by_whom() -> None:
    found = told(reached("web", "::ffff:198.51.100.7", 8443))
    assert (found.side, found.peer, found.port, found.failed) == ("ingress", Peer(address="198.51.100.7"), 8443, False)
    assert told(reached("web", "prod/shop/app", None)).peer == Peer("prod/shop/app")
    assert told(reached("web", "prod/shop/app", None)).port is None


def test_an_address_instead_of_a_name_is_no_name() -> None:
    assert told(connected("web", "192.0.2.1", destination__domain="192.0.2.1")).peer == Peer(address="192.0.2.1")


def test_a_port_is_waited_on() -> None:
    assert told(reached("web", "", 8080)) == Listening(workload("web"), 8080)


def test_a_name_is_asked_for() -> None:
    row = activity("container:prod/shop/web/web", {"dns.question.name": "Db.Shop."}, known_of("web"), dimension="dns")
    assert told(row) == Asked(workload("web"), "db.shop")


def test_what_was_too_much_is_connections_with_others() -> None:
    topic, key, value = connected("web", "192.0.2.1", outcome="unauthorized", count=9)
    principal, context, _, partition = key.rsplit(b"|", 3)
    other = b"|".join([principal, context, b"other-egress-unauthorized", partition])
    (found,) = activities_of([(topic, other, value)])
    connection = told_by(found)
    assert isinstance(connection, Connection)
    assert (connection.peer, connection.times) == (Peer(others=True), 9)


@pytest.mark.parametrize(
    "done", [{"event.action": "exec"}, {"network.transport": "unix", "file.path": "/run/a"}, {"source.ip": "192.0.2.1"}]
)
def test_nothing_else_is_about_connections(done: dict[str, Any]) -> None:
    assert told(activity("container:prod/shop/web/web", done, known_of("web"))) is None


@pytest.mark.parametrize(
    ("principal", "end"),
    [
        ("container:prod/shop/web/web", workload("web")),
        ("unknown:0123456789ab", End("container", "0123456789ab")),
        ("host:node-1", End("host", "node-1")),
        ("user:prod/alice", End("account", "user:prod/alice")),
    ],
)
def test_who_tells(principal: str, end: End) -> None:
    known = known_of("web") if principal.startswith("container") else {}
    (found,) = activities_of([activity(principal, {"event.action": "exec"}, known)])
    assert owner_of(found) == end
