"""Elements as the steps of a trie, and back, without loss: what differs little shares its first steps.

A path is one step per folder (with its slash) and one for its last segment, so folders and files are told apart; a name of DNS is
read from the right, its labels as folders; the other words are a step each. The access of a file comes first, as a folder.

==========  ===================================  ======================================
dimension   element                              steps
==========  ===================================  ======================================
file        ``/srv/a/b``, ``open``               ``open/``, ``/``, ``srv/``, ``a/``, ``b``
args        ``/bin/ls``, ``-l``, ``*``           ``/``, ``bin/``, ``ls``, ``-l``, ``*``
dns         ``www.shop.example``                 ``example/``, ``shop/``, ``www``
api         ``get``, ``pods``, ``shop``          ``get``, ``pods``, ``shop``
==========  ===================================  ======================================

A relative path begins with the step ``./``, which nothing else does, so no pattern of relative paths covers an absolute one.
"""

from __future__ import annotations

from typing import Final

from schemas.baseline import Element

__all__ = [
    "ANY",
    "ANY_FLAG",
    "ANY_FOLDER",
    "FLAG",
    "FOLDER",
    "PATHS",
    "REST",
    "ROOT",
    "SINGULAR",
    "Steps",
    "element_of",
    "filled",
    "folders_of",
    "in_folders",
    "path_start",
    "steps_of",
]

Steps = tuple[str, ...]

ANY: Final = "*"
"""Any one word or last segment."""

ANY_FOLDER: Final = "*/"
ANY_FLAG: Final = "-*"
"""Any one argument that begins with ``-``."""

REST: Final = "**"
"""Any number of words, none included; within a path any number of segments."""

FLAG: Final = "-"
"""What an argument begins with that is a flag."""

FOLDER: Final = "/"
"""What a step ends with that is a folder."""

ROOT: Final = "/"
_RELATIVE: Final = "./"
SINGULAR: Final = frozenset({ROOT, _RELATIVE, REST})
"""Steps that stand for themselves: no other step stands for them."""

PATHS: Final = frozenset({"exec", "args", "file"})
"""Dimensions of which a word is a path."""

_RELATIVE_WILD: Final = (_RELATIVE + ANY, _RELATIVE + REST)
_FILE_WORDS: Final = 2


def steps_of(dimension: str, element: Element) -> Steps:
    """Return the steps of an element."""
    if dimension == "file":
        path, access = filled(element, _FILE_WORDS)
        return (access + FOLDER, *_path_steps(path))
    if dimension == "dns":
        first, *rest = element[0].split(".")
        return (*(label + FOLDER for label in reversed(rest)), first)
    if dimension in PATHS:
        path, *words = element
        return (*_path_steps(path), *(words if words or path != REST else (REST,)))
    return element


def element_of(dimension: str, steps: Steps) -> Element:
    """Return the element that has these steps."""
    if dimension == "file":
        return _path_of(steps[1:]), steps[0].removesuffix(FOLDER)
    if dimension == "dns":
        return (".".join((steps[-1], *(label.removesuffix(FOLDER) for label in reversed(steps[:-1])))),)
    if dimension in PATHS:
        last = len(folders_of(steps)) + 1
        return (_path_of(steps[:last]), *steps[last:])
    return steps


def filled(element: Element, count: int) -> Element:
    """Return an element of a fixed number of words with ``**`` at its end written as so many ``*``."""
    return (*element[:-1], *(ANY,) * (count - len(element) + 1)) if element and element[-1] == REST else element


def folders_of(steps: Steps) -> Steps:
    """Return the folders that the steps of a path begin with; all of them if these are only folders."""
    return steps[: next((place for place, step in enumerate(steps) if not step.endswith(FOLDER)), len(steps))]


def in_folders(dimension: str) -> bool:
    """Return whether the first steps of a dimension may be folders."""
    return dimension in PATHS or dimension == "dns"


def path_start(dimension: str) -> int:
    """Return how many steps stand in front of the path, in a dimension of paths."""
    return 1 if dimension == "file" else 0


def _path_steps(path: str) -> list[str]:
    """Return the steps of a path; the whole word ``*`` is any path."""
    if path in (ANY, REST):
        return [REST]
    *folders, last = path.split("/")
    steps = [*(folder + FOLDER for folder in folders), last]
    return steps if path.startswith("/") or path in _RELATIVE_WILD else [_RELATIVE, *steps]


def _path_of(steps: Steps) -> str:
    """Return the path; a relative one loses its mark, unless nothing but a wildcard would be left."""
    path = "".join(steps)
    if path == REST:
        return ANY
    return path.removeprefix(_RELATIVE) if steps[0] == _RELATIVE and path not in _RELATIVE_WILD else path
