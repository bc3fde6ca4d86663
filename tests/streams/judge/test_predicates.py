from __future__ import annotations

from typing import Any

import pytest

from tests.streams.judge.policies import decided, outcome, request, start


def denied(section: str, record: dict[str, Any]) -> bool:
    return outcome(f"policy: p\n{section}\n", record)[0] == "unauthorized"


def allowed(section: str, record: dict[str, Any]) -> bool:
    return outcome(f"policy: p\n{section}\n", record)[0] == "authorized"


def executed(path: str = "/bin/sh", *args: str, **fields: Any) -> dict[str, Any]:
    named = {f"process.{name}": value for name, value in fields.items()}
    return {"event.action": "exec", "process.executable": path, "process.args": [path, *args]} | named


def opened(path: str, *access: str, by: str = "/bin/cat", **fields: Any) -> dict[str, Any]:
    return {"event.action": "open", "file.path": path, "file.access": list(access), "process.executable": by} | fields


@pytest.mark.parametrize(
    ("clause", "record", "expected"),
    [
        ("{path: /bin/*, args: '-c'}", executed("/bin/sh", "-x", "-c"), True),
        ("{path: /bin/*, args: '-c'}", executed("/bin/sh", "-x"), False),
        ("{args: '/bin/sh'}", executed("/bin/sh", "-x"), False),
        ("{command: '*sh -c*'}", executed("/bin/sh", "-c", "id"), True),
        ("{command: 'sh'}", executed("/bin/sh", command_line="sh"), True),
        ("{program: sh}", executed(name="sh"), True),
        ("{user: root}", executed() | {"user.name": "root", "user.id": "0"}, True),
        ("{user: '0'}", executed() | {"user.id": "0"}, True),
        ("{parent: /usr/sbin/nginx}", executed() | {"process.parent.executable": "/usr/sbin/nginx"}, True),
        ("{parent: /usr/sbin/nginx}", executed(), False),
        ("{interactive: true}", executed(interactive=True), True),
        ("{interactive: true}", executed(), False),
        ("{interactive: false}", executed(interactive=True), False),
        ("{path: /bin/*, except: {path: /bin/sh}}", executed("/bin/sh"), False),
        ("{path: /bin/*, except: {path: /bin/sh, args: x}}", executed("/bin/sh"), True),
        ("{path: /bin/*, except: [{args: x}]}", executed("/bin/sh", "x", "y"), True),
        ("{path: '/memfd:*'}", executed("memfd:x"), True),
    ],
)
def test_exec(clause: str, record: dict[str, Any], expected: bool) -> None:  # noqa: FBT001 - a column
    assert denied(f"exec: {{deny: {clause}}}", record) is expected


def test_what_is_denied_needs_one_value_and_what_is_allowed_needs_all() -> None:
    record = executed("/bin/curl", "-o", "/etc/x")
    assert denied("exec: {deny: {args: '/etc/*'}}", record)
    assert not allowed("exec: {allow: {path: /bin/curl, args: '-o'}}", record)
    assert allowed("exec: {allow: {path: /bin/curl, args: ['-o', '/etc/*']}}", record)


@pytest.mark.parametrize(
    ("clause", "record", "expected"),
    [
        ("{path: /etc/**, access: write}", opened("/etc/x", "read", "write"), True),
        ("{path: /etc/**, access: write}", opened("/etc/x", "read"), False),
        ("{path: /etc/**, access: write}", opened("/etcd/x", "write"), False),
        ("/etc/passwd", opened("passwd", "read", **{"process.working_directory": "/etc"}), True),
        ("/etc/passwd", opened("../etc/passwd", "read", **{"process.working_directory": "/srv"}), True),
        ("/etc/passwd", opened("etc/passwd", "read"), False),
        ("/etc/passwd", opened("/proc/7/root/etc/passwd", "read"), True),
        ("/etc/x", opened("/srv/y", "rename", **{"file.target_path": "/etc/x"}), True),
        ("{path: /etc/x, executable: /bin/*}", opened("/etc/x", "read"), True),
        ("{path: /etc/x, except: {executable: /bin/cat}}", opened("/etc/x", "read"), False),
        ("{path: /etc/x, except: {executable: /bin/cat}}", opened("/etc/x", "read", by="/tmp/cat"), True),  # noqa: S108 - a path in an event
        ("{path: /etc/x, except: {program: adduser}}", opened("/etc/x", "read", **{"process.name": "adduser"}), False),
    ],
)
def test_files(clause: str, record: dict[str, Any], expected: bool) -> None:  # noqa: FBT001 - a column
    assert denied(f"files: {{deny: {clause}}}", record) is expected


