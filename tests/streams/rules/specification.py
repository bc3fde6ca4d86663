"""Sigma's specification read literally: does one rule hold of one event? Slow, and independent of pySigma and of the matcher.

Everything is tried as it is written, letter by letter, from the rule's plain values. Where the specification leaves something
open, the reading is the one that deploy/docs/rules.md gives.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product
from operator import ge, gt, le, lt
from typing import Any, Final

__all__ = ["holds"]

ANY: Final = ("many",)
ONE: Final = ("one",)
DASHES: Final = ("-", "/", "\u2013", "\u2014", "\u2015")
MISSING: Final = object()
OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {"lt": lt, "lte": le, "gt": gt, "gte": ge}
OF_TEXT: Final = frozenset(("contains", "startswith", "endswith", "base64", "base64offset", "cased", "windash"))

Tokens = tuple[Any, ...]
"""A text of a rule: characters, ``ANY`` for ``*`` and ``ONE`` for ``?``."""


def holds(rule: dict[str, Any], event: dict[str, Any]) -> bool:
    detection = rule["detection"]
    names = {name: value for name, value in detection.items() if name != "condition"}
    conditions = detection["condition"]
    listed = conditions if isinstance(conditions, list) else [conditions]
    return any(Expression(text, names, event).value() for text in listed)


class Expression:
    """A condition, evaluated while it is read: or, and, not, x of y, brackets, from the least binding to the most."""

    def __init__(self, text: str, names: dict[str, Any], event: dict[str, Any]) -> None:
        self.tokens = re.findall(r"[()]|[^\s()]+", text)
        self.names, self.event = names, event

    def value(self) -> bool:
        result = self.alternatives()
        assert not self.tokens
        return result

    def taken(self, word: str) -> bool:
        if self.tokens[:1] == [word]:
            self.tokens.pop(0)
            return True
        return False

    def alternatives(self) -> bool:
        result = self.conjunction()
        while self.taken("or"):
            result = self.conjunction() or result
        return result

    def conjunction(self) -> bool:
        result = self.negation()
        while self.taken("and"):
            result = self.negation() and result
        return result

    def negation(self) -> bool:
        return not self.negation() if self.taken("not") else self.operand()

    def operand(self) -> bool:
        if self.taken("("):
            result = self.alternatives()
            assert self.taken(")")
            return result
        word = self.tokens.pop(0)
        if self.tokens[:1] != ["of"]:
            return detected(self.names[word], self.event)
        self.tokens.pop(0)
        found = [detected(self.names[name], self.event) for name in self.selected(self.tokens.pop(0))]
        return any(found) if word in ("1", "any") else all(found)

    def selected(self, pattern: str) -> list[str]:
        if pattern == "them":
            pattern = "*"
        fits = [name for name in self.names if fit(tokens_of(pattern), name)]
        return [name for name in fits if pattern.startswith("_") or not name.startswith("_")]


def detected(value: Any, event: dict[str, Any]) -> bool:
    if isinstance(value, dict):
        return all(item(key, entry, event) for key, entry in value.items())
    if isinstance(value, list) and any(isinstance(entry, dict | list) for entry in value):
        return any(detected(entry, event) for entry in value)
    return item("", value, event)


def item(key: str, value: Any, event: dict[str, Any]) -> bool:
    field, *modifiers = key.split("|")
    values = value if isinstance(value, list) else [value]
    values = values or [None]
    found = [one(field, modifiers, entry, event) for entry in values]
    result = all(found) if "all" in modifiers else any(found)
    return not result if "neq" in modifiers else result


def one(field: str, modifiers: list[str], value: Any, event: dict[str, Any]) -> bool:
    """Does one value of a rule hold of a field, or of the whole event?"""
    if not field:
        return keyword(modifiers, value, event)
    raw = looked_up(event, field)
    if "exists" in modifiers:
        return (raw is not MISSING) is value
    if value is None:
        return raw is MISSING or raw is None or (isinstance(raw, list) and None in raw)
    held = elements(raw)
    if "fieldref" in modifiers:
        return referred(modifiers, held, elements(looked_up(event, value)))
    return any(compared(modifiers, value, entry) for entry in held)


def keyword(modifiers: list[str], value: Any, event: dict[str, Any]) -> bool:
    text = str(value).lower() if isinstance(value, bool | int | float) else value
    placed = {"contains", "startswith", "endswith", "re"} & set(modifiers)
    return any(compared(modifiers if placed else [*modifiers, "contains"], text, entry) for entry in strings(event))


def strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for entry in value.values() for text in strings(entry)]
    return [text for entry in value for text in strings(entry)] if isinstance(value, list) else []


def looked_up(event: Any, field: str) -> Any:
    """Return a field by its literal name, else along its dots; through lists, every element."""
    found = followed(event, field)
    return MISSING if not found else found[0] if len(found) == 1 else found


def followed(value: Any, path: str) -> list[Any]:
    if isinstance(value, list):
        return [found for entry in value for found in followed(entry, path)]
    if not isinstance(value, dict):
        return []
    if path in value:
        return [value[path]]
    words = path.split(".")
    for length in range(len(words) - 1, 0, -1):
        head = ".".join(words[:length])
        if head in value:
            return followed(value[head], ".".join(words[length:]))
    return []


def elements(raw: Any) -> list[Any]:
    if isinstance(raw, list):
        return [single for entry in raw for single in elements(entry)]
    return [] if raw is MISSING or raw is None or isinstance(raw, dict) else [raw]


def written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def number(value: Any) -> float | int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if re.fullmatch(r"[-+]?[0-9]+", value):
        return int(value)
    return float(value) if re.fullmatch(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?", value) else None


def lowered(character: str) -> str:
    return character.lower()[0]


def referred(modifiers: list[str], mine: list[Any], others: list[Any]) -> bool:
    def form(value: Any) -> str:
        return written(value) if "cased" in modifiers else "".join(map(lowered, written(value)))

    def related(one: str, other: str) -> bool:
        if "contains" in modifiers:
            return other in one
        if "startswith" in modifiers:
            return one.startswith(other)
        return one.endswith(other) if "endswith" in modifiers else one == other

    return any(related(form(one), form(other)) for one in mine for other in others)


def compared(modifiers: list[str], value: Any, held: Any) -> bool:
    """Does one value of a rule hold of one value of an event?"""
    for name, compare in OPERATORS.items():
        if name in modifiers:
            known = number(held)
            return known is not None and compare(known, value)
    for name in ("minute", "hour", "day", "week", "month", "year"):
        if name in modifiers:
            return part_of_time(name, held) == int(value)
    return written_so(modifiers, value, held)


def written_so(modifiers: list[str], value: Any, held: Any) -> bool:
    if "re" in modifiers:
        return found_by_regex(modifiers, value, written(held))
    if "cidr" in modifiers:
        return in_network(value, written(held))
    if isinstance(value, bool):
        return written(held).lower() == written(value)
    if isinstance(value, int | float) and not OF_TEXT & set(modifiers):
        return number(held) == value
    return any(fit(tokens, written(held), cased="cased" in modifiers) for tokens in modified(modifiers, str(value)))


def found_by_regex(modifiers: list[str], pattern: str, text: str) -> bool:
    """Search; letters of the pattern's own alphabet are compared without case, its classes are ASCII's."""
    flags = re.ASCII if pattern.isascii() else re.UNICODE
    for names, flag in (({"i", "ignorecase"}, re.IGNORECASE), ({"m"}, re.MULTILINE), ({"s"}, re.DOTALL)):
        flags |= flag if names & set(modifiers) else re.RegexFlag(0)
    return re.search(pattern, text, flags) is not None


def in_network(network: str, text: str) -> bool:
    def bits(address: str) -> str | None:
        parts = address.split(".")
        if len(parts) != 4 or not all(re.fullmatch(r"0|[1-9][0-9]{0,2}", part) and int(part) < 256 for part in parts):
            return None
        return "".join(f"{int(part):08b}" for part in parts)

    base, _, length = network.partition("/")
    mine, other = bits(text), bits(base)
    assert other is not None
    return mine is not None and mine[: int(length)] == other[: int(length)]


def part_of_time(unit: str, held: Any) -> int | None:
    if isinstance(held, int | float) and not isinstance(held, bool):
        held = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(held))).strftime("%Y-%m-%dT%H:%M:%SZ")
    if not isinstance(held, str) or not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ?", held):
        return None
    time = datetime.strptime(held.rstrip("Z"), "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    return int(time.strftime("%V")) if unit == "week" else int(getattr(time, unit))


def tokens_of(text: str) -> Tokens:
    """Read wildcards and escapes: a backslash escapes ``*``, ``?`` and itself, before anything else it is itself."""
    tokens: list[Any] = []
    position = 0
    while position < len(text):
        character, following = text[position], text[position + 1 : position + 2]
        if character == "\\" and following and following in "*?\\":
            tokens.append(following)
            position += 1
        else:
            tokens.append({"*": ANY, "?": ONE}.get(character, character))
        position += 1
    return tuple(tokens)


def modified(modifiers: list[str], text: str) -> list[Tokens]:
    """Return the patterns that a text becomes by its modifiers, one after the other; any may fit."""
    patterns = [tokens_of(text)]
    for modifier in modifiers:
        patterns = [changed for tokens in patterns for changed in changed_by(modifier, tokens)]
    return patterns


def changed_by(modifier: str, tokens: Tokens) -> list[Tokens]:
    if modifier in ("contains", "endswith"):
        tokens = (ANY, *tokens)
    if modifier in ("contains", "startswith"):
        tokens = (*tokens, ANY)
    encodings = {"wide": "utf-16-le", "utf16le": "utf-16-le", "utf16be": "utf-16-be"}
    if modifier in encodings:
        return [tuple(b for c in tokens for b in ([c] if c in (ANY, ONE) else c.encode(encodings[modifier]).decode()))]
    if modifier == "base64":
        return [tuple(b64encode("".join(tokens).encode()).decode())]
    if modifier == "base64offset":
        return [static_part("".join(tokens).encode(), offset) for offset in range(3)]
    if modifier == "windash":
        return list(product(*(dashes_at(tokens, position) for position in range(len(tokens)))))
    return [tokens]


def static_part(data: bytes, offset: int) -> Tokens:
    """Return what is the same in every Base64 text in which the data stands at this offset, whatever is around it."""
    around = (b"\x00", b"\xff", b"\x55", b"\xaa", b"\x0f", b"\xf0", b"\x33", b"\xcc")
    texts = [b64encode(byte * offset + data + byte * 6).decode() for byte in around]
    length = len(b64encode(b"x" * offset + data)) + 4
    same = [len({text[position] for text in texts}) == 1 for position in range(length)]
    first = same.index(True)
    last = next(position for position in range(first, length) if not same[position])
    return tuple(texts[0][first:last])


def dashes_at(tokens: Tokens, position: int) -> tuple[Any, ...]:
    def is_word(token: Any) -> bool:
        return token not in (ANY, ONE) and re.fullmatch(r"\w", token) is not None

    before = tokens[position - 1] if position else ANY
    after = tokens[position + 1] if position + 1 < len(tokens) else ANY
    if tokens[position] in ("-", "/") and not is_word(before) and is_word(after):
        return DASHES
    return (tokens[position],)


def fit(tokens: Tokens, text: str, *, cased: bool = False) -> bool:
    """Try a pattern from every place to which its beginning can reach."""
    places = {0}
    for token in tokens:
        if token is ANY:
            places = set(range(min(places), len(text) + 1)) if places else places
        else:
            places = {place + 1 for place in places if place < len(text) and same(token, text[place], cased=cased)}
    return len(text) in places


def same(token: Any, character: str, *, cased: bool) -> bool:
    if token is ONE:
        return True
    return bool(token == character if cased else lowered(token) == lowered(character))
