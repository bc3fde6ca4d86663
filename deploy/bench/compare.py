"""What a disturbed run has wrong beside an undisturbed one of the same input: a pure function of what both left behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields

__all__ = ["Document", "Faults", "Outcome", "compare"]


@dataclass(frozen=True, slots=True)
class Document:
    """One document: its id, the number of the input line that it came of (None: it came of none), and its verdict.

    ``verdict`` is outcome, by, policy, clause, reason and activity, empty where none was given.
    """

    id: str
    line: int | None
    verdict: tuple[str | None, ...] = ()

    @property
    def activity(self) -> str | None:
        """Return the digest of its activity."""
        return self.verdict[-1] if self.verdict else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run left behind: all documents, event counts of ``activities`` by digest, the collector's last numbers, dead letters."""

    documents: tuple[Document, ...]
    counts: Mapping[str, int]
    last_numbers: Mapping[str, int]
    deadletters: int


@dataclass(frozen=True, slots=True)
class Faults:
    """One sentence for each fault, by kind."""

    missing: tuple[str, ...]
    repeated: tuple[str, ...]
    verdicts_different: tuple[str, ...]
    counts_different: tuple[str, ...]
    numbers_missing: tuple[str, ...]
    deadletters: tuple[str, ...]

    def by_kind(self) -> dict[str, tuple[str, ...]]:
        """Return the sentences by the name of their kind."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def compare(undisturbed: Outcome, disturbed: Outcome, lines: int) -> Faults:
    """Return all faults of both runs by themselves and of one beside the other; input lines are numbered from 1 to ``lines``."""
    runs = {"undisturbed": undisturbed, "disturbed": disturbed}
    return Faults(
        missing=_tell(runs, lambda run: _missing(run, lines)),
        repeated=_tell(runs, _repeated),
        verdicts_different=tuple(_verdicts_different(undisturbed, disturbed)),
        counts_different=(*_tell(runs, _miscounted), *_counts_different(undisturbed, disturbed)),
        numbers_missing=_tell(runs, _numbers_missing),
        deadletters=_tell(runs, lambda run: (f"dead letter {number + 1}" for number in range(run.deadletters))),
    )


def _tell(runs: Mapping[str, Outcome], faults: Callable[[Outcome], Iterable[str]]) -> tuple[str, ...]:
    return tuple(f"{name}: {fault}" for name, run in runs.items() for fault in faults(run))


def _missing(run: Outcome, lines: int) -> Iterator[str]:
    there = {document.line for document in run.documents}
    yield from (f"line {number} is not there" for number in range(1, lines + 1) if number not in there)


def _repeated(run: Outcome) -> Iterator[str]:
    ids = Counter(document.id for document in run.documents)
    yield from (f"id {name} stands {number} times" for name, number in ids.items() for _ in range(number - 1))
    of_line: dict[int, set[str]] = {}
    for document in run.documents:
        if document.line is not None:
            of_line.setdefault(document.line, set()).add(document.id)
    yield from (
        f"line {line} has ids {sorted(names)}" for line, names in of_line.items() for _ in range(len(names) - 1)
    )


def _verdicts_different(undisturbed: Outcome, disturbed: Outcome) -> Iterator[str]:
    expected = {document.line: document.verdict for document in undisturbed.documents if document.line is not None}
    for document in disturbed.documents:
        if document.line in expected and document.verdict != expected[document.line]:
            yield f"line {document.line} ({document.id}) has {document.verdict}, not {expected[document.line]}"


def _miscounted(run: Outcome) -> Iterator[str]:
    """Yield each activity whose rows count other than there are documents; each document counts once."""
    there = Counter(activity for _, activity in {(one.id, one.activity) for one in run.documents} if activity)
    for activity in sorted(there.keys() | run.counts.keys()):
        if there[activity] != run.counts.get(activity, 0):
            yield f"activity {activity}: rows count {run.counts.get(activity, 0)}, {there[activity]} documents"


def _counts_different(undisturbed: Outcome, disturbed: Outcome) -> Iterator[str]:
    """Yield each activity of input lines that is counted differently; what a collector says beside them may be said again."""
    activities = {one.activity for run in (undisturbed, disturbed) for one in run.documents if one.line is not None}
    for activity in sorted(activity for activity in activities if activity):
        before, now = undisturbed.counts.get(activity, 0), disturbed.counts.get(activity, 0)
        if before != now:
            yield f"activity {activity}: counted {now}, undisturbed {before}"


def _numbers_missing(run: Outcome) -> Iterator[str]:
    """Yield each hole in the numbers of a source (collector and partition), which begin at 1; a missing tail is one too."""
    numbers: dict[str, set[int]] = {source: set() for source in run.last_numbers}
    for document in run.documents:
        source, _, number = document.id.rpartition(":")
        numbers.setdefault(source, set()).add(int(number))
    for source, seen in sorted(numbers.items()):
        last = max(run.last_numbers.get(source, 0), *seen, 0)
        yield from (f"{source}:{number:012d} is not there" for number in range(1, last + 1) if number not in seen)
