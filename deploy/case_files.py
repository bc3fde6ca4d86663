"""Files of cases beside policies and beside rules: how they are read, and how one that fails is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from schemas.documents import YamlDocument, read_documents
from schemas.errors import PolicyErrors, PolicyFault
from schemas.textfiles import CASES_SUFFIX

__all__ = ["CaseFailure", "CaseModel", "case_files", "read_case_file"]


class CaseModel(BaseModel):
    """A frozen model that knows its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Model = TypeVar("Model", bound=CaseModel)


@dataclass(frozen=True, slots=True)
class CaseFailure:
    """A case that came out otherwise than it says."""

    file: str
    line: int
    clause: str
    message: str

    def __str__(self) -> str:
        """Return one line that editors can jump to."""
        return f"{self.file}:{self.line}: {self.clause}: {self.message}"


def case_files(paths: Sequence[Path]) -> Iterator[Path]:
    """Yield the files of cases below directories, in order."""
    return (found for root in paths if root.is_dir() for found in sorted(root.rglob(f"*{CASES_SUFFIX}")))


def read_case_file(path: Path, model: type[Model]) -> list[tuple[Model, YamlDocument]]:
    """Return the documents of a file; raise ``PolicyErrors`` if it cannot be read."""
    documents, faults = read_documents(str(path), path.read_text())
    cases = []
    for document in documents:
        faults.extend(document.faults)
        try:
            cases.append((model.model_validate(document.value), document))
        except ValidationError as error:
            faults.extend(
                PolicyFault(str(path), document.line(()), ".".join(map(str, one["loc"])), one["msg"])
                for one in error.errors()
            )
    if faults:
        raise PolicyErrors(faults)
    return cases
