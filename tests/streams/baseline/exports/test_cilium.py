from __future__ import annotations

from typing import Any, Final

import jsonschema
import pytest
from hypothesis import given, settings

from schemas.baseline import Baseline, Element
from schemas.errors import ConfigurationError
from streams.baseline.exports.cilium import cilium
from streams.baseline.exports.types import Options
from tests.streams.baseline.exports.reading import comments_of, learned, manifest_of
from tests.streams.baseline.exports.strategies import baselines

_LABELS: Final = {
    "type": "object",
    "additionalProperties": {
        "type": "string",
        "maxLength": 63,
        "pattern": "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$",
    },
}
_SELECTOR: Final = {"type": "object", "properties": {"matchLabels": _LABELS}, "additionalProperties": False}
_NAME: Final = {
    "type": "object",
    "properties": {
        # The patterns of the resource definition, written so that no name takes them long.
        "matchName": {"type": "string", "maxLength": 255, "pattern": "^[-a-zA-Z0-9_]+([.][-a-zA-Z0-9_]+)*[.]?$"},
        "matchPattern": {"type": "string", "maxLength": 255, "pattern": "^[-a-zA-Z0-9_*]+([.][-a-zA-Z0-9_*]+)*[.]?$"},
    },
    "oneOf": [{"required": ["matchName"]}, {"required": ["matchPattern"]}],
    "additionalProperties": False,
}
_PORTS: Final = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "ports": {
                "type": "array",
                "maxItems": 40,
                "items": {
                    "type": "object",
                    "properties": {
                        "port": {
                            "type": "string",
                            "pattern": "^(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[0-9]{1,4})$",
                        },
                        "endPort": {"type": "integer", "minimum": 0, "maximum": 65535},
                        "protocol": {"enum": ["TCP", "UDP", "SCTP", "ANY"]},
                    },
                    "required": ["port"],
                    "additionalProperties": False,
                },
            },
            "rules": {
                "type": "object",
                "properties": {"dns": {"type": "array", "items": _NAME}},
                "additionalProperties": False,
            },
        },
        "additionalProperties": False,
    },
}
_ICMPS: Final = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "fields": {
                "type": "array",
                "maxItems": 40,
                "items": {
                    "type": "object",
                    "properties": {"family": {"enum": ["IPv4", "IPv6"]}, "type": {"type": "integer", "maximum": 255}},
                    "required": ["type"],
                    "additionalProperties": False,
                },
            }
        },
        "additionalProperties": False,
    },
}


def _rules(way: str, *, names: bool) -> dict[str, Any]:
    members = {
        f"{way}Endpoints": {"type": "array", "items": _SELECTOR},
        f"{way}CIDR": {"type": "array", "items": {"type": "string"}},
        f"{way}Entities": {"type": "array", "items": {"enum": ["all", "world", "cluster", "host"]}},
        **({f"{way}FQDNs": {"type": "array", "items": _NAME}} if names else {}),
    }
    return {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {**members, "toPorts": _PORTS, "icmps": _ICMPS},
            "allOf": [
                {"not": {"required": [first, second]}} for first in members for second in members if first < second
            ]
            + [{"not": {"required": ["toPorts", "icmps"]}}],
            "additionalProperties": False,
        },
    }


SCHEMA: Final = {
    "type": "object",
    "properties": {
        "apiVersion": {"const": "cilium.io/v2"},
        "kind": {"const": "CiliumNetworkPolicy"},
        "metadata": {"type": "object", "required": ["name"]},
        "spec": {
            "type": "object",
            "properties": {
                "endpointSelector": _SELECTOR,
                "egress": _rules("to", names=True),
                "egressDeny": _rules("to", names=False),
                "ingress": _rules("from", names=False),
                "ingressDeny": _rules("from", names=False),
            },
            "required": ["endpointSelector"],
            "anyOf": [{"required": ["egress"]}, {"required": ["ingress"]}],
            "additionalProperties": False,
        },
    },
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "additionalProperties": False,
}
"""The fields of the resource definition of cilium.io/v2 that are used, with what its controller refuses besides."""

DATABASE = {"matchLabels": {"k8s:io.kubernetes.pod.namespace": "shop", "app.kubernetes.io/name": "database"}}
KUBE_DNS = {"matchLabels": {"k8s:io.kubernetes.pod.namespace": "kube-system", "k8s:k8s-app": "kube-dns"}}


def spec_of(baseline: Baseline, options: Options | None = None) -> Any:
    manifest = manifest_of(cilium(baseline, options or Options()))
    jsonschema.validate(manifest, SCHEMA)
    return manifest["spec"]


def ports(*numbers: int, protocol: str = "TCP") -> list[Any]:
    return [{"ports": [{"port": str(number), "protocol": protocol} for number in numbers]}]


def test_each_kind_of_peer_has_its_own_rule() -> None:
    spec = spec_of(
        learned(
            egress=[
                ("workload:prod/shop/database", "5432", "tcp"),
                ("10.0.0.0/24", "443", "tcp"),
                ("name:pay.example", "443", "tcp"),
                ("name:*.pay.example", "443", "tcp"),
                ("unknown", "9", "tcp"),
            ],
            dns=[("pay.example",), ("*.pay.example",), ("db.shop.svc",)],
        )
    )
    assert spec["endpointSelector"] == {"matchLabels": {"app.kubernetes.io/name": "web"}}
    names = [{"matchPattern": "*.pay.example"}, {"matchName": "db.shop.svc"}, {"matchName": "pay.example"}]
    assert spec["egress"] == [
        {"toEntities": ["all"], "toPorts": ports(9)},
        {"toCIDR": ["10.0.0.0/24"], "toPorts": ports(443)},
        {"toFQDNs": [names[0], names[2]], "toPorts": ports(443)},
        {"toEndpoints": [DATABASE], "toPorts": ports(5432)},
        {
            "toEndpoints": [KUBE_DNS],
            "toPorts": [{"ports": [{"port": "53", "protocol": "ANY"}], "rules": {"dns": names}}],
        },
    ]


