"""The YAML files that people name, or that lie in directories they name: their texts, and which cannot be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["CASES_SUFFIX", "FileFault", "TextFile", "read_text_files"]

CASES_SUFFIX: Final = ".cases.yaml"
"""Files whose names end so hold cases of what stands beside them."""


@dataclass(frozen=True, slots=True)
class TextFile:
    """One file; ``name`` is relative to the directory that was named, with slashes."""

    name: str
    path: Path
    text: str


@dataclass(frozen=True, slots=True)
class FileFault:
    """A path that gives no text, and why."""

    path: str
    line: int
    message: str


def read_text_files(paths: Sequence[Path], what: str) -> tuple[list[TextFile], list[FileFault]]:
    """Return the texts of files, and of all ``.yaml`` and ``.yml`` files below directories; ``what`` they should hold.

    Hidden files and ``*.cases.yaml`` are left out. Two files of one name are a fault.
    """
    faults: list[FileFault] = []
    files: list[TextFile] = []
    shown: dict[str, str] = {}
    found = [entry for root in paths for entry in _found(root, what, faults, several=len(paths) > 1)]
    for name, path in found:
        if name in shown:
            faults.append(FileFault(str(path), 1, f"has the same name as {shown[name]}; rename one"))
        shown[name] = str(path)
        text = _read(path, faults)
        files.extend([TextFile(name, path, text)] if text is not None else [])
    return files, faults


def _found(root: Path, what: str, faults: list[FileFault], *, several: bool) -> Iterator[tuple[str, Path]]:
    if root.is_file():
        yield root.name, root
        return
    found = sorted(path for path in root.rglob("*") if path.suffix in (".yaml", ".yml") and path.is_file())
    wanted = [path for path in found if not _is_left_out(path.relative_to(root))]
    if not wanted:
        message = "has no .yaml file in it" if root.is_dir() else "does not exist"
        faults.append(FileFault(str(root), 1, f"{message}; name a file or directory of {what}"))
    prefix = f"{root.resolve().name}/" if several else ""
    yield from ((prefix + path.relative_to(root).as_posix(), path) for path in wanted)


def _is_left_out(relative: Path) -> bool:
    return relative.name.endswith(CASES_SUFFIX) or any(part.startswith(".") for part in relative.parts)


def _read(path: Path, faults: list[FileFault]) -> str | None:
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        faults.append(FileFault(str(path), line, "is not UTF-8 text; save it as UTF-8"))
    except OSError as error:
        faults.append(FileFault(str(path), 1, f"cannot be read: {error.strerror}"))
    return None
