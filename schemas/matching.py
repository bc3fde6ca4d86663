"""Patterns that people write in policies, compiled once: names, paths, domains and address blocks.

- Names (users, namespaces, commands …): ``*`` any characters, ``?`` one character, ``[ab]`` and ``[!ab]`` one of a set, ``[*]``
  a star itself. Case-sensitive, the whole name must match.
- Paths: the same within a segment (``*`` does not cross ``/``), and ``**`` as a whole segment for any number of them.
  ``/etc/**`` is ``/etc`` and everything below it, ``/etc`` is that alone. What is compared is cleaned first: no doubled or
  trailing slash, no ``.`` or ``..``.
- Domains: ``*`` within one label, ``**.`` in front for one or more labels. Case and a trailing dot do not matter.
- Address blocks: CIDR or a single address. An IPv4 address written as IPv6 (``::ffff:10.0.0.1``) is the IPv4 address.

The ``check_…`` functions return the pattern, or raise ``ValueError`` saying what is wrong and what to write instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fnmatch import translate
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from posixpath import normpath
from typing import Final

__all__ = [
    "Matcher",
    "addresses",
    "check_cidr",
    "check_domain",
    "check_name",
    "check_path",
    "clean_address",
    "clean_domain",
    "clean_path",
    "domains",
    "is_outside",
    "names",
    "paths",
]

Matcher = Callable[[str], bool]
"""Whether a value matches at least one of the patterns it was compiled from."""

_OPEN_SET: Final = re.compile(r"\[(?!!?\]?[^\]]*\])")
_PIECE: Final = re.compile(r"\*|\?|\[!?\]?[^\]]*\]|[^*?\[]+|\[")
_SPECIAL: Final = re.compile(r"[*?\[]")
_LABEL: Final = re.compile(r"[A-Za-z0-9_*-]{1,63}")
_OTHER_ROOT: Final = re.compile(r"/proc/[^/]+/(?:task/[^/]+/)?root(?=/|\Z)")
_MAX_DEEP: Final = 3


def check_name(pattern: str) -> str:
    """Check a name pattern."""
    if not pattern:
        raise ValueError("is empty; leave the key out to match everything")
    if _OPEN_SET.search(pattern):
        raise ValueError(f"`{pattern}` has a [ without a ]; write [[] for the character itself")
    return pattern


def check_path(pattern: str) -> str:
    """Check a path pattern: absolute, or beginning with ``**/``; ``**`` only as a whole segment."""
    check_name(pattern)
    if not pattern.startswith(("/", "**/")) and pattern != "**":
        raise ValueError(f"`{pattern}` can match no path; begin it with / or **/")
    segments = pattern.split("/")
    if any("**" in segment and segment != "**" for segment in segments):
        raise ValueError(f"`{pattern}`: ** stands alone between slashes, as in /etc/**/*.key")
    if ".." in segments or "." in segments:
        raise ValueError(f"`{pattern}`: paths are compared without . and ..; write where it leads to")
    if segments.count("**") > _MAX_DEEP:
        raise ValueError(f"`{pattern}` has more than {_MAX_DEEP} times **; split it")
    return pattern


def check_domain(pattern: str) -> str:
    """Check a domain pattern."""
    labels = clean_domain(pattern).removeprefix("**.").split(".")
    if not all(_LABEL.fullmatch(label) and "**" not in label for label in labels):
        raise ValueError(
            f"`{pattern}` is no domain pattern; write example.com, *.example.com or **.example.com "
            "(names with other letters in their xn-- form, addresses under cidr)"
        )
    return pattern


def check_cidr(pattern: str) -> str:
    """Check an address or address block."""
    try:
        ip_network(pattern)
    except ValueError as error:
        if "host bits" not in str(error):
            raise ValueError(f"`{pattern}` is no address block; write 10.0.0.0/8, fd00::/8 or one address") from error
        raise ValueError(
            f"`{pattern}` is an address within a block; write {ip_network(pattern, strict=False)}"
        ) from error
    return pattern


@lru_cache(maxsize=256)
def clean_path(path: str) -> str:
    """Return a path without doubled or trailing slashes, ``.`` and ``..``, and seen from its own root.

    ``/proc/1/root/etc/shadow`` is ``/etc/shadow`` (of another container or the host). ``memfd:name``, as some sensors name
    what was run from memory, is ``/memfd:name``, as the kernel does.
    """
    if path.startswith("memfd:"):
        return f"/{path}"
    if not path.startswith("/"):
        return path
    cleaned = "/" + normpath(path).lstrip("/")
    if cleaned.startswith("/proc/"):
        return clean_path(_OTHER_ROOT.sub("", cleaned, count=1) or "/") if _OTHER_ROOT.match(cleaned) else cleaned
    return cleaned


def clean_domain(name: str) -> str:
    """Return a domain in lower case without its trailing dot."""
    return name.lower().removesuffix(".")


@lru_cache(maxsize=4096)
def clean_address(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address, IPv4 where an IPv6 only wraps it, without a zone; None for what is no address."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


_INSIDE: Final = tuple(
    ip_network(block)
    for block in (
        *(
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.168.0.0/16",
        ),
        *("224.0.0.0/4", "::/127", "fc00::/7", "fe80::/10", "ff00::/8"),
    )
)
"""Loopback, private, shared, link-local and multicast addresses: not those that Python calls private, to which also examples belong."""


def is_outside(text: str) -> bool:
    """Return whether this is an address that is the same wherever it is asked for, and so is somebody's elsewhere."""
    address = clean_address(text)
    return address is not None and not any(address in block for block in _INSIDE if block.version == address.version)


