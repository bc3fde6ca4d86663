"""A Kubernetes NetworkPolicy (``networking.k8s.io/v1``) from ``egress``, ``ingress`` and ``dns``.

- A peer that is a workload of the same cluster is selected by namespace and labels, an address or block is an ``ipBlock``.
- A name cannot be said here: its port is open to everybody, so that nothing breaks, and a comment says so.
- A NetworkPolicy cannot forbid: what a person took out is excepted from the blocks around it, and told where that is not enough.
- Where the baseline has names that were asked for, or goes to port 53, the DNS of the cluster may be asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.baseline import Baseline
from streams.baseline.exports.flows import ANYBODY, DIRECTIONS, DNS_PORT, ICMP, Flows, Peer, Port, flows_of
from streams.baseline.exports.heading import heading, left_open, required
from streams.baseline.exports.types import Options
from streams.baseline.exports.workload import Workload, label_notes, metadata, peer_pods, selector, workload_of
from streams.baseline.exports.yamltext import dump_yaml

__all__ = ["networkpolicy"]

_KIND: Final = "A NetworkPolicy"
_NAMESPACE_LABEL: Final = "kubernetes.io/metadata.name"
_DNS_RULE: Final = {
    "to": [
        {
            "namespaceSelector": {"matchLabels": {_NAMESPACE_LABEL: "kube-system"}},
            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
        }
    ],
    "ports": [{"protocol": "TCP", "port": DNS_PORT}, {"protocol": "UDP", "port": DNS_PORT}],
}


def networkpolicy(baseline: Baseline, options: Options) -> str:
    """Return a NetworkPolicy; a direction that is not in the baseline stays open, one without elements is closed."""
    workload = workload_of(baseline, _KIND)
    required(baseline, DIRECTIONS, _KIND, "a sensor of connections, such as auditd, Falco or Tetragon")
    found = [name for name in DIRECTIONS if name in baseline.elements]
    parts = [_Direction.of(name, baseline, workload, options) for name in found]
    spec = {
        "podSelector": {"matchLabels": selector(workload, options)},
        "policyTypes": [name.capitalize() for name in found],
        **{part.name: part.rules() for part in parts},
    }
    manifest = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(baseline, workload),
        "spec": spec,
    }
    notes = [note for part in parts for note in part.notes]
    return heading(baseline, _KIND, [*label_notes(options), *_general(baseline), *notes]) + dump_yaml(manifest)


def _general(baseline: Baseline) -> Iterator[str]:
    yield "Note: it holds for whole pods and adds to other policies of theirs; other containers of the pod need their own."
    yield "Note: an ipBlock is compared with the address of the pod behind a Service, not with that of the Service."
    for dimension in DIRECTIONS:
        yield from left_open(baseline, dimension, f"all {dimension}")


@dataclass(slots=True)
class _Direction:
    """The rules of one direction in the making."""

    name: str
    workload: Workload
    options: Options
    known: Flows
    never: Flows
    asks_dns: bool
    notes: list[str] = field(default_factory=list)
    everybody: set[Port] = field(default_factory=set)
    selected: dict[str, tuple[dict[str, Any], set[Port]]] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, baseline: Baseline, workload: Workload, options: Options) -> _Direction:
        """Return a direction with all its peers placed under a rule or told in a note."""
        known, never = (flows_of(name, found.get(name, ())) for found in (baseline.elements, baseline.never))
        asks_dns = name == "egress" and bool(baseline.elements.get("dns") or known.uses(DNS_PORT))
        made = cls(name, workload, options, known, never, asks_dns, list(known.notes))
        for peer, ports in known.peers.items():
            for port in sorted(ports):
                made.place(peer, port)
        made.tell()
        return made

    def place(self, peer: Peer, port: Port) -> None:
        """Put a port under its peer, or say why it is in no rule."""
        if port.protocol == ICMP:
            self._note("Left out", peer, "a NetworkPolicy does not say ICMP")
        elif peer == ANYBODY:
            self.everybody.add(port)
        elif peer.kind == "name":
            self._note("Open", peer, f"a NetworkPolicy says no names, so {port.text} is open to everybody")
            self.everybody.add(port)
        else:
            written = self._block(peer, port) if peer.kind == "block" else self._pods(peer)
            if written is not None:
                self.selected.setdefault(dump_yaml(written), (written, set()))[1].add(port)

    def tell(self) -> None:
        """Say what was taken out and what lets it through all the same, and where DNS is looked for."""
        for peer in self.never.peers:
            excepted = "is excepted from the blocks around it" if peer.kind == "block" else "no rule names it"
            self._note("Never", peer, f"{excepted}; a rule for everybody or for more ports still lets it through")
        if self.asks_dns:
            self.notes.append(
                "Note: DNS is taken to be kube-dns in kube-system; change the last rule where it is another."
            )

    def rules(self) -> list[dict[str, Any]]:
        """Return the rules: peers with the same ports together, then what is open to everybody, then DNS."""
        key = DIRECTIONS[self.name]
        grouped: dict[tuple[Port, ...], list[dict[str, Any]]] = {}
        for _, (written, ports) in sorted(self.selected.items()):
            grouped.setdefault(tuple(sorted(ports)), []).append(written)
        rules: list[dict[str, Any]] = [
            {key: peers, "ports": [_port(port) for port in ports]} for ports, peers in sorted(grouped.items())
        ]
        if self.everybody:
            rules.append({"ports": [_port(port) for port in sorted(self.everybody)]})
        return [*rules, *([_DNS_RULE] if self.asks_dns else [])]

    def _note(self, kind: str, peer: Peer, text: str) -> None:
        self.notes.append(f"{kind}: {self.name} {peer.text}: {text}.")

    def _block(self, peer: Peer, port: Port) -> dict[str, Any] | None:
        forbidden = [
            other.network
            for other, ports in self.never.peers.items()
            if other.kind == "block"
            and other.network.version == peer.network.version
            and any(one.covers(port) for one in ports)
        ]
        if any(peer.network.subnet_of(network) for network in forbidden):  # type: ignore[arg-type]  # versions are equal
            self._note("Never", peer, "lies within what was taken out, so no rule names it")
            return None
        within = [str(network) for network in forbidden if network.subnet_of(peer.network)]  # type: ignore[arg-type]  # the same
        return {"ipBlock": {"cidr": peer.value, **({"except": within} if within else {})}}

    def _pods(self, peer: Peer) -> dict[str, Any] | None:
        pods = peer_pods(peer.value, self.workload, self.options)
        if isinstance(pods, str):
            self._note("Left out", peer, pods)
            return None
        return {
            "namespaceSelector": {"matchLabels": {_NAMESPACE_LABEL: pods.namespace}},
            "podSelector": {"matchLabels": dict(pods.labels)},
        }


def _port(port: Port) -> dict[str, Any]:
    first = {"port": port.first} if port.first else {}
    return {"protocol": port.protocol, **first, **({"endPort": port.last} if port.last > port.first else {})}
