"""Rules made at random in all of the specification's syntax, and events that match them or miss them by one thing."""

from __future__ import annotations

from base64 import b64encode
from random import Random
from typing import Any, Final
from uuid import UUID

__all__ = ["Written", "event_of", "rule"]

FIELDS: Final = ("Image", "CommandLine", "user.name", "deep.er.path", "User", "list")
LETTERS: Final = "abAB012 -/.\\_\u00e9\u00c9\u00df\u03a3\u03c3\u03c2\u0130\u212a"
WORDS: Final = (
    "curl",
    "Bash",
    "/bin/sh",
    "-enc",
    "C:\\Temp",
    "ä",
    "root",
    "10",
    "true",
    "etc/shadow",
    " -i ",
    "\u03a3\u0391\u03a3",
)
EXPRESSIONS: Final = (
    ("cu.l", "xcurl"),
    ("^/bin/(ba)?sh$", "/bin/bash"),
    ("[0-9]{2,3}x+", "a123xx"),
    ("(a+)+b", "aaaab"),
    ("root|admin", "the admin"),
    (r"\bnc\b", "run nc now"),
    ("x*", ""),
    ("é+", "caféé"),
    (r"\S+@\w+", "me@host"),
)
DAYS: Final = ("2024-02-29T23:59:58Z", "2026-01-01T00:00:00Z", "2021-01-03T12:30:00Z")

Written = tuple[str, Any, Any]
"""An item of a rule: key, value, and what a field is that it holds of (for a keyword: what a text has in it)."""


def text(random: Random, *, wild: bool = True) -> tuple[str, str]:
    """Return a text of a rule and a text that it fits."""
    pieces: list[tuple[str, str]] = []
    for _ in range(random.randint(1, 3)):
        choice = random.random()
        if wild and choice < 0.15:
            pieces.append(("*", plain(random)))
        elif wild and choice < 0.25:
            pieces.append(("?", random.choice(LETTERS)))
        elif wild and choice < 0.32:
            pieces.append(random.choice([("\\*", "*"), ("\\?", "?"), ("\\\\", "\\")]))
        else:
            word = random.choice(WORDS) if random.random() < 0.5 else plain(random)
            pieces.append((word, word.replace("\\\\", "\\")))
    return "".join(rule for rule, _ in pieces), "".join(event for _, event in pieces)


def plain(random: Random) -> str:
    """Return some letters that end in no backslash, which would escape what follows."""
    return "".join(random.choices(LETTERS, k=random.randint(0, 4))).rstrip("\\")


def ascii_word(random: Random) -> str:
    return "".join(random.choices("abcXYZ -/0", k=random.randint(3, 7)))


def item(random: Random, field: str) -> Written:
    """Return one item for a field, and a value that it should hold of."""
    return random.choice(_ITEMS)(random, field)


def _texts(random: Random, field: str) -> Written:
    modifiers = random.choice(["", "", "|contains", "|startswith", "|endswith"])
    if random.random() < 0.15:
        modifiers += "|cased"
    pairs = [text(random) for _ in range(random.randint(1, 4))]
    if random.random() < 0.2 and len(pairs) > 1:
        return f"{field}|contains|all", [rule for rule, _ in pairs], "".join(event for _, event in pairs)
    values = [rule for rule, _ in pairs]
    held = _around(random, modifiers, random.choice(pairs)[1])
    return f"{field}{modifiers}", values if len(values) > 1 or random.random() < 0.5 else values[0], held


def _around(random: Random, modifiers: str, event: str) -> str:
    before = plain(random) if "contains" in modifiers or "endswith" in modifiers else ""
    after = plain(random) if "contains" in modifiers or "startswith" in modifiers else ""
    return f"{before}{event}{after}"


def _windash(random: Random, field: str) -> Written:
    word = random.choice([" -enc ", "/c x", "a-b -c", "-x", "run --all", "*-d"])
    dash = random.choice("-/\u2013\u2014\u2015")
    return f"{field}|windash|contains", word, f"run {word.replace('-', dash, 1).replace('*', 'y')} now"


