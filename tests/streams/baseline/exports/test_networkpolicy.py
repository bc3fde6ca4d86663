from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Any

import kubernetes_validate
import pytest
from hypothesis import given, settings

from schemas.baseline import Baseline, Element, ordered
from schemas.errors import ConfigurationError
from streams.baseline.exports.networkpolicy import networkpolicy
from streams.baseline.exports.types import Options
from tests.streams.baseline.exports.reading import comments_of, learned, manifest_of
from tests.streams.baseline.exports.strategies import baselines

KUBERNETES = "1.33"
LABEL = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
DATABASE = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "shop"}},
    "podSelector": {"matchLabels": {"app.kubernetes.io/name": "database"}},
}
DNS = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
    "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
}


def exported(baseline: Baseline, options: Options | None = None) -> Any:
    text = networkpolicy(baseline, options or Options())
    manifest = manifest_of(text)
    kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
    return manifest


def peers_in(spec: Any) -> list[Any]:
    rules = [
        (rule, key) for direction, key in (("egress", "to"), ("ingress", "from")) for rule in spec.get(direction, [])
    ]
    return [peer for rule, key in rules for peer in rule.get(key, [])]


def test_it_selects_the_pods_of_the_workload_and_says_what_it_was_made_from() -> None:
    baseline = learned(egress=[])
    manifest = exported(baseline)
    assert manifest["metadata"] == {
        "name": "tidewaiter-web-web",
        "namespace": "shop",
        "annotations": {
            "tidewaiter/principal": baseline.principal,
            "tidewaiter/version": "3",
            "tidewaiter/hash": baseline.hash,
        },
    }
    assert manifest["spec"]["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": "web"}}
    comments = comments_of(networkpolicy(baseline, Options()))
    assert f"Baseline: version 3, hash {baseline.hash}" in comments
    assert any("a guess" in comment for comment in comments)


def test_labels_of_pods_come_from_who_knows_them() -> None:
    options = Options(labels={"app": "web", "tier": "front"}, peers={"shop/database": {"app": "postgres"}})
    spec = exported(learned(egress=[("workload:prod/shop/database", "5432", "tcp")]), options)["spec"]
    assert spec["podSelector"] == {"matchLabels": {"app": "web", "tier": "front"}}
    assert peers_in(spec)[0]["podSelector"] == {"matchLabels": {"app": "postgres"}}


def test_workloads_addresses_and_blocks_become_peers_grouped_by_ports() -> None:
    spec = exported(
        learned(
            egress=[
                ("workload:prod/shop/database", "5432", "ip"),
                ("10.0.0.0/24", "443", "tcp"),
                ("192.0.2.7", "443", "tcp"),
                ("2001:db8::1", "443", "tcp"),
            ]
        )
    )["spec"]
    assert spec["policyTypes"] == ["Egress"]
    assert "ingress" not in spec
    assert spec["egress"] == [
        {
            "to": [{"ipBlock": {"cidr": cidr}} for cidr in ("10.0.0.0/24", "192.0.2.7/32", "2001:db8::1/128")],
            "ports": [{"protocol": "TCP", "port": 443}],
        },
        {"to": [DATABASE], "ports": [{"protocol": "TCP", "port": 5432}, {"protocol": "UDP", "port": 5432}]},
    ]


def test_a_range_of_ports_is_one() -> None:
    never: dict[str, list[Element]] = {"egress": [("10.0.0.5", "1024-65535", "tcp")]}
    spec = exported(learned(never, egress=[("10.0.0.0/24", "1024-65535", "tcp"), ("10.0.0.0/24", "443", "tcp")]))[
        "spec"
    ]
    excepted = {"ipBlock": {"cidr": "10.0.0.0/24", "except": ["10.0.0.5/32"]}}
    assert {"to": [excepted], "ports": [{"protocol": "TCP", "port": 1024, "endPort": 65535}]} in spec["egress"]


def test_a_direction_without_elements_is_closed_and_one_that_is_not_in_the_baseline_is_open() -> None:
    baseline = learned(ingress=[])
    assert exported(baseline)["spec"]["policyTypes"] == ["Ingress"]
    assert exported(baseline)["spec"]["ingress"] == []
    comments = comments_of(networkpolicy(baseline, Options()))
    assert any(comment.startswith("Open: all egress, since `egress` is not in the baseline") for comment in comments)


def test_a_peer_that_was_not_told_opens_its_port_and_icmp_is_left_out() -> None:
    baseline = learned(egress=[("unknown", "9", "tcp"), ("192.0.2.1", "", "icmp")])
    assert exported(baseline)["spec"]["egress"] == [{"ports": [{"protocol": "TCP", "port": 9}]}]
    comments = comments_of(networkpolicy(baseline, Options()))
    assert "Open: egress unknown 9 tcp: its peer is not known, so everybody is one." in comments
    assert "Left out: egress 192.0.2.1/32: a NetworkPolicy does not say ICMP." in comments


def test_a_name_opens_its_port_and_a_comment_says_so() -> None:
    baseline = learned(egress=[("name:pay.example", "443", "tcp")])
    assert exported(baseline)["spec"]["egress"] == [{"ports": [{"protocol": "TCP", "port": 443}]}]
    comments = comments_of(networkpolicy(baseline, Options()))
    assert "Open: egress pay.example: a NetworkPolicy says no names, so TCP port 443 is open to everybody." in comments


