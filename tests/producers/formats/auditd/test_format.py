from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.formats.auditd import AuditdFormat, join
from producers.formats.auditd.live import LiveMarks
from producers.types import FormatOptions, Outcome, Record
from schemas.codec import Event
from schemas.errors import Drop, Invalid
from tests.producers.formats.auditd.audit_lines import (
    CONTAINER,
    NAMES,
    OPTIONS,
    line,
    one,
    path,
    read,
    syscall,
    tallied,
    title,
)

LIVE = FormatOptions(host="node-1", live=True)


def record(data: bytes, number: int = 1) -> Record:
    return Record(data, f"test:{number}", {"line": number}, number)


def event_lines(serial: int, second: int = 1_714_000_000) -> list[bytes]:
    """Return the lines of one event; its kind depends on its number."""
    place: dict[str, Any] = {"serial": serial, "second": second}
    kinds = [
        [
            syscall(59, **place),
            line("EXECVE", f'argc=1 a0="p{serial}"', **place),
            path("/bin/sh", **place),
            title(**place),
        ],
        [syscall(42, **place), line("SOCKADDR", "saddr=020001BB0A594D01", **place), title(**place)],
        [syscall(257, **place), path(f"/{serial}", **place), title(**place), line("EOE", "", **place)],
        [line("USER_LOGIN", "pid=9 uid=0 msg='op=login res=success'", **place)],
        [syscall(62, **place)],
    ]
    return kinds[serial % len(kinds)]


def by_serial(events: list[Event]) -> dict[int, Event]:
    return {event["event.sequence"]: {**event, "event.id": ""} for event in events}


@st.composite
def interleavings(draw: st.DrawFn) -> tuple[list[bytes], list[bytes]]:
    """Return lines of some events one event after another, and the same lines mixed, each event in its own order."""
    queues = [event_lines(serial) for serial in draw(st.lists(st.integers(1, 99), unique=True, max_size=12))]
    ordered = [data for queue in queues for data in queue]
    mixed = []
    waiting = [list(queue) for queue in queues]
    while any(waiting):
        queue = draw(st.sampled_from([queue for queue in waiting if queue]))
        mixed.append(queue.pop(0))
    return ordered, mixed


@given(interleavings())
def test_any_interleaving_gives_the_same_events_and_accounts_for_every_line(
    lines: tuple[list[bytes], list[bytes]],
) -> None:
    ordered, mixed = lines
    events, tally = tallied(*mixed)
    expected, _ = tallied(*ordered)
    found = [event for event in events if not isinstance(event, Invalid)]
    assert by_serial(found) == by_serial([event for event in expected if not isinstance(event, Invalid)])
    assert len(found) == len(events) == len(expected)
    assert tally.unaccounted == 0
    assert tally.deadletters == 0
    assert tally.lines == tally.lines_in_events + tally.ignored.total()
    assert set(tally.ignored) <= {"audit end-of-event mark"}


@given(
    st.lists(
        st.one_of(st.binary(max_size=200), st.sampled_from([data for n in range(5) for data in event_lines(n)])),
        max_size=30,
    )
)
def test_anything_between_is_a_dead_letter_and_nothing_is_lost(lines: list[bytes]) -> None:
    results, tally = tallied(*lines)
    assert tally.unaccounted == 0
    assert tally.lines == len(lines)
    assert sum(isinstance(result, Invalid) for result in results) == tally.deadletters


@given(st.integers(0, 4), st.data())
def test_a_mutated_line_never_crashes(serial: int, data: st.DataObject) -> None:
    lines = event_lines(serial)
    place = data.draw(st.integers(0, len(lines) - 1))
    cut, end = data.draw(st.integers(0, len(lines[place]))), data.draw(st.integers(0, 40))
    lines[place] = lines[place][:cut] + data.draw(st.binary(max_size=20)) + lines[place][cut + end :]
    _, tally = tallied(*lines)
    assert tally.unaccounted == 0


def outcomes(format_: AuditdFormat, *lines: bytes) -> list[Outcome]:
    found = [result for data in lines for result in format_.parse(record(data))]
    return [result for result in found if isinstance(result, Outcome)]


def test_an_event_is_given_out_with_its_last_record_though_another_waits() -> None:
    format_ = AuditdFormat(OPTIONS)
    assert not outcomes(format_, syscall(59, serial=1))
    (outcome,) = outcomes(format_, syscall(42, serial=2), title(serial=2))
    assert [entry.data for entry in outcome.records] == [syscall(42, serial=2), title(serial=2)]


def test_an_event_without_an_end_is_over_when_the_log_is_two_seconds_on() -> None:
    format_ = AuditdFormat(OPTIONS)
    start = 1_714_000_000
    assert not outcomes(format_, syscall(59, serial=1, second=start), syscall(59, serial=2, second=start + 2))
    (outcome,) = outcomes(format_, syscall(59, serial=3, second=start + 3))
    assert isinstance(outcome.result, dict)
    assert outcome.result["event.sequence"] == 1


def test_never_more_records_are_held_than_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(join, "_MAX_HELD_RECORDS", 10)
    found = outcomes(AuditdFormat(OPTIONS), *(syscall(59, serial=serial) for serial in range(1, 100)))
    assert len(found) == 90


def test_held_is_where_the_first_open_event_began() -> None:
    format_ = AuditdFormat(OPTIONS)
    assert format_.held is None
    list(format_.parse(record(syscall(59, serial=1), 1)))
    assert format_.held == {}, "nothing was read before it"
    list(format_.parse(record(title(serial=1), 2)))
    assert format_.held is None
    list(format_.parse(record(syscall(59, serial=2), 3)))
    list(format_.parse(record(syscall(59, serial=3), 4)))
    assert format_.held == {"line": 2}
    assert len(list(format_.flush(final=True))) == 2
    assert format_.held is None


