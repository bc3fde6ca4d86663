"""What a baseline says, in words: the reason of a verdict."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from schemas.baseline import Baseline, Element

__all__ = ["deviation", "knows"]

_SHORT: Final = 120


def knows(baseline: Baseline, dimension: str, element: Element) -> str:
    """Return why something is authorized."""
    return f"{_DOES[dimension](element)}, which baseline v{baseline.version} knows"


def deviation(
    baseline: Baseline, dimension: str, element: Element, nearest: Element | None, *, forbidden: bool, release: str
) -> str:
    """Return why something is unauthorized: what is new, how much is known, what is nearest, whether it came with a release."""
    did, version = _DOES[dimension](element), f"baseline v{baseline.version}"
    if forbidden:
        return f"{did}, which was taken out of {version} for good"
    size = len(baseline.elements[dimension])
    known = f"{version} knows {size} {_NOUNS[dimension][size != 1]}"
    near = f", the nearest {_short(' '.join(nearest))}" if nearest is not None else ""
    new = f"; new in release {_short(release)}" if release else ""
    return f"{did}, which it never did here: {known}{near}{new}"


def _short(text: str) -> str:
    return text if len(text) <= _SHORT else text[: _SHORT - 1] + "…"


def _peer(word: str) -> str:
    return word.partition(":")[2] if word.startswith(("workload:", "name:")) else word


def _accepts(element: Element) -> str:
    peer, port, transport = element
    if peer == "listen":
        return f"listens on port {port} ({transport})"
    return f"accepts from {_short(_peer(peer))}" + (f" on port {port}" if port else "")


_IMAGES: Final = {"run": "runs", "pull": "pulls", "push": "pushes"}
_ACCESSES: Final = {
    "read": "reads",
    "write": "writes",
    "create": "creates",
    "delete": "deletes",
    "rename": "renames",
    "attributes": "changes attributes of",
    "connect": "connects to",
}


def _hash(element: Element) -> str:
    return f"runs {_short(element[0])} with content sha256:{element[1]}"


_DOES: Final[dict[str, Callable[[Element], str]]] = {
    "exec": lambda element: f"runs {_short(element[0])}" + (f" as {_short(element[1])}" if len(element) > 1 else ""),
    "args": lambda element: f"runs {_short(' '.join(element))}",
    "hash": _hash,
    "file": lambda element: f"{_ACCESSES.get(element[1], element[1])} {_short(element[0])}",
    "egress": lambda element: f"connects to {_short(_peer(element[0]))} port {element[1]}",
    "ingress": _accepts,
    "dns": lambda element: f"asks for the name {_short(element[0])}",
    "resource": lambda element: f"uses {element[0]} in band {element[1]}",
    "settings": lambda element: f"is started with {element[0]} {_short(element[1])}",
    "image": lambda element: f"{_IMAGES.get(element[0], element[0])} image {_short(element[1])}",
    "api": lambda element: " ".join(("asks for", *filter(None, map(_short, element)))),
    "secret": lambda element: f"{element[0]} of secret {_short(element[1])}",
}

_NOUNS: Final[dict[str, tuple[str, str]]] = {
    "exec": ("executable", "executables"),
    "args": ("command line", "command lines"),
    "hash": ("content", "contents"),
    "file": ("file access", "file accesses"),
    "egress": ("peer", "peers"),
    "ingress": ("peer or port", "peers and ports"),
    "dns": ("name", "names"),
    "resource": ("range", "ranges"),
    "settings": ("setting", "settings"),
    "image": ("image", "images"),
    "api": ("request", "requests"),
    "secret": ("secret access", "secret accesses"),
}
