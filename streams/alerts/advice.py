"""What a person can do about an alert, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from schemas.alert import Alert

__all__ = ["advice_of", "name_of", "title_of"]

_TAKES_BASELINE = ("container:", "user:", "host:")
_QUOTE = "'\"'\"'"
"""A quote within quotes, as a shell reads it."""


def title_of(alert: Alert) -> str:
    """Return what an alert is about in a few words."""
    cause = alert.cause
    titles = {
        "policy": f"policy {cause.name}: {cause.detail}",
        "rule": alert.title or f"rule {cause.name}",
        "sensor": f"{cause.detail}: {cause.name}",
        "correlation": alert.title or f"correlation {cause.name}",
        "baseline": f"new {cause.name}" + (f" in release {_short(cause.detail)}" if cause.detail else ""),
        "exception": f"set aside: {cause.name}",
    }
    return titles[cause.kind]


def name_of(principal: str) -> str:
    """Return a principal without what says what it is."""
    return principal.removeprefix("container:").removeprefix("user:")


def _short(release: str) -> str:
    kind, _, digest = release.rpartition(":")
    return digest[:12] if kind.endswith("sha256") else release


def advice_of(alert: Alert, remedies: Mapping[str, str]) -> tuple[str, ...]:
    """Return steps, the first one first; ``remedies`` are those of rules, by id."""
    return tuple(_advice(alert, remedies))


def _advice(alert: Alert, remedies: Mapping[str, str]) -> Iterator[str]:
    if alert.state == "closed":
        return
    remedy = remedies.get(alert.cause.name, "")
    if remedy:
        yield remedy
    if alert.exposure:
        yield "look at it first: " + " and ".join(_EXPOSED[name] for name in alert.exposure if name in _EXPOSED)
    yield from _by_cause(alert)
    if alert.state == "open":
        yield f"say that you look after it: tidewaiter alerts ack {alert.id} --reason '…'"
    if alert.state != "suppressed":
        yield f"when it is dealt with: tidewaiter alerts close {alert.id} --reason '…'"


_EXPOSED = {"outside": "an address outside takes part", "privileged": "it may do whatever root on the host may"}


def _by_cause(alert: Alert) -> Iterator[str]:
    principal = "'" + alert.principal.replace("'", _QUOTE) + "'"
    if alert.cause.kind == "baseline" and alert.principal.startswith(_TAKES_BASELINE):
        release = f" --release {_short(alert.cause.detail)}" if alert.cause.detail else ""
        yield f"compare: tidewaiter baseline diff {principal}{release}"
        yield f"if all of that is meant: tidewaiter baseline approve {principal}{release} --reason '…'; else forbid it, or roll back"
    elif alert.cause.is_exception:
        yield "when it is no longer needed, take the exception out of the policy"
    else:
        yield "if it is meant, write an exception with an owner and an end: tidewaiter alerts list --noisy prints one"
