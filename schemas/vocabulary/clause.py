"""What all clauses have in common: how they are written, noted on, listed and found again under a path."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar

from pydantic import BeforeValidator, Field, model_validator

from schemas.vocabulary.values import Identifier, Level, Model, Some, Technique

__all__ = [
    "NOTES",
    "Clause",
    "Clauses",
    "Denials",
    "Effect",
    "Flag",
    "Match",
    "Notes",
    "Required",
    "Requirement",
    "Section",
    "WrittenClause",
]

Effect = Literal["deny", "allow", "only", "rest", "require"]
"""What a clause does; ``rest`` is the other side of ``only``: it denies what none of its clauses names."""


class Notes(Model):
    """What a person who reads a verdict should know: why, how grave, what to do, and what sets it off falsely."""

    reason: str | None = None
    level: Level | None = None
    attack: Some[Technique] | None = None
    advice: str | None = None
    false_positives: Some[str] | None = None

    def over(self, other: Notes) -> Notes:
        """Return these notes, and those of ``other`` where these say nothing."""
        noted = {key: getattr(other, key) for key in NOTES if getattr(self, key) is None}
        return Notes.model_construct(**{key: getattr(self, key) for key in NOTES} | noted)


NOTES = frozenset(Notes.model_fields)
"""Keys that say something of a clause, not of what it speaks of."""


@dataclass(frozen=True, slots=True)
class WrittenClause:
    """One clause: the section it stands in, its effect and path, what is written there, and the notes on it."""

    section: str
    effect: Effect
    path: str
    value: Any
    notes: Notes = field(default_factory=Notes)


class Match(Model):
    """What one clause speaks of.

    Where ``word`` is set, a clause without a name that has only one value of that key is named by it.
    """

    word: ClassVar[str] = ""

    @model_validator(mode="after")
    def _says_something(self) -> Match:
        if not self.given() - {"name", "except_"} - NOTES:
            raise ValueError('says nothing; to speak of everything write "**" for paths and "*" for names')
        return self


class Clause(Notes):
    """What every clause may have beside its match: a name, which its path then ends in, and notes."""

    name: Identifier | None = None

    @property
    def title(self) -> str:
        """The name, or the single word that the clause is; empty where it must be counted."""
        if self.name:
            return self.name
        values = getattr(self, self.word) if isinstance(self, Match) and self.word else ()
        word = str(values[0]) if len(values or ()) == 1 else ""
        return word if word.replace("_", "").replace("-", "").isalnum() else ""


class Section(Notes):
    """A part of a policy that holds clauses; its notes are on each that has none of its own."""

    @abstractmethod
    def written(self, section: str) -> Iterator[WrittenClause]:
        """Return the clauses of the section, which is called ``section``."""


T = TypeVar("T", bound=Clause)

_Listed = Annotated[tuple[T, ...], BeforeValidator(lambda value: value if isinstance(value, list | tuple) else [value])]


def _numbered(section: str, effect: Effect, clauses: tuple[Clause, ...], notes: Notes) -> Iterator[WrittenClause]:
    for number, clause in enumerate(clauses):
        path = f"{section}.{clause.title}" if clause.title else f"{section}.{effect}[{number}]"
        yield WrittenClause(section, effect, path, clause, clause.over(notes))


class Clauses(Section, Generic[T]):
    """``deny`` forbids, ``allow`` authorizes, ``only`` authorizes these and forbids all else of its section."""

    deny: Some[T] = ()
    allow: Some[T] = ()
    only: _Listed[T] | None = None

    @model_validator(mode="after")
    def _no_doubt(self) -> Clauses[T]:
        if self.allow and self.only is not None:
            raise ValueError("has both only and allow; only allows already, so put everything there")
        if not self.model_fields_set - NOTES:
            raise ValueError("says nothing; write deny, allow or only")
        return self

    def written(self, section: str) -> Iterator[WrittenClause]:
        """Return what is denied, what is allowed, and what is left out by ``only``."""
        yield from _numbered(section, "deny", self.deny, self)
        yield from _numbered(section, "allow", self.allow, self)
        if self.only is not None:
            yield from _numbered(section, "only", self.only, self)
            yield WrittenClause(section, "rest", f"{section}.only", self.only, self.over(Notes()))


class Denials(Section, Generic[T]):
    """What is forbidden, in a section in which nothing can be allowed."""

    deny: Some[T]

    def written(self, section: str) -> Iterator[WrittenClause]:
        """Return what is denied."""
        yield from _numbered(section, "deny", self.deny, self)


class Flag(Section):
    """One word: whether something is denied or allowed."""

    short: ClassVar[str] = "effect"
    effect: Literal["deny", "allow"]

    def written(self, section: str) -> Iterator[WrittenClause]:
        """Return the one clause."""
        yield WrittenClause(section, self.effect, section, self, self.over(Notes()))


class Requirement(Section):
    """One word: that something must be so."""

    short: ClassVar[str] = "effect"
    effect: Literal["require"]

    def written(self, section: str) -> Iterator[WrittenClause]:
        """Return the one clause."""
        yield WrittenClause(section, self.effect, section, self, self.over(Notes()))


W = TypeVar("W", bound=str)


class Required(Section, Generic[W]):
    """Things that must be there, each a clause of its own."""

    require: Annotated[
        tuple[W, ...],
        BeforeValidator(lambda value: value if isinstance(value, list | tuple) else [value]),
        Field(min_length=1),
    ]

    def written(self, section: str) -> Iterator[WrittenClause]:
        """Return a clause for each word."""
        for word in self.require:
            yield WrittenClause(section, "require", f"{section}.{word}", word, self.over(Notes()))
