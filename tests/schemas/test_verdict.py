from __future__ import annotations

from schemas.fields import names_of
from schemas.verdict import Decisive, Learned, Verdict


def test_fields_are_those_of_the_table_in_its_order() -> None:
    fields = Verdict(
        outcome="unauthorized",
        by="rule",
        reason="why",
        policy_hash="hash",
        rules_hash="other hash",
        policy="p",
        clause="c",
        rule=Decisive("7c2e", "Shell", "high", "shells.yml", ("process.executable",)),
        rules=("7c2e", "8d1f"),
        level="high",
        techniques=("T1059.004",),
        data=("personal",),
        exception="p: r",
        baseline=Learned(3, "hash", "exec", "/bin/sh", "/bin/bash", "sha256:1"),
    ).fields()
    assert set(fields) <= set(names_of("verdict"))
    assert list(fields) == [name for name in names_of("verdict") if name in fields]
    assert len(fields) == 23
    assert fields["verdict.rule.fields"] == ["process.executable"]


def test_what_does_not_apply_is_left_out() -> None:
    assert set(Verdict("undetermined", "nothing", "why", "hash").fields()) == {
        "verdict.outcome",
        "verdict.by",
        "verdict.reason",
        "verdict.policy_hash",
    }
