"""Formats: one raw record of a sensor to events."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from producers.formats.auditd import AuditdFormat
from producers.formats.clamav import ClamavFormat
from producers.formats.docker import DockerFormat
from producers.formats.falco import FalcoFormat
from producers.formats.grype import grype_format
from producers.formats.kubernetes_audit import KubernetesAuditFormat
from producers.formats.registry import registry_format
from producers.formats.trivy import trivy_format
from producers.formats.vault_audit import VaultAuditFormat
from producers.types import Format, FormatOptions

__all__ = ["DOCUMENT_FORMATS", "FORMATS"]

FORMATS: Final[MappingProxyType[str, Callable[[FormatOptions], Format]]] = MappingProxyType(
    {
        "auditd": AuditdFormat,
        "clamav": ClamavFormat,
        "docker": DockerFormat,
        "falco": FalcoFormat,
        "grype": grype_format,
        "kubernetes-audit": KubernetesAuditFormat,
        "registry": registry_format,
        "trivy": trivy_format,
        "vault-audit": VaultAuditFormat,
    }
)

DOCUMENT_FORMATS: Final = frozenset({"grype", "registry", "trivy"})
"""Formats of documents: a record of theirs may be as long as a pushed one."""
