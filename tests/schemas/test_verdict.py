from __future__ import annotations

from schemas.fields import names_of
from schemas.verdict import Verdict


def test_fields_are_those_of_the_table_in_its_order() -> None:
    fields = Verdict("unauthorized", "sensor", "why", "hash", "p", "c", "rule", "high", "p: r").fields()
    assert set(fields) <= set(names_of("verdict"))
    assert list(fields) == [name for name in names_of("verdict") if name in fields]
    assert len(fields) == 9


def test_what_does_not_apply_is_left_out() -> None:
    assert set(Verdict("undetermined", "nothing", "why", "hash").fields()) == {
        "verdict.outcome",
        "verdict.by",
        "verdict.reason",
        "verdict.policy_hash",
    }