def test_names_that_are_not_in_the_baseline_may_all_be_asked_for_where_names_are_peers() -> None:
    baseline = learned(egress=[("name:pay.example", "443", "tcp")])
    assert spec_of(baseline)["egress"][-1]["toPorts"][0]["rules"] == {"dns": [{"matchPattern": "*"}]}
    assert any(
        comment.startswith("Open: every name may be asked for, since `dns`")
        for comment in comments_of(cilium(baseline, Options()))
    )


def test_a_peer_by_name_may_be_asked_for_although_no_question_was_seen() -> None:
    rule = spec_of(learned(egress=[("name:pay.example", "443", "tcp")], dns=[]))["egress"][-1]
    assert rule["toPorts"][0]["rules"] == {"dns": [{"matchName": "pay.example"}]}


def test_dns_is_not_restricted_where_egress_is_open() -> None:
    baseline = learned(dns=[("pay.example",)], ingress=[])
    assert "egress" not in spec_of(baseline)
    assert any(
        comment.startswith("Open: which names are asked for") for comment in comments_of(cilium(baseline, Options()))
    )


def test_a_direction_without_elements_is_closed() -> None:
    spec = spec_of(learned(egress=[], ingress=[]))
    assert (spec["egress"], spec["ingress"]) == ([{}], [{}])


def test_what_was_taken_out_is_denied() -> None:
    never: dict[str, list[Element]] = {
        "egress": [
            ("10.0.0.5", "443", "tcp"),
            ("workload:prod/shop/database", "6379", "ip"),
            ("name:evil.example", "443", "tcp"),
        ],
        "ingress": [("unknown", "22", "tcp")],
    }
    baseline = learned(
        never, egress=[("10.0.0.0/24", "443", "tcp"), ("workload:prod/shop/database", "6379", "tcp")], ingress=[]
    )
    spec = spec_of(baseline)
    assert spec["egressDeny"] == [
        {"toCIDR": ["10.0.0.5/32"], "toPorts": ports(443)},
        {"toEndpoints": [DATABASE], "toPorts": ports(6379, protocol="UDP")},
    ]
    assert "ingressDeny" not in spec
    told = [comment for comment in comments_of(cilium(baseline, Options())) if comment.startswith("Never:")]
    peers = ["egress evil.example", "egress prod/shop/database", "ingress everybody"]
    assert [peer for peer in peers for comment in told if f" {peer}:" in comment] == peers


def test_icmp_is_echo_requests_in_a_rule_of_its_own() -> None:
    baseline = learned(egress=[("192.0.2.1", "", "icmp"), ("192.0.2.1", "80", "tcp")])
    echo = [{"fields": [{"family": "IPv4", "type": 8}, {"family": "IPv6", "type": 128}]}]
    assert spec_of(baseline)["egress"] == [
        {"toCIDR": ["192.0.2.1/32"], "toPorts": ports(80)},
        {"toCIDR": ["192.0.2.1/32"], "icmps": echo},
    ]


def test_many_ports_are_split_as_cilium_wants_them() -> None:
    (rule,) = spec_of(learned(ingress=[("10.0.0.1", str(port), "tcp") for port in range(1, 91)]))["ingress"]
    assert [len(part["ports"]) for part in rule["toPorts"]] == [40, 40, 10]


@pytest.mark.parametrize(
    "name", ["a b.example", "\\*.example", "a*.example", "", "münchen.example", "a..example", "x" * 300]
)
def test_what_is_no_name_to_cilium_is_left_out_and_a_comment_says_so(name: str) -> None:
    baseline = learned(egress=[(f"name:{name}", "443", "tcp")], dns=[(name,)])
    assert not any("toFQDNs" in rule for rule in spec_of(baseline)["egress"])
    left_out = [comment for comment in comments_of(cilium(baseline, Options())) if comment.startswith("Left out:")]
    assert len(left_out) == 2


def test_a_range_of_ports_is_one_and_a_denial_leaves_what_is_allowed_in_it() -> None:
    never: dict[str, list[Element]] = {"egress": [("10.0.0.1", "1024-65535", "tcp"), ("10.0.0.2", "1024-65535", "tcp")]}
    spec = spec_of(learned(never, egress=[("10.0.0.1", "5432", "tcp"), ("10.0.0.3", "1024-65535", "tcp")]))
    high = [{"ports": [{"port": "1024", "endPort": 65535, "protocol": "TCP"}]}]
    assert {"toCIDR": ["10.0.0.3/32"], "toPorts": high} in spec["egress"]
    assert spec["egressDeny"] == [{"toCIDR": ["10.0.0.2/32"], "toPorts": high}]


def test_without_connections_there_is_none() -> None:
    with pytest.raises(ConfigurationError, match="neither is in version 3"):
        cilium(learned(dns=[("a",)]), Options())


@settings(max_examples=60)
@given(baselines(("egress", "ingress", "dns")).filter(lambda one: {"egress", "ingress"} & one.elements.keys()))
def test_no_name_breaks_out_and_every_policy_fits_the_definition(baseline: Baseline) -> None:
    spec = spec_of(baseline)
    asked = [
        rule
        for part in spec.get("egress", ())
        for port in part.get("toPorts", ())
        for rule in port.get("rules", {}).get("dns", ())
    ]
    known = {element[0] for element in baseline.elements.get("dns", ())} | {"*"}
    known |= {peer.removeprefix("name:") for peer, *_ in baseline.elements.get("egress", ())}
    assert {name for rule in asked for name in rule.values()} <= known
