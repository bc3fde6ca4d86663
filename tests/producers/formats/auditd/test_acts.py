from __future__ import annotations

import pytest

from producers.formats.auditd.acts import Act, Acts
from tests.producers.formats.auditd.audit_lines import line, syscall


def begun(data: bytes) -> Act:
    act = Acts().of(b"SYSCALL", b"msg=audit(1714000000.123:7)", data)
    assert act is not None
    return act


def test_a_system_call_tells_who_acts_when_and_how() -> None:
    act = begun(syscall(42))
    assert (act.pid, act.parent, act.kind, act.program) == (7, 6, "connect", "/usr/bin/dash")
    assert act.nanoseconds == 1_714_000_000_123_000_000
    assert act.succeeded


def test_a_program_whose_name_is_no_plain_text_is_read() -> None:
    assert begun(syscall(59, {"exe": "2F6F70742F6120C3A4"})).program == "/opt/a ä"


@pytest.mark.parametrize("exe", ["(null)", "?"])
def test_a_call_of_no_program_has_none(exe: str) -> None:
    assert begun(syscall(59, {"exe": exe})).program is None


def test_an_event_is_an_exec_once_its_arguments_have_come() -> None:
    acts, event = Acts(), b"msg=audit(1714000000.123:7)"
    acts.of(b"SYSCALL", event, syscall(59))
    assert acts.of(b"PATH", event, b"") == acts.of(b"CWD", event, b"")
    act = acts.of(b"EXECVE", event, line("EXECVE", 'argc=1 a0="x"'))
    assert act is not None
    assert act.executes


def test_parts_of_an_event_that_is_not_known_are_nobodys() -> None:
    for type_ in (b"PATH", b"SOCKADDR", b"CWD", b"PROCTITLE", b"EXECVE"):
        assert Acts().of(type_, b"msg=audit(1714000000.123:7)", b"x pid=7 ") is None


def test_the_last_events_are_remembered_only() -> None:
    acts = Acts()
    for number in range(2_000):
        acts.of(b"SYSCALL", b"msg=audit(1.000:%d)" % number, syscall(59))
    assert acts.of(b"PATH", b"msg=audit(1.000:0)", b"") is None
    assert acts.of(b"PATH", b"msg=audit(1.000:1999)", b"") is not None
    assert len(acts._acts) == 1_024
