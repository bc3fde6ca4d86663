from __future__ import annotations

import pytest

from streams.rules.needed import literals_needed


@pytest.mark.parametrize(
    ("pattern", "literals"),
    [
        (r"/bin/(ba)?sh$", {"/bin/"}),
        (r"\b(rm|shred)\b.*\s/var/log/|>\s*/run/", {"/var/log/", "/run/"}),
        (r"(rm|shred) -x", {" -x"}),
        (r"(remove|shred)-x", {"shred", "remove"}),
        (r"^x\bABC", {"xabc"}),
        (r"(abc)+d{2,3}", {"abc"}),
        (r"(?i)CURL", {"curl"}),
        (r"a\.b\/c", {"a.b/c"}),
        (r"(a|)", None),
        (r"(abc)*d?", None),
        (r"(a+)+#$", None),
        (r"ate", None),
        (r"[abc]x?", None),
        (r"^.{3}$", None),
        (r"\Aabc", None),
        (r"\x61bc", None),
        (r"\pLabc", None),
        (r"(?-i)abc", None),
        ("caf\u00e9", None),
        (r"a(", None),
        ("|".join(f"{chr(ord('a') + number % 26)}{number}" for number in range(100)), None),
    ],
)
def test_what_a_pattern_cannot_be_found_without(pattern: str, literals: set[str] | None) -> None:
    assert literals_needed(pattern) == literals
