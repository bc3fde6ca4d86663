from __future__ import annotations

import pytest

from schemas.baseline import Element
from schemas.errors import ConfigurationError
from streams.baseline.exports.seccomp import seccomp
from streams.baseline.exports.types import Options
from tests.streams.baseline.exports.reading import learned


@pytest.mark.parametrize(
    ("elements", "known"),
    [
        ({}, "what it ran with was not seen either"),
        ({"settings": [("seccomp", "none")]}, "it ran with seccomp the default profile of its runtime"),
        ({"settings": [("seccomp", "unconfined")]}, "it ran with seccomp unconfined"),
    ],
)
def test_no_profile_is_made_up_and_the_error_says_what_is_needed(
    elements: dict[str, list[Element]], known: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        seccomp(learned(exec=[("/a",)], **elements), Options())
    message = str(caught.value)
    assert "system calls were not observed" in message
    assert "A sensor that records every system call is needed" in message
    assert known in message
