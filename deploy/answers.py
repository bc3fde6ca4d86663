"""What ``correlate`` answers to decisions of people: it carries them out, which their topic shows, or says in a dead letter why it does not."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from typing import Final

from schemas.deadletter import decode_deadletter
from schemas.errors import Invalid
from schemas.topics import Name

__all__ = ["hear"]

_LOOK_SECONDS: Final = 0.2


def hear(
    poll: Callable[[float], Iterable[tuple[Name, bytes, bytes | None]]],
    seconds: float,
    waiting: Collection[str],
    take: Callable[[bytes], None],
    refuse: Callable[[str, str], None],
) -> None:
    """Listen until no decision is ``waiting`` any more, by its place, or for so many seconds.

    ``poll`` is that of a follower of the decisions' topic and of ``deadletters``. ``take`` is given each record of the decisions' topic, and may raise ``Invalid`` for one that it cannot read; ``refuse`` the place of
    a refused decision, and why. Both let ``waiting`` shrink.
    """
    deadline = time.monotonic() + seconds
    while waiting and time.monotonic() < deadline:
        for topic, _, value in poll(_LOOK_SECONDS):
            if value is not None:
                with suppress(Invalid):
                    _refuse(value, waiting, refuse) if topic == "deadletters" else take(value)


def _refuse(value: bytes, waiting: Collection[str], refuse: Callable[[str, str], None]) -> None:
    letter = decode_deadletter(value)
    if letter.place in waiting:
        refuse(letter.place, letter.error)
