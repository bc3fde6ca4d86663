"""A batch on its way: its documents, in parts that shrink as they are answered, and the outcome of each record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from schemas.errors import Invalid
from sinks.elasticsearch.bulk import Document, document_of
from sinks.types import Batch, Delivered, Outcome, Refused

__all__ = ["Delivery", "Part"]


@dataclass(frozen=True, slots=True)
class Part:
    """Documents that go out in one request; ``maybe_sent`` as in ``Batch``, ``has_failed`` after an attempt in vain."""

    documents: Sequence[Document]
    maybe_sent: bool
    has_failed: bool = False

    @property
    def size(self) -> int:
        """Return about how many bytes the request has."""
        return sum(document.size for document in self.documents)

    def of(self, documents: Sequence[Document]) -> Self:
        """Return the part with these documents instead."""
        return replace(self, documents=documents)

    def again(self, *, maybe_sent: bool) -> Self:
        """Return the part as it goes out after a failure."""
        return replace(self, maybe_sent=maybe_sent, has_failed=True)

    def halves(self) -> tuple[Self, Self]:
        """Return two parts, the second one first, as a stack takes them."""
        middle = (len(self.documents) + 1) // 2
        return self.of(self.documents[middle:]), self.of(self.documents[:middle])


class Delivery:
    """Collects the outcome of every record of a batch."""

    def __init__(self, batch: Batch) -> None:
        self.throttled = False
        self._outcomes: list[Outcome | None] = [None] * len(batch.records)
        self._refused: list[Refused] = []
        self._documents: list[Document] = []
        for number, record in enumerate(batch.records):
            try:
                self._documents.append(document_of(number, record))
            except Invalid as error:
                self._outcomes[number] = "refused"
                self._refused.append(Refused(record, str(error)))

    def parts(self, maybe_sent: bool) -> list[Part]:  # noqa: FBT001 - the only argument, named as everywhere
        """Return what has to be sent: one part, or none where every record is refused."""
        return [Part(self._documents, maybe_sent)] if self._documents else []

    def conclude(self, document: Document, outcome: Outcome) -> None:
        """Note what became of a document."""
        self._outcomes[document.number] = outcome

    def refuse(self, document: Document, reason: str) -> None:
        """Note that a document will never be taken."""
        self._outcomes[document.number] = "refused"
        self._refused.append(Refused(document.record, reason))

    def result(self) -> Delivered:
        """Return the outcomes; every record must have one."""
        outcomes = [outcome for outcome in self._outcomes if outcome is not None]
        if len(outcomes) != len(self._outcomes):
            raise AssertionError(f"{len(self._outcomes) - len(outcomes)} records have no outcome")
        return Delivered(outcomes, self._refused, self.throttled)
