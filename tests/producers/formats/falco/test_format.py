from __future__ import annotations

from typing import Any

import pytest

from producers.formats.falco import FalcoFormat
from producers.types import FormatOptions
from schemas.codec import Event
from schemas.errors import Invalid
from schemas.facts import Facts, principal_of
from tests.producers.formats.reading import events_of, results_of

OPTIONS = FormatOptions(cluster="prod", host="node-1")
DIGEST = "sha256:" + "ab" * 32


def alert(fields: Event | None = None, **changes: Any) -> Event:
    whole = {
        "hostname": "node-7",
        "output": "18:54:19.3: Warning Sensitive file opened",
        "priority": "Warning",
        "rule": "Read sensitive file untrusted",
        "source": "syscall",
        "tags": ["T1555", "container", "T1003.008"],
        "time": "2024-05-07T18:54:19.341081180Z",
        "output_fields": {"evt.type": "openat", "fd.name": "/etc/shadow"} if fields is None else fields,
    }
    return {name: value for name, value in (whole | changes).items() if value is not None}


def finding(fields: Event | None = None, **changes: Any) -> Event:
    """Return the event of one alert, without the facts before it."""
    return events_of(FalcoFormat(OPTIONS), alert(fields, **changes))[-1]


def test_reads_an_alert_about_a_file() -> None:
    event = finding(
        {
            "container.id": "9656db3bb358",
            "evt.time.iso8601": 1715108059341081180,
            "evt.type": "openat",
            "fd.name": "/etc/shadow",
            "proc.cmdline": "cat /etc/shadow",
            "proc.exepath": "/bin/cat",
            "proc.name": "cat",
            "proc.pname": "sh",
            "proc.aname[2]": "containerd-shim",
            "proc.tty": 34816,
            "user.name": "root",
            "user.uid": 0,
            "k8s.ns.name": None,
        }
    )
    assert event == {
        "event.id": "try:0000:000000000001",
        "@timestamp": "2024-05-07T18:54:19.341081180Z",
        "entity.id": "9656db3bb358",
        "message": "18:54:19.3: Warning Sensitive file opened",
        "ecs.version": "9.1.0",
        "event.action": "open",
        "event.category": ["file"],
        "event.dataset": "falco.alerts",
        "event.kind": "alert",
        "event.module": "falco",
        "event.outcome": "unknown",
        "event.severity": 50,
        "file.access": ["read"],
        "file.path": "/etc/shadow",
        "process.command_line": "cat /etc/shadow",
        "process.executable": "/bin/cat",
        "process.interactive": True,
        "process.name": "cat",
        "process.parent.name": "sh",
        "rule.level": "medium",
        "rule.name": "Read sensitive file untrusted",
        "rule.ruleset": "syscall",
        "rule.tags": ["T1555", "container", "T1003.008"],
        "threat.technique.id": ["T1555", "T1003.008"],
        "user.id": "0",
        "user.name": "root",
    }


@pytest.mark.parametrize(
    ("priority", "level"),
    [
        ("Emergency", "critical"),
        ("Alert", "critical"),
        ("CRITICAL", "critical"),
        ("Error", "high"),
        ("Warning", "medium"),
        ("Notice", "low"),
        ("Informational", "informational"),
        ("Debug", "informational"),
    ],
)
def test_priorities_become_levels(priority: str, level: str) -> None:
    assert finding(priority=priority)["rule.level"] == level


@pytest.mark.parametrize(
    ("kind", "action"),
    [("execve", "exec"), ("execveat", "exec"), ("openat2", "open"), ("ptrace", "ptrace"), (None, "alert")],
)
def test_system_calls_become_actions(kind: str | None, action: str) -> None:
    assert finding({"evt.type": kind, "proc.exepath": "/bin/sh"})["event.action"] == action