def test_a_rename_is_allowed_only_if_both_paths_are() -> None:
    record = opened("/srv/y", "rename", **{"file.target_path": "/etc/x"})
    assert not allowed("files: {allow: /srv/**}", record)
    assert allowed("files: {allow: [{path: [/srv/**, /etc/x]}]}", record)


@pytest.mark.parametrize(
    ("clause", "fields", "expected"),
    [
        ("10.0.0.0/8", {"destination.ip": "10.1.1.1"}, True),
        ("10.0.0.0/8", {"destination.ip": "::ffff:10.1.1.1"}, True),
        ("10.0.0.0/8", {"source.ip": "10.1.1.1"}, False),
        ("10.0.0.0/8", {}, False),
        ("{port: [443, 8000-8999]}", {"destination.port": 8080}, True),
        ("{port: [443, 8000-8999]}", {"destination.port": 9000}, False),
        ("{port: 443}", {"source.port": 443}, False),
        ("{protocol: udp, port: 53}", {"network.transport": "udp", "destination.port": 53}, True),
        ("{protocol: udp, port: 53}", {"destination.port": 53}, False),
        ("{domain: '*.example'}", {"destination.domain": "A.Example."}, True),
        ("{domain: '*.example'}", {"destination.ip": "10.0.0.1"}, False),
        ("{cidr: 0.0.0.0/0, except: {cidr: 10.0.0.0/8}}", {"destination.ip": "10.0.0.1"}, False),
        ("{cidr: 0.0.0.0/0, except: {cidr: 10.0.0.0/8}}", {"destination.ip": "8.8.8.8"}, True),
        ("{executable: /bin/*, cidr: '::/0'}", {"destination.ip": "::1", "process.executable": "/bin/nc"}, True),
    ],
)
def test_egress(clause: str, fields: dict[str, Any], expected: bool) -> None:  # noqa: FBT001 - a column
    record = {"event.action": "connect", "network.direction": "egress"} | fields
    assert denied(f"network: {{egress: {{deny: {clause}}}}}", record) is expected


def test_ingress_is_about_who_connects() -> None:
    record = {
        "event.action": "accept",
        "network.direction": "ingress",
        "source.ip": "203.0.113.9",
        "destination.port": 80,
    }
    assert denied("network: {ingress: {deny: {cidr: 203.0.113.0/24, port: 80}}}", record)
    assert not denied("network: {egress: {deny: 0.0.0.0/0}}", record)


def test_names_that_are_asked_for() -> None:
    record = {"event.action": "dns", "dns.question.name": "a.b.evil.example"}
    assert denied("network: {dns: {deny: '**.evil.example'}}", record)
    assert not denied("network: {dns: {deny: '*.evil.example'}}", record)