def names(patterns: Iterable[str]) -> Matcher:
    """Compile name patterns."""
    listed = list(patterns)
    literal = frozenset(pattern for pattern in listed if not _SPECIAL.search(pattern))
    if len(literal) == len(listed):
        return literal.__contains__
    matches = _any_of((_longest_literal(pattern), translate(pattern)) for pattern in listed if pattern not in literal)
    return lambda name: name in literal or matches(name)


def paths(patterns: Iterable[str]) -> Matcher:
    """Compile path patterns; the matcher cleans what it compares."""
    listed = ["/" + "/".join(filter(None, pattern.split("/"))) for pattern in patterns]
    literal = frozenset(pattern for pattern in listed if not _SPECIAL.search(pattern))
    matches = _any_of(
        (_longest_of_path(pattern), _path_expression(pattern)) for pattern in listed if pattern not in literal
    )
    return lambda path: (cleaned := clean_path(path)) in literal or matches(cleaned)


def domains(patterns: Iterable[str]) -> Matcher:
    """Compile domain patterns; the matcher ignores case and a trailing dot."""
    matches = _any_of((_longest_literal(clean_domain(pattern)), _domain_expression(pattern)) for pattern in patterns)
    return lambda name: matches(clean_domain(name))


def addresses(blocks: Iterable[str]) -> Matcher:
    """Compile address blocks; what is no address matches none."""
    ranges: dict[int, list[tuple[int, int]]] = {4: [], 6: []}
    for network in map(ip_network, blocks):
        version, first, last = network.version, int(network.network_address), int(network.broadcast_address)
        mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
        if mapped is not None and network.prefixlen >= 96:  # noqa: PLR2004 - the length of ::ffff:0:0/96
            version, first, last = 4, first & 0xFFFFFFFF, last & 0xFFFFFFFF
        ranges[version].append((first, last))
    return lambda text: _in_ranges(clean_address(text), ranges)


def _in_ranges(address: IPv4Address | IPv6Address | None, ranges: dict[int, list[tuple[int, int]]]) -> bool:
    if address is None:
        return False
    number = int(address)
    return any(first <= number <= last for first, last in ranges[address.version])


def _any_of(expressions: Iterable[tuple[str, str]]) -> Matcher:
    """Match any of these expressions; before each stands what is in all that it matches, for it is tried nowhere else."""
    compiled = [(literal, re.compile(expression).fullmatch) for literal, expression in expressions]

    def matches(value: str) -> bool:
        for literal, fits in compiled:  # noqa: SIM110 - any() takes twice as long, for every pattern of a policy
            if literal in value and fits(value) is not None:
                return True
        return False

    return matches


def _longest_of_path(pattern: str) -> str:
    segments = [f"/{segment}" for segment in pattern.split("/") if segment not in ("", "**")]
    return max(map(_longest_literal, segments), key=len, default="")


def _longest_literal(pattern: str) -> str:
    """Return the longest piece of a pattern that matches itself alone."""
    pieces = _PIECE.findall(pattern)
    return max((piece for piece in pieces if piece == "[" or piece[0] not in "*?["), key=len, default="")


def _path_expression(pattern: str) -> str:
    segments = [segment for segment in pattern.split("/") if segment]
    expression = ""
    for number, segment in enumerate(segments):
        if segment != "**":
            expression += "/" + _segment_expression(segment)
        elif number == len(segments) - 1:
            expression += "(?:/.*)?"
        else:
            expression += "(?:/[^/]+)*"
    return f"(?s:{expression or '/'})"


def _segment_expression(segment: str) -> str:
    return "".join(_piece_expression(piece) for piece in _PIECE.findall(segment))


def _piece_expression(piece: str) -> str:
    if piece == "*":
        return "[^/]*"
    if piece == "?":
        return "[^/]"
    if piece.startswith("[") and len(piece) > 1:
        return "(?!/)" + translate(piece)[4:].rpartition(")")[0]
    return re.escape(piece)


def _domain_expression(pattern: str) -> str:
    cleaned = clean_domain(pattern)
    deep = cleaned.startswith("**.")
    rest = re.escape(cleaned.removeprefix("**.")).replace(r"\*", "[^.]*")
    if rest.startswith("[^.]*"):
        rest = "[^.]+" + rest.removeprefix("[^.]*")
    return (r"(?:[^.]+\.)+" if deep else "") + rest
