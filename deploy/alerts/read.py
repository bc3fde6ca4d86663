"""Everything that is asked of alerts, read from the view as things stand now."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from deploy.inventory.estate import Estate
from deploy.inventory.remediation import Remediation, mended_since
from deploy.kafka import read_all
from deploy.view.read import entities, refuse_unreadable
from schemas.alert import Alert
from schemas.errors import ConfigurationError
from schemas.settings import Settings
from schemas.topics import Name
from streams.alerts.incidents import Incident, incidents_of
from streams.applied import RULES_KEY
from streams.rules.ruleset import RuleSet

__all__ = ["TOPICS_READ", "alert_named", "incidents", "mended", "read_alerts", "remedies"]

TOPICS_READ: Final[tuple[Name, ...]] = ("alerts", "judge-state")
"""What the view must have read for alerts and stories; ``mended`` needs what the inventory does."""


def read_alerts(view: sqlite3.Connection) -> list[Alert]:
    """Return all alerts as they stand, in the order in which they were opened; what cannot be read is a ``ConfigurationError``."""
    refuse_unreadable(view, "alerts")
    found = [Alert.decode(value) for (value,) in view.execute("SELECT value FROM alerts")]
    return sorted(found, key=lambda alert: (alert.opened, alert.id))


def incidents(view: sqlite3.Connection, window_hours: float) -> list[Incident]:
    """Return the stories that alerts tell."""
    return incidents_of(read_alerts(view), _homes(view), window_hours)


def _homes(view: sqlite3.Connection) -> Mapping[str, set[str]]:
    """Return the hosts of each principal that has containers, as far as they are known."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for one in entities(view, "container"):
        if host := one.own.get("host.name"):
            found[one.principal].add(host)
    return found


def mended(view: sqlite3.Connection, alert: Alert) -> list[Remediation]:
    """Return which newer images have mended something in the containers of an alert since it was first seen; ``hours`` count from then."""
    return mended_since(Estate(view, alert.principal), alert.first)


def remedies(settings: Settings) -> dict[str, str]:
    """Return what rules in force say is to be done, by their ids."""
    manifest = {key: value for (_, key), value in read_all(settings.kafka, "policies").items()}.get(RULES_KEY.encode())
    rules = RuleSet.from_manifest(manifest) if manifest else RuleSet.empty()
    return {one.label: one.remedy for one in (*rules.rules, *rules.correlations) if one.remedy}


def alert_named(alerts: list[Alert], name: str) -> Alert:
    """Return the alert whose id begins so; raise ``ConfigurationError`` where none does, or several do."""
    found = [alert for alert in alerts if name and alert.id.startswith(name.lower())]
    if len(found) == 1:
        return found[0]
    if not found:
        raise ConfigurationError(f"there is no alert {name!r}: `tidewaiter alerts list` shows what there is")
    raise ConfigurationError(f"{len(found)} alerts begin with {name!r}: write more of the id, such as {found[0].id}")
