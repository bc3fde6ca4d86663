from __future__ import annotations

from collections.abc import Iterator

from deploy.answers import hear
from schemas.deadletter import DeadLetter, encode_deadletter
from schemas.topics import Name

Said = tuple[Name, bytes, bytes | None]


def letter(place: str) -> Said:
    record = DeadLetter.of(stage="correlate", process="c", place=place, error="no", data=b"")
    return "deadletters", b"", encode_deadletter(record)


class Ear:
    """Hears what is said, one thing with each look."""

    def __init__(self, *said: Said) -> None:
        self.said = iter(said)
        self.waiting = {"control/1/7", "control/1/8"}
        self.refused: dict[str, str] = {}

    def poll(self, _: float) -> Iterator[Said]:
        yield from [one for one in [next(self.said, None)] if one]

    def take(self, value: bytes) -> None:
        self.waiting.discard(value.decode())

    def refuse(self, place: str, error: str) -> None:
        self.waiting.discard(place)
        self.refused[place] = error

    def listen(self, seconds: float) -> Ear:
        hear(self.poll, seconds, self.waiting, self.take, self.refuse)
        return self


def test_it_is_refused_whose_place_a_dead_letter_names() -> None:
    ear = Ear(letter("control/1/6"), letter("control/1/7"), ("alerts", b"", b"control/1/8")).listen(60)
    assert ear.refused == {"control/1/7": "no"}
    assert not ear.waiting


def test_what_nobody_can_read_and_tombstones_are_no_answers() -> None:
    said: list[Said] = [("deadletters", b"", b"nonsense"), ("alerts", b"", None), ("alerts", b"", b"control/1/7")]
    ear = Ear(*said, letter("control/1/8")).listen(60)
    assert ear.refused == {"control/1/8": "no"}


def test_it_does_not_wait_for_ever() -> None:
    assert len(Ear().listen(0).waiting) == 2
