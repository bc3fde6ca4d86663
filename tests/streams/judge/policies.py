"""Policies written in a test, compiled."""

from __future__ import annotations

from datetime import date
from textwrap import dedent
from typing import Any

from schemas.policyset import Document, parse_policies
from schemas.verdict import Verdict
from streams.judge.decide import decide
from streams.judge.policy import CompiledPolicies

TODAY = date(2026, 6, 1)
WEB = "container:lab/shop/web/web"


def compiled(text: str, today: date = TODAY) -> CompiledPolicies:
    return CompiledPolicies.compile(parse_policies([Document("test.yaml", dedent(text))], today))


def decided(text: str, record: dict[str, Any], principal: str = WEB) -> Verdict:
    return decide(record, principal, compiled(text))


def outcome(text: str, record: dict[str, Any], principal: str = WEB) -> tuple[str, str]:
    verdict = decided(text, record, principal)
    return verdict.outcome, verdict.clause


def start(**settings: Any) -> dict[str, Any]:
    return {"event.action": "container-start"} | {
        f"container.settings.{name}": value for name, value in settings.items()
    }


def request(verb: str, resource: str, user: str = "alice", **fields: Any) -> dict[str, Any]:
    named = {
        "subresource": "kubernetes.audit.subresource",
        "namespace": "orchestrator.namespace",
        "name": "orchestrator.resource.name",
        "roles": "user.roles",
        "effective": "user.effective.name",
        "effective_roles": "user.effective.roles",
        "rules": "kubernetes.audit.role.rules",
        "outcome": "event.outcome",
    }
    return {
        "event.action": f"{resource}-{verb}",
        "kubernetes.audit.verb": verb,
        "orchestrator.resource.type": resource,
        "user.name": user,
    } | {named[key]: value for key, value in fields.items()}
