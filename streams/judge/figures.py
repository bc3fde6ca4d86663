"""Which key figures an event counts for: by what it is and what was decided about it, never by whose it is.

What collectors report has a verdict, and each of these counts for one cause. What the judge says by itself is no event, and counts for
what it tells of.
"""

from __future__ import annotations

from typing import Final

from schemas.codec import Event

__all__ = ["figures_of", "own_figures_of"]

_GAPS: Final = "tidewaiter.gap"
_CHANGES: Final = frozenset({"creation", "change", "deletion"})
_GUARDS: Final = frozenset(
    {
        "limitranges",
        "mutatingwebhookconfigurations",
        "networkpolicies",
        "resourcequotas",
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
        "validatingwebhookconfigurations",
    }
)
"""Objects of Kubernetes that keep others in bounds; its requests have no category of their own for them."""


def figures_of(fields: Event, verdict: Event) -> tuple[str, ...]:
    """Return the figures for which each event of an activity with this verdict counts."""
    refused = fields.get("event.outcome") == "failure"
    changes = not refused and not _CHANGES.isdisjoint(fields.get("event.type", ()))
    categories = fields.get("event.category", ())
    guards = fields.get("orchestrator.resource.type") in _GUARDS
    said = {
        _cause(fields, verdict): True,
        "blocked|platform": refused and verdict["verdict.outcome"] == "unauthorized",
        "blocked|tidewaiter": verdict.get("verdict.blocked", False),
        "gaps": fields.get("event.dataset") == _GAPS,
        "changes|access": changes and "iam" in categories,
        "changes|configuration": changes and ("configuration" in categories or guards),
    }
    return tuple(name for name, counts in said.items() if counts)


def own_figures_of(fields: Event) -> tuple[str, ...]:
    """Return the figures for which a record counts that the judge writes by itself."""
    if fields.get("event.dataset") == _GAPS:
        return ("gaps",)
    if fields.get("event.action") == "correlation":
        return (f"findings|{fields['rule.level']}",)
    return ()


def _cause(fields: Event, verdict: Event) -> str:
    """Return outcome and cause; there are as many as policies have clauses and sets have rules, however many events come."""
    by = verdict["verdict.by"]
    causes = {
        "policy": f"{verdict.get('verdict.policy', '')}: {verdict.get('verdict.clause', '')}",
        "rule": verdict.get("verdict.rule.name", ""),
        "sensor": fields.get("event.module", ""),
        "baseline": verdict.get("verdict.baseline.dimension", ""),
    }
    return f"verdicts|{verdict['verdict.outcome']}|{by}|{causes.get(by, '')}"
