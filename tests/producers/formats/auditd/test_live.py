from __future__ import annotations

from pathlib import Path

import pytest

from producers.formats.auditd import AuditdFormat
from producers.formats.auditd.live import LiveMarks
from producers.types import FormatOptions, Record
from schemas.codec import Event
from tests.producers.formats.auditd.audit_lines import CONTAINER, line, one, syscall, title

DATABASE = "0200" + "1538" + "0A59280D" + "0000000000000000"  # 10.89.40.13:5432
FORGED = "f0" * 32
CONNECT, ACCEPT, BIND, SENDTO = 42, 43, 49, 44


class Known:
    """Peers that know one address."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def workload_of(self, address: str) -> tuple[str, str] | None:
        self.asked.append(address)
        return ("shop", "data base/ü") if address == "10.89.40.13" else None


@pytest.fixture
def peers() -> Known:
    return Known()


@pytest.fixture
def live(tmp_path: Path, peers: Known) -> LiveMarks:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "cgroup").write_text(f"0::/docker/{CONTAINER}")
    return LiveMarks("node-1", peers, tmp_path)


def lines(number: int, address: str, tail: str = "") -> list[bytes]:
    return [syscall(number), line("SOCKADDR", f"saddr={address}{tail}"), title()]


def event_of(live: LiveMarks, number: int, address: str, tail: str = "") -> Event:
    return one(*map(live.marked, lines(number, address, tail)))


@pytest.mark.parametrize("number", [CONNECT, ACCEPT, SENDTO])
def test_a_connection_names_the_workload_of_its_peer(live: LiveMarks, number: int) -> None:
    event = event_of(live, number, DATABASE, "\x1dSADDR={ saddr_fam=inet laddr=10.89.40.13 lport=5432 }")
    assert event["peer.workload"] == "prod/shop/data base/ü"
    assert event["entity.id"] == CONTAINER[:12]


def test_a_process_of_another_personality_is_read_too(live: LiveMarks) -> None:
    call, *rest = lines(CONNECT, DATABASE)
    marked = [live.marked(call.replace(b" syscall=", b" per=400000 syscall=")), *map(live.marked, rest)]
    assert one(*marked)["peer.workload"] == "prod/shop/data base/ü"


def test_the_cluster_is_that_of_who_reads_the_recording(live: LiveMarks) -> None:
    marked = [live.marked(data) for data in lines(CONNECT, DATABASE)]
    assert marked[1].endswith(b" peer=shop/data%20base%2F%C3%BC")
    format_ = AuditdFormat(FormatOptions(cluster="other"))
    results = [result for data in marked for result in format_.parse(Record(data, "test", {}))]
    assert [getattr(result, "result", {}).get("peer.workload") for result in results] == ["other/shop/data base/ü"]


@pytest.mark.parametrize(
    "address",
    [
        "020001BBCB0071090000000000000000",  # 203.0.113.9:443
        "02001F407F0000010000000000000000",  # 127.0.0.1:8000
        "01002F72756E2F782E736F636B00",  # /run/x.sock
        "0200",
        "zz",
    ],
)
def test_an_address_that_is_no_containers_has_no_mark(live: LiveMarks, address: str) -> None:
    marked = [live.marked(data) for data in lines(CONNECT, address)]
    assert b"peer=" not in b"".join(marked)


def test_who_binds_is_asked_nothing_and_a_line_without_its_call_is_left_alone(live: LiveMarks, peers: Known) -> None:
    assert "peer.workload" not in event_of(live, BIND, DATABASE)
    alone = line("SOCKADDR", f"saddr={DATABASE}", serial=99)
    assert live.marked(alone) == alone
    assert peers.asked == []


def test_loopback_is_nobodys_and_never_asked_about(live: LiveMarks, peers: Known) -> None:
    event_of(live, CONNECT, "02001F407F0000010000000000000000")
    assert peers.asked == []


def test_a_line_that_names_no_process_has_no_container(live: LiveMarks) -> None:
    live.marked(syscall(CONNECT))
    for data in (line("CWD", 'cwd="/"'), title(), line("EXECVE", 'argc=1 a0="x"')):
        assert live.marked(data) == data


def test_a_line_is_marked_once(live: LiveMarks) -> None:
    marked = [live.marked(data) for data in lines(CONNECT, DATABASE)]
    assert [live.marked(data) for data in marked] == marked


@pytest.mark.parametrize("forged", [" peer=bank/vault", f" container={FORGED}", f" sha256={FORGED}", " pid=7"])
def test_a_socket_that_is_named_like_a_mark_forges_nothing(live: LiveMarks, forged: str) -> None:
    event = event_of(live, CONNECT, "0100", f"\x1dSADDR={{ saddr_fam=local path=/x{forged} }}")
    assert "peer.workload" not in event
    assert "process.hash.sha256" not in event
    assert event["entity.id"] == CONTAINER[:12]
    host = [syscall(CONNECT, {"pid": 999_998, "ppid": 999_999}, serial=8)]
    host += [line("SOCKADDR", f"saddr=0100\x1dSADDR={{ saddr_fam=local path=/x{forged} }}", serial=8), title(serial=8)]
    assert one(*map(live.marked, host))["entity.id"] == "host:node-1"
