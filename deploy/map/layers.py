"""Layers of a graph: whoever connects stands before whom it connects to, as far as there are no circles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TypeVar

__all__ = ["layers_of"]

Named = TypeVar("Named", bound=tuple[str, ...])


def layers_of(nodes: Iterable[Named], pairs: Iterable[tuple[Named, Named]]) -> dict[Named, int]:
    """Return the layer of each node, from 0; pairs with what is no node count for nothing.

    Each stands behind all that lead to it; what nothing leads to stands close before what it leads to. Of a circle the last step back
    counts for nothing.
    """
    after: dict[Named, list[Named]] = {node: [] for node in sorted(nodes)}
    for source, target in sorted(pairs):
        if source in after and target in after and source != target:
            after[source].append(target)
    order = _without_circles(after)
    layers = dict.fromkeys(after, 0)
    for node in order:
        for follower in after[node]:
            layers[follower] = max(layers[follower], layers[node] + 1)
    led_to = {follower for followers in after.values() for follower in followers}
    for node in reversed(order):
        if node not in led_to and after[node]:
            layers[node] = min(layers[follower] for follower in after[node]) - 1
    return layers


def _without_circles(after: Mapping[Named, list[Named]]) -> list[Named]:
    """Remove the steps that lead back, and return the nodes so that all steps lead forward."""
    done: dict[Named, bool] = {}
    order: list[Named] = []
    for root in _roots_first(after):
        if root in done:
            continue
        done[root] = False
        path = [(root, iter(list(after[root])))]
        while path:
            node, followers = path[-1]
            follower = next(followers, None)
            if follower is None:
                path.pop()
                done[node] = True
                order.append(node)
            elif follower not in done:
                done[follower] = False
                path.append((follower, iter(list(after[follower]))))
            elif not done[follower]:
                after[node].remove(follower)
    return order[::-1]


def _roots_first(after: Mapping[Named, list[Named]]) -> list[Named]:
    """Return nodes so that a circle is entered where others enter it, or else at who leads to most and is led to least."""
    led_to = Counter(follower for followers in after.values() for follower in followers)
    return sorted(after, key=lambda node: (node in led_to, led_to[node] - len(after[node]), node))