@pytest.mark.parametrize(
    ("clause", "record", "expected"),
    [
        ("{users: 'sys*', verbs: get, resources: pods}", request("get", "pods", "system:x"), True),
        ("{resources: pods}", request("get", "pods", subresource="log"), False),
        ("{resources: pods/*}", request("get", "pods", subresource="log"), True),
        ("{resources: pods*}", request("get", "podtemplates"), False),
        ("{resources: pods, namespaces: shop}", request("get", "pods", namespace="shop"), True),
        ("{resources: pods, namespaces: '*'}", request("get", "pods"), False),
        ("{resources: pods, all_namespaces: true}", request("get", "pods"), True),
        ("{resources: pods, all_namespaces: true}", request("get", "pods", namespace="shop"), False),
        ("{resources: pods, outcome: success}", request("get", "pods", outcome="failure"), False),
        ("{users: admin}", request("get", "pods", "alice", effective="admin"), True),
        ("{users: '*', except: {users: admin}}", request("get", "pods", "alice", effective="admin"), True),
        ("{users: '*', except: {users: [alice, admin]}}", request("get", "pods", "alice", effective="admin"), False),
        ("{groups: ops}", request("get", "pods", roles=["dev", "ops"]), True),
        ("{groups: ops}", request("get", "pods"), False),
        ("{grants: {verbs: '*'}}", request("create", "roles", rules=["get pods core", "* pods core"]), True),
        ("{grants: {verbs: '*'}}", request("create", "roles", rules=["get * core"]), False),
        ("{grants: {resources: '*'}}", request("create", "roles", rules=["get * core"]), True),
        ("{grants: {verbs: create, resources: pods/exec}}", request("create", "roles", rules=["* * *"]), True),
        (
            "{grants: {verbs: create, resources: pods/exec}}",
            request("create", "roles", rules=["get pods/exec core"]),
            False,
        ),
        ("{grants: {verbs: get, api_groups: apps}}", request("create", "roles", rules=["get x core"]), False),
        ("{grants: {verbs: get}}", request("create", "roles", rules=["unreadable"]), False),
        ("{paths: /healthz/**}", {"kubernetes.audit.verb": "get", "url.path": "/healthz/etcd"}, True),
        ("{paths: /healthz/**}", {"kubernetes.audit.verb": "get", "url.path": "/healthz/../metrics"}, False),
    ],
)
def test_requests(clause: str, record: dict[str, Any], expected: bool) -> None:  # noqa: FBT001 - a column
    assert denied(f"access: {{api: {{deny: {clause}}}}}", record) is expected


def test_a_role_is_allowed_only_if_all_it_grants_is() -> None:
    section = "access: {api: {allow: {resources: roles, grants: {verbs: [get, list], resources: [pods]}}}}"
    assert allowed(section, request("create", "roles", rules=["get pods core", "list pods core"]))
    assert not allowed(section, request("create", "roles", rules=["get pods core", "list secrets core"]))
    assert not allowed(section, request("create", "roles", rules=["* pods core"]))
    assert not allowed(section, request("create", "roles"))


def test_whoever_impersonates_is_not_whom_an_allowance_means() -> None:
    section = "access: {api: {allow: {users: alice}}}"
    assert allowed(section, request("get", "pods", "alice"))
    assert not allowed(section, request("get", "pods", "alice", effective="admin"))
    assert not allowed(section, request("get", "pods", "mallory", effective="alice"))


def test_secrets_are_requests_for_secrets_alone() -> None:
    section = "access: {secrets: {deny: {verbs: list}}}"
    assert denied(section, request("list", "secrets"))
    assert not denied(section, request("list", "pods"))


@pytest.mark.parametrize(
    ("clause", "settings", "expected"),
    [
        ("capabilities: {deny: SYS_ADMIN}", {"capabilities.add": ["ALL"]}, True),
        ("capabilities: {deny: ALL}", {"capabilities.add": ["CHOWN"]}, True),
        ("capabilities: {only: [CHOWN]}", {"capabilities.add": ["ALL"]}, True),
        ("capabilities: {only: [CHOWN]}", {"capabilities.add": ["CHOWN"]}, False),
        ("capabilities: {only: ALL}", {"capabilities.add": ["ALL"]}, False),
        ("dropped_capabilities: {require: [NET_RAW]}", {"capabilities.drop": ["ALL"]}, False),
        ("dropped_capabilities: {require: [NET_RAW]}", {"capabilities.drop": ["NET_RAW"]}, False),
        ("dropped_capabilities: {require: [ALL]}", {"capabilities.drop": ["NET_RAW"]}, True),
        ("mounts: {deny: /etc}", {"mounts": ["/etc/:/x:ro"]}, True),
        ("mounts: {deny: /etc}", {"mounts": ["/etcd:/x:ro"]}, False),
        ("mounts: {deny: /etc}", {"mounts": ["/srv:/etc:ro"]}, False),
        ("mounts: {deny: {source: '**', writable: true}}", {"mounts": ["/srv:/x:ro"]}, False),
        ("mounts: {deny: {source: '**', propagation: rshared}}", {"mounts": ["/srv:/x:ro:rshared"]}, True),
        ("devices: {deny: /dev/sd*}", {"devices": ["/dev/sda"]}, True),
        ("seccomp: {deny: unconfined}", {"seccomp": "unconfined"}, True),
        ("limits: {require: [memory, pids]}", {"limited": ["memory"]}, True),
        ("limits: {require: [memory]}", {"limited": ["memory"]}, False),
        ("no_new_privileges: require", {"no_new_privileges": False}, True),
        ("no_new_privileges: require", {"no_new_privileges": True}, False),
        ("root: deny", {"root": True}, True),
        ("root: deny", {"root": False}, False),
        ("root: deny", {}, False),
    ],
)
def test_settings(clause: str, settings: dict[str, Any], expected: bool) -> None:  # noqa: FBT001 - a column
    assert denied(f"settings: {{{clause}}}", start(read_only_root=False, **settings)) is expected


