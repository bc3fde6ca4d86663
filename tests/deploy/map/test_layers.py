from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from deploy.map.layers import layers_of

Node = tuple[str, ...]


def layers(*pairs: str) -> dict[str, int]:
    steps: list[tuple[Node, Node]] = [((pair[0],), (pair[1],)) for pair in pairs]
    return {node[0]: layer for node, layer in layers_of({node for step in steps for node in step}, steps).items()}


def test_whoever_connects_stands_before_whom_it_connects_to() -> None:
    assert layers("wa", "ad", "ac", "wc") == {"w": 0, "a": 1, "d": 2, "c": 2}


def test_what_nothing_leads_to_stands_close_to_what_it_leads_to() -> None:
    assert layers("wa", "ad", "rd") == {"w": 0, "a": 1, "r": 1, "d": 2}


def test_a_circle_is_entered_where_others_enter_it_or_where_most_leaves() -> None:
    assert layers("zb", "bc", "ca", "ab") == {"z": 0, "b": 1, "c": 2, "a": 3}
    assert layers("ca", "ab", "bc", "cd", "ce") == {"c": 0, "a": 1, "b": 2, "d": 1, "e": 1}


def test_who_is_not_there_counts_for_nothing() -> None:
    assert layers_of([("a",), ("b",)], [(("a",), ("x",)), (("y",), ("b",)), (("a",), ("a",))]) == {("a",): 0, ("b",): 0}


NODES = st.sampled_from([(letter,) for letter in "abcdefgh"])


@given(st.lists(st.tuples(NODES, NODES), max_size=30), st.randoms())
def test_any_graph_has_layers_whatever_the_order(pairs: list[tuple[Node, Node]], chance: Random) -> None:
    nodes = sorted({node for pair in pairs for node in pair})
    found = layers_of(nodes, pairs)
    turned = list(pairs)
    chance.shuffle(turned)
    assert layers_of(nodes[::-1], turned) == found
    assert all(0 <= layer < len(nodes) for layer in found.values())


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=60))
def test_without_circles_every_step_leads_on(steps: list[tuple[int, int]]) -> None:
    pairs: list[tuple[Node, Node]] = [
        ((f"{min(step):02}",), (f"{max(step):02}",)) for step in steps if step[0] != step[1]
    ]
    found = layers_of({node for pair in pairs for node in pair}, pairs)
    assert all(found[source] < found[target] for source, target in pairs)
