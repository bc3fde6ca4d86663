"""Which deciding fields of an activity each format gives: what a rule can be asked of, and what it waits for in vain.

Facts (``container.*``, ``workload.*`` and settings) are not here: they come from whoever knows the entity. A test compares this
table with the formats' own text.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

__all__ = ["EMITTED"]


def _fields(text: str) -> frozenset[str]:
    return frozenset(text.split())


_EVENT: Final = _fields(
    "ecs.version event.action event.category event.dataset event.kind event.module event.outcome event.reason"
)
_SCAN: Final = _fields("""
    ecs.version event.action event.category event.dataset event.kind event.module event.severity event.type rule.level
    rule.name rule.ruleset
""")

EMITTED: Final = MappingProxyType(
    {
        "auditd": _EVENT
        | _fields("""
            destination.ip destination.port event.type file.access file.mode file.path file.target_path gap.cause group.id
            network.direction network.transport peer.workload process.args process.command_line process.executable
            process.hash.sha256 process.interactive process.name process.working_directory rule.tags service.name
            source.ip user.audit.id user.effective.id user.id user.name user.target.name
        """),
        "docker": _EVENT
        | _fields("container.exec.command event.type network.name orchestrator.resource.name process.exit_code resource.band resource.metric"),
        "falco": _EVENT
        | _fields("""
            container.exec.command destination.domain destination.ip destination.port event.severity file.access file.path
            file.target_path gap.cause group.id http.response.status_code kubernetes.audit.subresource kubernetes.audit.verb
            network.direction network.transport orchestrator.namespace orchestrator.resource.name
            orchestrator.resource.type orchestrator.type process.command_line process.executable process.interactive
            process.name process.parent.command_line process.parent.executable process.parent.name
            process.working_directory rule.level rule.name rule.ruleset rule.tags source.ip threat.technique.id url.path
            user.effective.name user.id user.name user.roles user_agent.original
        """),
        "kubernetes-audit": _EVENT
        | _fields("""
            container.exec.command event.type http.response.status_code kubernetes.audit.certificate.signer
            kubernetes.audit.certificate.usages kubernetes.audit.configmap.secrets kubernetes.audit.container
            kubernetes.audit.expiration kubernetes.audit.ingress.tls kubernetes.audit.labels kubernetes.audit.role.name
            kubernetes.audit.role.rules kubernetes.audit.secret.type kubernetes.audit.service.addresses
            kubernetes.audit.service.external_ips kubernetes.audit.service.selector
            kubernetes.audit.service.type kubernetes.audit.stage kubernetes.audit.subjects kubernetes.audit.subresource
            kubernetes.audit.token.audiences kubernetes.audit.token.bound kubernetes.audit.verb kubernetes.audit.webhooks
            orchestrator.api_version orchestrator.cluster.name orchestrator.namespace
            orchestrator.resource.name orchestrator.resource.type orchestrator.type process.interactive
            secret.path source.ip url.path user.effective.id user.effective.name user.effective.roles
            user.id user.name user.roles user_agent.original
        """),
        "clamav": _SCAN | {"file.path"},
        "grype": _SCAN,
        "registry": _fields("""
            ecs.version event.action event.category event.dataset event.kind event.module event.outcome event.type
            http.request.method source.ip user.name user_agent.original
        """),
        "trivy": _SCAN,
        "vault-audit": _EVENT
        | _fields("event.type secret.path source.ip url.path user.email user.id user.name user.roles user_agent.original"),
    }
)  # fmt: skip
"""By format; one that is not here gives facts alone."""
