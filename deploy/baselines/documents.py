"""Documents of baselines from files, as they came out of ``baseline export`` or as people have edited them since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from schemas.baseline import Baseline
from schemas.errors import ConfigurationError, PolicyErrors, PolicyFault
from streams.baseline.document import read_baseline

__all__ = ["Document", "read_documents"]


@dataclass(frozen=True, slots=True)
class Document:
    """One document; ``edited`` says that its hash is not that of its content."""

    path: Path
    baseline: Baseline
    edited: bool


def read_documents(paths: Sequence[Path]) -> list[Document]:
    """Return the documents of files; raise ``PolicyErrors`` with all faults of all, ``ConfigurationError`` for what cannot be read."""
    documents: dict[str, Document] = {}
    faults: list[PolicyFault] = []
    for path in paths:
        try:
            document = _document(path)
        except PolicyErrors as error:
            faults.extend(error.faults)
            continue
        principal = document.baseline.principal
        if principal in documents:
            first = documents[principal].path
            faults.append(
                PolicyFault(str(path), 1, "principal", f"is {principal}, of which {first} is too; keep one of them")
            )
        documents[principal] = document
    if faults:
        raise PolicyErrors(faults)
    return list(documents.values())


def _document(path: Path) -> Document:
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path}: {error}; name a file that `tidewaiter baseline export` has written"
        ) from error
    baseline = read_baseline(str(path), text, edited=True)
    try:
        read_baseline(str(path), text)
    except PolicyErrors:
        return Document(path, baseline, edited=True)
    return Document(path, baseline, edited=False)
