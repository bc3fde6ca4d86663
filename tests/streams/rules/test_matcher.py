"""The compiled matcher beside the literal reading of the specification.

5,000 events by default; ``TIDEWAITER_RULE_EVENTS=100000 pytest tests/streams/rules/test_matcher.py`` runs as many as wanted,
``TIDEWAITER_RULE_SEED`` gives other ones.
"""

from __future__ import annotations

import os
from random import Random
from typing import Any, Final

from schemas.codec import dumps, loads
from schemas.policyset import Document
from streams.rules.matcher import CompiledRules
from streams.rules.ruleset import parse_rules
from tests.streams.rules.generated import event_of, rule
from tests.streams.rules.specification import holds

EVENTS: Final = int(os.environ.get("TIDEWAITER_RULE_EVENTS", "5000"))
SEED: Final = int(os.environ.get("TIDEWAITER_RULE_SEED", "1"))
RULES: Final = 10
EVENTS_OF_A_RULE: Final = 25


def test_the_matcher_agrees_with_the_specification_read_literally() -> None:
    compared = matched = 0
    random = Random(SEED)
    while compared < EVENTS:
        made = [rule(random) for _ in range(RULES)]
        rules = parse_rules([Document(f"{n:03d}.yml", dumps(one).decode()) for n, (one, _) in enumerate(made)])
        assert rules.refused == ()
        compiled = CompiledRules.compile(rules, mapped=False)
        for _, ways in made:
            for _ in range(EVENTS_OF_A_RULE):
                event: dict[str, Any] = loads(dumps(event_of(random, ways)))
                found = [match.rule.id for match in compiled.match(event)]
                expected = [one["id"] for one, _ in made if holds(one, event)]
                assert found == expected, [event, [one for one, _ in made if one["id"] in set(found) ^ set(expected)]]
                compared += 1
                matched += len(found)
    assert matched > compared / 10