def test_read_only_root_is_asked_of_those_who_do_not_have_it() -> None:
    assert denied("settings: {read_only_root: require}", start(read_only_root=False))
    assert not denied("settings: {read_only_root: require}", start(read_only_root=True))


@pytest.mark.parametrize(
    ("clause", "image", "expected"),
    [
        ("tags: {deny: latest}", "nginx", True),
        ("tags: {deny: latest}", "nginx:1", False),
        ("tags: {deny: latest}", "nginx@sha256:" + "a" * 64, False),
        ("digest: require", "nginx:1", True),
        ("digest: require", "nginx@sha256:" + "a" * 64, False),
        ("registries: {deny: docker.io}", "nginx", True),
        ("registries: {only: registry.example}", "sha256:" + "a" * 64, True),
    ],
)
def test_images(clause: str, image: str, expected: bool) -> None:  # noqa: FBT001 - a column
    assert denied(f"images: {{{clause}}}", start(images=[image])) is expected


def test_a_lack_says_what_lacks() -> None:
    verdict = decided("policy: p\nsettings: {limits: {require: memory}}\n", start(read_only_root=False))
    assert verdict.reason == "has no limit of memory, against what policy p requires (settings.limits.memory)"


def test_commands_and_ways_into_a_container() -> None:
    record = request("create", "pods", subresource="exec") | {"container.exec.command": "tar cf - /etc"}
    assert denied("access: {exec_into_container: {deny: {commands: 'tar *'}}}", record)
    assert not denied("access: {exec_into_container: {deny: {via: attach}}}", record)
    assert not denied(
        "access: {exec_into_container: {deny: {users: '*', outcome: success}}}", record | {"event.outcome": "failure"}
    )
    assert denied(
        "access: {exec_into_container: {deny: {users: '*', outcome: success}}}", record | {"event.outcome": "success"}
    )
    assert not denied("access: {exec_into_container: {deny: {inspected: true}}}", record)


def measured(metric: str, band: int) -> dict[str, Any]:
    return {"event.action": "measure", "resource.metric": metric, "resource.band": band}


@pytest.mark.parametrize(
    ("clause", "record", "expected"),
    [
        ("{metric: memory, above: 2Gi}", measured("memory", 124), True),
        ("{metric: memory, above: 2Gi}", measured("memory", 123), False),
        ("{metric: memory, above: 3Gi}", measured("memory", 126), False),
        ("{metric: memory, above: 3Gi}", measured("memory", 127), True),
        ("{metric: memory, below: 2Gi}", measured("memory", 123), True),
        ("{metric: memory, below: 2Gi}", measured("memory", 124), False),
        ("{metric: memory, below: 3Gi}", measured("memory", 126), False),
        ("{metric: cpu, below: 0}", measured("cpu", -24), False),
        ("{metric: cpu, above: 0}", measured("cpu", -24), True),
        ("cpu", measured("memory", 9), False),
        ("{metric: [cpu, memory], except: {metric: memory, below: 1Gi}}", measured("memory", 90), False),
    ],
)
def test_resources_are_whole_bands(clause: str, record: dict[str, Any], expected: bool) -> None:  # noqa: FBT001 - a column
    assert denied(f"resources: {{deny: {clause}}}", record) is expected


def test_an_only_of_resources_forbids_what_may_be_above() -> None:
    section = "resources: {only: {metric: memory, below: 2Gi}}"
    assert allowed(section, measured("memory", 123))
    assert denied(section, measured("memory", 124))
    assert denied(section, measured("cpu", 0))


ACCOUNT = "system:serviceaccount:shop:web"


