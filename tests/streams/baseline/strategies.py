"""Elements as learning meets them, drawn from few names, so that limits of two or three are met often."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from schemas.baseline import Element

__all__ = ["FOUND", "PEERS"]

_SEGMENT: Final = st.sampled_from(["a", "b", "c", "d", "e", "\\*", "etc", "proc", "tmp", "*"])
_PATH: Final = st.builds(
    lambda front, segments, end: front + "/".join([*segments, *end]),
    st.sampled_from(["/", "/", "/", ""]),
    st.lists(_SEGMENT, min_size=1, max_size=4),
    st.sampled_from([[], [], [], ["**"]]),
)
_SHELLS: Final = ("/bin/sh", "/tmp/sh")  # noqa: S108 - programs of those who are watched
_PROGRAM: Final = st.sampled_from(["/bin/ls", "/bin/x", "/bin/*", *_SHELLS]) | _PATH
_ARGUMENT: Final = st.sampled_from(["-c", "-x", "-y", "-z", "-*", "1", "2", "3", "4", "\\*", "*"])
_LABELS: Final = st.lists(st.sampled_from(["a", "b", "c", "\\*", "*"]), min_size=1, max_size=4)
_VERB: Final = st.sampled_from(["get", "list", "*"])

_ELEMENTS: Final[dict[str, st.SearchStrategy[Element]]] = {
    "file": st.tuples(_PATH, st.sampled_from(["read", "create", "*"])),
    "exec": st.tuples(_PATH) | st.tuples(_PATH, st.sampled_from(["x", "y", "z", "w", "**"])),
    "args": st.builds(
        lambda program, words, end: (program, *words, *end),
        _PROGRAM,
        st.lists(_ARGUMENT, max_size=4),
        st.sampled_from([[], [], [], ["**"]]),
    ),
    "dns": st.tuples(_LABELS.map(".".join)),
    "api": st.tuples(_VERB, _VERB, st.sampled_from(["a", "b", "c", "d", "*"])),
}

FOUND: Final[dict[str, st.SearchStrategy[list[Element]]]] = {
    dimension: st.lists(elements, max_size=14) for dimension, elements in _ELEMENTS.items()
}

_ADDRESS: Final = (
    st.builds("10.0.{}.{}".format, st.sampled_from([0, 1, 128]), st.integers(0, 3))
    | st.builds("10.1.0.{}".format, st.integers(0, 3))
    | st.builds("fd00::{}".format, st.integers(0, 3))
)
_PEER: Final = _ADDRESS | st.sampled_from(
    [
        "10.0.0.0/24",
        "10.1.0.0/30",
        "10.0.0.0/8",
        "0.0.0.0/0",
        "169.254.169.254",
        "169.254.0.1",
        "workload:a",
        "name:a.b",
    ]
)
_PORT: Final = st.sampled_from(["80", "443", "1024", "2000", "3000", "4000", "1024-65535", "*", ""])

PEERS: Final[st.SearchStrategy[list[Element]]] = st.lists(
    st.tuples(_PEER, _PORT, st.sampled_from(["tcp", "udp"])), max_size=24
)
