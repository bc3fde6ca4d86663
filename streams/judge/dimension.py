"""To which dimension of a baseline an activity belongs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["dimension_of"]

_BY_CATEGORY: Final = (("process", "exec"), ("file", "file"), ("configuration", "settings"), ("api", "api"))


def dimension_of(activity: Mapping[str, Any]) -> str:
    """Return ``exec``, ``file``, ``egress``, ``ingress``, ``dns``, ``api``, ``settings`` or ``other``."""
    if "dns.question.name" in activity:
        return "dns"
    if "kubernetes.audit.verb" in activity:
        return "api"
    if "network.direction" in activity:
        return "ingress" if activity["network.direction"] == "ingress" else "egress"
    categories = activity.get("event.category") or ()
    return next((dimension for category, dimension in _BY_CATEGORY if category in categories), "other")
