from __future__ import annotations

from ipaddress import ip_address, ip_network
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.baseline import Element
from streams.baseline.blocks import block_of, covering, word_of
from streams.baseline.generalise import generalise
from streams.baseline.known import Known
from streams.baseline.peers import PeerLimits, generalised_peers
from tests.streams.baseline.strategies import PEERS

INGRESS = PeerLimits(addresses=3, in_floor=1, ports=None)
EGRESS = PeerLimits(addresses=3, in_floor=2, ports=2)
LIMITS = st.sampled_from([INGRESS, EGRESS])


@settings(max_examples=300)
@given(LIMITS, PEERS)
def test_what_is_generalised_stays_as_it_is(limits: PeerLimits, found: list[Element]) -> None:
    once = generalised_peers(found, limits)
    assert generalised_peers(once, limits) == once


@given(LIMITS, PEERS, st.randoms(use_true_random=False))
def test_neither_order_nor_repeats_matter(limits: PeerLimits, found: list[Element], random: Random) -> None:
    shuffled = [*found, *found]
    random.shuffle(shuffled)
    assert generalised_peers(shuffled, limits) == generalised_peers(found, limits)


@settings(max_examples=300)
@given(PEERS, PEERS)
def test_to_generalise_in_parts_comes_to_the_same_where_ports_stay(first: list[Element], then: list[Element]) -> None:
    part = generalised_peers(first, INGRESS)
    assert generalised_peers([*part, *then], INGRESS) == generalised_peers([*first, *then], INGRESS)


@settings(max_examples=300)
@given(LIMITS, PEERS, PEERS)
def test_parts_know_all_that_was_seen_and_never_more_than_the_whole(
    limits: PeerLimits, first: list[Element], then: list[Element]
) -> None:
    part = generalised_peers(first, limits)
    parts, whole = generalised_peers([*part, *then], limits), generalised_peers([*first, *then], limits)
    by_parts, by_whole = Known.of("egress", parts), Known.of("egress", whole)
    assert [element for element in [*first, *then, *part] if by_parts.find(element) is None] == []
    assert [element for element in parts if by_whole.find(element) is None] == []


def test_parts_may_come_to_less_than_the_whole_where_ports_become_ranges() -> None:
    first: list[Element] = [(f"10.0.0.{host}", "2000", "tcp") for host in range(4)]
    then: list[Element] = [("10.0.0.1", "3000", "tcp"), ("10.0.0.1", "4000", "tcp")]
    assert ("10.0.0.1", "1024-65535", "tcp") in generalised_peers([*first, *then], EGRESS)
    assert generalised_peers([*generalised_peers(first, EGRESS), *then], EGRESS) == {
        ("10.0.0.0/30", "2000", "tcp"),
        *then,
    }


def test_thousands_of_peers_in_the_range_of_a_cloud_are_a_block_of_each_network() -> None:
    found = [(f"52.{number % 4}.{number // 4 % 256}.{number // 8}", "443", "tcp") for number in range(2000)]
    result = generalise("egress", found)
    assert result == tuple((f"52.{network}.0.0/16", "443", "tcp") for network in range(4))
    known = Known.of("egress", result)
    assert known.find(("52.3.9.9", "443", "tcp")) == ("52.3.0.0/16", "443", "tcp")
    for new in (("52.4.0.1", "443", "tcp"), ("52.3.9.9", "22", "tcp"), ("52.3.9.9", "443", "udp")):
        assert known.find(new) is None


def test_a_block_is_the_smallest_around_its_addresses() -> None:
    found = [(f"10.0.7.{host}", "80", "tcp") for host in range(64)]
    assert generalise("ingress", found) == (("10.0.7.0/26", "80", "tcp"),)


def test_few_addresses_stay() -> None:
    found = [(f"10.0.7.{host}", "80", "tcp") for host in range(50)]
    assert len(generalise("ingress", found)) == 50


def test_an_address_alone_in_its_network_stays_beside_blocks() -> None:
    found = [(f"10.0.7.{host}", "80", "tcp") for host in range(64)]
    assert ("10.9.0.1", "80", "tcp") in generalise("ingress", [*found, ("10.9.0.1", "80", "tcp")])


def test_ipv6_addresses_become_blocks_of_48_bits_at_most() -> None:
    found = [(f"fd00:0:{network}:{host:x}::1", "80", "tcp") for network in (1, 2) for host in range(0, 0x10000, 0x800)]
    assert generalise("ingress", found) == (("fd00:0:1::/48", "80", "tcp"), ("fd00:0:2::/48", "80", "tcp"))


def test_no_block_hides_the_metadata_service() -> None:
    found = [(f"169.254.1.{host}", "80", "tcp") for host in range(60)]
    assert generalise("egress", found) == tuple(sorted(found))


def test_peers_that_are_known_by_more_than_an_address_stay() -> None:
    found = [(f"{kind}:{number}", "80", "tcp") for kind in ("workload", "name") for number in range(60)]
    assert generalise("egress", found) == tuple(sorted(found))


def test_many_high_ports_of_a_peer_are_a_range_in_egress_alone() -> None:
    found = [("workload:a", str(port), "tcp") for port in (22, *range(2000, 2051))]
    assert generalise("egress", found) == (("workload:a", "1024-65535", "tcp"), ("workload:a", "22", "tcp"))
    assert generalise("ingress", found) == tuple(sorted(found))


def test_a_new_port_to_listen_on_shows() -> None:
    result = generalise("ingress", [("listen", str(port), "tcp") for port in range(2000, 2300)])
    assert len(result) == 300
    assert Known.of("ingress", result).find(("listen", "4444", "tcp")) is None


def test_scattered_ports_of_scattered_peers_stay_few() -> None:
    found = [(f"52.0.{number // 250}.{number % 250}", str(2000 + number), "udp") for number in range(2000)]
    assert generalise("egress", found) == (("52.0.0.0/21", "1024-65535", "udp"),)


def test_one_peer_with_many_ports_opens_none_of_its_neighbours() -> None:
    found = [(f"10.0.0.{host}", "8080", "tcp") for host in range(64)]
    found += [("10.0.0.9", str(port), "tcp") for port in range(2000, 2100)]
    assert generalise("egress", found) == (("10.0.0.0/26", "8080", "tcp"), ("10.0.0.9", "1024-65535", "tcp"))


def test_a_broader_block_than_any_that_is_learned_stays() -> None:
    element = ("10.0.0.0/8", "80", "tcp")
    assert generalise("egress", [element, ("10.0.0.1", "80", "tcp")]) == (element, ("10.0.0.1", "80", "tcp"))


@pytest.mark.parametrize("word", ["10.0.0.1", "10.0.0.0/8", "::1", "fd00::/48", "0.0.0.0/0"])
def test_words_of_blocks_are_read_back(word: str) -> None:
    block = block_of(word)
    assert block is not None
    assert word_of(block) == word


@pytest.mark.parametrize("word", ["", "*", "1024", "10.0.0.1/8", "workload:a", "fe80::1%eth0/3", "listen"])
def test_other_words_are_no_blocks(word: str) -> None:
    assert block_of(word) is None


@given(st.lists(st.ip_addresses(v=4), min_size=1) | st.lists(st.ip_addresses(v=6), min_size=1))
def test_the_covering_block_is_the_smallest(addresses: list[object]) -> None:
    network = ip_network(word_of(covering(block for one in addresses if (block := block_of(str(one))) is not None)))
    found = [ip_address(str(one)) for one in addresses]
    assert all(one in network for one in found)
    if network.num_addresses > 1:
        assert not any(all(one in half for one in found) for half in network.subnets())
