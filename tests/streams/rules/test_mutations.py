"""Rule files changed at random: each is loaded or refused with a place; none raises, none is dropped without a word.

10,000 files: ``TIDEWAITER_MUTATED_RULES=10000 pytest tests/streams/rules/test_mutations.py``; fewer by default.
"""

from __future__ import annotations

import os
from random import Random
from typing import Any, Final

import yaml

from schemas.policyset import Document
from streams.rules.matcher import CompiledRules
from streams.rules.ruleset import RuleSet, parse_rules
from tests.streams.rules.generated import rule
from tests.streams.rules.test_ruleset import CORRELATION, RULE

FILES: Final = int(os.environ.get("TIDEWAITER_MUTATED_RULES", "300"))
SEED: Final = int(os.environ.get("TIDEWAITER_RULE_SEED", "1"))
EVENT: Final = {"Image": "/bin/nc", "CommandLine": "nc -e sh", "user": {"name": "x"}, "n": 1, "User": None}
FILTER: Final = {
    "title": "F",
    "logsource": {"category": "process_creation"},
    "filter": {"rules": "any", "selection": {"User": "x"}, "condition": "not selection"},
}
ODD: Final[tuple[Any, ...]] = (
    *(None, True, -1, 2.5, 1e300, "", " ", "x|y", "|all", "a*b?", "(", ")", "%x%", "\\", "\u0000", "1 of", "not"),
    *([], {}, [[]], [None], [{}], {"": ""}, {"a": {"b": 1}}, ["a", {"b": 1}], "a" * 5000, "(" * 60, 10**50),
    *("Image|re", "(?<!a)b", "re|i", "1 of them", "all of sel*", "1h", "temporal", "9" * 40 + "d", "attack.t1059"),
)
KEYS: Final = (
    *("title", "id", "name", "level", "status", "tags", "date", "logsource", "detection", "correlation", "filter"),
    *("condition", "selection", "a|re", "a|cidr", "a|base64offset|contains", "a|windash|all", "|all", "a|exists"),
    *("a|fieldref", "a|expand", "rules", "timespan", "group-by", "type", "aliases", "generate", "action", "related"),
)


def mutated(random: Random, text: str) -> str:
    return _bytes(random, text) if random.random() < 0.4 else _structure(random, text)


def _bytes(random: Random, text: str) -> str:
    """Cut, double, swap and overwrite characters."""
    for _ in range(random.randint(1, 4)):
        first, last = sorted((random.randrange(len(text) + 1), random.randrange(len(text) + 1)))
        piece = text[first:last][:200]
        kind = random.randrange(4)
        if kind == 0:
            text = text[:first] + text[first + len(piece) :]
        elif kind == 1:
            text = text[:last] + piece + text[last:]
        else:
            text = (
                text[:first]
                + random.choice("[]{}:,&*!|>'\"%@`#-?~\n\t \u00e9\u2028\x01\ufeff")
                + text[first + kind - 2 :]
            )
    return text or " "


def _structure(random: Random, text: str) -> str:
    """Put odd values and keys into the tree."""
    documents = list(yaml.safe_load_all(text))
    for _ in range(random.randint(1, 3)):
        place, key = random.choice(list(_places(documents)))
        kind = random.randrange(3)
        if kind == 0:
            del place[key]
        elif kind == 1 and isinstance(place, dict):
            place[random.choice(KEYS)] = place[key]
        else:
            place[key] = random.choice(ODD)
        documents = documents or [None]
    return yaml.safe_dump_all(documents, allow_unicode=True)


def _places(value: Any) -> Any:
    entries = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    for key, entry in entries:
        yield value, key
        if isinstance(entry, dict | list):
            yield from _places(entry)


def originals(random: Random) -> list[str]:
    made = yaml.safe_dump(rule(random)[0], allow_unicode=True)
    return [RULE, CORRELATION, yaml.safe_dump(FILTER), made, f"{RULE}---{CORRELATION}", made]


def accounted(rules: RuleSet) -> bool:
    """Say whether a file has come to something: a rule, a correlation, a fault, or (a filter) to more of a rule's condition."""
    return bool(rules.rules or rules.correlations or rules.refused)


def test_no_mutated_rule_raises_or_is_dropped() -> None:
    random = Random(SEED)
    loaded = refused = 0
    for _ in range(FILES):
        text = mutated(random, random.choice(originals(random)))
        rules = parse_rules([Document("rule.yml", text)])
        assert accounted(rules), text
        for fault in rules.refused:
            assert 1 <= fault.line <= text.count("\n") + 2, (fault, text)
            assert fault.message, text
            assert "Traceback" not in str(fault), text
        CompiledRules.compile(rules, mapped=False).match(EVENT)
        CompiledRules.compile(rules).match({"event.action": "exec"} | EVENT)
        loaded += bool(rules.rules or rules.correlations)
        refused += bool(rules.refused)
    assert loaded > FILES / 10
    assert refused > FILES / 3


def test_one_bad_file_takes_no_other_with_it() -> None:
    random = Random(SEED + 1)
    good = Document("good.yml", RULE)
    for _ in range(FILES // 10):
        rules = parse_rules([good, Document("mutated.yml", mutated(random, originals(random)[3]))])
        assert "good.yml" in [rule.file for rule in rules.rules]
