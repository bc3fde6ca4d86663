from __future__ import annotations

from typing import Any

import pytest

from tests.streams.judge.policies import WEB, compiled, decided, outcome, request

CLASSES = """
policy: classes
data:
  personal:
    workloads: [shop/orders]
    labels: gdpr=yes
    paths: [/srv/customers/**]
    secrets: ["*/shop/customers-*"]
  health: {}
"""
OWN = {"workload.cluster": "lab", "workload.namespace": "shop", "workload.name": "orders"}


def opened(path: str, by: str = "/usr/bin/python3", workload: str = "orders") -> dict[str, Any]:
    facts = OWN | {"workload.name": workload}
    return facts | {"event.action": "open", "file.path": path, "file.access": ["read"], "process.executable": by}


def connected(peer: str, direction: str = "egress", workload: str = "web") -> dict[str, Any]:
    facts = OWN | {"workload.name": workload}
    return facts | {"event.action": "connect", "network.direction": direction, "peer.workload": peer}


@pytest.mark.parametrize(
    ("record", "classes"),
    [
        (opened("/srv/customers/1.json"), ("personal",)),
        (opened("/srv/other"), ()),
        (opened("../customers/x") | {"process.working_directory": "/srv/shop"}, ("personal",)),
        (opened("/srv/customers/run") | {"event.action": "exec"}, ()),
        (connected("lab/shop/orders"), ("personal",)),
        (connected("lab/shop/web"), ()),
        (connected("lab/shop/web", "ingress", "orders"), ("personal",)),
        (connected("lab/shop/orders", "ingress", "web"), ()),
        (request("get", "pods", namespace="shop", name="orders"), ("personal",)),
        (request("create", "pods", subresource="exec", namespace="shop", name="orders"), ("personal",)),
        (request("get", "configmaps", namespace="shop", name="orders"), ()),
        (request("get", "pods", namespace="other", name="orders"), ()),
        (request("get", "pods") | {"target.labels": ["tidewaiter.io/data=health"]}, ("health",)),
        (request("get", "pods") | {"target.labels": ["data=personal", "data=health"]}, ("health", "personal")),
        (request("get", "pods") | {"target.labels": ["data=redis"]}, ()),
        (request("get", "secrets") | {"secret.path": "lab/shop/customers-key"}, ("personal",)),
        (OWN | {"event.action": "container-exec"}, ("personal",)),
        (
            OWN | {"workload.name": "x", "workload.labels": ["gdpr=yes"], "event.action": "container-attach"},
            ("personal",),
        ),
        (OWN | {"event.action": "exec", "process.executable": "/bin/sh"}, ()),
        ({"event.action": "something"}, ()),
    ],
)
def test_a_record_touches_classes_of_data(record: dict[str, Any], classes: tuple[str, ...]) -> None:
    assert compiled(CLASSES).ask(record, WEB).data == classes


def ruled(clauses: str, record: dict[str, Any]) -> tuple[str, str]:
    return outcome(f"{CLASSES}---\npolicy: who\naccess: {{data: {clauses}}}\n", record)


@pytest.mark.parametrize(
    ("clauses", "record", "expected"),
    [
        ("{deny: personal}", opened("/srv/customers/1"), "unauthorized"),
        ("{deny: health}", opened("/srv/customers/1"), "undetermined"),
        ("{deny: {class: personal, except: {workloads: shop/orders}}}", opened("/srv/customers/1"), "undetermined"),
        ("{only: {class: personal, workloads: shop/orders}}", opened("/srv/customers/1"), "authorized"),
        (
            "{only: {class: personal, workloads: shop/orders}}",
            opened("/srv/customers/1", workload="web"),
            "unauthorized",
        ),
        ("{only: {class: personal, executable: /bin/cat}}", opened("/srv/customers/1"), "unauthorized"),
        ("{only: {class: health, users: dpo}}", opened("/srv/customers/1"), "undetermined"),
        ("{only: {users: dpo}}", opened("/srv/customers/1"), "unauthorized"),
        ("{only: []}", opened("/srv/customers/1"), "unauthorized"),
        ("{only: []}", opened("/srv/x"), "undetermined"),
        (
            "{allow: {class: personal, users: dpo}}",
            request("get", "pods", "dpo", namespace="shop", name="orders"),
            "authorized",
        ),
        (
            "{deny: {class: personal, groups: dev}}",
            request("get", "pods", namespace="shop", name="orders", roles=["dev"]),
            "unauthorized",
        ),
        (
            "{only: {class: personal, service_accounts: shop/api}}",
            request("get", "secrets", "system:serviceaccount:shop:api") | {"secret.path": "a/shop/customers-1"},
            "authorized",
        ),
        ("{only: {class: personal, workloads: shop/web}}", connected("lab/shop/orders"), "authorized"),
        (
            "{only: {class: personal, workloads: shop/web}}",
            connected("lab/shop/orders", workload="other"),
            "unauthorized",
        ),
        (
            "{only: {class: personal, workloads: shop/web}}",
            connected("lab/shop/web", "ingress", "orders"),
            "authorized",
        ),
        ("{only: {class: personal, workloads: shop/orders}}", OWN | {"event.action": "container-exec"}, "unauthorized"),
        (
            "{deny: {class: personal, addresses: 203.0.113.0/24}}",
            request("get", "pods", namespace="shop", name="orders") | {"source.ip": "203.0.113.7"},
            "unauthorized",
        ),
    ],
)
def test_who_may_touch_data(clauses: str, record: dict[str, Any], expected: str) -> None:
    assert ruled(clauses, record)[0] == expected


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (opened("/srv/customers/1"), "touches personal data: reads /srv/customers/1 with /usr/bin/python3"),
        (connected("lab/shop/orders"), "touches personal data: connects to"),
        (request("get", "pods", namespace="shop", name="orders"), "touches personal data: alice: get pods shop/orders"),
        (OWN | {"event.action": "container-exec"}, "touches personal data: someone executes in container"),
    ],
)
def test_reasons_say_how(record: dict[str, Any], reason: str) -> None:
    text = f"{CLASSES}---\npolicy: who\naccess: {{data: {{deny: {{name: all, class: personal}}}}}}\n"
    verdict = decided(text, record)
    assert verdict.reason.startswith(reason)
    assert verdict.clause == "access.data.all"
