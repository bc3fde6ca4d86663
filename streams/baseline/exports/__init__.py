"""Exports: a baseline as a policy that something else enforces."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from streams.baseline.exports.apparmor import apparmor
from streams.baseline.exports.cilium import cilium
from streams.baseline.exports.docker import docker
from streams.baseline.exports.kubearmor import kubearmor
from streams.baseline.exports.networkpolicy import networkpolicy
from streams.baseline.exports.seccomp import seccomp
from streams.baseline.exports.types import Export, Options

__all__ = ["EXPORTS", "Export", "Options"]

EXPORTS: Final[Mapping[str, Export]] = MappingProxyType(
    {
        "apparmor": apparmor,
        "cilium": cilium,
        "docker": docker,
        "kubearmor": kubearmor,
        "networkpolicy": networkpolicy,
        "seccomp": seccomp,
    }
)
"""By the name that a person asks for."""
