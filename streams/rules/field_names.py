"""What Sigma's field names are with us, by the taxonomy that a rule is written in.

A name maps to a field of ours or to a derived column (``streams/rules/derived.py``). Names that map to an envelope field
(``ProcessId``) do so on purpose: such a rule is refused by name instead of never matching. A name without an entry is looked
up under itself.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from streams.rules.derived import ARGUMENTS

__all__ = [
    "ANTIVIRUS",
    "AUDITD",
    "CLOUDTRAIL",
    "DNS",
    "FALCO",
    "FILES",
    "HTTP",
    "KUBERNETES",
    "NETWORK",
    "PROCESSES",
    "ZEEK",
]

_ACTOR: Final = {
    "Image": "process.program",
    "ProcessName": "process.name",
    "ProcessId": "process.pid",
    "User": "user.any",
    "UtcTime": "@timestamp",
}

PROCESSES: Final = MappingProxyType(
    _ACTOR
    | {
        "CommandLine": "process.command_line",
        "CurrentDirectory": "process.working_directory",
        "Hashes": "process.hash.sha256",
        "ParentCommandLine": "process.parent.command_line",
        "ParentImage": "process.parent.program",
        "ParentProcessId": "process.parent.pid",
        "ProcessGuid": "process.entity_id",
        "ParentProcessGuid": "process.parent.entity_id",
        "LogonId": "user.audit.id",
        "sha256": "process.hash.sha256",
    }
)
"""Sysmon's names of ``process_creation``, also on Linux."""

FILES: Final = MappingProxyType(
    _ACTOR
    | {
        "CommandLine": "process.command_line",
        "FileName": "file.path.after",
        "FilePath": "file.path.after",
        "Hashes": "file.hash.sha256",
        "SourceFilename": "file.path",
        "TargetFilename": "file.path.after",
    }
)
"""Names of ``file_event``, ``file_access``, ``file_change``, ``file_delete`` and ``file_rename``."""

NETWORK: Final = MappingProxyType(
    _ACTOR
    | {
        "CommandLine": "process.command_line",
        "DestinationHostname": "destination.domain",
        "DestinationIp": "destination.ip",
        "DestinationPort": "destination.port",
        "Initiated": "network.initiated",
        "Protocol": "network.transport",
        "SourceIp": "source.ip",
        "SourcePort": "source.port",
        "dst_ip": "destination.ip",
        "dst_port": "destination.port",
        "src_ip": "source.ip",
        "src_port": "source.port",
    }
)
"""Names of ``network_connection`` and ``firewall``."""

DNS: Final = MappingProxyType(
    _ACTOR
    | {
        "QueryName": "dns.question.name",
        "query": "dns.question.name",
        "question": "dns.question.name",
        "record_type": "dns.question.type",
        "QueryType": "dns.question.type",
    }
)
"""Names of ``dns`` and ``dns_query``."""

HTTP: Final = MappingProxyType(
    {
        "c-ip": "source.ip",
        "c-uri": "url.path",
        "c-uri-stem": "url.path",
        "c-useragent": "user_agent.original",
        "client_ip": "source.ip",
        "cs-host": "destination.domain",
        "cs-method": "http.request.method",
        "cs-uri-stem": "url.path",
        "cs-user-agent": "user_agent.original",
        "cs-username": "user.name",
        "dst_ip": "destination.ip",
        "dst_port": "destination.port",
        "r-dns": "destination.domain",
        "sc-status": "http.response.status_code",
        "src_ip": "source.ip",
    }
)
"""Names of ``webserver`` and ``proxy``; a query string is not in our records."""

AUDITD: Final = MappingProxyType(
    {f"a{number}": f"process.args[{number}]" for number in range(ARGUMENTS)}
    | {
        "SYSCALL": "auditd.syscall",
        "acct": "auditd.account",
        "addr": "source.ip",
        "auid": "user.audit.id",
        "cmd": "process.command_line",
        "comm": "process.name",
        "cwd": "process.working_directory",
        "euid": "user.effective.id",
        "exe": "process.executable",
        "gid": "group.id",
        "key": "rule.tags",
        "mode": "file.mode",
        "name": "auditd.name",
        "nametype": "auditd.name_type",
        "pid": "process.pid",
        "ppid": "process.parent.pid",
        "proctitle": "process.command_line",
        "res": "auditd.result",
        "success": "auditd.success",
        "syscall": "auditd.syscall",
        "type": "auditd.type",
        "uid": "user.id",
        "unit": "service.name",
    }
)
"""The kernel's own names in ``auditd``."""

