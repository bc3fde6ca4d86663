"""Connections and name look-ups."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from schemas.vocabulary.clause import Clause, Clauses, Match
from schemas.vocabulary.values import Blocks, Domains, Model, Names, Paths, Ports, Some

__all__ = ["DnsMatch", "EgressMatch", "Network", "PeerMatch"]


class PeerMatch(Match):
    """The other side of a connection, and the port that is connected to.

    ``peer`` is its workload, ``CLUSTER/NAMESPACE/NAME``, where the collector knows it.
    """

    short: ClassVar[str] = "cidr"
    cidr: Blocks | None = None
    port: Ports | None = None
    protocol: Some[Literal["tcp", "udp", "icmp", "sctp", "unix"]] | None = None
    peer: Names | None = None
    executable: Paths | None = None


class EgressMatch(PeerMatch):
    """A peer that is connected to; ``domain`` holds only where the sensor knows the name."""

    short: ClassVar[str] = "cidr"
    domain: Domains | None = None


class DnsMatch(Match):
    """A name that is asked for."""

    short: ClassVar[str] = "domain"
    domain: Domains | None = None
    executable: Paths | None = None


class PeerClause(PeerMatch, Clause):
    except_: Some[PeerMatch] = Field(default=(), alias="except")


class EgressClause(EgressMatch, Clause):
    except_: Some[EgressMatch] = Field(default=(), alias="except")


class DnsClause(DnsMatch, Clause):
    except_: Some[DnsMatch] = Field(default=(), alias="except")


class Network(Model):
    """Connections and name look-ups."""

    egress: Clauses[EgressClause] | None = None
    ingress: Clauses[PeerClause] | None = None
    dns: Clauses[DnsClause] | None = None
