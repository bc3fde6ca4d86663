"""The audit log of the Kubernetes API server; see ``kubernetes_audit.format``."""

from producers.formats.kubernetes_audit.format import KubernetesAuditFormat

__all__ = ["KubernetesAuditFormat"]
