"""What an activity tells of connections: who says it, and the other end as the sensor saw it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

from deploy.map.end import End, workload_of
from deploy.view.read import Activity
from schemas.matching import clean_address, clean_domain
from streams.judge.memo import OTHER, UNKNOWN

__all__ = ["Asked", "Connection", "Listening", "Peer", "Side", "owner_of", "told_by"]

Side = Literal["egress", "ingress"]
"""Who tells of a connection: the end that connects, or the one that is connected to."""

_SIDES: Final[Mapping[str, Side]] = {"egress": "egress", "ingress": "ingress"}


class Peer(NamedTuple):
    """The other end: its workload, its name and its address, each empty where the sensor did not see it.

    ``others`` are the peers of all connections that were too many to be told apart.
    """

    workload: str = ""
    domain: str = ""
    address: str = ""
    others: bool = False


class Connection(NamedTuple):
    """Connections of one owner with one peer, as one sensor saw them; ``port`` is None and ``transport`` empty where it did not see them.

    ``failed`` says that the platform let none of them come about.
    """

    owner: End
    cluster: str
    side: Side
    peer: Peer
    port: int | None
    transport: str
    protocol: str
    dataset: str
    times: int
    first: str
    last: str
    outcome: str
    failed: bool
    level: str
    data: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listening:
    """A port on which the owner waits for connections."""

    owner: End
    port: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A name that the owner has asked a name server for."""

    owner: End
    name: str


def told_by(activity: Activity) -> Connection | Listening | Asked | None:
    """Return what an activity tells; None for one that is about no connection."""
    done, owner = activity.done, owner_of(activity)
    if "dns.question.name" in done:
        return Asked(owner, clean_domain(done["dns.question.name"]))
    if activity.digest.startswith(OTHER) and activity.dimension in _SIDES:
        return _connection(activity, owner, _SIDES[activity.dimension], Peer(others=True))
    side = _SIDES.get(done.get("network.direction", ""))
    if side is None:
        return None
    peer = _peer(done, side)
    if side == "ingress" and peer == Peer() and isinstance(done.get("destination.port"), int):
        return Listening(owner, done["destination.port"])
    return _connection(activity, owner, side, peer)


def owner_of(activity: Activity) -> End:
    """Return who tells of an activity."""
    kind, _, name = activity.principal.partition(":")
    if kind == "container":
        return workload_of(activity.known) or End("container", name)
    if f"{kind}:" == UNKNOWN:
        return End("container", name)
    return End("host", name) if kind == "host" else End("account", activity.principal)


def _peer(done: Mapping[str, Any], side: Side) -> Peer:
    if side == "ingress":
        return Peer(done.get("peer.workload", ""), "", _address(done.get("source.ip", "")))
    domain, address = clean_domain(done.get("destination.domain", "")), _address(done.get("destination.ip", ""))
    return Peer(done.get("peer.workload", ""), "" if clean_address(domain) else domain, address)


@lru_cache(maxsize=65_536)
def _address(text: str) -> str:
    found = clean_address(text)
    return "" if found is None else str(found)


def _connection(activity: Activity, owner: End, side: Side, peer: Peer) -> Connection:
    done, verdict = activity.done, activity.verdict
    return Connection(
        owner=owner,
        cluster=activity.known.get("workload.cluster") or "",
        side=side,
        peer=peer,
        port=done.get("destination.port"),
        transport=done.get("network.transport", ""),
        protocol=done.get("network.protocol", ""),
        dataset=done.get("event.dataset", ""),
        times=activity.count,
        first=activity.first,
        last=activity.last,
        outcome=activity.outcome,
        failed=done.get("event.outcome") == "failure",
        level=verdict.get("verdict.level", "") if activity.outcome == "unauthorized" else "",
        data=tuple(verdict.get("verdict.data") or ()),
    )