@pytest.mark.parametrize(
    ("clause", "record", "expected"),
    [
        ("{service_accounts: shop/web}", request("get", "pods", ACCOUNT), True),
        ("{service_accounts: 'shop/*'}", request("get", "pods", ACCOUNT), True),
        ("{service_accounts: '*'}", request("get", "pods", "alice"), False),
        ("{service_accounts: web}", request("get", "pods", ACCOUNT), False),
        ("{addresses: 10.0.0.0/8}", request("get", "pods") | {"source.ip": "::ffff:10.1.2.3"}, True),
        ("{addresses: 10.0.0.0/8}", request("get", "pods") | {"source.ip": "192.0.2.1"}, False),
        ("{addresses: 0.0.0.0/0}", request("get", "pods"), False),
        ("{user_agents: 'curl/*'}", request("get", "pods") | {"user_agent.original": "curl/7"}, True),
        ("{user_agents: 'curl/*'}", request("get", "pods"), False),
        ("{users: '*', except: {addresses: 10.0.0.0/8}}", request("get", "pods") | {"source.ip": "10.0.0.1"}, False),
    ],
)
def test_who_asks_from_where_with_what(clause: str, record: dict[str, Any], expected: bool) -> None:  # noqa: FBT001 - a column
    assert denied(f"access: {{api: {{deny: {clause}}}}}", record) is expected


def test_a_service_account_that_impersonates_a_person_is_not_allowed_as_one() -> None:
    section = "access: {api: {allow: {service_accounts: shop/web}}}"
    assert allowed(section, request("get", "pods", ACCOUNT))
    assert not allowed(section, request("get", "pods", ACCOUNT, effective="alice"))


ENTERED = request("create", "pods", subresource="exec", namespace="shop", name="web")
ENGINE = {"event.action": "container-exec", "workload.namespace": "shop", "workload.name": "web"}


@pytest.mark.parametrize(
    ("clause", "record", "expected"),
    [
        ("{privileged: true}", ENTERED | {"target.privileged": True}, True),
        ("{privileged: true}", ENTERED | {"target.privileged": False}, False),
        ("{privileged: true}", ENTERED, False),
        ("{privileged: false}", ENTERED, False),
        ("{privileged: true}", ENTERED | {"container.settings.privileged": True}, False),
        ("{privileged: true}", ENGINE | {"container.settings.privileged": True}, True),
        ("{host_namespaces: pid}", ENTERED | {"target.host_namespaces": ["ipc", "pid"]}, True),
        ("{host_namespaces: pid}", ENGINE | {"container.settings.host_namespaces": ["ipc"]}, False),
        ("{labels: 'tier=*'}", ENTERED | {"target.labels": ["tier=front"]}, True),
        ("{labels: 'tier=*'}", ENGINE | {"workload.labels": ["tier=front"]}, True),
        ("{namespaces: shop, names: web}", ENTERED, True),
        ("{namespaces: shop, names: web}", ENGINE, True),
        ("{namespaces: shop, names: db}", ENGINE, False),
    ],
)
def test_what_is_known_of_the_container_that_is_entered(clause: str, record: dict[str, Any], expected: bool) -> None:  # noqa: FBT001 - a column
    assert denied(f"access: {{exec_into_container: {{deny: {clause}}}}}", record) is expected


@pytest.mark.parametrize(
    ("section", "record", "expected"),
    [
        ("{max_age_days: 90}", {"secret.older_than": [90]}, True),
        ("{max_age_days: 90}", {"secret.older_than": [30]}, False),
        ("{max_age_days: 90}", {"secret.type": "Opaque"}, False),
        ("{types: {deny: Opaque}}", {"secret.type": "Opaque"}, True),
        ("{types: {only: kv}}", {"secret.type": "Opaque"}, True),
        ("{types: {only: kv}}", {"secret.type": "kv"}, False),
    ],
)
def test_secrets(section: str, record: dict[str, Any], expected: bool) -> None:  # noqa: FBT001 - a column
    assert denied(f"secrets: {section}", {"event.action": "facts", **record}) is expected
    assert not denied(f"secrets: {section}", request("get", "secrets") | record)


def test_peers_are_workloads() -> None:
    record = {"event.action": "connect", "network.direction": "egress", "peer.workload": "lab/shop/db"}
    assert denied("network: {egress: {deny: {peer: '*/shop/db'}}}", record)
    assert denied("network: {egress: {only: {peer: '*/shop/cache'}}}", record)
    assert not denied("network: {egress: {only: {peer: '*/shop/db'}}}", record)
