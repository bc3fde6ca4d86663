from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from deploy.map.end import End
from deploy.map.folds import MAX_ADDRESSES, MAX_PORTS, Place, Ports, Tallies, fold_addresses, fold_ports
from deploy.map.tally import Tally
from tests.deploy.map.lab import connected, made, workload

WEB, APP = workload("web"), workload("app")


def tally(count: int = 1, outcome: str = "authorized") -> Tally:
    return Tally(said={("egress", "a", outcome, False): count})


def outside(addresses: list[str], outcome: str = "authorized", kind: str = "outside") -> Tallies:
    return {Place(WEB, End(kind, name), "tcp", 443): tally(1, outcome) for name in addresses}  # type: ignore[arg-type]  # as above


def targets(tallies: Tallies) -> dict[str, int]:
    return {place.target.id: found.count for place, found in tallies.items()}


def test_few_addresses_stand_by_themselves() -> None:
    tallies = outside([f"198.51.100.{number}" for number in range(MAX_ADDRESSES)])
    assert fold_addresses(tallies) == (tallies, {})


def test_too_many_become_blocks_that_are_as_small_as_they_can_be() -> None:
    found, members = fold_addresses(outside([f"198.51.{number}.{host}" for number in range(10) for host in range(9)]))
    assert targets(found) == {f"outside:198.51.{number}.0/24": 9 for number in range(10)}
    assert set(members.values()) == {9}
    found, _ = fold_addresses(outside([f"198.{number}.{host}.1" for number in range(10) for host in range(9)]))
    assert targets(found) == {f"outside:198.{number}.0.0/16": 9 for number in range(10)}
    found, _ = fold_addresses(outside([f"{number}.{host}.1.1" for number in range(100, 110) for host in range(9)]))
    assert targets(found) == {f"outside:{number}.0.0.0/8": 9 for number in range(100, 110)}
    found, members = fold_addresses(outside([f"{number}.{host}.1.1" for number in range(60, 120) for host in range(9)]))
    assert targets(found) == {"outside:0.0.0.0/0": 540}
    assert members == {End("outside", "0.0.0.0/0"): 540}


def test_versions_of_the_protocol_have_blocks_of_their_own() -> None:
    both = [f"2001:db8:{number:x}::1" for number in range(60)] + [f"198.51.100.{number}" for number in range(60)]
    assert targets(fold_addresses(outside(both))[0]) == {"outside:2001:db8::/40": 60, "outside:198.51.100.0/24": 60}


def test_private_addresses_keep_their_cluster() -> None:
    found, _ = fold_addresses(outside([f"prod/10.0.0.{number}" for number in range(60)], kind="address"))
    assert targets(found) == {"address:prod/10.0.0.0/24": 60}


def test_what_was_judged_otherwise_stays_apart() -> None:
    scan = outside([f"198.51.100.{number}" for number in range(60)], "unauthorized")
    found, _ = fold_addresses(scan | outside(["198.51.100.250"]))
    assert targets(found) == {"outside:198.51.100.0/24": 60, "outside:198.51.100.250": 1}


def test_who_is_connected_to_by_too_many_has_blocks_too() -> None:
    tallies = {Place(End("outside", f"198.51.100.{number}"), WEB, "tcp", 443): tally() for number in range(60)}
    assert [place.source.name for place in fold_addresses(tallies)[0]] == ["198.51.100.0/24"]


def ports(numbers: list[int], outcome: str = "authorized", transport: str = "tcp") -> Tallies:
    return {Place(WEB, APP, transport, number): tally(1, outcome) for number in numbers}


def test_few_ports_stand_by_themselves() -> None:
    tallies = ports(list(range(MAX_PORTS)))
    assert [(place, one, None) for place, one in tallies.items()] == list(fold_ports(tallies))


def test_a_scan_is_one_with_the_number_of_its_ports() -> None:
    scan = ports([number for number in range(1, 65_536) if number != 5432], "unauthorized")
    (authorized, *_), (place, found, many) = fold_ports(scan | ports([5432]))
    assert authorized == Place(WEB, APP, "tcp", 5432)
    assert (place, found.count, many) == (Place(WEB, APP, "tcp", -1), 65_534, Ports(65_534, 1, 65_535))


def test_transports_are_scanned_one_by_one() -> None:
    found = list(fold_ports(ports(list(range(20, 60))) | ports(list(range(90)), transport="udp")))
    assert [(place.transport, many) for place, _, many in found] == [
        ("tcp", Ports(40, 20, 59)),
        ("udp", Ports(90, 0, 89)),
    ]


ENDS = st.one_of(
    st.builds(lambda a, b: End("outside", f"{a}.{b}.1.1"), st.integers(60, 120), st.integers(1, 9)),
    st.builds(lambda a: End("address", f"prod/10.0.{a}.1"), st.integers(1, 250)),
    st.just(APP),
)
PLACES = st.builds(lambda end, port: Place(WEB, end, "tcp", port), ENDS, st.integers(1, 60))


@given(st.dictionaries(PLACES, st.sampled_from(["authorized", "unauthorized"]), max_size=150), st.randoms())
def test_no_count_is_lost_and_the_order_makes_no_difference(outcomes: dict[Place, str], chance: Random) -> None:
    def folded(places: list[Place]) -> list[tuple[Place, Tally, Ports | None]]:
        return list(fold_ports(fold_addresses({place: tally(1, outcomes[place]) for place in places})[0]))

    found, turned = folded(list(outcomes)), list(outcomes)
    chance.shuffle(turned)
    assert folded(turned) == found
    assert sum(one.count for _, one, _ in found) == len(outcomes)


def test_a_block_counts_what_each_sensor_alone_has_seen_of_its_addresses() -> None:
    seen = [("auditd.log", range(30)), ("falco.alerts", range(20, 60))]
    graph = made(
        connected("web", f"203.0.113.{number}", event__dataset=sensor) for sensor, numbers in seen for number in numbers
    )
    (edge,) = graph.edges
    assert (edge.target.name, edge.tally.count) == ("203.0.113.0/24", 60)


def test_addresses_of_a_cluster_with_slashes_in_its_name_become_blocks_too() -> None:
    cluster = "arn:aws:eks:eu-west-1:1:cluster/prod"
    places = {
        Place(workload("web"), End("address", f"{cluster}/10.0.0.{number}"), "tcp", 80): Tally() for number in range(40)
    }
    (place,) = fold_addresses(places)[0]
    assert place.target == End("address", f"{cluster}/10.0.0.0/24")
