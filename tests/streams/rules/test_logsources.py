from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.fields import FIELDS
from streams.rules import field_names
from streams.rules.derived import DERIVED
from streams.rules.logsources import ENTITY_KIND, SENSORS, source_of

TABLES = {name: getattr(field_names, name) for name in field_names.__all__}


def passes(record: dict[str, Any], category: str, product: str = "", service: str = "") -> bool:
    """Read a gate as its contract says."""
    for field, values in source_of(category, product, service).gate.items():
        value = record.get(field)
        listed = value if isinstance(value, list) else [] if value is None else [value]
        if not listed or (values and not values.intersection(listed)):
            return False
    return True


def value_of(record: dict[str, Any], name: str, category: str, product: str = "", service: str = "") -> Any:
    column = source_of(category, product, service).column(name)
    return DERIVED[column].read(record) if column in DERIVED else record.get(column)


EXEC = {
    "event.module": "auditd",
    "event.action": "exec",
    "process.executable": "/bin/sh",
    "event.category": ["process"],
}
WRITE = {"event.module": "auditd", "event.action": "open", "file.path": "/etc/x", "file.access": ["create", "write"]}
READ = WRITE | {"file.access": ["read"]}
CONNECT = {"event.action": "connect", "network.direction": "egress", "event.category": ["network"]}
AUDIT = {"kubernetes.audit.verb": "get", "orchestrator.resource.type": "secrets"}


@pytest.mark.parametrize(
    ("record", "logsource"),
    [
        (EXEC, ("process_creation",)),
        (EXEC, ("process_creation", "linux")),
        (EXEC, ("process_creation", "linux", "auditd")),
        (EXEC | {ENTITY_KIND: "container"}, ("process_creation", "container")),
        (EXEC | {ENTITY_KIND: "container"}, ("container",)),
        (WRITE, ("file_event", "linux")),
        (READ, ("file_access", "linux")),
        (WRITE | {"file.access": ["rename"]}, ("file_rename", "linux")),
        (CONNECT, ("network_connection", "linux")),
        (CONNECT, ("firewall",)),
        ({"dns.question.name": "x.example"}, ("dns_query", "linux")),
        (AUDIT, ("", "kubernetes", "audit")),
        (AUDIT, ("application", "kubernetes", "audit")),
        ({"event.module": "docker"}, ("", "docker")),
        ({"event.module": "clamav"}, ("antivirus",)),
        ({"event.dataset": "aws.cloudtrail"}, ("", "aws", "cloudtrail")),
        ({"event.module": "zeek", "event.dataset": "zeek.http"}, ("", "zeek", "http")),
        ({"verdict.outcome": "unauthorized"}, ("verdict", "tidewaiter")),
        (EXEC, ("", "tidewaiter")),
        (EXEC, ("",)),
    ],
)
def test_an_event_of_a_source_passes_its_gate(record: dict[str, Any], logsource: tuple[str, ...]) -> None:
    assert passes(record, *logsource)


@pytest.mark.parametrize(
    ("record", "logsource"),
    [
        (WRITE, ("process_creation", "linux")),
        (READ, ("file_event", "linux")),
        (EXEC, ("process_creation", "windows")),
        (EXEC, ("process_creation", "macos")),
        (EXEC | {ENTITY_KIND: "host"}, ("process_creation", "container")),
        (EXEC | {"event.module": "falco"}, ("", "linux", "auditd")),
        (EXEC, ("", "linux", "sshd")),
        (EXEC, ("", "kubernetes", "audit")),
        (EXEC, ("", "docker")),
        (EXEC, ("antivirus",)),
        (EXEC, ("printing",)),
        ({"event.dataset": "zeek.dns", "event.module": "zeek"}, ("", "zeek", "http")),
        (EXEC, ("verdict", "tidewaiter")),
    ],
)
def test_an_event_of_another_source_does_not(record: dict[str, Any], logsource: tuple[str, ...]) -> None:
    assert not passes(record, *logsource)


@pytest.mark.parametrize("table", TABLES)
def test_every_name_maps_to_a_field_or_a_derived_column(table: str) -> None:
    assert not [column for column in TABLES[table].values() if column not in FIELDS and column not in DERIVED]


def test_what_only_varies_is_mapped_to_the_envelope_so_that_it_is_refused() -> None:
    assert FIELDS[source_of("process_creation", "linux", "").column("ProcessId")].part == "envelope"
    assert FIELDS[source_of("network_connection", "linux", "").column("SourcePort")].part == "envelope"


