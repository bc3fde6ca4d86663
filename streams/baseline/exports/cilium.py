"""A CiliumNetworkPolicy (``cilium.io/v2``) from ``egress``, ``ingress`` and ``dns``.

- A peer that is a workload of the same cluster is selected by namespace and labels, an address or block is a CIDR, a name is an
  FQDN; what a person took out is denied, names excepted, which Cilium cannot deny.
- Names that are asked for are those of the baseline; where it has none of them, every name, since an FQDN is only known to Cilium
  from the answers that its DNS proxy sees.
- Of ICMP a baseline knows no type: echo requests may be sent and received.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.baseline import Baseline
from streams.baseline.exports.flows import ANYBODY, DIRECTIONS, DNS_PORT, ICMP, Flows, Peer, Port, flows_of
from streams.baseline.exports.heading import heading, left_open, left_out, never_notes, required
from streams.baseline.exports.types import Options
from streams.baseline.exports.words import spread
from streams.baseline.exports.workload import Workload, label_notes, metadata, peer_pods, selector, workload_of
from streams.baseline.exports.yamltext import dump_yaml

__all__ = ["cilium"]

_KIND: Final = "A CiliumNetworkPolicy"
_NAMESPACE: Final = "k8s:io.kubernetes.pod.namespace"
_MAX_PORTS: Final = 40
_LABEL: Final = r"(?:\*|[-a-z0-9_]+)"
_NAME: Final = re.compile(rf"\*|(?:\*\*\.)?{_LABEL}(?:\.{_LABEL})*")
_MAX_NAME: Final = 253
_ECHO: Final = [{"fields": [{"family": "IPv4", "type": 8}, {"family": "IPv6", "type": 128}]}]
_MEMBERS: Final = {"workload": "Endpoints", "block": "CIDR", "name": "FQDNs", "any": "Entities"}


def cilium(baseline: Baseline, options: Options) -> str:
    """Return a CiliumNetworkPolicy; a direction that is not in the baseline stays open, one without elements is closed."""
    workload = workload_of(baseline, _KIND)
    required(baseline, DIRECTIONS, _KIND, "a sensor of connections, such as auditd, Falco or Tetragon")
    parts = [_Direction.of(name, baseline, workload, options) for name in DIRECTIONS if name in baseline.elements]
    manifest = {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": metadata(baseline, workload),
        "spec": {
            "endpointSelector": {"matchLabels": selector(workload, options)},
            **{key: rules for part in parts for key, rules in part.sections()},
        },
    }
    notes = [note for part in parts for note in part.notes]
    return heading(baseline, _KIND, [*label_notes(options), *_general(baseline), *notes]) + dump_yaml(manifest)


def _general(baseline: Baseline) -> Iterator[str]:
    yield "Note: it holds for whole pods and adds to other policies of theirs; other containers of the pod need their own."
    yield "Note: a CIDR is compared with addresses outside of the cluster alone, never with those of pods, nodes or Services."
    for dimension in DIRECTIONS:
        yield from left_open(baseline, dimension, f"all {dimension}")
    if baseline.elements.get("dns") and "egress" not in baseline.elements:
        yield "Open: which names are asked for, since a rule for DNS alone would block all other egress."


@dataclass(slots=True)
class _Direction:
    """The rules of one direction in the making."""

    name: str
    workload: Workload
    options: Options
    known: Flows
    never: Flows
    dns: tuple[str, ...]
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, name: str, baseline: Baseline, workload: Workload, options: Options) -> _Direction:
        known, never = (flows_of(name, found.get(name, ())) for found in (baseline.elements, baseline.never))
        made = cls(name, workload, options, known, never, (), list(known.notes))
        if name == "egress":
            made.dns = made.names_asked(baseline)
        return made

    def sections(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """Yield the allowing and the denying section; a direction without rules is closed by an empty one."""
        allowed = [*self._rules(self.known), *self._dns_rules()]
        yield self.name, allowed or [{}]
        denied = [*self._rules(Flows(dict(self._deniable()), ()))]
        if denied:
            yield f"{self.name}Deny", denied

    def names_asked(self, baseline: Baseline) -> tuple[str, ...]:
        """Return the patterns of names that may be asked for; none where the baseline speaks of neither names nor DNS."""
        named = [peer.value for peer in self.known.peers if peer.kind == "name"]
        asked = [spread(element, 1)[0] for element in baseline.elements.get("dns", ())]
        if not (named or asked or self.known.uses(DNS_PORT)):
            return ()
        self.notes.append("Note: DNS is taken to be kube-dns in kube-system; change the last rule where it is another.")
        if "dns" not in baseline.elements:
            self.notes.extend(left_open(baseline, "dns", "every name may be asked for"))
            return ("*",)
        self.notes.extend(
            left_out("dns", (name,), "is no name that Cilium can say") for name in asked if not _is_name(name)
        )
        self.notes.extend(never_notes(baseline, ("dns",), "a pattern that covers it still lets it be asked for"))
        return tuple(sorted({name for name in (*named, *asked) if _is_name(name)}))

    def _rules(self, flows: Flows) -> Iterator[dict[str, Any]]:
        """Yield rules: peers of a kind with the same ports together."""
        grouped: dict[tuple[str, tuple[Port, ...]], list[Any]] = {}
        for peer, ports in flows.peers.items():
            written = self._member(peer)
            if written is not None:
                grouped.setdefault((peer.kind, tuple(sorted(ports))), []).append(written)
        for kind, same in sorted(grouped):
            member = {f"{DIRECTIONS[self.name]}{_MEMBERS[kind]}": grouped[kind, same]}
            yield from ({**member, **part} for part in _port_parts(same))
            if Port(ICMP) in same:
                self.notes.append(
                    f"Note: {self.name}: of ICMP, echo requests are in the rules; other types were not told apart."
                )
                yield {**member, "icmps": _ECHO}

    def _member(self, peer: Peer) -> Any:
        """Return a peer as its list of peers has it; None, with a note, for one that Cilium cannot say."""
        if peer == ANYBODY:
            return "all"
        if peer.kind == "block":
            return peer.value
        if peer.kind == "name":
            return self._fqdn(peer)
        pods = peer_pods(peer.value, self.workload, self.options)
        if isinstance(pods, str):
            self._note("Left out", peer, pods)
            return None
        return {"matchLabels": {_NAMESPACE: pods.namespace, **pods.labels}}

    def _fqdn(self, peer: Peer) -> dict[str, str] | None:
        if self.name == "egress" and _is_name(peer.value):
            return _name_rule(peer.value)
        self._note("Left out", peer, "is no name that Cilium can say here")
        return None

    def _deniable(self) -> Iterator[tuple[Peer, frozenset[Port]]]:
        """Yield what can be denied without denying what is allowed: a denial wins over every other rule."""
        for peer, ports in self.never.peers.items():
            known = self.known.peers.get(peer, frozenset())
            told = {port for port in ports if port.first or port.protocol == ICMP}
            narrow = {port for port in told if not any(port.overlaps(one) for one in known)}
            if peer.kind in ("any", "name") or narrow != ports:
                self._note(
                    "Never",
                    peer,
                    "is denied in part or not at all; a rule for its address or for everybody lets it through",
                )
            if peer.kind not in ("any", "name") and narrow:
                yield peer, frozenset(narrow)

    def _dns_rules(self) -> list[dict[str, Any]]:
        if not self.dns:
            return []
        pods = {"matchLabels": {_NAMESPACE: "kube-system", "k8s:k8s-app": "kube-dns"}}
        port = {"port": str(DNS_PORT), "protocol": "ANY"}
        rules = {"dns": [_name_rule(name) for name in self.dns]}
        return [{"toEndpoints": [pods], "toPorts": [{"ports": [port], "rules": rules}]}]

    def _note(self, kind: str, peer: Peer, text: str) -> None:
        self.notes.append(f"{kind}: {self.name} {peer.text}: {text}.")


def _port_parts(ports: Iterable[Port]) -> Iterator[Mapping[str, Any]]:
    written = [_port(port) for port in ports if port.protocol != ICMP]
    if written:
        parts = (written[start : start + _MAX_PORTS] for start in range(0, len(written), _MAX_PORTS))
        yield {"toPorts": [{"ports": part} for part in parts]}


def _port(port: Port) -> dict[str, Any]:
    last = {"endPort": port.last} if port.last > port.first else {}
    return {"port": str(port.first), **last, "protocol": port.protocol}


def _is_name(word: str) -> bool:
    return 0 < len(word) <= _MAX_NAME and _NAME.fullmatch(word) is not None


def _name_rule(name: str) -> dict[str, str]:
    return {"matchPattern" if "*" in name else "matchName": name}
