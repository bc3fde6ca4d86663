from __future__ import annotations

from typing import Any

import pytest

from schemas.codec import Event
from schemas.errors import Invalid
from tests.producers.formats.auditd.audit_lines import CONTAINER, NAMES, line, one, path, read, syscall, tallied, title

CWD = line("CWD", 'cwd="/srv"')


def test_an_exec_in_a_container() -> None:
    event = one(
        syscall(59, {"tty": "pts0", "key": '"exec"'}, tail=f"{NAMES} container={CONTAINER}"),
        line("BPRM_FCAPS", "fver=0 fp=0"),
        line("EXECVE", 'argc=3 a0="/bin/sh" a1="-c" a2=6964202D75'),
        CWD,
        path("/bin/sh"),
        path("/lib64/ld-linux-x86-64.so.2", item=1),
        title(),
    )
    assert event == event | {
        "@timestamp": "2024-04-24T23:06:40.123000000Z",
        "entity.id": CONTAINER[:12],
        "event.sequence": 7,
        "event.action": "exec",
        "event.category": ["process"],
        "event.outcome": "success",
        "process.pid": 7,
        "process.parent.pid": 6,
        "process.executable": "/usr/bin/dash",
        "process.name": "sh",
        "process.args": ["/bin/sh", "-c", "id -u"],
        "process.command_line": "/bin/sh -c id -u",
        "process.working_directory": "/srv",
        "process.interactive": True,
        "user.id": "33",
        "user.effective.id": "0",
        "rule.tags": ["exec"],
    }
    assert "user.name" not in event, "the host's name of an id is someone else's in a container"
    assert "file.path" not in event


def test_a_failed_exec_names_the_program_that_was_asked_for_not_the_one_that_asked() -> None:
    event = one(syscall(59, {"success": "no", "exit": -13}), CWD, path("./tool"), title())
    assert event["process.executable"] == "/srv/tool"
    assert event["process.name"] == "tool"
    assert (event["event.outcome"], event["event.reason"]) == ("failure", "EACCES")


def test_an_applet_is_called_by_its_first_argument() -> None:
    event = one(
        syscall(59, {"comm": '"exe"', "exe": '"/bin/busybox"'}),
        line("EXECVE", 'argc=2 a0="nc" a1="-l"'),
        path("/proc/self/exe"),
        title(),
    )
    assert (event["process.executable"], event["process.name"]) == ("/bin/busybox", "nc")


def test_long_arguments_come_in_parts_and_characters_are_not_cut() -> None:
    event = one(
        syscall(322),
        line("EXECVE", 'argc=3 a0="sh" a1_len=8 a1[0]=C3'),
        line("EXECVE", 'a1[1]=A9C3 a1[2]=A9 a2="z"'),
        title(),
    )
    assert event["process.args"] == ["sh", "éé", "z"]


def test_bytes_that_are_no_text_are_shown_as_what_they_are() -> None:
    event = one(syscall(59), line("EXECVE", "argc=1 a0=FF00"), title())
    assert event["process.args"] == ["\\xff\x00"]


@pytest.mark.parametrize(
    ("saddr", "expected"),
    [
        ("020001BB0A594D010000000000000000", {"destination.ip": "10.89.77.1", "destination.port": 443}),
        ("0A0001BB0000000020010DB800000000000000000000000100000000", {"destination.ip": "2001:db8::1"}),
        ("0A0001BB0000000000000000000000000000FFFF0A594D0100000000", {"destination.ip": "10.89.77.1"}),
        ("01002F72756E2F646F636B65722E736F636B00", {"file.path": "/run/docker.sock", "network.transport": "unix"}),
        ("010000666F6F", {"file.path": "@foo"}),
        ("0100612E736F636B00", {"file.path": "/srv/a.sock"}),
    ],
)
def test_a_connection_goes_to_its_peer(saddr: str, expected: Event) -> None:
    event = one(syscall(42, {"exit": -115, "success": "no"}), CWD, line("SOCKADDR", f"saddr={saddr}"), title())
    assert event["event.action"] == "connect"
    assert {name: event[name] for name in expected} == expected
    if "destination.ip" in expected:
        assert event["network.direction"] == "egress"
        assert "source.ip" not in event
    assert event["event.outcome"] == "unknown", "a connection in progress has not failed"


def test_a_refused_connection_has_failed() -> None:
    event = one(syscall(42, {"success": "no", "exit": -111}), line("SOCKADDR", "saddr=020001BB0A594D01"), title())
    assert (event["event.outcome"], event["event.reason"]) == ("failure", "ECONNREFUSED")


