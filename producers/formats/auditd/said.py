"""Records that are an event by themselves: logins, user management, services, configuration, the audit daemon."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final

from producers.formats.auditd.record import AuditRecord, plain, untrusted
from schemas.codec import Event

__all__ = ["described", "stands_alone"]

_ALONE: Final = re.compile(
    r"(?:USER|CRED|ADD|DEL|ROLE|SERVICE|SYSTEM|DAEMON|GRP|CHGRP|CHUSER|ACCT|LABEL|RESP|VIRT|CRYPTO|FS)_.*"
    r"|ANOM_(?!PROMISCUOUS|ABEND|LINK|CREAT).*|USER|LOGOUT|TEST|TRUSTED_APP|USYS_CONFIG|SOFTWARE_UPDATE"
)
"""Types that programs in user space and the daemon itself send: one record each, with a serial number of its own."""

_KINDS: Final = (
    (r"USER_(?:LOGIN|AUTH|ACCT|ERR)|CRED_.*|LOGIN|ANOM_LOGIN.*", "authentication", "start"),
    (r"USER_(?:LOGOUT|END)", "session", "end"),
    (r"USER_START", "session", "start"),
    (r"ADD_.*", "iam", "creation"),
    (r"DEL_.*", "iam", "deletion"),
    (r"USER_(?:MGMT|CHAUTHTOK|ROLE_CHANGE)|GRP_.*|CHGRP_.*|CHUSER_.*|ACCT_.*|ROLE_.*", "iam", "change"),
    (r"USER_(?:CMD|TTY)", "process", "start"),
    (r"SERVICE_START", "process", "start"),
    (r"SERVICE_STOP", "process", "end"),
    (r"SYSTEM_BOOT", "host", "start"),
    (r"SYSTEM_SHUTDOWN", "host", "end"),
    (r"ANOM_.*|SECCOMP|.*AVC", "intrusion_detection", "info"),
    (r"NETFILTER_.*", "network", "change"),
)
_CATEGORIES: Final = tuple((re.compile(pattern), category, type_) for pattern, category, type_ in _KINDS)

_ABOUT_AN_ACCOUNT: Final = "iam"
_ABOUT_A_LOGIN: Final = frozenset({"authentication", "session"})
_UNSET: Final = "4294967295"
_OUTCOMES: Final = {"success": "success", "1": "success", "yes": "success", "failed": "failure", "0": "failure"}


def stands_alone(type_: str) -> bool:
    """Return whether a record of this type is a whole event: nothing else will come with its serial number."""
    return _ALONE.fullmatch(type_) is not None


def described(record: AuditRecord) -> Event:
    """Return what such a record says; ``event.action`` is its type in small letters."""
    category, type_ = _category(record.type)
    said = record.said or record.fields
    event: Event = {
        "event.action": re.sub(r"[^a-z0-9]+", "-", record.type.lower()).strip("-"),
        "event.category": [category],
        "event.type": [type_],
        "event.outcome": _outcome(record),
        "event.reason": _reason(record),
        "message": record.body,
        "source.ip": _address(said.get("addr")),
        "service.name": plain(record.said.get("unit")),
        "user.target.name" if category == _ABOUT_AN_ACCOUNT else "user.name": _account(record),
        "process.command_line": untrusted(record.said.get("cmd")),
        "process.working_directory": untrusted(record.said.get("cwd")),
        "process.executable": untrusted(said.get("exe")),
    }
    known = {name: value for name, value in event.items() if value is not None}
    # The uid of such a record is that of the daemon that writes it (sshd, cron), not of who logs in.
    return known | {"user.id": _account_id(record)} if category in _ABOUT_A_LOGIN else known


def _category(type_: str) -> tuple[str, str]:
    for pattern, category, kind in _CATEGORIES:
        if pattern.fullmatch(type_):
            return category, kind
    return "configuration", "change"


def _outcome(record: AuditRecord) -> str:
    result = record.said.get("res") or record.fields.get("res") or record.said.get("result") or ""
    return _OUTCOMES.get((plain(result) or "").lower(), "unknown")


def _account(record: AuditRecord) -> str | None:
    name = untrusted(record.said.get("acct"))
    if name is None and record.type == "LOGIN":
        name = plain(record.names.get("AUID"))
    return None if name is None or name.startswith("unknown(") else name


def _account_id(record: AuditRecord) -> str | None:
    value = record.said.get("id") or (record.fields.get("auid") if record.type == "LOGIN" else None)
    return None if value == _UNSET else plain(value)


def _reason(record: AuditRecord) -> str | None:
    operation = plain(record.said.get("op")) or plain(record.fields.get("op"))
    state = [f"{name}={record.fields[name]}" for name in ("audit_enabled", "audit_failure") if name in record.fields]
    return " ".join(filter(None, [operation, *state])) or None


def _address(value: str | None) -> str | None:
    try:
        return str(ip_address(plain(value) or ""))
    except ValueError:
        return None
