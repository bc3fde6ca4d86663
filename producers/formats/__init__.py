"""Formats: one raw record of a sensor to events."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from producers.formats.auditd import AuditdFormat
from producers.formats.docker import DockerFormat
from producers.formats.falco import FalcoFormat
from producers.formats.kubernetes_audit import KubernetesAuditFormat
from producers.types import Format, FormatOptions

__all__ = ["FORMATS"]

FORMATS: Final[MappingProxyType[str, Callable[[FormatOptions], Format]]] = MappingProxyType(
    {
        "auditd": AuditdFormat,
        "docker": DockerFormat,
        "falco": FalcoFormat,
        "kubernetes-audit": KubernetesAuditFormat,
    }
)