def test_silence_ends_what_waits_but_a_long_pause_of_the_reader_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 100.0
    monkeypatch.setattr(join, "monotonic", lambda: clock)
    format_ = AuditdFormat(OPTIONS)
    list(format_.parse(record(syscall(59))))
    clock += 60
    assert not list(format_.flush()), "a record came since the last time"
    assert len(list(format_.flush())) == 1


def test_records_that_come_after_the_end_of_their_event_are_ignored_by_name() -> None:
    _, tally = tallied(syscall(59), title(), line("EOE", ""), path("/late"), line("EOE", "", serial=99), b"----", b"")
    assert tally.events == 1
    assert tally.lines_in_events == 2
    assert tally.ignored == {
        "audit end-of-event mark": 2,
        "audit record of an event that is over": 1,
        "ausearch separator": 1,
        "blank line": 1,
    }


@pytest.mark.parametrize(
    "data",
    [
        b"type=SYSCALL",
        b"type=SYSCALL msg=audit(abc): a=1",
        b"type=SYSCALL msg=audit(01/01/2024 10:00:00.123:45) : arch=x86_64",
        b"type=SYSCALL msg=audit(99999999999.123:45): a=1",
        b"\xff\xfe",
    ],
)
def test_a_line_that_is_no_record_is_a_dead_letter_and_a_drop_is_not(data: bytes) -> None:
    with pytest.raises(Invalid):
        AuditdFormat(OPTIONS).parse(record(data))
    with pytest.raises(Drop):
        AuditdFormat(OPTIONS).parse(record(b"----"))


def test_equal_serial_numbers_of_two_nodes_or_of_two_boots_are_two_events() -> None:
    assert len(read(syscall(59, node="a"), syscall(42, node="b"), title(node="a"), title(node="b"))) == 2
    assert len(read(syscall(59, second=1_714_000_000), syscall(42, second=1_714_000_001))) == 2


@pytest.fixture
def live(tmp_path: Path) -> AuditdFormat:
    """Return a live format that sees one process, 7, in a container."""
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "cgroup").write_text(f"0::/docker/{CONTAINER}")
    format_ = AuditdFormat(LIVE)
    format_._live = LiveMarks("node-1", processes=tmp_path)
    return format_


def test_the_container_is_written_into_the_line_so_that_a_recording_has_it(live: AuditdFormat) -> None:
    data = syscall(59, tail=NAMES)
    enriched = live.enrich(record(data))
    assert enriched.data == data + f" container={CONTAINER}".encode()
    assert enriched.position == {"line": 1}
    event = one(enriched.data, title())
    assert event["entity.id"] == CONTAINER[:12]
    assert event["event.action"] == "exec"
    assert live.enrich(enriched) is enriched


def test_a_child_that_is_gone_is_in_its_parents_container(live: AuditdFormat) -> None:
    assert live.enrich(record(syscall(59, {"pid": 99, "ppid": 7}))).data.endswith(CONTAINER.encode())


@pytest.mark.parametrize(
    "data",
    [
        syscall(59, {"pid": os.getpid(), "ppid": 1}),
        path("/etc/shadow"),
        syscall(59, node="elsewhere"),
        title(),
        b"no record",
        b"",
    ],
)
def test_other_lines_stay_as_they_are(live: AuditdFormat, data: bytes) -> None:
    whole = record(data)
    assert live.enrich(whole) is whole


def test_what_is_not_live_is_never_asked_about() -> None:
    whole = record(syscall(59, {"pid": 1}))
    assert AuditdFormat(OPTIONS).enrich(whole) is whole


def execution(format_: AuditdFormat, pid: int, serial: int, device: str = "00:28", success: str = "yes") -> bytes:
    """Return the marked lines of an exec by a process of that id and an unknown parent."""
    place: dict[str, Any] = {"serial": serial}
    lines = [
        syscall(59, {"pid": pid, "ppid": 999_999, "success": success}, **place),
        line("EXECVE", 'argc=1 a0="x"', **place),
        line("PATH", f'item=0 name="/bin/x" inode=7 dev={device} mode=0100755 nametype=NORMAL', **place),
    ]
    return b"\n".join(format_.enrich(record(data)).data for data in lines)


def test_a_process_that_is_gone_is_found_by_the_device_of_its_program(live: AuditdFormat) -> None:
    assert CONTAINER.encode() not in execution(live, 999_998, 1)
    execution(live, 7, 2)
    marked = execution(live, 999_998, 3)
    assert marked.endswith(f" container={CONTAINER}".encode())
    assert one(*marked.splitlines())["entity.id"] == CONTAINER[:12]
    connect = live.enrich(record(syscall(42, {"pid": 999_998, "ppid": 999_999}, serial=4)))
    assert connect.data.endswith(CONTAINER.encode()), "and it is known from then on"


def test_a_device_of_the_host_is_never_a_containers(live: AuditdFormat, tmp_path: Path) -> None:
    (tmp_path / "8").mkdir()
    (tmp_path / "8" / "cgroup").write_text("0::/")
    execution(live, 8, 1)
    execution(live, 7, 2)
    assert CONTAINER.encode() not in execution(live, 999_998, 3)


@pytest.mark.parametrize(("device", "success"), [("fe:00", "yes"), ("00:28", "no")])
def test_nothing_is_learned_of_a_disk_or_of_an_exec_that_failed(live: AuditdFormat, device: str, success: str) -> None:
    execution(live, 7, 1, device, success)
    assert CONTAINER.encode() not in execution(live, 999_998, 2, device)
