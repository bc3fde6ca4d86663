from __future__ import annotations

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from producers.formats.auditd.marks import cut_marks, has_mark, peer_mark, peer_of_mark, with_mark
from tests.producers.formats.auditd.audit_lines import CONTAINER, line, one, path, syscall, title

HASH = "5e" * 32
FORGED = "f0" * 32
MARKS = (f" container={FORGED}", f" sha256={FORGED}", " peer=bank/vault")


def kernel_text(text: str) -> str:
    """Return a string of a process as the kernel writes it: in quotes, or in hexadecimal where that could be misread."""
    octets = text.encode("utf-8", "surrogatepass")
    plain = all(0x21 <= octet <= 0x7E and octet != 0x22 for octet in octets)
    return f'"{text}"' if plain else octets.hex().upper()


hostile = st.lists(st.sampled_from([*MARKS, '"', " ", "\x1d", "\n", "'", "}", "x", "="]), min_size=1).map("".join)


@given(hostile)
def test_a_mark_in_what_a_process_chose_is_never_believed(text: str) -> None:
    shown = kernel_text(text)
    lines = [
        syscall(59, {"comm": kernel_text(text[:15]), "exe": shown, "key": shown}),
        line("EXECVE", f"argc=2 a0={shown} a1={shown}"),
        line("CWD", f"cwd={shown}"),
        line("PATH", f"item=0 name={shown}"),
        line("PROCTITLE", f"proctitle={shown}"),
    ]
    event = one(*lines)
    assert event["entity.id"] == "host:node-1"
    assert "process.hash.sha256" not in event
    assert "peer.workload" not in event


@pytest.mark.parametrize("mark", MARKS)
def test_a_mark_in_a_message_of_a_program_is_never_believed(mark: str) -> None:
    said = line("USER_CMD", f"pid=7 uid=0 auid=0 ses=1 msg='op=x{mark}' {mark}'")
    assert one(said)["entity.id"] == "host:node-1"
    named = line("SOCKADDR", f"saddr=0100 \x1dSADDR={{ saddr_fam=local path=/x{mark} }}")
    event = one(syscall(42), named, title())
    assert event["entity.id"] == "host:node-1"
    assert "peer.workload" not in event


def test_marks_count_on_their_own_records_only() -> None:
    connect = syscall(42, tail=f" sha256={FORGED}")
    address = line("SOCKADDR", f"saddr=0200138C0A590003 sha256={FORGED}")
    event = one(connect, address, line("PATH", 'item=0 name="/x" peer=bank/vault'), title())
    assert "process.hash.sha256" not in event
    assert "peer.workload" not in event


def test_a_genuine_mark_stands_behind_a_forged_one() -> None:
    first = path("/x") + f" sha256={FORGED}".encode()
    text, marks = cut_marks(with_mark(first, "sha256", HASH).decode(), "PATH")
    assert marks == {"sha256": HASH}
    assert text.endswith(f"sha256={FORGED}")


def test_several_marks_of_one_line_are_cut_in_any_order() -> None:
    for names in (("sha256", "container"), ("container", "sha256")):
        marked = path("/x")
        for name in names:
            marked = with_mark(marked, name, HASH if name == "sha256" else CONTAINER)
        text, marks = cut_marks(marked.decode(), "PATH")
        assert marks == {"sha256": HASH, "container": CONTAINER}
        assert text == path("/x").decode()
        assert has_mark(marked, "PATH", "sha256")


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@given(st.just("") | names, names, st.text(string.ascii_lowercase))
def test_a_peer_is_read_as_it_was_written_whatever_its_names_hold(namespace: str, name: str, cluster: str) -> None:
    mark = peer_mark(namespace, name)
    assume(mark is not None)
    assert mark is not None
    text, marks = cut_marks(with_mark(b"type=SOCKADDR saddr=00", "peer", mark).decode(), "SOCKADDR")
    assert text == "type=SOCKADDR saddr=00"
    assert peer_of_mark(marks["peer"], cluster) == f"{cluster}/{namespace}/{name}"


def test_a_peer_without_a_name_or_with_an_endless_one_has_no_mark() -> None:
    assert peer_mark("shop", "") is None
    assert peer_mark("shop", "ä" * 400) is None
