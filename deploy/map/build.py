"""From activities to the map."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from deploy.map.connection import Asked, Connection, Listening, told_by
from deploy.map.directory import Directory, Nobody
from deploy.map.end import End, workload_of
from deploy.map.folds import Place, Tallies, fold_addresses, fold_ports
from deploy.map.graph import Edge, Map, Node
from deploy.map.sides import UNSEEN_PORT, unite_sides
from deploy.map.tally import Tally
from deploy.stores import Traits, store_of
from deploy.view.read import Activity, Entity
from schemas.codec import Event
from streams.judge.data import DataClasses

__all__ = ["map_of"]

_MAX_NAMES: Final = 20
_MAX_PORTS: Final = 64


def map_of(
    activities: Iterable[Activity],
    directory: Directory,
    containers: Iterable[Entity] = (),
    classes: DataClasses | None = None,
) -> Map:
    """Return the map of what activities tell; ``containers`` say what their workloads are, ``classes`` which data lies where."""
    sightings = _Sightings(directory)
    listed = list(containers)
    for known in {id(one.known): one.known for one in listed}.values():  # replicas share theirs
        sightings.note_facts(known)
    for activity in activities:
        sightings.take(activity)
    return sightings.finish(classes or DataClasses(()))


@dataclass(slots=True)
class _Known:
    """What is known of one end."""

    images: set[str] = field(default_factory=set)
    labels: set[str] = field(default_factory=set)
    listens: set[int] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Sightings:
    """Connections as they are told of, and what is known of who has them."""

    directory: Directory
    tallies: Tallies = field(default_factory=dict)
    known: defaultdict[End, _Known] = field(default_factory=lambda: defaultdict(_Known))
    left_out: Counter[str] = field(default_factory=Counter)
    _contexts: set[str] = field(default_factory=set)

    def take(self, activity: Activity) -> None:
        told = told_by(activity)
        if told is None:
            return
        if activity.context not in self._contexts:
            self._contexts.add(activity.context)
            self.note_facts(activity.known)
        if isinstance(told, Listening):
            self.known[told.owner].listens.add(told.port)
        elif isinstance(told, Asked):
            self.known[told.owner].asked.add(told.name)
        else:
            self._connect(told)

    def note_facts(self, facts: Event) -> None:
        """Note what facts say of their workload."""
        end = workload_of(facts)
        if end is not None:
            known = self.known[end]
            known.images.update(filter(None, [facts.get("container.image.name")]))
            known.labels.update(facts.get("workload.labels") or ())

    def _connect(self, connection: Connection) -> None:
        peer = self.directory.peer_of(connection)
        if isinstance(peer, Nobody):
            self.left_out[peer.reason] += connection.times
            return
        ends = (connection.owner, peer) if connection.side == "egress" else (peer, connection.owner)
        place = Place(*ends, connection.transport, -1 if connection.port is None else connection.port)
        known = self.tallies.get(place)
        if known is None:
            self.tallies[place] = Tally.of(connection)
        else:
            known.add(Tally.of(connection))

    def finish(self, classes: DataClasses) -> Map:
        """Return the map of all that was taken."""
        folded, addresses = fold_addresses(unite_sides(self.tallies))
        edges = tuple(
            Edge(
                place.source,
                place.target,
                place.transport,
                None if place.port == UNSEEN_PORT else place.port,
                ports,
                tally,
            )
            for place, tally, ports in fold_ports(folded)
        )
        asked_on = _asked_on(edges)
        ends = sorted({edge.source for edge in edges} | asked_on.keys())
        nodes = (self._node(end, asked_on.get(end, _NOTHING), classes, addresses.get(end, 0)) for end in ends)
        return Map(tuple(nodes), edges, dict(self.left_out))

    def _node(self, end: End, asked_on: _AskedOn, classes: DataClasses, addresses: int) -> Node:
        known = self.known.get(end, _Known())
        traits = Traits(known.labels, known.images, asked_on.protocols, end.label, asked_on.ports)
        return Node(
            end,
            tuple(sorted(known.images)),
            store_of(traits),
            _data_of(end, known, classes),
            tuple(sorted(known.listens)[:_MAX_PORTS]),
            tuple(sorted(known.asked)[:_MAX_NAMES]),
            len(known.asked),
            addresses,
        )


@dataclass(slots=True)
class _AskedOn:
    """Ports and protocols on which others have reached an end."""

    ports: set[int] = field(default_factory=set)
    protocols: set[str] = field(default_factory=set)


_NOTHING: Final = _AskedOn()


def _asked_on(edges: Iterable[Edge]) -> dict[End, _AskedOn]:
    """Return all who were connected to; what only failed, or was one of many ports, does not tell what someone is."""
    found: dict[End, _AskedOn] = {}
    for edge in edges:
        asked = found.setdefault(edge.target, _AskedOn())
        asked.protocols |= edge.tally.protocols
        if edge.port is not None and edge.tally.has_come_about:
            asked.ports.add(edge.port)
    return found


def _data_of(end: End, known: _Known, classes: DataClasses) -> tuple[str, ...]:
    """Return the classes of data that whoever reaches a workload touches."""
    if end.kind != "workload":
        return ()
    reached = {
        "network.direction": "ingress",
        "workload.namespace": end.namespace,
        "workload.name": end.label,
        "workload.labels": sorted(known.labels),
    }
    return classes.of_record(reached)