def _encoded(random: Random, field: str) -> Written:
    word = ascii_word(random)
    wide = random.choice(["", "|wide", "|utf16le", "|utf16be"])
    kind = random.choice(["|base64", "|base64offset", "|base64offset|contains", "|base64|contains"])
    codec = {"": "utf-8", "|utf16be": "utf-16-be"}.get(wide, "utf-16-le")
    held = b64encode(b"x" * random.randint(0, 3) + word.encode(codec) + b"y" * random.randint(0, 3)).decode()
    return f"{field}{wide}{kind}", word, held


def _wide(random: Random, field: str) -> Written:
    word = ascii_word(random)
    return f"{field}|wide|contains", word, f"z{word.encode('utf-16-le').decode()}"


def _regex(random: Random, field: str) -> Written:
    pattern, held = random.choice(EXPRESSIONS)
    flags = random.choice(["", "", "|i", "|s", "|m", "|i|s"])
    if random.random() < 0.3:
        return f"{field}|re{flags}", [pattern, random.choice(EXPRESSIONS)[0]], held
    return f"{field}|re{flags}", pattern, held.upper() if "|i" in flags and held.isascii() else held


def _number(random: Random, field: str) -> Written:
    value = random.choice([0, 1, 7, 4688, -3, 2.5, 10**9])
    return field, [value, 99] if random.random() < 0.3 else value, random.choice([value, str(value)])


def _compare(random: Random, field: str) -> Written:
    value = random.choice([0, 5, 100, 2.5])
    operator = random.choice(["lt", "lte", "gt", "gte"])
    step = random.choice([0, 1])
    return f"{field}|{operator}", value, value + (-step if operator.startswith("l") else step)


def _truth(random: Random, field: str) -> Written:
    value = random.random() < 0.5
    return field, value, random.choice([value, str(value)])


def _exists(random: Random, field: str) -> Written:
    return f"{field}|exists", random.random() < 0.6, random.choice(["x", None, ""])


def _null(random: Random, field: str) -> Written:
    return field, random.choice([None, "", [None, "b"], []]), random.choice([None, ""])


def _network(random: Random, field: str) -> Written:
    length = random.choice([0, 8, 12, 16, 31, 32])
    octets = random.choice([(10, 16, 0, 0), (192, 168, 0, 0), (172, 16, 0, 2)])
    whole = int.from_bytes(bytes(octets)) >> (32 - length) << (32 - length) if length else 0
    base = ".".join(map(str, whole.to_bytes(4)))
    return f"{field}|cidr", f"{base}/{length}", random.choice([base, ".".join(map(str, octets)), "10.0.0.256", "x"])


def _reference(random: Random, field: str) -> Written:
    other = random.choice([name for name in FIELDS if name != field])
    modifiers = random.choice(["", "|contains", "|startswith", "|endswith", "|neq"])
    return f"{field}|fieldref{modifiers}", other, random.choice(WORDS)


def _unequal(random: Random, field: str) -> Written:
    key, value, held = _texts(random, field)
    return f"{key}|neq", value, random.choice([held, "other"])


def _time(random: Random, field: str) -> Written:
    unit, number = random.choice(
        [("minute", 59), ("hour", 0), ("day", 29), ("week", 53), ("week", 1), ("month", 1), ("year", 2021)]
    )
    return f"{field}|{unit}", number, random.choice([*DAYS, "never"])


_ITEMS: Final = (
    *(_texts,) * 10,
    *(_windash, _encoded, _wide, _regex, _regex, _number, _compare, _truth, _exists, _null, _network, _reference),
    *(_unequal, _time),
)


def rule(random: Random) -> tuple[dict[str, Any], dict[str, list[list[Written]]]]:
    """Return a rule, and for each of its names the alternatives of items of which one must hold."""
    detection: dict[str, Any] = {}
    ways: dict[str, list[list[Written]]] = {}
    for name in random.sample(["sel", "sel_b", "selection-c", "filter", "_hidden", "filter_x"], random.randint(1, 4)):
        detection[name], ways[name] = _detection(random)
    detection["condition"] = _conditions(random, list(ways))
    return {
        "title": "Made at random",
        "id": str(UUID(int=random.getrandbits(128), version=4)),
        "logsource": {"category": "process_creation"},
        "detection": detection,
    }, ways