def test_derived_columns_read_deciding_fields_and_shadow_none() -> None:
    for name, derived in DERIVED.items():
        assert name not in FIELDS
        assert all(FIELDS[field].decides for field in derived.reads)


def test_names_without_a_mapping_stand_for_themselves() -> None:
    assert source_of("process_creation", "linux", "").column("process.interactive") == "process.interactive"
    assert source_of("process_creation", "linux", "").column("Company") == "Company"


@pytest.mark.parametrize(
    ("record", "name", "logsource", "value"),
    [
        ({"process.args": ["chmod", "777", "/x"]}, "a1", ("", "linux", "auditd"), "777"),
        ({"process.args": ["chmod"]}, "a1", ("", "linux", "auditd"), None),
        ({"event.action": "user-cmd"}, "type", ("", "linux", "auditd"), "USER_CMD"),
        ({"event.action": "exec"}, "type", ("", "linux", "auditd"), ["SYSCALL", "EXEC", "EXECVE", "PATH"]),
        ({"event.action": "change-mode"}, "syscall", ("", "linux", "auditd"), ("chmod", "fchmod", "fchmodat", "fchmodat2")),
        ({"event.action": "ptrace"}, "syscall", ("", "linux", "auditd"), ("ptrace",)),
        ({"event.outcome": "failure"}, "success", ("", "linux", "auditd"), "no"),
        ({"file.path": "/a", "file.access": ["create", "write"]}, "nametype", ("", "linux", "auditd"), ["CREATE", "NORMAL"]),
        ({"file.path": "/a", "file.target_path": "/b"}, "name", ("", "linux", "auditd"), ["/a", "/b"]),
        ({"process.executable": "/bin/busybox", "process.name": "wget"}, "Image", ("process_creation",), ["/bin/busybox", "/bin/wget"]),
        ({"process.name": "wget"}, "Image", ("process_creation",), "/wget"),
        ({"process.parent.executable": "/usr/sbin/nginx"}, "ParentImage", ("process_creation",), "/usr/sbin/nginx"),
        ({"user.id": "0"}, "User", ("process_creation",), ["0", "root"]),
        ({"event.action": "rename", "file.path": "/a", "file.target_path": "/b"}, "TargetFilename", ("file_event",), "/b"),
        ({"event.action": "open", "file.path": "/a"}, "TargetFilename", ("file_event",), "/a"),
        ({"network.direction": "egress"}, "Initiated", ("network_connection",), "true"),
        ({"orchestrator.api_version": "apps/v1"}, "apiGroup", ("", "kubernetes", "audit"), "apps"),
        ({"orchestrator.api_version": "v1"}, "apiGroup", ("", "kubernetes", "audit"), None),
        ({"orchestrator.api_version": "apps/v1"}, "objectRef.apiVersion", ("", "kubernetes", "audit"), "v1"),
        ({"url.path": "/healthz"}, "requestURI", ("", "kubernetes", "audit"), "/healthz"),
        (
            {
                "orchestrator.resource.type": "pods",
                "orchestrator.namespace": "shop",
                "orchestrator.api_version": "v1",
                "orchestrator.resource.name": "web",
                "kubernetes.audit.subresource": "exec",
            },
            "requestURI",
            ("", "kubernetes", "audit"),
            "/api/v1/namespaces/shop/pods/web/exec",
        ),
    ],
)  # fmt: skip
def test_a_rule_reads_the_value_that_its_own_source_would_have(
    record: dict[str, Any], name: str, logsource: tuple[str, ...], value: Any
) -> None:
    assert value_of(record, name, *logsource) == value


WORDS = st.sampled_from(
    ["", "process_creation", "file_event", "Linux", "auditd", "kubernetes", "audit", "zeek", "x", "aws"]
)


@given(WORDS, WORDS, WORDS)
def test_every_logsource_has_a_source(category: str, product: str, service: str) -> None:
    source = source_of(category, product, service)
    assert source.sensors <= SENSORS
    assert source == source_of(category.upper(), product.upper(), service.upper())


VALUES = st.one_of(st.none(), st.text(max_size=5), st.lists(st.text(max_size=5), max_size=3))


@given(st.sampled_from(sorted(DERIVED)), st.data())
def test_derived_columns_are_read_from_what_they_say_they_read(name: str, data: st.DataObject) -> None:
    derived = DERIVED[name]
    record = {}
    for field in (*derived.reads, "event.action", "event.outcome"):
        many = FIELDS[field].many
        record[field] = data.draw(st.lists(st.text(max_size=5), max_size=3) if many else st.text(max_size=5))
    derived.read(record)
    assert derived.read({}) in (None, [], ())