@pytest.mark.parametrize(
    "elements", [{"dns": [("db.shop.svc",)], "egress": []}, {"egress": [("10.0.0.1", "53", "udp")]}]
)
def test_dns_may_be_asked_where_the_baseline_shows_it(elements: dict[str, list[Element]]) -> None:
    rules = exported(Baseline("container:prod/shop/web/web", 3, ordered(elements)))["spec"]["egress"]
    assert rules[-1] == {"to": [DNS], "ports": [{"protocol": "TCP", "port": 53}, {"protocol": "UDP", "port": 53}]}


def test_dns_is_closed_where_the_baseline_does_not_show_it() -> None:
    assert DNS not in peers_in(exported(learned(dns=[], egress=[("10.0.0.1", "443", "tcp")]))["spec"])


def test_what_was_taken_out_is_excepted_from_the_blocks_around_it() -> None:
    never: dict[str, list[Element]] = {"egress": [("10.0.0.5", "443", "tcp"), ("10.9.0.0/16", "443", "tcp")]}
    baseline = learned(
        never, egress=[("10.0.0.0/24", "443", "tcp"), ("10.0.0.0/24", "80", "tcp"), ("10.9.1.1", "443", "tcp")]
    )
    assert exported(baseline)["spec"]["egress"] == [
        {"to": [{"ipBlock": {"cidr": "10.0.0.0/24"}}], "ports": [{"protocol": "TCP", "port": 80}]},
        {
            "to": [{"ipBlock": {"cidr": "10.0.0.0/24", "except": ["10.0.0.5/32"]}}],
            "ports": [{"protocol": "TCP", "port": 443}],
        },
    ]
    assert any(
        comment.startswith("Never: egress 10.9.1.1/32: lies within")
        for comment in comments_of(networkpolicy(baseline, Options()))
    )


@pytest.mark.parametrize(
    ("peer", "why"),
    [
        ("workload:other/shop/database", "is in another cluster"),
        ("workload:prod//database", "is no workload that Kubernetes can select"),
        ("workload:prod/shop/data base", "is no workload that Kubernetes can select"),
        ("not an address", "its peer is no address, name or workload"),
    ],
)
def test_a_peer_that_cannot_be_selected_is_left_out_and_a_comment_says_so(peer: str, why: str) -> None:
    baseline = learned(egress=[(peer, "1", "tcp")])
    assert exported(baseline)["spec"]["egress"] == []
    assert any(
        comment.startswith("Left out: egress") and why in comment
        for comment in comments_of(networkpolicy(baseline, Options()))
    )


@pytest.mark.parametrize("principal", ["host:node-1", "user:prod/alice", "unknown:0123456789ab", "container:web"])
def test_only_containers_of_workloads_have_one(principal: str) -> None:
    with pytest.raises(ConfigurationError, match="is no container of a workload"):
        networkpolicy(Baseline(principal, 1, {"egress": ()}), Options())


def test_without_connections_there_is_none_and_the_error_says_what_to_collect() -> None:
    with pytest.raises(ConfigurationError, match=r"made of egress and ingress, and neither is in version 3.*auditd"):
        networkpolicy(learned(dns=[("a",)]), Options())


@pytest.mark.parametrize("labels", [{"a b": "c"}, {"a": "b c"}, {"a": ""}])
def test_labels_that_are_none_are_refused(labels: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="is no label of a pod"):
        networkpolicy(learned(egress=[]), Options(labels=labels))


def test_a_container_of_no_namespace_leaves_the_namespace_to_who_applies_it() -> None:
    manifest = exported(Baseline("container:/" + "/web/web", 1, {"egress": ()}))
    assert "namespace" not in manifest["metadata"]


def test_a_cluster_may_have_slashes_in_its_name() -> None:
    baseline = Baseline(
        "container:arn:aws:eks:x:1:cluster/prod/shop/web/web",
        1,
        ordered({"egress": [("workload:arn:aws:eks:x:1:cluster/prod/shop/database", "1", "tcp")]}),
    )
    assert peers_in(exported(baseline)["spec"]) == [DATABASE]


@settings(max_examples=60)
@given(baselines(("egress", "ingress", "dns")).filter(lambda one: {"egress", "ingress"} & one.elements.keys()))
def test_no_name_breaks_out_and_kubernetes_takes_every_policy(baseline: Baseline) -> None:
    manifest = exported(baseline)
    assert manifest["metadata"]["annotations"]["tidewaiter/hash"] == baseline.hash
    for peer in peers_in(manifest["spec"]):
        block = peer.get("ipBlock", {"cidr": "10.0.0.0/8"})
        assert all(ip_network(one).subnet_of(ip_network(block["cidr"])) for one in block.get("except", []))  # type: ignore[arg-type]  # versions are equal
        for kind in ("namespaceSelector", "podSelector"):
            assert all(map(LABEL.fullmatch, peer.get(kind, {}).get("matchLabels", {}).values()))
    assert set(manifest["spec"]) <= {"podSelector", "policyTypes", "egress", "ingress"}