def test_a_connection_has_the_peer_in_the_activity_and_its_own_side_in_the_envelope() -> None:
    event = finding({"evt.type": "connect", "fd.name": "10.0.0.5:43210->203.0.113.9:443", "fd.l4proto": "tcp"})
    assert event["network.direction"] == "egress"
    assert (event["destination.ip"], event["destination.port"]) == ("203.0.113.9", 443)
    assert (event["source.address"], event["source.port"]) == ("10.0.0.5", 43210)
    assert event["network.transport"] == "tcp"
    assert "file.path" not in event


def test_an_inbound_connection_names_the_client_as_the_peer() -> None:
    event = finding({"evt.type": "accept4", "fd.name": "2001:db8::1:5000->2001:db8::2:22"})
    assert (event["network.direction"], event["source.ip"], event["source.port"]) == ("ingress", "2001:db8::1", 5000)
    assert (event["destination.address"], event["destination.port"]) == ("2001:db8::2", 22)


@pytest.mark.parametrize("name", ["ffff8801->ffff8802 /var/run/docker.sock", "/var/run/docker.sock"])
def test_a_connection_to_a_unix_socket_names_its_file(name: str) -> None:
    event = finding({"evt.type": "connect", "fd.type": "unix", "fd.name": name})
    assert (event["network.transport"], event["file.path"]) == ("unix", "/var/run/docker.sock")
    assert event["event.category"] == ["network"]


@pytest.mark.parametrize(
    ("fields", "access"),
    [
        ({"evt.arg.flags": "O_RDONLY|O_CLOEXEC"}, ["read"]),
        ({"evt.arg.flags": "O_RDWR|O_CREAT"}, ["read", "write", "create"]),
        ({"evt.is_open_write": "true"}, ["write"]),
        ({}, ["read"]),
    ],
)
def test_access_to_a_file_comes_from_the_flags_or_the_rule(fields: Event, access: list[str]) -> None:
    assert finding({"evt.type": "open", "fd.name": "/etc/x", **fields})["file.access"] == access


def test_a_rename_has_both_paths() -> None:
    event = finding({"evt.type": "renameat2", "fs.path.source": "/etc/a", "fs.path.target": "/etc/b"})
    assert (event["file.path"], event["file.target_path"], event["file.access"]) == ("/etc/a", "/etc/b", ["rename"])


@pytest.mark.parametrize("container", ["host", "", None, "<NA>"])
def test_what_is_of_no_container_is_of_the_host(container: str | None) -> None:
    assert finding({"container.id": container})["entity.id"] == "host:node-7"
    assert finding({"container.id": container}, hostname=None)["entity.id"] == "host:node-1"


def test_containers_are_known_by_twelve_digits() -> None:
    assert finding({"container.id": "9656DB3BB358" + "0" * 52})["entity.id"] == "9656db3bb358"


def test_numbers_may_be_strings() -> None:
    event = finding({"evt.type": "execve", "proc.pid": "77", "proc.ppid": 76.0, "proc.tty": "0", "user.uid": "1000"})
    assert (event["process.pid"], event["process.parent.pid"], event["user.id"]) == (77, 76, "1000")
    assert event["process.interactive"] is False


def test_the_time_may_be_in_the_fields_only() -> None:
    assert (
        finding({"evt.time.iso8601": 1715108059341081180}, time=None)["@timestamp"] == "2024-05-07T18:54:19.341081180Z"
    )
    assert finding({"jevt.time.iso8601": "2022-02-15T14:03:12.1+0000"}, time=None)["@timestamp"].startswith(
        "2022-02-15T14"
    )


def test_facts_go_before_the_alert_once() -> None:
    fields = {
        "container.id": "9656db3bb358",
        "container.name": "web",
        "container.image.repository": "registry.example/shop/web",
        "container.image.tag": "1.4",
        "container.image.digest": [DIGEST],
        "container.privileged": True,
        "k8s.ns.name": "shop",
        "k8s.pod.name": "web-7998647bdf-phvq7",
    }
    facts, first, second = events_of(FalcoFormat(OPTIONS), alert(fields), alert(fields))
    assert first["event.kind"] == second["event.kind"] == "alert"
    assert (facts["event.kind"], facts["event.action"], facts["facts.authority"]) == ("state", "facts", "sensor")
    assert facts["container.image.hash.all"] == [DIGEST]
    assert facts["container.settings.privileged"] is True
    known = Facts()
    known.merge(facts)
    assert principal_of(facts["entity.id"], known.deciding()) == "container:prod/shop/web/web"


