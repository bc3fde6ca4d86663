"""Connections and name look-ups."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.vocabulary.clause import Clause, Clauses, Match
from schemas.vocabulary.values import Blocks, Domains, Model, Names, Paths, Ports, Some, short_for

__all__ = ["DnsMatch", "EgressMatch", "Network", "PeerMatch"]


class PeerMatch(Match):
    """The other side of a connection, and the port that is connected to.

    ``peer`` is its workload, ``CLUSTER/NAMESPACE/NAME``, where the collector knows it.
    """

    cidr: Blocks | None = None
    port: Ports | None = None
    protocol: Some[Literal["tcp", "udp", "icmp", "sctp", "unix"]] | None = None
    peer: Names | None = None
    executable: Paths | None = None


class EgressMatch(PeerMatch):
    """A peer that is connected to; ``domain`` holds only where the sensor knows the name."""

    domain: Domains | None = None


class DnsMatch(Match):
    """A name that is asked for."""

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

    egress: Clauses[Annotated[EgressClause, short_for("cidr")]] | None = None
    ingress: Clauses[Annotated[PeerClause, short_for("cidr")]] | None = None
    dns: Clauses[Annotated[DnsClause, short_for("domain")]] | None = None