@pytest.mark.parametrize("saddr", ["0200", "10000000", "", "0200ZZ", "FFFF"])
def test_an_address_that_cannot_be_read_is_no_peer(saddr: str) -> None:
    event = one(syscall(42), line("SOCKADDR", f"saddr={saddr}"), title())
    assert event["event.action"] == "connect"
    assert "destination.ip" not in event


def test_an_accepted_connection_comes_from_its_peer_and_a_bound_port_is_ones_own() -> None:
    accepted = one(syscall(288), line("SOCKADDR", "saddr=0200C3500A594D01"), title())
    assert accepted["source.ip"] == "10.89.77.1"
    assert accepted["source.port"] == 50000
    assert accepted["network.direction"] == "ingress"
    assert accepted["network.transport"] == "tcp"
    assert "destination.ip" not in accepted
    bound = one(syscall(49), line("SOCKADDR", "saddr=0200005000000000"), title())
    assert (bound["destination.port"], bound["destination.address"]) == (80, "0.0.0.0")  # noqa: S104 - any address
    assert "destination.ip" not in bound


@pytest.mark.parametrize(
    ("number", "arguments", "kind", "access"),
    [
        (257, {"a2": "0"}, "NORMAL", ["read"]),
        (257, {"a2": "80000"}, "NORMAL", ["read"]),
        (257, {"a2": "1"}, "NORMAL", ["write"]),
        (257, {"a2": "2"}, "NORMAL", ["read", "write"]),
        (257, {"a2": "241"}, "CREATE", ["create", "write"]),
        (257, {"a2": "241"}, "NORMAL", ["write"]),
        (257, {"a2": "200"}, "NORMAL", ["read", "write"]),
        (257, {"a2": "200000"}, "NORMAL", None),
        (2, {"a1": "1"}, "NORMAL", ["write"]),
        (85, {}, "CREATE", ["create", "write"]),
        (437, {}, "NORMAL", None),
    ],
)
def test_how_a_file_was_opened(number: int, arguments: Event, kind: str, access: list[str] | None) -> None:
    event = one(syscall(number, arguments), CWD, path("a", kind), title())
    assert event["event.action"] == "open"
    assert event["file.path"] == "/srv/a"
    assert event.get("file.access") == access


def test_the_flags_of_openat2_have_a_record_of_their_own() -> None:
    event = one(syscall(437), CWD, line("OPENAT2", "oflag=0100001 mode=00 resolve=0x0"), path("/a"), title())
    assert event["file.access"] == ["write"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("/etc/../etc//shadow", "/etc/shadow"),
        ("//etc/shadow", "/etc/shadow"),
        ("../etc/shadow", "/etc/shadow"),
        ("./a b", "/srv/a b"),
        ("a\nb", "/srv/a\nb"),
        ("(null)", None),
    ],
)
def test_a_path_has_one_spelling(name: str, expected: str | None) -> None:
    event = one(syscall(257), CWD, path(name), title())
    assert event.get("file.path") == expected


def test_a_name_below_an_open_directory_stays_relative() -> None:
    event = one(syscall(257, {"a0": "5"}), CWD, path("shadow"), title())
    assert event["file.path"] == "shadow"
    event = one(syscall(257, {"a0": "5"}), CWD, path("/etc/shadow"), title())
    assert event["file.path"] == "/etc/shadow"


def test_overlays_own_look_ups_are_passed_over() -> None:
    event = one(
        syscall(257, {"a2": "241"}),
        CWD,
        path("/tmp/", "PARENT"),  # noqa: S108 - as it was recorded
        path("/tmp/x", "CREATE", 1),  # noqa: S108 - as it was recorded
        path("(null)", "PARENT", 2),
        path("(null)", "CREATE", 3),
        title(),
    )
    assert event["file.path"] == "/tmp/x"  # noqa: S108 - as it was recorded
    assert event["event.type"] == ["creation"]


