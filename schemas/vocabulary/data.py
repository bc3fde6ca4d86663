"""Secrets and data: how old and of which kinds secrets may be, and which data is of a class that people must answer for."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from schemas.vocabulary.clause import Clause, Clauses, Match
from schemas.vocabulary.images import MaximumAge
from schemas.vocabulary.values import Label, Model, Names, Paths, Some

__all__ = ["DataClass", "Secrets"]


class TypeMatch(Match):
    """A type of secrets: ``Opaque``, ``kubernetes.io/tls``, ``kv``."""

    short: ClassVar[str] = "type"
    word: ClassVar[str] = "type"
    type: Names | None = None


class TypeClause(TypeMatch, Clause):
    except_: Some[TypeMatch] = Field(default=(), alias="except")


class Secrets(Model):
    """What is asked of a secret itself; who may read it is said in ``access.secrets``."""

    max_age_days: MaximumAge | None = None
    types: Clauses[TypeClause] | None = None


class DataClass(Model):
    """Where data of one class lies; what is labelled ``data=CLASS`` or ``tidewaiter.io/data=CLASS`` is of it in any case.

    ``workloads`` are ``NAMESPACE/NAME``; ``secrets`` are paths as in ``secret.path``.
    """

    workloads: Names | None = None
    labels: Some[Label] | None = None
    paths: Paths | None = None
    secrets: Names | None = None
