"""Whose an address or a name is: containers by their addresses, services by theirs and by their names.

An address may pass from one container to another, and containers on several hosts may have the same one. Where what is known leaves more
than one workload, nobody is said to have it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal

from deploy.map.connection import Connection
from deploy.map.end import End, workload_named, workload_of
from deploy.services import Service
from deploy.view.read import Entity
from schemas.matching import clean_address, is_outside

__all__ = ["LOOPBACK", "NOBODY", "OWN", "Directory", "Nobody"]


@dataclass(frozen=True, slots=True)
class Nobody:
    """Why the other end of a connection has no place on the map."""

    reason: str


LOOPBACK: Final = Nobody("within one container or host")
OWN: Final = Nobody("to an own address")
NOBODY: Final = Nobody("to a peer that the sensor did not name")

_SERVICE_PARTS: Final = 3


@dataclass(frozen=True, slots=True)
class _Holder:
    """Who had an address, and until when; empty for who has it still."""

    end: End
    until: str

    def held(self, moment: str) -> bool:
        """Return whether it did so then, or later."""
        return not self.until or self.until >= moment


@dataclass(slots=True)
class Directory:
    """Fed with containers first and services then; answers whom connections were made with."""

    _holders: defaultdict[tuple[str, str], list[_Holder]] = field(default_factory=lambda: defaultdict(list))
    _clusters: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _addresses: defaultdict[End, set[str]] = field(default_factory=lambda: defaultdict(set))
    _replicas: defaultdict[End, list[_Holder]] = field(default_factory=lambda: defaultdict(list))
    _served: defaultdict[End, set[str]] = field(default_factory=lambda: defaultdict(set))
    _workloads: defaultdict[tuple[str, str], set[End]] = field(default_factory=lambda: defaultdict(set))
    _labels: defaultdict[End, set[str]] = field(default_factory=lambda: defaultdict(set))
    _services: dict[tuple[str, str, str], End] = field(default_factory=dict)
    _service_addresses: dict[tuple[str, str], End] = field(default_factory=dict)

    @classmethod
    def of(cls, containers: Iterable[Entity], services: Iterable[Service] = ()) -> Directory:
        """Return the directory of an estate."""
        found = cls()
        for container in containers:
            found._add_container(container)
        for service in services:
            found._add_service(service)
        return found

    def _add_container(self, container: Entity) -> None:
        end, cluster = workload_of(container.known), container.known.get("workload.cluster") or ""
        if end is None:
            end = End("container", container.entity)
        else:
            self._workloads[cluster, end.namespace].add(end)
        self._labels[end].update(container.known.get("workload.labels") or ())
        holder = _Holder(end, container.ended or container.stopped)
        self._replicas[end].append(holder)
        for address in container.own.get("container.ip") or ():
            self._holders[(cluster, address)].append(holder)
            self._clusters[address].add(cluster)
            self._addresses[end].add(address)

    def _add_service(self, service: Service) -> None:
        end = self._behind(service)
        self._services[service.cluster, service.namespace, service.name] = end
        for address in service.addresses:
            self._service_addresses[service.cluster, address] = end
            self._served[end].add(address)
            self._clusters[address].add(service.cluster)

    def _behind(self, service: Service) -> End:
        """Return the one workload whose labels a service asks for."""
        beside = self._workloads.get((service.cluster, service.namespace), ()) if service.selector else ()
        found = [end for end in beside if service.selector <= self._labels[end]]
        return found[0] if len(found) == 1 else End("service", f"{service.cluster}/{service.namespace}/{service.name}")

    def addresses_of(self, namespace: str) -> set[str]:
        """Return the addresses that anything in a namespace has, or has had."""
        named = [self._addresses, self._served]
        return {one for known in named for end, found in known.items() if end.namespace == namespace for one in found}

    def peer_of(self, connection: Connection) -> End | Nobody:
        """Return whom a connection was made with, or why that is nobody's business."""
        peer = connection.peer
        if peer.others:
            return End("others", connection.owner.id)
        place = _place(peer.address)
        if place == "loopback":
            return LOOPBACK
        end = workload_named(peer.workload) or self._by_address(connection) or self._by_name(connection)
        if end is None:
            return _elsewhere(connection, place)
        return OWN if end == connection.owner and self._is_alone(connection) else end

    def _is_alone(self, connection: Connection) -> bool:
        """Return whether no second replica is known that a workload could have meant with its own name."""
        replicas = self._replicas.get(connection.owner, ())
        return sum(one.held(connection.first) for one in replicas) <= 1

    def _by_address(self, connection: Connection) -> End | None:
        address = connection.peer.address
        cluster = self._cluster(connection.cluster, address)
        service = self._service_addresses.get((cluster, address))
        if service is not None:
            return service
        holders = self._holders.get((cluster, address), ())
        then = {one.end for one in holders if one.held(connection.first)}
        late = {one.end for one in holders if one.held(connection.last)}
        found = then if len(then) == 1 else late
        return next(iter(found)) if len(found) == 1 else None

    def _cluster(self, cluster: str, address: str) -> str:
        """Return the cluster to look in: a host lies in none, and may mean the only one that has such an address."""
        known = self._clusters.get(address, ())
        return next(iter(known)) if not cluster and len(known) == 1 else cluster

    def _by_name(self, connection: Connection) -> End | None:
        """Return who has a name of DNS: a service of the cluster, or a workload of the same namespace by its bare name."""
        name, cluster = connection.peer.domain, connection.cluster
        if not name:
            return None
        labels = name.split(".")
        known = None
        if len(labels) >= _SERVICE_PARTS and labels[2] == "svc":
            known = self._known(cluster, labels[1], labels[0])
        elif len(labels) == 1:
            known = self._known(cluster, connection.owner.namespace, name)
        return known or End("name", name)

    def _known(self, cluster: str, namespace: str, name: str) -> End | None:
        service = self._services.get((cluster, namespace, name))
        workload = End("workload", f"{cluster}/{namespace}/{name}")
        return service or (workload if workload in self._labels else None)


def _elsewhere(connection: Connection, place: _Place) -> End | Nobody:
    """Return the place of an address that nobody is known to have."""
    if place == "nowhere":
        return NOBODY
    address = connection.peer.address
    return End("outside", address) if place == "outside" else End("address", f"{connection.cluster}/{address}")


_Place = Literal["nowhere", "loopback", "inside", "outside"]


@lru_cache(maxsize=65_536)
def _place(text: str) -> _Place:
    address = clean_address(text)
    if address is None:
        return "nowhere"
    if address.is_loopback or address.is_unspecified:
        return "loopback"
    return "outside" if is_outside(text) else "inside"
