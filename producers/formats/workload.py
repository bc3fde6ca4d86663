"""Stable names of Kubernetes objects: those that do not change with a release, a restart or a replica.

Kubernetes makes the names of instances from that of their workload and a suffix: of letters without vowels (so that no
words arise) and digits without 0, 1 and 3, of a number counted up, or of the minutes since 1970.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

__all__ = ["stable_name"]

_SAFE: Final = "bcdfghjklmnpqrstvwxz2456789"
_HASH: Final = rf"(?:[{_SAFE}]{{6,10}}|[0-9a-f]{{8,10}})"
_RANDOM: Final = rf"[{_SAFE}]{{5}}"
_MINUTES: Final = r"[0-9]{8,10}"

_SUFFIXES: Final = MappingProxyType(
    {
        "pods": re.compile(rf"-(?:(?:{_HASH}|{_MINUTES})-(?:[a-z0-9]{{5}})?|{_RANDOM}|[0-9]{{1,5}}|)\Z"),
        "replicasets": re.compile(rf"-{_HASH}\Z"),
        "controllerrevisions": re.compile(rf"-{_HASH}\Z"),
        "jobs": re.compile(rf"-{_MINUTES}\Z"),
        "endpointslices": re.compile(rf"-{_RANDOM}\Z"),
        "certificatesigningrequests": re.compile(rf"-{_RANDOM}\Z"),
        "events": re.compile(r"\.[0-9a-f]{14,18}\Z"),
    }
)


def stable_name(resource: str, name: str) -> str:
    """Return the workload's name of a pod, job or other made-up name, and the name itself of all other objects.

    A ``generateName`` (which ends in a hyphen) is read too. The pod of a stateful set loses its number.
    """
    suffix = _SUFFIXES.get(resource)
    return (suffix.sub("", name, count=1) or name) if suffix else name
