"""What runs, is opened, is used up, and happens to containers."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from schemas.vocabulary.clause import Clause, Clauses, Match
from schemas.vocabulary.values import Names, Paths, Quantity, Some, Truth

__all__ = [
    "ContainerClause",
    "ContainerMatch",
    "Containers",
    "Exec",
    "ExecClause",
    "ExecMatch",
    "FileClause",
    "FileMatch",
    "Files",
    "ResourceClause",
    "ResourceMatch",
    "Resources",
]


class ExecMatch(Match):
    """A program that is run."""

    short: ClassVar[str] = "path"
    path: Paths | None = None
    program: Names | None = None
    command: Names | None = None
    args: Names | None = None
    user: Names | None = None
    parent: Paths | None = None
    interactive: Truth | None = None


class FileMatch(Match):
    """A file that is accessed."""

    short: ClassVar[str] = "path"
    path: Paths | None = None
    access: Some[Literal["read", "write", "create", "delete", "rename", "attributes"]] | None = None
    executable: Paths | None = None
    program: Names | None = None
    user: Names | None = None


class ContainerMatch(Match):
    """A step in the life of a container, its networks, volumes and images, as ``event.action`` names it.

    ``inspected`` asks whether the settings of the container are known.
    """

    short: ClassVar[str] = "action"
    action: Names | None = None
    inspected: Truth | None = None


class ResourceMatch(Match):
    """How much of something is used; whole bands of a quarter of an octave, so a limit between two of them lies in neither."""

    short: ClassVar[str] = "metric"
    metric: (
        Some[Literal["cpu", "memory", "pids", "network.received", "network.sent", "disk.read", "disk.written"]] | None
    ) = None
    above: Quantity | None = None
    below: Quantity | None = None

    @model_validator(mode="after")
    def _of_one_unit(self) -> ResourceMatch:
        if self.metric is None:
            raise ValueError("must say of which metric it speaks, such as memory or cpu")
        return self


class ExecClause(ExecMatch, Clause):
    except_: Some[ExecMatch] = Field(default=(), alias="except")


class FileClause(FileMatch, Clause):
    except_: Some[FileMatch] = Field(default=(), alias="except")


class ContainerClause(ContainerMatch, Clause):
    except_: Some[ContainerMatch] = Field(default=(), alias="except")


class ResourceClause(ResourceMatch, Clause):
    except_: Some[ResourceMatch] = Field(default=(), alias="except")


Exec = Clauses[ExecClause]
Files = Clauses[FileClause]
Containers = Clauses[ContainerClause]
Resources = Clauses[ResourceClause]
