from __future__ import annotations

from deploy.bench.rule_pack import activities, line, rule_texts
from schemas.codec import ACTIVITY_MARK, decode
from schemas.policyset import Document
from streams.rules.matcher import CompiledRules
from streams.rules.ruleset import parse_rules


def test_the_pack_loads_and_some_events_match_it() -> None:
    rules = parse_rules(Document(name, text) for name, text in rule_texts(60))
    assert (len(rules.rules), rules.refused) == (60, ())
    compiled = CompiledRules.compile(rules, mapped=False)
    lines = [line(number, activity) for number, activity in enumerate(activities(240, 60))]
    matched = sum(bool(compiled.match(decode(text))) for text in lines)
    assert 10 <= matched <= 120


def test_nasty_expressions_load_too() -> None:
    assert parse_rules(Document(name, text) for name, text in rule_texts(60, "nasty")).refused == ()


def test_events_are_in_wire_order_and_every_activity_is_another() -> None:
    made = list(activities(500, 60))
    assert len(set(made)) == len(made)
    text = line(7, made[0])
    assert text[text.rfind(ACTIVITY_MARK) + 1 :] == made[0]
    assert decode(text)["event.id"] == "bench:0000:000000000007"
