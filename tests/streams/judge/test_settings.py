from __future__ import annotations

from typing import Any

import pytest

from tests.streams.judge.policies import decided, outcome, request, start


def denied(section: str, record: dict[str, Any]) -> bool:
    return outcome(f"policy: p\nsettings: {section}\n", record)[0] == "unauthorized"


def whole(**settings: Any) -> dict[str, Any]:
    """A start of which all settings are known."""
    return start(read_only_root=False, **settings)


def pod(**settings: Any) -> dict[str, Any]:
    """A pod that is written to the API, whole."""
    return (
        request("create", "pods")
        | {f"container.settings.{name}": value for name, value in settings.items()}
        | {"container.settings.read_only_root": False}
    )


@pytest.mark.parametrize(
    ("section", "hit", "miss"),
    [
        ("{user: {deny: root}}", start(user="0"), start(user="1000")),
        ("{user: {deny: root}}", start(user=""), start()),
        ("{user: {only: ['1000', web]}}", start(user="0:1000"), start(user="1000:0")),
        ("{network_mode: {deny: [host, container]}}", start(network_mode="container"), start(network_mode="bridge")),
        (
            "{mounts: {deny: {source: '**', target: /bin/**}}}",
            start(mounts=["/a:/bin:ro"]),
            start(mounts=["/bin:/a:ro"]),
        ),
        ("{volumes: {deny: 'secret:*'}}", start(volumes=["secret:key"]), start(volumes=["claim:secret"])),
        ("{volumes: {only: 'claim:*'}}", start(volumes=["claim:a", "nfs:b"]), start(volumes=["claim:a"])),
        ("{ports: {deny: 22}}", start(ports=["10.0.0.1:22/tcp"]), start(ports=["2222/tcp"])),
        ("{ports: {deny: {port: 0-1023, protocol: udp}}}", start(ports=["53/udp"]), start(ports=["53/tcp"])),
        ("{ports: {deny: {address: 0.0.0.0}}}", start(ports=["80/tcp"]), start(ports=["127.0.0.1:80/tcp"])),
        ("{ports: {deny: {address: '::'}}}", start(ports=["[::]:80/tcp"]), start(ports=["[::1]:80/tcp"])),
        ("{ports: {only: 443}}", start(ports=["443/tcp", "80/tcp"]), start(ports=["443/tcp"])),
        ("{profiles: {require: seccomp}}", whole(), whole(seccomp="runtime/default")),
        ("{profiles: {require: seccomp}}", whole(apparmor="a"), start()),
        ("{limits: {require: memory}}", whole(limited=["cpu"]), whole(limited=["cpu", "memory"])),
        ("{limits: {require: pids}}", whole(), pod()),
        (
            "{limits: {maximum: {memory: 1Gi}}}",
            whole(**{"limits.memory": 2**30 + 1}),
            whole(**{"limits.memory": 2**30}),
        ),
        ("{limits: {maximum: {memory: 1Gi}}}", whole(), start()),
        ("{limits: {maximum: {pids: 100}}}", whole(), pod()),
        ("{limits: {minimum: {cpu: 100m}}}", whole(**{"limits.cpu": 0.05}), whole()),
        ("{service_account: {deny: default}}", pod(), pod(service_account="web")),
        ("{service_account: {only: web}}", pod(service_account="admin"), whole()),
        ("{automount_token: {deny: default}}", pod(), pod(automount_token=False)),
        ("{automount_token: {deny: default}}", pod(automount_token=True), pod(service_account="web")),
        ("{automount_token: {deny: '*'}}", pod(service_account="web"), whole()),
        ("{environment_secrets: {deny: '*'}}", start(environment_secrets=["API_KEY"]), start(environment_secrets=[])),
        (
            "{environment_secrets: {deny: {variable: '*', except: {variable: GPG_*}}}}",
            start(environment_secrets=["GPG_KEY", "API_KEY"]),
            start(environment_secrets=["GPG_KEY"]),
        ),
        ("{labels: {deny: 'debug=*'}}", pod(labels=["debug=true"]), pod(labels=["team=debug"])),
        (
            "{labels: {deny: 'debug=*'}}",
            start() | {"workload.labels": ["debug=1"]},
            pod() | {"workload.labels": ["debug=1"]},
        ),
        ("{required_labels: {require: ['team=*']}}", pod(labels=["app=x"]), pod(labels=["app=x", "team=pay"])),
        ("{required_labels: {require: ['team=*']}}", whole(), whole() | {"workload.labels": ["team=pay"]}),
        ("{probes: {require: liveness}}", pod(probes=["readiness"]), pod(probes=["liveness"])),
        ("{probes: {require: [liveness, readiness]}}", pod(probes=["liveness"]), whole()),
        ("{runtime: {only: [runc, gvisor]}}", start(runtime="kata"), start(runtime="gvisor")),
        ("{runtime: {deny: runc}}", start(runtime="runc"), start()),
        ("{replicas: {minimum: 2}}", pod(replicas=1), pod(replicas=2)),
        ("{replicas: {maximum: 5}}", pod(replicas=6), pod()),
        ("{entrypoint: {deny: '*sh -c*'}}", start(entrypoint=["/bin/sh", "-c", "id"]), start(entrypoint=["/bin/sh"])),
        ("{no_new_privileges: require}", whole(), whole(no_new_privileges=True)),
        ("{capabilities: {deny: {capability: [A, B], name: x}}}", start(**{"capabilities.add": ["B"]}), start()),
        (
            "{host_namespaces: {deny: {namespace: [pid, ipc]}}}",
            start(host_namespaces=["ipc"]),
            start(host_namespaces=["uts"]),
        ),
    ],
)
def test_settings(section: str, hit: dict[str, Any], miss: dict[str, Any]) -> None:
    assert denied(section, hit)
    assert not denied(section, miss)


@pytest.mark.parametrize(
    "section",
    ["{seccomp: {allow: x}}", "{seccomp: {only: x}}", "{ports: {allow: 80}}", "{user: {allow: '*'}}"],
)
def test_a_part_that_is_allowed_does_not_authorize_the_start(section: str) -> None:
    record = start(seccomp="x", ports=["80/tcp"], user="web", privileged=True)
    assert outcome(f"policy: p\nsettings: {section}\n", record)[0] == "undetermined"


@pytest.mark.parametrize("port", ["", "x", ":80", "99999999/tcp", "80", "::80/tcp", "1.2.3.4:80/sctp"])
def test_ports_written_in_any_way_are_read(port: str) -> None:
    assert denied("{ports: {only: []}}", start(ports=[port]))


@pytest.mark.parametrize(
    ("section", "record", "reason"),
    [
        ("{limits: {maximum: {memory: 1Gi}}}", whole(), "has a limit of memory of none, more than 1.07374e+09"),
        ("{limits: {require: memory}}", whole(), "has no limit of memory"),
        ("{required_labels: {require: 'team=*'}}", whole(), "has no label team=*"),
        ("{ports: {deny: 80}}", start(ports=["80/tcp"]), "takes port 80/tcp of the host on 0.0.0.0"),
        ("{user: {deny: root}}", start(user="0"), "runs as user root"),
        ("{automount_token: {deny: default}}", pod(), "mounts the token of service account default"),
        ("{environment_secrets: {deny: '*'}}", start(environment_secrets=["A_KEY"]), "in variable A_KEY"),
    ],
)
def test_reasons_say_what_is_wrong(section: str, record: dict[str, Any], reason: str) -> None:
    assert reason in decided(f"policy: p\nsettings: {section}\n", record).reason
