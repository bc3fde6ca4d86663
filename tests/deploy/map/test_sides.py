from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from deploy.map.folds import Place
from deploy.map.sides import unite_sides
from deploy.map.tally import Tally
from tests.deploy.map.lab import workload

WEB, APP = workload("web"), workload("app")


def united(*places: tuple[str, int]) -> dict[tuple[str, int], int]:
    """Return how often each place was told of, of reports with these transports and ports."""
    tallies: dict[Place, Tally] = {}
    for transport, port in places:
        tallies[Place(WEB, APP, transport, port)] = Tally(
            said={("egress", f"{transport}{port}", "authorized", False): 1}
        )
    return {place[2:]: len(tally.said) for place, tally in unite_sides(tallies).items()}


def test_reports_of_the_same_are_one() -> None:
    assert united(("tcp", 80)) == {("tcp", 80): 1}
    assert united(("tcp", 80), ("", 80)) == {("tcp", 80): 2}
    assert united(("", 80), ("tcp", -1)) == {("tcp", 80): 2}
    assert united(("tcp", 80), ("tcp", -1), ("", 80)) == {("tcp", 80): 3}


def test_what_may_be_either_of_two_is_left_as_it_is() -> None:
    assert united(("tcp", 80), ("udp", 80), ("", 80)) == {("tcp", 80): 1, ("udp", 80): 1, ("", 80): 1}
    assert united(("tcp", 80), ("tcp", 443), ("tcp", -1)) == {("tcp", 80): 1, ("tcp", 443): 1, ("tcp", -1): 1}
    assert united(("udp", 53), ("tcp", -1)) == {("udp", 53): 1, ("tcp", -1): 1}


PLACES = st.builds(
    Place,
    st.sampled_from([WEB, APP]),
    st.sampled_from([WEB, APP]),
    st.sampled_from(["", "tcp", "udp"]),
    st.sampled_from([-1, 53, 80]),
)


@given(st.dictionaries(PLACES, st.integers(1, 9), max_size=12), st.randoms())
def test_nothing_is_lost_in_any_order(counts: dict[Place, int], chance: Random) -> None:
    def tallies(places: list[Place]) -> dict[Place, Tally]:
        return {place: Tally(said={("egress", "a", "authorized", False): counts[place]}) for place in places}

    found = unite_sides(tallies(list(counts)))
    turned = list(counts)
    chance.shuffle(turned)
    assert unite_sides(tallies(turned)) == found
    assert sum(tally.count for tally in found.values()) == sum(counts.values())
    assert unite_sides(dict(found)) == found