def _detection(random: Random) -> tuple[Any, list[list[Written]]]:
    kind = random.random()
    if kind < 0.12:
        return _keywords(random)
    if kind < 0.25:
        maps = [_map(random) for _ in range(random.randint(1, 3))]
        return [{key: value for key, value, _ in items} for items in maps], maps
    items = _map(random)
    return {key: value for key, value, _ in items}, [items]


def _keywords(random: Random) -> tuple[Any, list[list[Written]]]:
    pairs = [text(random) for _ in range(random.randint(1, 3))]
    values: list[Any] = [written for written, _ in pairs]
    held = random.choice(pairs)[1]
    if random.random() < 0.2:
        return {"|all": values}, [[("", values, "".join(event for _, event in pairs))]]
    if random.random() < 0.2:
        pattern, held = random.choice(EXPRESSIONS)
        return {"|re": pattern}, [[("", pattern, held)]]
    return (values if random.random() < 0.7 else values[0]), [[("", values, held)]]


def _map(random: Random) -> list[Written]:
    items = [item(random, field) for field in random.sample(FIELDS, random.randint(1, 3))]
    return list({key: (key, value, held) for key, value, held in items}.values())


def _conditions(random: Random, names: list[str]) -> Any:
    if random.random() < 0.1:
        return [_condition(random, names, 1), _condition(random, names, 0)]
    return _condition(random, names, 2)


def _condition(random: Random, names: list[str], depth: int) -> str:
    choice = random.random()
    if depth == 0 or choice < 0.3:
        return random.choice(names)
    if choice < 0.45:
        return random.choice(["1 of them", "all of them", "any of them"]) if _seen(names) else names[0]
    if choice < 0.55:
        patterns = [f"{name[:3]}*" for name in names] + [f"*{name[-2:]}" for name in _seen(names) if "-" not in name]
        return f"{random.choice(['1', 'all'])} of {random.choice(patterns)}"
    if choice < 0.65:
        return f"not {_condition(random, names, 0)}"
    if choice < 0.75:
        return f"({_condition(random, names, depth - 1)})"
    joint = random.choice(["and", "or", "and not"])
    return f"{_condition(random, names, depth - 1)} {joint} {_condition(random, names, depth - 1)}"


def _seen(names: list[str]) -> list[str]:
    return [name for name in names if not name.startswith("_")]


def event_of(random: Random, ways: dict[str, list[list[Written]]]) -> dict[str, Any]:
    """Return an event that has what some names of a rule ask for, spoilt in one place or none."""
    event: dict[str, Any] = {}
    for name in random.sample(list(ways), random.randint(0, len(ways))):
        for key, _, held in random.choice(ways[name]):
            event[key.split("|")[0] or "message"] = held
    if not event or random.random() < 0.1:
        event |= {random.choice(FIELDS): random.choice([*WORDS, 7, True, None, 2.5, []])}
    if random.random() < 0.6:
        _spoil(random, event)
    return _nested(event) if random.random() < 0.3 else event


def _spoil(random: Random, event: dict[str, Any]) -> None:
    key = random.choice(list(event))
    value = event[key]
    changes = [_MISSING, [value], [value, "other"], ["x", [value]], str(value), None]
    if isinstance(value, str):
        changes += [value.swapcase(), value.upper(), value[1:], value[:-1], f"{value}x", f"x{value}", f" {value}"]
        changes += [value.replace(random.choice(value or "x"), random.choice(LETTERS), 1), [value.lower(), 1]]
        changes += [int(value)] if value.isascii() and value.isdigit() else []
    elif isinstance(value, int | float):
        changes += [value + 1, value - 1, float(value), {"deep": value}]
    changed = random.choice(changes)
    if changed is _MISSING:
        del event[key]
    else:
        event[key] = changed


_MISSING: Final = object()


def _nested(event: dict[str, Any]) -> dict[str, Any]:
    """Return the same event with its dotted names as objects within objects."""
    nested: dict[str, Any] = {}
    for key, value in event.items():
        place = nested
        *path, last = key.split(".")
        for word in path:
            place = place.setdefault(word, {})
        place[last] = value
    return nested