@pytest.mark.parametrize(
    ("number", "arguments", "paths", "expected"),
    [
        (
            263,
            {},
            [path("/srv", "PARENT"), path("a", "DELETE", 1)],
            {"event.action": "delete", "file.path": "/srv/a", "file.access": ["delete"]},
        ),
        (
            82,
            {},
            [path("/srv", "PARENT"), path("a", "DELETE", 1), path("b", "DELETE", 2), path("b", "CREATE", 3)],
            {"event.action": "rename", "file.path": "/srv/a", "file.target_path": "/srv/b", "file.access": ["rename"]},
        ),
        (
            88,
            {},
            [path("/etc/shadow", "UNKNOWN"), path("/srv", "PARENT", 1), path("link", "CREATE", 2)],
            {"event.action": "symlink", "file.path": "/srv/link", "file.target_path": "/etc/shadow"},
        ),
        (
            90,
            {"a1": "9ed"},
            [path("a")],
            {"event.action": "change-mode", "file.mode": "4755", "file.access": ["attributes"]},
        ),
        (260, {"a0": "ffffff9c"}, [path("a")], {"event.action": "change-owner", "file.path": "/srv/a"}),
        (165, {}, [path("/proc")], {"event.action": "mount", "file.path": "/proc"}),
        (313, {}, [], {"event.action": "init_module", "event.category": ["driver"]}),
        (62, {"a1": "9"}, [], {"event.action": "kill", "event.reason": "signal 9"}),
        (101, {}, [], {"event.action": "ptrace"}),
        (308, {}, [], {"event.action": "setns"}),
        (272, {}, [], {"event.action": "unshare"}),
    ],
)
def test_what_other_calls_do(number: int, arguments: Event, paths: list[bytes], expected: Event) -> None:
    event = one(syscall(number, arguments), CWD, *paths, title())
    assert {name: event[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("arch", "number", "names", "action"),
    [
        ("c00000b7", 221, "", "exec"),
        ("40000003", 11, "", "exec"),
        ("40000003", 102, "", "connect"),
        ("c000003e", 0x40000000 + 520, "", "exec"),
        ("c000003e", 9999, "", "syscall-c000003e-9999"),
        ("f00", 59, "\x1dSYSCALL=execve", "exec"),
        ("c000003e", 42, "\x1dSYSCALL=execve", "connect"),
    ],
)
def test_numbers_of_other_architectures(arch: str, number: int, names: str, action: str) -> None:
    event = one(syscall(number, {"arch": arch, "a0": "3"}, tail=names), title())
    assert event["event.action"] == action


def test_a_threads_name_is_not_the_programs() -> None:
    java = {"comm": '"http-nio-8080-e"', "exe": '"/usr/bin/java"'}
    event = one(syscall(42, java), line("SOCKADDR", "saddr=020001BB0A594D01"), title())
    assert event["process.name"] == "java"


def test_names_of_people_on_the_host() -> None:
    event = one(syscall(59, tail='\x1dUID="alice" AUID="alice"'), title())
    assert event["entity.id"] == "host:node-1"
    assert (event["user.name"], event["user.audit.id"]) == ("alice", "1000")
    unset = one(syscall(59, {"auid": 4294967295}, tail='\x1dUID="unknown(33)" AUID="unset"'), title())
    assert not {"user.name", "user.audit.id"} & unset.keys()


def test_a_node_is_its_own_host() -> None:
    event = one(syscall(59, node="node-9"), title(node="node-9"))
    assert event["entity.id"] == "host:node-9"


def test_a_denial_gives_the_reason() -> None:
    denied = {"success": "no", "exit": -13}
    selinux = one(line("AVC", 'avc:  denied  { read } for  pid=7 comm="cat"'), syscall(257, denied), title())
    assert selinux["event.reason"] == "avc denied read"
    armor = 'apparmor="DENIED" operation="open" profile="docker-default" name="/etc/shadow"'
    event = one(line("AVC", armor), syscall(257, denied), title())
    assert event["event.reason"] == "apparmor DENIED open docker-default"


SSHD = "pid=9 uid=0 auid=1000 ses=3 subj=unconfined"


@pytest.mark.parametrize(
    ("type_", "body", "expected"),
    [
        (
            "USER_LOGIN",
            f"{SSHD} msg='op=login id=1000 exe=\"/usr/sbin/sshd\" hostname=? addr=192.0.2.7 terminal=ssh res=success'",
            {
                "event.action": "user-login",
                "event.category": ["authentication"],
                "event.outcome": "success",
                "source.ip": "192.0.2.7",
                "user.id": "1000",
                "process.executable": "/usr/sbin/sshd",
            },
        ),
        (
            "USER_AUTH",
            f'{SSHD} msg=\'op=PAM:authentication acct="root" exe="/usr/bin/su" addr=? res=failed\'\x1dUID="root"',
            {"event.action": "user-auth", "user.name": "root", "event.outcome": "failure"},
        ),
        (
            "USER_CMD",
            f'{SSHD} msg=\'cwd="/root" cmd=636174202F6574632F736861646F77 exe="/usr/bin/sudo" res=success\'',
            {"process.command_line": "cat /etc/shadow", "process.working_directory": "/root", "user.id": "0"},
        ),
        (
            "ADD_USER",
            f'{SSHD} msg=\'op=add-user acct="evil" exe="/usr/sbin/useradd" res=success\'',
            {"event.action": "add-user", "event.category": ["iam"], "user.target.name": "evil"},
        ),
        (
            "SERVICE_STOP",
            f'{SSHD} msg=\'unit=auditd comm="systemd" exe="/usr/lib/systemd/systemd" res=success\'',
            {"event.action": "service-stop", "service.name": "auditd", "event.type": ["end"]},
        ),
        (
            "CONFIG_CHANGE",
            "op=set audit_enabled=0 old=1 auid=0 ses=1 res=1",
            {"event.action": "config-change", "event.reason": "set audit_enabled=0", "event.outcome": "success"},
        ),
        ("DAEMON_END", "op=terminate auid=0 pid=1 res=success", {"event.action": "daemon-end"}),
        ("UNKNOWN[1420]", "a=1", {"event.action": "unknown-1420"}),
    ],
)
def test_records_that_stand_alone(type_: str, body: str, expected: dict[str, Any]) -> None:
    event = one(line(type_, body))
    assert {name: event[name] for name in expected} == expected
    assert event["entity.id"] == "host:node-1"
    assert event["message"]


def test_what_a_program_says_does_not_replace_what_the_kernel_says() -> None:
    event = one(
        line("USER_CMD", f"{SSHD} msg='pid=1 uid=33 cmd=\"x\" container={CONTAINER}' container={CONTAINER[::-1]}")
    )
    assert event["process.pid"] == 9
    assert event["user.id"] == "0"
    assert event["entity.id"] == CONTAINER[::-1][:12]


def test_a_container_is_read_at_the_end_of_a_line_only() -> None:
    forged = line("USER_CMD", f"{SSHD} msg='cmd=\"x\" container={CONTAINER}'")
    assert one(forged)["entity.id"] == "host:node-1"


def test_a_change_of_audits_rules_is_told_and_not_the_call_that_made_it() -> None:
    event = one(line("CONFIG_CHANGE", 'op=remove_rule key="exec" list=4 res=1'), syscall(44), title())
    assert (event["event.action"], event["event.reason"]) == ("config-change", "remove_rule")
    assert (event["process.pid"], event["process.executable"]) == (7, "/usr/bin/dash")


def test_a_login_is_of_the_person_who_logs_in() -> None:
    event = one(
        line("LOGIN", 'pid=7 uid=0 old-auid=4294967295 auid=1000 ses=3 res=1\x1dUID="root" AUID="alice"'),
        syscall(1),
        title(),
    )
    assert (event["event.action"], event["user.id"], event["user.name"]) == ("login", "1000", "alice")


def test_an_event_without_its_call_is_told_with_what_there_is() -> None:
    event = one(CWD, path("a", "DELETE"), title())
    assert (event["event.action"], event["file.path"]) == ("incomplete", "/srv/a")
    assert event["process.command_line"] == "sh -c id"
    execution = one(line("EXECVE", 'argc=1 a0="id"'), path("/bin/id"), title())
    assert (execution["event.action"], execution["process.executable"]) == ("exec", "/bin/id")


def test_the_kernels_notice_of_lost_records_is_a_gap() -> None:
    first, second = (
        b"2024-04-24T23:06:41+00:00 node-1 kernel: audit: audit_lost=%d audit_rate_limit=0" % number
        for number in (5, 9)
    )
    backlog = b"Apr 24 23:06:40 node-1 kernel: audit: backlog limit exceeded"
    *gaps, execution = read(syscall(59), first, second, backlog, title())
    assert execution["event.action"] == "exec"
    assert {(gap["event.action"], gap["event.kind"], gap["gap.cause"], gap["entity.id"]) for gap in gaps} == {
        ("telemetry-gap", "alert", "audit records lost", "host:node-1")
    }
    assert [gap.get("gap.count") for gap in gaps] == [None, 4, None]
    seconds = [gap["@timestamp"][17:19] for gap in gaps]
    assert seconds == ["41", "41", "40"], "a notice without a time has that of the record before it"


def test_a_notice_of_lost_records_with_no_time_at_all_is_a_dead_letter() -> None:
    ((result,), _) = tallied(b"kernel: audit: audit_lost=5")
    assert isinstance(result, Invalid)
