"""Rules in the words of other products' logsources, against raw events that go through our formats."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.case_records import PRINCIPAL, case_of, records_of_case
from schemas.policyset import Document
from streams.judge.scopes import entity_kind
from streams.rules.logsources import ENTITY_KIND
from streams.rules.matcher import CompiledRules
from streams.rules.ruleset import parse_rules

HEAD = "title: x\nid: 00000000-0000-4000-8000-000000000001\nlevel: high\n"
CALL = "type=SYSCALL msg=audit(1.000:7): arch=c000003e syscall={number} success=yes exit=3 a0=ffffff9c {more}ppid=1 pid=2 uid=0 "
CHMOD = [
    CALL.format(number=59, more="") + 'comm="chmod" exe="/usr/bin/chmod" key="susp_activity"',
    'type=EXECVE msg=audit(1.000:7): argc=3 a0="chmod" a1="777" a2="/srv/x"',
    'type=CWD msg=audit(1.000:7): cwd="/root"',
]
PRELOAD = [
    CALL.format(number=257, more="a1=7ffc a2=241 a3=1b6 ") + 'comm="tee" exe="/usr/bin/tee"',
    'type=CWD msg=audit(1.000:7): cwd="/"',
    'type=PATH msg=audit(1.000:7): item=0 name="/etc/" nametype=PARENT',
    'type=PATH msg=audit(1.000:7): item=1 name="/etc/ld.so.preload" nametype=CREATE',
]
CONNECT = [
    CALL.format(number=42, more="") + 'comm="nc" exe="/usr/bin/ncat"',
    "type=SOCKADDR msg=audit(1.000:7): saddr=020001BBCB0071090000000000000000",
]
USER = [
    'type=ADD_USER msg=audit(1.000:7): pid=1 uid=0 auid=0 ses=1 msg=\'op=add-user acct="eve" exe="/usr/sbin/useradd" res=success\''
]
AUDIT = {
    "kind": "Event",
    "apiVersion": "audit.k8s.io/v1",
    "auditID": "a",
    "stage": "ResponseComplete",
    "requestURI": "/api/v1/namespaces/shop/secrets/db?x=1",
    "verb": "get",
    "user": {"username": "alice", "groups": ["dev"]},
    "sourceIPs": ["203.0.113.9"],
    "userAgent": "curl/8",
    "objectRef": {"resource": "secrets", "namespace": "shop", "name": "db", "apiVersion": "v1"},
    "responseStatus": {"code": 403},
    "stageTimestamp": "2026-01-01T00:00:00Z",
}
FALCO = {
    "output": "x",
    "priority": "Notice",
    "rule": "y",
    "time": "2026-01-01T00:00:00Z",
    "output_fields": {
        "container.id": "0123456789ab",
        "evt.type": "execve",
        "proc.name": "sh",
        "proc.exepath": "/bin/sh",
        "proc.cmdline": "sh -c id",
        "proc.pname": "nginx",
        "proc.pexepath": "/usr/sbin/nginx",
    },
}


def matches(logsource: str, selection: str, case: dict[str, Any]) -> bool:
    text = f"{HEAD}logsource: {{{logsource}}}\ndetection: {{selection: {selection}, condition: selection}}\n"
    rules = parse_rules([Document("x.yml", text)])
    compiled = CompiledRules.compile(rules)
    assert not (*rules.refused, *compiled.refused)
    asked = (
        {**one.record, ENTITY_KIND: entity_kind(one.principal)} for one in records_of_case(case_of(case), PRINCIPAL)
    )
    return any(compiled.match(record) for record in asked)


def auditd(lines: list[str]) -> dict[str, Any]:
    return {"format": "auditd", "lines": lines}


def audit(**changes: Any) -> dict[str, Any]:
    return {"format": "kubernetes-audit", "event": AUDIT | changes}


PROCESS, AUDITD, KUBERNETES = (
    "category: process_creation, product: linux",
    "product: linux, service: auditd",
    "product: kubernetes, service: audit",
)


@pytest.mark.parametrize(
    ("logsource", "selection", "case"),
    [
        (AUDITD, "{type: EXECVE, a0: chmod, a1: '777'}", auditd(CHMOD)),
        (AUDITD, "{type: execve, a0|endswith: mod}", auditd(CHMOD)),
        (AUDITD, "{type: SYSCALL, exe|endswith: /chmod, key: susp_activity}", auditd(CHMOD)),
        (AUDITD, "{syscall: execve, success: 'yes', uid: 0, comm: chmod, cwd: /root}", auditd(CHMOD)),
        (AUDITD, "{type: PATH, name: /etc/ld.so.preload, nametype: CREATE}", auditd(PRELOAD)),
        (AUDITD, "{type: ADD_USER, acct: eve, res: success}", auditd(USER)),
        (PROCESS, "{Image|endswith: /chmod, CommandLine|contains: ' 777 ', CurrentDirectory: /root, User: root}", auditd(CHMOD)),
        (PROCESS, "{ParentImage|endswith: /nginx, Image|endswith: /sh}", {"format": "falco", "event": FALCO}),
        ("category: process_creation, product: container", "{Image: /bin/sh}", {"format": "falco", "event": FALCO}),
        ("category: file_event, product: linux", "{TargetFilename: /etc/ld.so.preload, Image|endswith: /tee}", auditd(PRELOAD)),
        (
            "category: network_connection, product: linux",
            "{Initiated: 'true', DestinationIp|cidr: 203.0.113.0/24, DestinationPort: 443, Image|endswith: /ncat}",
            auditd(CONNECT),
        ),
        (KUBERNETES, "{verb: get, objectRef.resource: secrets, objectRef.namespace: shop, user.username: alice}", audit()),
        (f"category: application, {KUBERNETES}", "{responseStatus.code: [401, 403]}", audit()),
        (KUBERNETES, "{requestURI|endswith: /secrets/db, userAgent|startswith: curl, sourceIPs: 203.0.113.9}", audit()),
        (KUBERNETES, "{user.groups: dev, objectRef.apiVersion: v1, stage: ResponseComplete}", audit()),
    ],
)  # fmt: skip
def test_a_rule_of_another_product_matches_its_event(logsource: str, selection: str, case: dict[str, Any]) -> None:
    assert matches(logsource, selection, case)


@pytest.mark.parametrize(
    ("logsource", "selection", "case"),
    [
        (AUDITD, "{type: EXECVE, a0: '777'}", auditd(CHMOD)),
        (AUDITD, "{type: SOCKADDR}", auditd(CHMOD)),
        (AUDITD, "{type: EXECVE}", auditd(CONNECT)),
        ("category: process_creation, product: windows", "{Image|endswith: /chmod}", auditd(CHMOD)),
        ("category: process_creation, product: container", "{Image|endswith: /chmod}", auditd(CHMOD)),
        ("category: file_access, product: linux", "{TargetFilename: /etc/ld.so.preload}", auditd(PRELOAD)),
        (KUBERNETES, "{responseStatus.code: 403}", audit(responseStatus={"code": 200})),
        (KUBERNETES, "{objectRef.subresource: '*'}", audit()),
    ],
)
def test_nor_does_it_match_another_event(logsource: str, selection: str, case: dict[str, Any]) -> None:
    assert not matches(logsource, selection, case)
