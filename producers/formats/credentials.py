"""What looks like a credential: by the name it is given, or by its own shape. Values are looked at and never kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import MappingProxyType
from typing import Final

import re2

__all__ = ["credentials_in", "names_credential"]

_NAMES: Final = (
    r"(?:pass(?:word|wd|phrase)|pwd|aws[-_.]?(?:s3[-_.]?)?(?:access[-_.]?key[-_.]?id|secret[-_.]?access[-_.]?key)"
    r"|(?:api|access|secret|private|encryption|signing|account|storage)[-_.]?key"
    r"|(?:client|app|application|consumer|shared|webhook|jwt|oauth)[-_.]?secret"
    r"|secret[-_.]?access[-_.]?key|access[-_.]?key[-_.]?id"
    r"|(?:(?:access|auth|api|bearer|refresh|session|bot|github|gitlab|slack|vault|deploy)[-_.]?)token|connection[-_.]?string)"
)
_NAME: Final = re.compile(rf"(?:[\w.-]{{0,64}}[-_.]|[a-z0-9]{{0,64}})?{_NAMES}\Z", re.IGNORECASE)
_WHOLE_NAMES: Final = frozenset({"token", "secret", "credential", "credentials"})
_ASSIGNED: Final = re2.compile(rf"(?i)({_NAMES})[\"']?[ \t]{{0,8}}(?:=>|[:=])[ \t]{{0,8}}([^\s,;#][^\r\n]{{0,64}})")
"""In RE2, which looks at all the names at once: a config map may be a megabyte."""

_NOTHING: Final = re.compile(
    r"[\"']{0,2}(?:\s*\Z|[,;}\])]|(?:null|none|nil|true|false|~)\b|\$[{(]|\$[A-Z_]+\b|\{\{|%[({]|<|\*{3}|/[\w.-]+/)",
    re.IGNORECASE,
)
"""Values that are no credential: nothing, a truth value, a reference to be filled in, what was made unreadable, a path."""

_SHAPES: Final = MappingProxyType(
    {
        "private-key": re.compile(r"-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----"),
        "aws-access-key-id": re.compile(r"(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])"),
        "github-token": re.compile(r"(?<!\w)(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{60})"),
        "gitlab-token": re.compile(r"(?<!\w)glpat-[\w-]{20}"),
        "slack-token": re.compile(r"(?<!\w)xox[abeoprs]-[0-9A-Za-z-]{10}"),
        "google-api-key": re.compile(r"(?<!\w)AIza[\w-]{35}"),
        "stripe-key": re.compile(r"(?<!\w)[rs]k_live_[0-9A-Za-z]{20}"),
        "json-web-token": re.compile(r"(?<!\w)eyJ[\w-]{8,4096}\.eyJ[\w-]{8}"),
        "password-in-url": re.compile(r"[a-z][a-z0-9+.-]{1,15}://[^\s/:@\"']{1,64}:[^\s/:@\"'${<]{1,128}@[\w\[]"),
    }
)


def names_credential(name: str) -> bool:
    """Return whether a name is one that credentials are given, such as ``DB_PASSWORD`` or ``client-secret``."""
    return name.lower() in _WHOLE_NAMES or _NAME.match(name) is not None


def credentials_in(name: str, text: str) -> list[str]:
    """Return what looks like a credential in a text that is called ``name``: names as they stand there, and kinds of shapes.

    Each is in lower case with ``-`` for ``_`` and ``.``, and given once; sorted.
    """
    return sorted({found.lower().replace("_", "-").replace(".", "-") for found in _found(name, text)})


def _found(name: str, text: str) -> Iterator[str]:
    if names_credential(name) and not _NOTHING.match(text):
        yield name
    for assigned in _ASSIGNED.finditer(text):
        if not _NOTHING.match(assigned[2]):
            yield assigned[1]
    for kind, shape in _SHAPES.items():
        if shape.search(text):
            yield kind
