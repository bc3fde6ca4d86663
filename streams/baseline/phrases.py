"""What a baseline says, in words: the reason of a verdict."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from schemas.baseline import Baseline, Element
from streams.baseline.steps import ANY, filled

__all__ = ["deviation", "knows", "shown"]

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
    near = f", the nearest {_NEAREST.get(dimension, _words)(nearest)}" if nearest is not None else ""
    new = f"; new in release {_short(release)}" if release else ""
    return f"{did}, which it never did here: {known}{near}{new}"


def shown(text: str, most: int) -> str:
    """Return text of so many characters at the most, in one line: whoever chose it must not write lines of his own."""
    if not text.isprintable():
        text = "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
    return text if len(text) <= most else text[: most - 1] + "…"


def _short(text: str) -> str:
    return shown(text, _SHORT)


def _words(element: Element) -> str:
    return _short(" ".join(element))


def _pair(element: Element) -> tuple[str, str]:
    first, second = filled(element, 2)
    return _short(first), _short(second)


def _connection(element: Element) -> tuple[str, str, str]:
    """Return the peer without the kind of its name, the port as it is said behind it, and the transport."""
    peer, port, transport = filled(element, 3)
    named = peer.partition(":")[2] if peer.startswith(("workload:", "name:")) else peer
    return _short(named), f" port {_short(port)}" if port and port != ANY else "", _short(transport)


def _exec(element: Element) -> str:
    return f"runs {_short(element[0])}" + (f" as {_short(element[1])}" if len(element) > 1 else "")


def _hash(element: Element) -> str:
    return "runs {} with content sha256:{}".format(*_pair(element))


def _file(element: Element) -> str:
    path, access = _pair(element)
    return f"{_ACCESSES.get(access, access)} {path}"


def _connects(element: Element) -> str:
    return "connects to {}{}".format(*_connection(element))


def _accepts(element: Element) -> str:
    peer, port, transport = _connection(element)
    if peer == "listen":
        return f"listens on{port or ' any port'} ({transport})"
    return f"accepts from {peer}" + (f" on{port}" if port else "")


def _setting(element: Element) -> str:
    setting, value = _pair(element)
    return f"is started with {setting} {value or 'unset'}"


def _image(element: Element) -> str:
    done, repository = _pair(element)
    return f"{_IMAGES.get(done, done)} image {repository}"


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

_DOES: Final[dict[str, Callable[[Element], str]]] = {
    "exec": _exec,
    "args": lambda element: f"runs {_words(element)}",
    "hash": _hash,
    "file": _file,
    "egress": _connects,
    "ingress": _accepts,
    "dns": lambda element: f"asks for the name {_words(element)}",
    "resource": lambda element: "uses {} in band {}".format(*_pair(element)),
    "settings": _setting,
    "image": _image,
    "api": lambda element: " ".join(("asks for", *filter(None, map(_short, element)))),
    "secret": lambda element: "{} of secret {}".format(*_pair(element)),
}
"""What an element says that was done, in words that follow "it"; of any element there is, also of patterns that people wrote."""

_NEAREST: Final[dict[str, Callable[[Element], str]]] = {
    "hash": lambda element: "{} with sha256:{}".format(*_pair(element))
}
"""How a known element is told beside what is new, where words alone could be cut before what matters."""

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
