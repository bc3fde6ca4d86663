"""Lines that no sensor should write: garbage, truncated and mutated records, the same for the same seed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from random import Random
from typing import Any

from schemas.codec import Event
from tests.producers.formats.scan_reports import IMAGE, grype_match, grype_report, trivy_report, trivy_vulnerability
from tests.producers.formats.vault_audit.samples import pair, request, write

CONTAINER = "9656db3bb358" + "0" * 52

_ENGINE: list[Event] = [
    {
        "Type": "container",
        "Action": "start",
        "Actor": {
            "ID": CONTAINER,
            "Attributes": {"image": "shop/web:1", "name": "web", "com.docker.compose.project": "shop"},
        },
        "scope": "local",
        "time": 1714000000,
        "timeNano": 1714000000123456789,
        "inspect": {
            "Id": CONTAINER,
            "Name": "/web",
            "Image": "sha256:" + "ab" * 32,
            "Created": "2024-04-24T23:06:40.1Z",
            "State": {"StartedAt": "2024-04-24T23:06:40.1Z", "Pid": 7},
            "Config": {"Image": "shop/web:1", "User": "0", "Labels": {"a": "b"}, "Entrypoint": ["/web"], "Cmd": ["-v"]},
            "HostConfig": {
                "Privileged": True,
                "Binds": ["/:/host:rw"],
                "CapAdd": ["SYS_ADMIN"],
                "NetworkMode": "host",
                "Memory": 1024,
                "NanoCpus": 500000000,
                "PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]},
                "SecurityOpt": ["seccomp=unconfined"],
            },
            "Mounts": [{"Type": "bind", "Source": "/", "Destination": "/host", "RW": True, "Propagation": "rshared"}],
            "NetworkSettings": {"Networks": {"bridge": {"IPAddress": "172.17.0.2"}}},
        },
    },
    {
        "status": "exec_create: /bin/sh -c exit 1",
        "id": CONTAINER,
        "from": "shop/web:1",
        "Type": "container",
        "Action": "exec_create: /bin/sh -c exit 1",
        "Actor": {"ID": CONTAINER, "Attributes": {"name": "web", "execID": "1"}},
        "time": 1714000001,
    },
    {
        "Type": "network",
        "Action": "connect",
        "Actor": {"ID": "b01b0d3c", "Attributes": {"container": CONTAINER, "name": "bridge", "type": "bridge"}},
        "time": 1714000001,
        "timeNano": 1714000001123456789,
    },
    {
        "Type": "image",
        "Action": "pull",
        "Actor": {"ID": "alpine:latest", "Attributes": {"name": "alpine"}},
        "time": 1714000002,
    },
    {
        "timeNano": 1714000003123456789,
        "engine": "podman",
        "usage": {"Id": CONTAINER, "cpu": 0.25, "memory": 8388608, "pids": 3, "network.sent": 88.1, "disk.read": 0},
    },
]
_ALERTS: list[Event] = [
    {
        "hostname": "node-1",
        "output": "Warning Sensitive file opened",
        "priority": "Warning",
        "rule": "Read sensitive file untrusted",
        "source": "syscall",
        "tags": ["T1555", "container"],
        "time": "2024-05-07T18:54:19.341081180Z",
        "output_fields": {
            "container.id": "9656db3bb358",
            "container.image": "shop/web:1",
            "container.image.digest": ["sha256:" + "ab" * 32],
            "evt.time.iso8601": 1715108059341081180,
            "evt.type": "openat",
            "evt.arg.flags": "O_RDONLY",
            "fd.name": "/etc/shadow",
            "k8s.ns.name": "shop",
            "k8s.pod.name": "web-7998647bdf-phvq7",
            "proc.aname[2]": "runc",
            "proc.pid": "77",
            "user.uid": 0,
        },
    },
    {
        "priority": "Notice",
        "rule": "Unexpected outbound connection",
        "time": "2024-05-07T18:54:19Z",
        "output_fields": {"evt.type": "connect", "fd.name": "10.0.0.1:43210->203.0.113.9:443", "fd.l4proto": "tcp"},
    },
    {
        "priority": "Warning",
        "rule": "Attach/Exec Pod",
        "source": "k8s_audit",
        "time": "2022-02-15T14:03:12.1Z",
        "output_fields": {
            "ka.user.name": "alice",
            "ka.verb": "create",
            "ka.target.resource": "pods",
            "ka.sourceips": "(::1)",
        },
    },
    {
        "priority": "Debug",
        "rule": "Falco internal: syscall event drop",
        "time": "2022-02-15T14:03:12.1Z",
        "output_fields": {"n_drops": "12"},
    },
]
_POD: Event = {
    "metadata": {"name": "web-0", "annotations": {"seccomp.security.alpha.kubernetes.io/pod": "unconfined"}},
    "spec": {
        "hostPID": True,
        "securityContext": {"runAsUser": 0},
        "volumes": [{"name": "r", "hostPath": {"path": "/"}}, {"name": "s", "secret": {"secretName": "tls"}}],
        "containers": [
            {
                "name": "web",
                "image": "shop/web:1",
                "command": ["/web"],
                "env": [{"name": "P", "valueFrom": {"secretKeyRef": {"name": "payment"}}}],
                "ports": [{"hostPort": 80, "protocol": "TCP"}],
                "resources": {"limits": {"cpu": "500m", "memory": "1Gi"}},
                "securityContext": {"privileged": True, "capabilities": {"add": ["SYS_ADMIN"], "drop": ["ALL"]}},
                "volumeMounts": [{"name": "r", "mountPath": "/host", "mountPropagation": "Bidirectional"}],
            }
        ],
    },
}
_AUDIT: Event = {
    "kind": "Event",
    "auditID": "00000000-0000-4000-8000-@@",
    "stage": "ResponseComplete",
    "requestURI": "/api/v1/namespaces/shop/pods",
    "verb": "create",
    "user": {"username": "alice", "groups": ["team"]},
    "impersonatedUser": {"username": "bob"},
    "sourceIPs": ["192.0.2.7"],
    "objectRef": {"resource": "pods", "namespace": "shop", "apiVersion": "v1"},
    "responseStatus": {"code": 201},
    "requestObject": _POD,
    "requestReceivedTimestamp": "2025-03-01T10:00:00.123456Z",
    "annotations": {"authorization.k8s.io/decision": "allow"},
}
_EXECUTION = _AUDIT | {
    "stage": "ResponseStarted",
    "requestURI": "/api/v1/namespaces/shop/pods/web-0/exec?command=sh&command=-c&tty=true",
    "objectRef": {"resource": "pods", "namespace": "shop", "name": "web-0", "subresource": "exec"},
    "requestObject": None,
}
_PATCH = _AUDIT | {
    "verb": "patch",
    "objectRef": {"resource": "deployments", "namespace": "shop", "name": "web"},
    "requestObject": [
        {"op": "add", "path": "/spec/template/spec/containers/0/securityContext/privileged", "value": True}
    ],
}
_BINDING = _AUDIT | {
    "objectRef": {"resource": "clusterrolebindings", "name": "x"},
    "requestObject": {"roleRef": {"name": "cluster-admin"}, "subjects": [{"kind": "User", "name": "bob"}]},
}
_GOOGLE: Event = {
    "timestamp": "2025-03-01T10:00:00.123456Z",
    "resource": {"labels": {"cluster_name": "prod"}},
    "operation": {"id": "op-1", "first": True},
    "protoPayload": {
        "methodName": "io.k8s.core.v1.pods.exec.create",
        "resourceName": "core/v1/namespaces/shop/pods/web-0/exec",
        "authenticationInfo": {"principalEmail": "alice@example.org"},
        "authorizationInfo": [{"granted": True}],
        "requestMetadata": {"callerIp": "192.0.2.7"},
        "request": {"command": ["sh"]},
        "status": {"code": 7},
    },
}
_AUDITS: list[Event] = [
    _AUDIT,
    _EXECUTION,
    _PATCH,
    _BINDING,
    _GOOGLE,
    {"kind": "EventList", "items": [_AUDIT, _EXECUTION]},
    {"logGroup": "/aws/eks/prod/cluster", "logEvents": [{"message": json.dumps(_AUDIT)}]},
    {"category": "kube-audit", "properties": {"log": json.dumps(_AUDIT)}},
]
_TRIVY: list[Event] = [
    trivy_report(
        {
            "Target": "web (alpine)",
            "Class": "os-pkgs",
            "Packages": [
                {"Name": "bash", "Version": "5.0", "Release": "4", "Epoch": 1, "InstalledFiles": ["bin/bash"]}
            ],
            "Vulnerabilities": [trivy_vulnerability("CVE-2019-1", "CRITICAL", "musl", "1.1")],
        }
    ),
    trivy_report({"Target": "/.env", "Secrets": [{"RuleID": "aws", "Severity": "HIGH", "Match": "x"}]}, Metadata=None),
    {
        "ClusterName": "prod",
        "Resources": [{"Kind": "Pod", "Name": "web", "Metadata": [{"ImageID": IMAGE}], "Results": []}],
    },
]
_GRYPE: list[Event] = [
    grype_report(grype_match("CVE-2019-1", "Critical", "musl", "fixed")),
    grype_report(grype_match("CVE-2019-2", "Low", "bash"), source={"type": "directory", "target": "/srv"}),
    {"artifacts": [{"name": "bash", "version": "5"}], "source": {"type": "image", "metadata": {"imageID": IMAGE}}},
]
_NOTIFICATION: Event = {
    "timestamp": "2016-03-09T14:44:26.402973972-08:00",
    "action": "push",
    "target": {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": IMAGE,
        "repository": "shop/web",
        "tag": "1.0",
        "references": [{"mediaType": "application/vnd.oci.image.config.v1+json", "digest": IMAGE}],
    },
    "request": {"addr": "192.0.2.7:42961", "host": "registry.example", "method": "PUT", "useragent": "docker/26"},
    "actor": {"name": "ci"},
}
_REGISTRY: list[Event] = [
    {"events": [_NOTIFICATION, _NOTIFICATION | {"action": "mount"}]},
    {"events": [_NOTIFICATION | {"action": "delete"}]},
    _NOTIFICATION | {"action": "pull", "actor": {}},
]
_VAULT: list[Event] = [
    *write("secret/data/app/db", "password", version=1, number="@@1"),
    *pair("auth/kubernetes/login", "update", number="@@2", request={"mount_type": "kubernetes"}),
    request(number="@@3", error="permission denied"),
]
_LINUX = f"""\
type=SYSCALL msg=audit(1714000000.123:@@1): arch=c000003e syscall=59 success=yes exit=0 a0=1 a1=2 a2=3 a3=4 items=2 ppid=6 pid=7 \
auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=1 comm="sh" exe="/bin/sh" key="exec" container={CONTAINER}
type=EXECVE msg=audit(1714000000.123:@@1): argc=3 a0="sh" a1="-c" a2=6964202D75
type=CWD msg=audit(1714000000.123:@@1): cwd="/"
type=PATH msg=audit(1714000000.123:@@1): item=0 name="/bin/sh" inode=7 dev=08:01 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL sha256={"5e" * 32}
type=PROCTITLE msg=audit(1714000000.123:@@1): proctitle=7368002D63
type=EOE msg=audit(1714000000.123:@@1):
type=SYSCALL msg=audit(1714000000.456:@@2): arch=c000003e syscall=42 success=no exit=-111 a0=3 a1=2 a2=10 ppid=6 pid=8 uid=33 comm="curl" exe="/usr/bin/curl"
type=SOCKADDR msg=audit(1714000000.456:@@2): saddr=020001BBCB0071090000000000000000 peer=shop/data%20base
type=SYSCALL msg=audit(1714000000.789:@@3): arch=c000003e syscall=257 success=yes exit=3 a2=241 items=1 ppid=6 pid=9 uid=0 comm="tee" exe="/usr/bin/tee"
type=PATH msg=audit(1714000000.789:@@3): item=0 name=2F746D702F612062 nametype=CREATE
type=USER_LOGIN msg=audit(1714000001.000:@@4): pid=10 uid=0 auid=0 ses=1 msg='op=login acct="root" exe="/usr/sbin/sshd" addr=192.0.2.7 res=success'"""

_CLAMAV = f"""\
/scan/{IMAGE}/usr/bin/x: Eicar-Test-Signature FOUND
/scan/{IMAGE}/usr/bin/y: OK
/srv/upload/x: Eicar-Test-Signature FOUND
Fri Jan  2 10:00:00 2026 -> /srv/upload/y: Eicar-Test-Signature FOUND
----------- SCAN SUMMARY -----------
Total errors: 0
End Date:   2026:01:02 10:00:00"""

_TEMPLATES: dict[str, list[bytes]] = {
    "auditd": _LINUX.encode().splitlines(),
    "clamav": _CLAMAV.encode().splitlines(),
    "docker": [json.dumps(value).encode() for value in _ENGINE],
    "falco": [json.dumps(value).encode() for value in _ALERTS],
    "grype": [json.dumps(value).encode() for value in _GRYPE],
    "kubernetes-audit": [json.dumps(value).encode() for value in _AUDITS],
    "registry": [json.dumps(value).encode() for value in _REGISTRY],
    "trivy": [json.dumps(value).encode() for value in _TRIVY],
    "vault-audit": [json.dumps(value).encode() for value in _VAULT],
}
"""A few good records of each format; ``@@`` is a number that makes their ids new."""

FORMATS_WITH_SEEDS = sorted(_TEMPLATES)


def seeds_of(name: str, cycle: int = 1) -> list[bytes]:
    return [line.replace(b"@@", b"%d" % cycle) for line in _TEMPLATES[name]]


_NASTY: list[Any] = [
    *(None, True, False, 0, -1, 2**31, 2**63, 2**64, 2**200, -(2**63) - 1, 1e308, 0.5),
    *(
        "",
        " ",
        "\0",
        "\n",
        "\ud800",
        "\U0010ffff",
        "١٢",
        "-",
        ":",
        "::",
        "->",
        "//",
        "%",
        "?=&",
        "{}",
        "[]",
        "a" * 40_000,
    ),
    *("-1", "99999999999999999999", "0x1", "1e9", "NaN", "host", "9999-99-99T99:99:99Z", "0001-01-01T00:00:00+14:00"),
    *([], [[]], {}, {"": {}}, [None, 1, "a", {}, []], {"a": {"b": {"c": [1]}}}),
]


def lines_of_garbage(name: str, count: int, seed: int) -> Iterator[bytes]:
    """Yield ``count`` lines for a format: a tenth are good, a twentieth are of other formats."""
    random = Random(seed)
    foreign = [line for other in FORMATS_WITH_SEEDS for line in seeds_of(other)]
    own = seeds_of(name)
    for number in range(count):
        if number % len(own) == 0:
            own = seeds_of(name, number)
        kind = random.random()
        line = own[number % len(own)] if kind > 0.05 else random.choice(foreign)
        yield line if kind > 0.9 else random.choice(_WAYS)(line, random)


def _noise(_: bytes, random: Random) -> bytes:
    return random.randbytes(random.choice([0, 1, 7, 100, 5_000]))


def _letters(_: bytes, random: Random) -> bytes:
    return bytes(random.choices(b'{}[]":,\\/ue0123456789.-+ =()abtype\x1d\x00', k=random.randint(0, 200)))


def _truncated(line: bytes, random: Random) -> bytes:
    return line[: random.randrange(len(line))]


def _beheaded(line: bytes, random: Random) -> bytes:
    return line[random.randrange(len(line)) :]


def _flipped(line: bytes, random: Random) -> bytes:
    changed = bytearray(line)
    for _ in range(random.randint(1, 8)):
        changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)


def _digits(line: bytes, random: Random) -> bytes:
    """Change digits only: the line keeps its shape."""
    return bytes(random.choice(b"0123456789") if 48 <= byte <= 57 and random.random() < 0.2 else byte for byte in line)


def _repeated(line: bytes, random: Random) -> bytes:
    first, last = sorted((random.randrange(len(line)), random.randrange(len(line))))
    return line[:last] + line[first:last] * random.randint(1, 20) + line[last:]


def _nested(line: bytes, random: Random) -> bytes:
    depth = random.choice([2, 10, 300, 2_000])
    return b"[" * depth + line + b"]" * depth


def _many(line: bytes, random: Random) -> bytes:
    return b"[" + b",".join([line] * random.randint(1, 4)) + b"]"


def _mutated(line: bytes, random: Random) -> bytes:
    """Change some values or keys of JSON, or of ``key=value`` text; the line stays readable."""
    if not line.startswith(b"{"):
        words = line.split(b" ")
        for _ in range(random.randint(1, 3)):
            place = random.randrange(len(words))
            key = words[place].partition(b"=")[0]
            words[place] = key + b"=" + str(random.choice(_NASTY)).encode("utf-8", "replace")
        return b" ".join(words)
    value = json.loads(line)
    for _ in range(random.randint(1, 4)):
        _change(value, random)
    return json.dumps(value).encode()


def _change(value: Any, random: Random) -> None:
    """Go to a random place inside ``value`` and put something else there."""
    while value:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = random.choice(keys)
        inner = value[key]
        if isinstance(inner, dict | list) and inner and random.random() < 0.8:
            value = inner
        elif random.random() < 0.2:
            del value[key]
            return
        else:
            value[key] = deepcopy(random.choice(_NASTY))
            return


_WAYS: list[Callable[[bytes, Random], bytes]] = [
    *(_noise, _letters, _truncated, _beheaded, _flipped, _digits, _repeated, _nested, _many),
    *[_mutated] * 6,
]
