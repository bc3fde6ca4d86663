"""From the names that a rule uses to our columns, and which rules then cannot decide.

A verdict must be the same for every event of one activity in one context. So a rule may read what decides: a rule that reads
the envelope (a time, a process id, an ephemeral port) or a fact that decides nothing is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from schemas.fields import FIELDS, Field
from streams.rules.condition import And, Condition, Exists, Not, Or, Reference, Test, Text, fields_of
from streams.rules.derived import DERIVED
from streams.rules.detection import joined
from streams.rules.fault import RuleFault
from streams.rules.logsources import VERDICTS, Gate, source_of
from streams.rules.rule import Rule

__all__ = ["MappedRule", "is_of_verdicts", "map_rules"]


@dataclass(frozen=True, slots=True)
class MappedRule:
    """A rule with its condition in our columns; ``gate`` says which events it can concern."""

    rule: Rule
    condition: Condition
    gate: Condition | None


def is_of_verdicts(rule: Rule) -> bool:
    """Say whether a rule reads what was decided, so that it decides nothing and only feeds correlations."""
    return (rule.logsource.product.lower(), rule.logsource.category.lower()) == ("tidewaiter", VERDICTS)


def map_rules(rules: Iterable[Rule]) -> tuple[list[MappedRule], list[RuleFault]]:
    """Return the rules that can decide, and why the others cannot."""
    mapped: list[MappedRule] = []
    faults: list[RuleFault] = []
    for rule in rules:
        source = source_of(rule.logsource.category, rule.logsource.product, rule.logsource.service)
        wrong = [
            said for name in sorted(fields_of(rule.condition)) if (said := _fault(rule, name, source.column(name)))
        ]
        if wrong:
            faults.append(RuleFault(rule.file, rule.line, rule.title, f"cannot decide: {'; '.join(wrong)}"))
        else:
            mapped.append(MappedRule(rule, _renamed(rule.condition, source.column), _gate(source.gate)))
    return mapped, faults


def _fault(rule: Rule, name: str, column: str) -> str | None:
    reads = DERIVED[column].reads if column in DERIVED else (column,)
    for read in reads:
        field = FIELDS.get(read)
        if field is not None and not _may_read(field, of_verdicts=is_of_verdicts(rule)):
            shown = f"`{name}`" if name == read else f"`{name}` (our `{read}`)"
            return f"{shown} {_WHY[field.part]}"
    return None


def _may_read(field: Field, *, of_verdicts: bool) -> bool:
    return field.decides or (of_verdicts and field.part == "verdict")


_WHY: Final = {
    "envelope": "is another for every event",
    "activity": "is not part of what is done",
    "facts": "is a fact that decides nothing",
    "verdict": "is known only when all is decided; such a rule has the logsource `product: tidewaiter, category: verdict`",
}


def _renamed(condition: Condition, column: Callable[[str], str]) -> Condition:
    if isinstance(condition, Test):
        predicate = condition.predicate
        if isinstance(predicate, Reference):
            predicate = replace(predicate, field=column(predicate.field))
        return Test(condition.field if condition.field is None else column(condition.field), predicate)
    if isinstance(condition, Not):
        return Not(_renamed(condition.part, column))
    parts = tuple(_renamed(part, column) for part in condition.parts)
    return And(parts) if isinstance(condition, And) else Or(parts)


def _gate(gate: Gate) -> Condition | None:
    parts: list[Condition] = []
    for column, values in gate.items():
        wanted: list[Condition] = [Test(column, Text((value,), cased=True)) for value in sorted(values)]
        parts.append(joined(Or, wanted) if wanted else Test(column, Exists(present=True)))
    return joined(And, parts) if parts else None
