from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.baseline.exports.flows import ANYBODY, Flows, Peer, Port, flows_of
from tests.streams.baseline.exports.strategies import connections


def flows(*elements: tuple[str, ...]) -> Flows:
    return flows_of("ingress", elements)


def test_peers_are_workloads_names_blocks_or_anybody() -> None:
    found = flows(
        ("workload:prod/shop/database", "1", "tcp"),
        ("name:*.example", "1", "tcp"),
        ("10.0.0.0/24", "1", "tcp"),
        ("10.1.0.1", "1", "tcp"),
        ("fd00::/8", "1", "tcp"),
        ("unknown", "1", "tcp"),
    )
    assert [(peer.kind, peer.value) for peer in found.peers] == [
        ("any", ""),
        ("block", "10.0.0.0/24"),
        ("block", "10.1.0.1/32"),
        ("block", "fd00::/8"),
        ("name", "*.example"),
        ("workload", "prod/shop/database"),
    ]


def test_an_unknown_transport_is_tcp_and_udp() -> None:
    assert flows(("10.0.0.1", "53", "ip")).peers == {
        Peer("block", "10.0.0.1/32"): {Port("TCP", 53, 53), Port("UDP", 53, 53)}
    }


def test_an_unknown_port_is_every_port() -> None:
    assert flows(("10.0.0.1", "", "tcp"), ("10.0.0.2", "*", "udp")).peers == {
        Peer("block", "10.0.0.1/32"): {Port("TCP")},
        Peer("block", "10.0.0.2/32"): {Port("UDP")},
    }


def test_an_open_end_is_every_port_and_transport() -> None:
    assert flows(("10.0.0.1", "**")).peers == {
        Peer("block", "10.0.0.1/32"): {Port("TCP"), Port("UDP"), Port("SCTP"), Port("ICMP")}
    }


def test_what_never_leaves_the_pod_is_in_no_policy() -> None:
    inside = ["127.0.0.1", "::1", "::", "workload:prod/shop/web"]
    elements = [(peer, "1", "unix" if peer.startswith("w") else "tcp") for peer in inside]
    assert flows(*elements) == Flows({}, ())


def test_a_port_that_is_only_listened_on_is_open_to_everybody_and_a_note_says_so() -> None:
    found = flows(("listen", "8080", "tcp"))
    assert found.peers == {ANYBODY: {Port("TCP", 8080, 8080)}}
    assert found.notes == (
        "Open: TCP port 8080 is listened on, but by whom it is reached was not seen, so everybody may.",
    )


def test_a_port_whose_peers_are_known_is_open_to_these_alone() -> None:
    found = flows(("listen", "8080", "tcp"), ("10.0.0.1", "8080", "tcp"))
    assert found == Flows({Peer("block", "10.0.0.1/32"): frozenset({Port("TCP", 8080, 8080)})}, ())


def test_what_is_no_peer_or_port_is_left_out_and_a_note_says_so() -> None:
    found = flows(
        ("10.0.0.1/8", "1", "tcp"),
        ("10.0.0.1", "65536", "tcp"),
        ("10.0.0.1", "9-1", "tcp"),
        ("10.0.0.1", "1", "gre"),
        ("fe80::1%eth0", "1", "tcp"),
    )
    assert found.peers == {}
    assert [note.split(":")[0] for note in found.notes] == ["Left out"] * 5


@given(st.lists(connections))
def test_any_connection_is_a_flow_or_a_note_or_stays_inside(elements: list[tuple[str, ...]]) -> None:
    found = flows(*elements)
    listed = [port for ports in found.peers.values() for port in ports]
    assert all(0 <= port.first <= port.last <= 65_535 for port in listed)
    assert all(port.protocol in ("TCP", "UDP", "SCTP", "ICMP") for port in listed)


def test_a_range_of_ports_is_one() -> None:
    found = flows(("10.0.0.1", "1024-65535", "tcp"), ("listen", "8080", "tcp"))
    assert found.peers == {Peer("block", "10.0.0.1/32"): {Port("TCP", 1024, 65535)}}


@pytest.mark.parametrize(
    ("one", "other", "covers", "overlaps"),
    [
        (Port("TCP"), Port("TCP", 1, 1), True, True),
        (Port("TCP", 1, 1), Port("TCP"), False, True),
        (Port("TCP", 1, 9), Port("TCP", 2, 9), True, True),
        (Port("TCP", 2, 9), Port("TCP", 1, 3), False, True),
        (Port("TCP", 2, 9), Port("TCP", 10, 11), False, False),
        (Port("TCP"), Port("UDP"), False, False),
    ],
)
def test_ports_cover_and_overlap(one: Port, other: Port, *, covers: bool, overlaps: bool) -> None:
    assert (one.covers(other), one.overlaps(other), other.overlaps(one)) == (covers, overlaps, overlaps)
