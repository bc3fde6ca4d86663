"""Baselines with every kind of name in them that has broken a document before."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from schemas.baseline import DIMENSIONS, Baseline, Element, literal, ordered

HOSTILE: Final = (
    *"\"'`]}{[#*?\\:,-!&%@|>^$~=<",
    *("\n", "\r\n", "\t", "\0", "\x1b", "\x7f", "\x85", "\xa0", "\u2028", "\ufeff", "\U0001f600", "é"),
    *(
        "{{",
        "}}",
        "${x}",
        "$(exit 3)",
        "@{PROC}",
        "#include <x>",
        "# x",
        " #",
        ": ",
        "- ",
        "---",
        "...",
        "<<",
        "%YAML 1.2",
    ),
    *(
        "*",
        "**",
        "\\*",
        "\\\\",
        "\\n",
        "null",
        "yes",
        "1e3",
        "0x10",
        "0o7",
        "2026-01-01",
        "!!python/name:os.system",
        "&a",
        "*a",
    ),
    *("", " ", "a b", " leading", "trailing ", "a", "web", "x" * 70, "x" * 300),
)
names = st.one_of(
    st.sampled_from(HOSTILE), st.text(max_size=20), st.lists(st.sampled_from(HOSTILE), max_size=4).map("".join)
)
words = st.one_of(names, names.map(literal))
segments = st.one_of(
    st.sampled_from(["*", "**", "usr", "srv"]), names.map(lambda name: literal(name.replace("/", "_")))
)
paths = st.one_of(words, st.lists(segments, max_size=4).map(lambda parts: "/" + "/".join(parts)))
_peers = st.one_of(
    names.map(lambda name: f"workload:prod/shop/{literal(name)}"),
    names.map(lambda name: f"name:{literal(name)}"),
    st.sampled_from(
        (
            *("listen", "unknown", "10.0.0.0/24", "10.0.0.7", "fd00::/8", "127.0.0.1", "workload:prod/shop/database"),
            *("workload:other/shop/database", "name:*.pay.example", "name:pay.example"),
        )
    ),
)
_ports = st.sampled_from(["", "*", "0", "53", "80", "443", "8080", "1024-65535", "65536"])
_transports = st.sampled_from(["tcp", "udp", "ip", "icmp", "unix", "sctp", "*"])
connections = st.one_of(st.tuples(_peers, _ports, _transports), st.tuples(words, words, words))
settings = st.one_of(
    st.tuples(words, words),
    st.tuples(
        st.sampled_from(
            (
                *("user", "privileged", "root", "read_only_root", "no_new_privileges", "capabilities.add"),
                *("capabilities.drop", "mounts", "volumes", "devices", "ports", "host_namespaces", "network_mode"),
                *("seccomp", "apparmor", "limits.memory"),
            )
        ),
        st.one_of(words, st.sampled_from(["true", "false", "none", "ALL", "NET_ADMIN", "443/tcp", "/a:/b:rw"])),
    ),
    names.map(lambda name: ("mounts", literal(f"/srv/{name}:/data:ro"))),
)
_WEB: Final = st.just("container:prod/shop/web/web")
_ELEMENTS: Final[dict[str, st.SearchStrategy[Element]]] = {
    "exec": st.one_of(st.tuples(paths), st.tuples(paths, words)),
    "args": st.tuples(paths, words, words),
    "hash": st.tuples(paths, words),
    "file": st.tuples(paths, st.one_of(words, st.sampled_from(["read", "write", "create", "delete", "attributes"]))),
    "egress": connections,
    "ingress": connections,
    "dns": st.tuples(words),
    "resource": st.tuples(words, st.one_of(words, st.sampled_from(["96-104", "-8", "12"]))),
    "settings": settings,
    "image": st.tuples(words, words),
    "api": st.tuples(words, words, words),
    "secret": st.tuples(words, words),
}


def elements_among(dimensions: tuple[str, ...]) -> st.SearchStrategy[dict[str, tuple[Element, ...]]]:
    """Return elements of some of the dimensions, in their one order."""
    found = {name: st.lists(_ELEMENTS[name], max_size=5) for name in dimensions}
    return st.fixed_dictionaries({}, optional=found).map(ordered)


def baselines(
    dimensions: tuple[str, ...] = DIMENSIONS, principals: st.SearchStrategy[str] = _WEB
) -> st.SearchStrategy[Baseline]:
    """Return baselines of some dimensions."""
    return st.builds(
        Baseline,
        principal=principals,
        version=st.integers(0, 10**6),
        elements=elements_among(dimensions),
        never=elements_among(dimensions),
        releases=st.lists(words, max_size=3).map(tuple),
        partial=st.lists(words, max_size=3).map(tuple),
        author=words,
        approved=words,
        reason=words,
    )


hostile_principals = st.lists(names, min_size=4, max_size=4).map(lambda parts: "container:" + "/".join(parts))