ANTIVIRUS: Final = MappingProxyType(
    {"FileName": "file.path", "Filename": "file.path", "Signature": "rule.name", "sha256": "file.hash.sha256"}
)
"""Names of ``antivirus``."""

KUBERNETES: Final = MappingProxyType(
    {
        "annotations.authorization.k8s.io/decision": "audit.decision",
        "annotations.authorization.k8s.io/reason": "event.reason",
        "apiGroup": "orchestrator.api_group",
        "auditID": "http.request.id",
        "capabilities": "container.settings.capabilities.add",
        "hostPath": "container.settings.mounts",
        "impersonatedUser.groups": "user.effective.roles",
        "impersonatedUser.username": "user.effective.name",
        "namespace": "orchestrator.namespace",
        "objectRef.apiGroup": "orchestrator.api_group",
        "objectRef.apiVersion": "orchestrator.api_version.version",
        "objectRef.name": "orchestrator.resource.name",
        "objectRef.namespace": "orchestrator.namespace",
        "objectRef.resource": "orchestrator.resource.type",
        "objectRef.subresource": "kubernetes.audit.subresource",
        "privileged": "container.settings.privileged",
        "requestURI": "audit.request_uri",
        "responseStatus.code": "http.response.status_code",
        "responseStatus.reason": "event.reason",
        "sourceIPs": "source.ip",
        "stage": "kubernetes.audit.stage",
        "user.groups": "user.roles",
        "user.uid": "user.id",
        "user.username": "user.name",
        "userAgent": "user_agent.original",
        "verb": "kubernetes.audit.verb",
    }
)
"""Names of the API server's audit events."""

FALCO: Final = MappingProxyType(
    {
        "fd.name": "file.path",
        "fd.rip": "destination.ip",
        "fd.rport": "destination.port",
        "fd.sip": "destination.ip",
        "fd.sip.name": "destination.domain",
        "fd.sport": "destination.port",
        "ka.target.namespace": "orchestrator.namespace",
        "ka.target.resource": "orchestrator.resource.type",
        "ka.target.subresource": "kubernetes.audit.subresource",
        "ka.user.name": "user.name",
        "ka.verb": "kubernetes.audit.verb",
        "proc.cmdline": "process.command_line",
        "proc.cwd": "process.working_directory",
        "proc.exepath": "process.executable",
        "proc.name": "process.name",
        "proc.pcmdline": "process.parent.command_line",
        "proc.pname": "process.parent.name",
        "rule": "rule.name",
        "tags": "rule.tags",
        "user.name": "user.name",
        "user.uid": "user.id",
    }
)
"""Names of Falco's alerts."""

ZEEK: Final = MappingProxyType(
    {
        "host": "destination.domain",
        "id.orig_h": "source.ip",
        "id.orig_p": "source.port",
        "id.resp_h": "destination.ip",
        "id.resp_p": "destination.port",
        "method": "http.request.method",
        "proto": "network.transport",
        "qtype_name": "dns.question.type",
        "query": "dns.question.name",
        "server_name": "destination.domain",
        "service": "network.protocol",
        "status_code": "http.response.status_code",
        "uri": "url.path",
        "user_agent": "user_agent.original",
    }
)
"""Zeek's names in ``conn``, ``dns``, ``http`` and ``ssl``."""

CLOUDTRAIL: Final = MappingProxyType(
    {
        "errorCode": "event.reason",
        "eventName": "event.action",
        "sourceIPAddress": "source.ip",
        "userAgent": "user_agent.original",
        "userIdentity.principalId": "user.id",
        "userIdentity.userName": "user.name",
    }
)
"""Names of AWS CloudTrail; the rest is looked up under its own name."""
