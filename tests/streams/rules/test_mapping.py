from __future__ import annotations

from textwrap import dedent
from typing import Any

import pytest

from schemas.policyset import Document
from streams.rules.mapping import is_of_verdicts
from streams.rules.matcher import CompiledRules
from streams.rules.ruleset import parse_rules


def compiled(logsource: str, selection: str, condition: str = "selection") -> CompiledRules:
    text = f"""
        title: T
        id: rule
        logsource: {logsource}
        detection:
            selection: {selection}
            condition: {condition}
        """
    rules = parse_rules([Document("rule.yml", dedent(text))])
    assert rules.refused == ()
    return CompiledRules.compile(rules)


def matched(rules: CompiledRules, **record: Any) -> tuple[str, ...] | None:
    found = rules.match({name.replace("__", "."): value for name, value in record.items()})
    return found[0].fields if found else None


def test_sigmas_names_are_ours_and_the_fields_that_matched_are_named() -> None:
    rules = compiled(
        "{category: process_creation, product: linux}", "{Image|endswith: /nc, CommandLine|contains: ' -e '}"
    )
    record: dict[str, Any] = {"process__executable": "/bin/NC", "process__command_line": "nc -e sh"}
    assert matched(rules, event__action="exec", **record) == ("process.executable", "process.command_line")
    assert matched(rules, event__action="connect", **record) is None
    assert matched(rules, **record) is None


def test_a_field_that_only_a_negation_reads_did_not_match() -> None:
    rules = compiled("{product: tidewaiter}", "{user.name: ann}", "not selection")
    assert matched(rules, user__name="bob") == ()
    assert matched(rules, user__name="Ann") is None


def test_names_of_our_own_are_looked_up_under_themselves() -> None:
    rules = compiled("{product: tidewaiter}", "{workload.namespace: shop, nobody.knows: null}")
    assert matched(rules, workload__namespace="shop") == ("workload.namespace", "nobody.knows")


def test_a_derived_column_names_the_field_that_it_is_made_from() -> None:
    rules = compiled("{product: linux, service: auditd}", "{type: EXECVE, a0: chmod, a1|contains: '7'}")
    record: dict[str, Any] = {"event__module": "auditd", "event__action": "exec"}
    assert matched(rules, process__args=["chmod", "777"], **record) == ("event.action", "process.args")
    assert matched(rules, process__args=["chown", "777"], **record) is None


@pytest.mark.parametrize(
    ("logsource", "selection", "said"),
    [
        (
            "{category: process_creation}",
            "{ProcessId: 1}",
            "`ProcessId` (our `process.pid`) is another for every event",
        ),
        ("{product: tidewaiter}", "{'@timestamp|hour': 3}", "`@timestamp` is another for every event"),
        ("{product: tidewaiter}", "{container.id: abc}", "`container.id` is a fact that decides nothing"),
        ("{product: tidewaiter}", "{verdict.outcome: x}", "`verdict.outcome` is known only when all is decided"),
        ("{product: tidewaiter}", "{user.name|fieldref: message}", "`message` is another for every event"),
    ],
)
def test_a_rule_that_reads_what_does_not_decide_is_refused_by_name(logsource: str, selection: str, said: str) -> None:
    rules = compiled(logsource, selection)
    assert rules.rules == ()
    (fault,) = rules.refused
    assert (fault.file, fault.line, fault.rule) == ("rule.yml", 2, "T")
    assert fault.message.startswith(f"cannot decide: {said}")


def test_rules_of_verdicts_read_what_was_decided() -> None:
    rules = compiled("{product: tidewaiter, category: verdict}", "{verdict.by: baseline, user.name: ann}")
    (rule,) = rules.rules
    assert is_of_verdicts(rule)
    decided: dict[str, Any] = {"verdict__outcome": "unauthorized", "verdict__by": "baseline"}
    assert matched(rules, user__name="ann", **decided) == ("verdict.by", "user.name")
    assert matched(rules, user__name="ann", verdict__by="baseline") is None
