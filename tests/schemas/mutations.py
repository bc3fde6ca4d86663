"""Files of policies or rules as people, editors and accidents break them: seeded mutations of bytes, lines and structure."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Final

import yaml

__all__ = ["mutated"]

_JUNK: Final[tuple[Any, ...]] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        7,
        2**70,
        1.5,
        float("inf"),
        "",
        " ",
        "*",
        "**",
        "no",
        "never",
        "2026-02-30",
        "[a",
        "\\",
    ),
    *(
        "a" * 5_000,
        "\u0661",
        "\u2028",
        [],
        {},
        [[]],
        [None],
        {"a": {"b": [1]}},
        ["/x", 7, {"path": "/y"}],
        "T1059",
        "10.0.0.1/8",
    ),
)
_TEXTS: Final = (
    *(
        "\t",
        ":",
        "- ",
        "{",
        "}",
        "[",
        "]",
        "&a ",
        "*a",
        "!!python/object:os.system ",
        "!!binary ",
        "%TAG ! x",
        "---\n",
        "...\n",
    ),
    *(
        "#",
        "'",
        '"',
        "\\x",
        "? ",
        "| ",
        "> ",
        "<<: ",
        "\x00",
        "\x85",
        "\ufeff",
        "é",
        "🚢",
        "\r",
        "0x1F",
        "1_000",
        "~",
        "=",
        "@",
        "`",
    ),
)


def mutated(text: str, random: Random) -> bytes:
    """Return a file that was broken in one to three ways; it may happen to be whole again."""
    if random.random() < 0.6:
        return _restructured(text, random).encode(errors="surrogatepass")
    content = text.encode()
    for _ in range(random.choice((1, 1, 2, 3))):
        content = random.choice(_BYTE_MUTATIONS)(content, random)
    return content


def _flip(content: bytes, random: Random) -> bytes:
    place = random.randrange(len(content) or 1)
    return content[:place] + bytes([random.randrange(256)]) + content[place + 1 :]


def _insert(content: bytes, random: Random) -> bytes:
    place = random.randrange(len(content) + 1)
    return content[:place] + random.choice(_TEXTS).encode() * random.choice((1, 1, 1, 300)) + content[place:]


def _delete(content: bytes, random: Random) -> bytes:
    place = random.randrange(len(content) or 1)
    return content[:place] + content[place + random.randint(1, 40) :]


def _repeat(content: bytes, random: Random) -> bytes:
    place = random.randrange(len(content) or 1)
    piece = content[place : place + random.randint(1, 200)]
    return content[:place] + piece * random.choice((2, 3)) + content[place + len(piece) :]


def _truncate(content: bytes, random: Random) -> bytes:
    return content[: random.randrange(len(content) or 1)]


def _swap_lines(content: bytes, random: Random) -> bytes:
    lines = content.split(b"\n")
    one, other = random.randrange(len(lines)), random.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def _indent(content: bytes, random: Random) -> bytes:
    lines = content.split(b"\n")
    place = random.randrange(len(lines))
    lines[place] = random.choice((b" ", b"    ", b"\t", b"")) + lines[place].lstrip(random.choice((b"", b" ")))
    return b"\n".join(lines)


_BYTE_MUTATIONS: Final[tuple[Callable[[bytes, Random], bytes], ...]] = (
    _flip,
    _insert,
    _delete,
    _repeat,
    _truncate,
    _swap_lines,
    _indent,
)


def _restructured(text: str, random: Random) -> str:
    documents = list(yaml.safe_load_all(text))
    place = random.randrange(len(documents))
    for _ in range(random.randint(1, 3)):
        documents[place] = _changed(documents[place], random)
    return yaml.safe_dump_all(documents, allow_unicode=True, sort_keys=False)


def _changed(value: Any, random: Random) -> Any:
    """Return a value with one thing in it changed: a key, an item, or the value itself."""
    if isinstance(value, dict) and value and random.random() < 0.85:
        key = random.choice(list(value))
        ways = (
            {**value, key: _changed(value[key], random)},
            {**value, key: _changed(value[key], random)},
            {name: part for name, part in value.items() if name != key},
            {(f"{name}x" if name == key else name): part for name, part in value.items()},
            {**value, random.choice(("deny", "allow", "only", "except", "x", "level", 7)): random.choice(_JUNK)},
        )
        return random.choice(ways)
    if isinstance(value, list) and value and random.random() < 0.85:
        place = random.randrange(len(value))
        item = _changed(value[place], random)
        return [*value[:place], item, *value[place + 1 :], *random.choice(((), (item,)))]
    return random.choice((*_JUNK, [value], {"path": value}, {"deny": value}))
