from __future__ import annotations

from dataclasses import replace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from schemas.baseline import Baseline, ordered
from schemas.errors import PolicyErrors
from streams.baseline.document import read_baseline, write_baseline
from tests.streams.baseline.exports.strategies import baselines, words

SMALL = Baseline(
    principal="container:prod/shop/web/web",
    version=3,
    elements=ordered(
        {
            "exec": [("/usr/sbin/nginx",), ("/bin/busybox", "sh")],
            "args": [("/usr/bin/gzip", "--test", "*")],
            "egress": [("workload:prod/shop/database", "5432", "tcp")],
            "dns": [],
        }
    ),
    never=ordered({"exec": [("/usr/bin/wget",)]}),
    releases=("sha256:1f",),
    partial=("telemetry gap of 3 minutes",),
    author="alice@shop.example",
    approved="2026-06-01T09:30:00Z",
    reason="release 14",
)
TEXT = f"""\
principal: container:prod/shop/web/web
version: 3
hash: {SMALL.hash}
author: alice@shop.example
approved: '2026-06-01T09:30:00Z'
reason: release 14
partial:
  - telemetry gap of 3 minutes
releases:
  - sha256:1f
elements:
  exec:
    - [/bin/busybox, sh]
    - [/usr/sbin/nginx]
  args:
    - [/usr/bin/gzip, --test, '*']
  egress:
    - ['workload:prod/shop/database', '5432', tcp]
  dns: []
never:
  exec:
    - [/usr/bin/wget]
"""
principals = words.filter(bool)


def faults(text: str, *, edited: bool = False) -> list[str]:
    with pytest.raises(PolicyErrors) as caught:
        read_baseline("web.yaml", text, edited=edited)
    return [str(fault) for fault in caught.value.faults]


def test_a_baseline_is_written_as_a_person_would() -> None:
    assert write_baseline(SMALL) == TEXT


def test_the_document_reads_back() -> None:
    assert read_baseline("web.yaml", TEXT) == SMALL


@given(baselines(principals=principals))
def test_any_baseline_reads_back_exactly(baseline: Baseline) -> None:
    assert read_baseline("x", write_baseline(baseline)) == baseline


@given(baselines(principals=principals))
def test_any_document_is_plain_yaml_of_the_same_words(baseline: Baseline) -> None:
    loaded = yaml.safe_load(write_baseline(baseline))
    assert loaded["elements"] == {name: [list(one) for one in found] for name, found in baseline.elements.items()}
    assert loaded["never"] == {name: [list(one) for one in found] for name, found in baseline.never.items()}
    assert (loaded["principal"], loaded["hash"]) == (baseline.principal, baseline.hash)


@given(baselines(principals=principals))
def test_one_element_is_one_line(baseline: Baseline) -> None:
    lines = [line for line in write_baseline(baseline).split("\n") if line.startswith("    - ")]
    assert len(lines) == baseline.size + sum(map(len, baseline.never.values()))


