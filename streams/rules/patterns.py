"""Regular expressions: RE2's, which cannot hang; what it cannot do is refused with the reason.

Letters are compared without case as in the rest of the matcher: one character with one character.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import re2

from streams.rules.condition import Flag

__all__ = ["MAX_PATTERN", "fault_in_regex", "finder", "finder_among", "fitter", "is_found_among"]

MAX_PATTERN: Final = 10_000
"""Longest pattern that is read."""

_MAX_MEMORY: Final = 8 << 20

_MOST_MEMORY: Final = 64 << 20
_MOST_INSTRUCTIONS: Final = 100_000
"""Of all patterns together: with so few a state of RE2's automaton always finds room in its memory, else it would find nothing."""

_OF_ONE_TEXT: Final = re.compile(r"\\[AzZQC]|\(\?[a-zA-Z]*-")
"""What asks for the ends of a text among others, or turns off what ``finder_among`` turns on."""

_UNSUPPORTED: Final = (
    (re.compile(r"\(\?<?[=!]"), "looks ahead or behind"),
    (re.compile(r"\(\?>|[*+?}]\+"), "forbids to go back (atomic groups, possessive quantifiers)"),
    (re.compile(r"\(\?\(|\(\?R\)|\(\?&|\(\?P>|\(\?\d"), "branches or calls itself"),
    (re.compile(r"\\[1-9]|\\k[<{']|\(\?P="), "refers back to a group"),
)
_ESCAPED_BACKSLASH: Final = re.compile(r"\\\\")


def finder(pattern: str, flags: Iterable[Flag] = ()) -> Callable[[bytes], bool]:
    """Return the function that says whether the pattern is found in a text in UTF-8."""
    search = _compiled(pattern, flags).search
    return lambda text: search(text) is not None


def fitter(pattern: str, flags: Iterable[Flag] = ()) -> Callable[[bytes], bool]:
    """Return the function that says whether the pattern is the whole of a text in UTF-8."""
    fullmatch = _compiled(pattern, flags).fullmatch
    return lambda text: fullmatch(text) is not None


def is_found_among(pattern: str) -> bool:
    """Return whether a pattern that is found in a text is also found where the text stands among others, each on lines of its own."""
    return _OF_ONE_TEXT.search(pattern) is None


def finder_among(patterns: Sequence[tuple[str, Iterable[Flag]]]) -> Callable[[bytes], Sequence[int]] | None:
    """Return the function that says, by their position, which patterns may be found in texts that are joined by line breaks.

    It may say too much, never too little. None where they are too much to be looked for together.
    """
    options = _options(_MOST_MEMORY)
    found = re2.Set.SearchSet(options)
    if sum(_compiled(pattern, flags).programsize for pattern, flags in patterns) > _MOST_INSTRUCTIONS:
        return None
    for pattern, flags in patterns:
        found.Add(f"(?{''.join(sorted({*flags, 'm', 's'}))}){pattern}".encode())
    found.Compile()
    return lambda text: found.Match(text) or ()


def _compiled(pattern: str, flags: Iterable[Flag]) -> Any:
    """Return RE2's own; of bytes and without groups it is three times as fast."""
    letters = "".join(sorted(flags))
    return re2.compile((f"(?{letters}){pattern}" if letters else pattern).encode(), _options(_MAX_MEMORY))


def _options(memory: int) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = memory
    return options


def fault_in_regex(pattern: str, flags: Iterable[Flag] = ()) -> str | None:
    """Say what is wrong with a regular expression, or nothing."""
    if len(pattern) > MAX_PATTERN:
        return f"has a regular expression of {len(pattern)} characters; at most {MAX_PATTERN} are read"
    try:
        _compiled(pattern, flags)
    except re2.error as error:
        return f"has a regular expression that cannot be used: it {_reason(pattern, _said(error))}"
    except UnicodeEncodeError:
        return "has a regular expression with half a character (a lone surrogate) in it"
    return None


def _said(error: Exception) -> str:
    """Return RE2's own words, which come as bytes."""
    said = error.args[0] if error.args else ""
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)


def _reason(pattern: str, said: str) -> str:
    bare = _ESCAPED_BACKSLASH.sub("", pattern)
    for form, what in _UNSUPPORTED:
        if form.search(bare):
            return f"{what}, which would allow it to hang; write it without ({said})"
    return f"is not readable ({said})"