def test_facts_are_the_sum_of_what_alerts_said() -> None:
    one = alert({"container.id": "9656db3bb358", "container.name": "web"})
    other = alert({"container.id": "9656db3bb358", "container.image": "registry.example:5000/web:2"})
    facts = [event for event in events_of(FalcoFormat(OPTIONS), one, other, one) if event["event.kind"] == "state"]
    assert [fact.get("container.image.name") for fact in facts] == [None, "registry.example:5000/web"]
    assert [fact["container.name"] for fact in facts] == ["web", "web"]
    assert facts[1]["container.image.tag"] == ["2"]


def test_an_audit_alert_is_of_the_user() -> None:
    fields = {
        "ka.user.name": "alice",
        "ka.verb": "create",
        "ka.target.resource": "pods",
        "ka.target.subresource": "exec",
        "ka.target.name": "web-7998647bdf-phvq7",
        "ka.target.namespace": "shop",
        "ka.uri.param[command]": "bash",
        "ka.auth.decision": "allow",
        "ka.sourceips": "(192.0.2.1,10.0.0.1)",
    }
    event = finding(fields, source="k8s_audit", rule="Attach/Exec Pod", hostname=None)
    assert event["entity.id"] == "user:prod/alice"
    assert (event["event.action"], event["event.outcome"]) == ("pods/exec-create", "success")
    assert (event["orchestrator.resource.name"], event["orchestrator.resource.id"]) == ("web", "web-7998647bdf-phvq7")
    assert (event["container.exec.command"], event["source.ip"]) == ("bash", "192.0.2.1")


def test_an_audit_alert_may_be_about_no_resource() -> None:
    event = finding({"ka.uri": "/readyz?a=b", "ka.user.name": "system:anonymous", "ka.verb": "get"}, source="k8s_audit")
    assert (event["event.action"], event["url.path"]) == ("nonresource-get", "/readyz")


def test_alerts_of_other_plugins_are_of_the_actor_they_name() -> None:
    assert finding({"ct.user": "bob"}, source="aws_cloudtrail")["entity.id"] == "user:aws_cloudtrail/bob"
    assert finding({"github.repo": "x"}, source="github")["entity.id"] == "host:node-7"


def test_notices_of_drops_become_gaps() -> None:
    notice = alert({"n_drops": "12", "n_evts": "99"}, rule="Falco internal: syscall event drop", priority="Debug")
    (event,) = events_of(FalcoFormat(OPTIONS), notice)
    assert (event["event.action"], event["gap.cause"], event["gap.count"]) == (
        "telemetry-gap",
        "syscall event drop",
        12,
    )
    assert event["entity.id"] == "host:node-7"


def test_metrics_of_the_sensor_are_ignored() -> None:
    assert results_of(FalcoFormat(OPTIONS), alert({}, rule="Falco internal: metrics snapshot")) == []


def test_an_array_loses_only_its_bad_items() -> None:
    good, bad, late = results_of(FalcoFormat(OPTIONS), [alert(), 5, alert()])
    assert isinstance(bad, Invalid)
    assert isinstance(good, dict)
    assert isinstance(late, dict)


@pytest.mark.parametrize(
    "line",
    [
        b"Falco initialized",
        b"5",
        b"{}",
        alert(priority="Loud"),
        alert(time="yesterday"),
        alert(time="1900-01-01T00:00:00Z"),
    ],
)
def test_what_is_no_alert_is_a_dead_letter(line: bytes | Event) -> None:
    (result,) = results_of(FalcoFormat(OPTIONS), line)
    assert isinstance(result, Invalid)