@given(baselines(principals=principals), st.tuples(words))
def test_one_element_more_is_one_line_more(baseline: Baseline, element: tuple[str]) -> None:
    known = baseline.elements.get("dns", ())
    grown = ordered({**baseline.elements, "dns": (*known, ("a",), element)})
    shrunk = ordered({**grown, "dns": [one for one in grown["dns"] if one != element] or [("b",)]})
    before, after = (write_baseline(replace(baseline, elements=found)).split("\n") for found in (shrunk, grown))
    changed = set(before) ^ set(after)
    assert len([line for line in changed if not line.startswith("hash: ")]) <= 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["web.yaml:1: document: is empty"]),
        ("# nothing\n", ["web.yaml:1: document: is empty"]),
        ("- a\n", ["web.yaml:1: document: must be keys and values, not list"]),
        ("a: [\n", ["web.yaml:2: document: is not readable as YAML"]),
        (f"{TEXT}---\n{TEXT}", ["web.yaml:24: document: is another document"]),
        (TEXT.replace("principal:", "principle:"), ["web.yaml:1: principal: is missing", "web.yaml:1: principle: is not known here; did you mean `principal`?"]),
        (TEXT.replace("version: 3", "version: -1"), ["web.yaml:2: version: must be a whole number from 0 on, not `-1`"]),
        (TEXT.replace("version: 3", "version: yes"), ["web.yaml:2: version: must be a whole number"]),
        (TEXT.replace("version: 3", "version: 3\nversion: 4"), ["web.yaml:3: version: stands here twice, first in line 2"]),
        (TEXT.replace(f"hash: {SMALL.hash}\n", ""), ["web.yaml:1: hash: is missing"]),
        (TEXT.replace("reason: release 14", "reason: 14"), ["web.yaml:6: reason: must be text; YAML reads this as int"]),
        (TEXT.replace("reason: release 14", "reason: [a]"), ["web.yaml:6: reason: must be text, not list"]),
        (TEXT.replace("reason: release 14", "reason:"), ["web.yaml:6: reason: is empty; write a value"]),
        (TEXT.replace("principal: container:prod/shop/web/web", "principal: ''"), ["web.yaml:1: principal: is empty"]),
        (TEXT.replace("  - sha256:1f", "  - 7"), ["web.yaml:10: releases[0]: must be text; YAML reads this as int"]),
        (TEXT.replace("  exec:\n    - [/bin", "  exek:\n    - [/bin"), ["web.yaml:12: elements.exek: is no dimension; did you mean `exec`?"]),
        (TEXT.replace("never:\n  exec", "never:\n  file"), ["web.yaml:22: never.file[0]: has 1 words; an element of `file` has path and access"]),
        (TEXT.replace("'5432', tcp]", "'5432']"), ["web.yaml:18: elements.egress[0]: has 2 words; an element of `egress` has peer, port and transport"]),
        (TEXT.replace("'5432', tcp", "5432, tcp"), ["web.yaml:18: elements.egress[0][1]: must be text; YAML reads this as int"]),
        (TEXT.replace("- [/usr/sbin/nginx]", "- /usr/sbin/nginx"), ["web.yaml:14: elements.exec[1]: must be a list, not str"]),
        (TEXT.replace("- [/usr/sbin/nginx]", "- [/bin/busybox, sh]"), ["web.yaml:14: elements.exec[1]: stands here twice, first as [0]"]),
        (TEXT.replace("- [/usr/sbin/nginx]", "- []"), ["web.yaml:14: elements.exec[1]: has 0 words"]),
        (TEXT.replace("  dns: []", "  dns: {}"), ["web.yaml:19: elements.dns: must be a list of elements, not dict"]),
        (TEXT.replace("  dns: []", "  dns: []\n  dns: []"), ["web.yaml:20: elements.dns: stands here twice, first in line 19"]),
        (TEXT[: TEXT.index("elements:")] + "elements: []\n", ["web.yaml:11: elements: must be dimensions and their elements, not list"]),
    ],
)  # fmt: skip
def test_each_fault_has_its_line_and_path(text: str, expected: list[str]) -> None:
    found = faults(text)
    assert len(found) == len(expected)
    assert all(fault.startswith(start) for fault, start in zip(found, expected, strict=True)), found


def test_all_faults_come_at_once() -> None:
    text = TEXT.replace("version: 3", "version: x").replace("  dns: []", "  dsn: []").replace("[/usr/bin/wget]", "[]")
    assert [fault.split(": ")[1] for fault in faults(text)] == ["version", "elements.dsn", "never.exec[0]"]


@pytest.mark.parametrize("element", ["['**']", "[/usr/bin/gzip, '**']"])
def test_an_open_end_stands_for_any_number_of_words(element: str) -> None:
    text = TEXT.replace("['workload:prod/shop/database', '5432', tcp]", element)
    assert read_baseline("web.yaml", text, edited=True).elements["egress"][0][-1] == "**"


def test_an_edited_document_is_told_from_the_version_in_force() -> None:
    (fault,) = faults(TEXT.replace("/usr/bin/gzip", "/usr/bin/xz"))
    assert fault.startswith(f"web.yaml:3: hash: is `{SMALL.hash}`, but the content has the hash ")
    assert "it was edited" in fault


def test_an_edited_document_is_a_proposal_where_the_caller_says_so() -> None:
    proposal = read_baseline("web.yaml", TEXT.replace("/usr/bin/gzip", "/usr/bin/xz"), edited=True)
    assert proposal.elements["args"] == (("/usr/bin/xz", "--test", "*"),)
    assert proposal.hash != SMALL.hash
    assert read_baseline("web.yaml", TEXT.replace(f"hash: {SMALL.hash}\n", ""), edited=True) == SMALL


def test_who_approved_it_and_when_is_not_part_of_the_hash() -> None:
    assert read_baseline("web.yaml", TEXT.replace("alice@", "bob@")).author == "bob@shop.example"


def test_what_has_a_default_may_be_left_out_of_a_proposal() -> None:
    read = read_baseline("x", "principal: host:a\nversion: 0\nelements: {}\n", edited=True)
    assert read == Baseline("host:a", 0, {})


def test_elements_in_another_order_are_the_same_baseline() -> None:
    lines = ["    - [/bin/busybox, sh]\n", "    - [/usr/sbin/nginx]\n"]
    assert read_baseline("web.yaml", TEXT.replace("".join(lines), "".join(reversed(lines)))) == SMALL
