"""A small estate, made up of what judges and correlate write."""

from __future__ import annotations

from typing import Any, Final

from deploy.inventory.estate import Estate
from tests.deploy.view.lab import NOON, Said, activity, shared, view_of

__all__ = ["APP", "LATER", "NEW", "NOON", "OLD", "digest", "estate_of", "ran", "request", "scan"]

LATER: Final = "2026-06-03T18:00:00.000000000Z"
APP: Final = "container:prod/shop/app/app"


def digest(character: str) -> str:
    return f"sha256:{character * 64}"


OLD: Final = digest("1")
NEW: Final = digest("2")
_WORKLOAD: Final = {
    "workload.cluster": "prod",
    "workload.namespace": "shop",
    "workload.name": "app",
    "workload.container": "app",
}


def estate_of(*records: Said) -> Estate:
    return Estate(view_of(records))


def ran(image: str, *command: str, first: str = NOON, last: str = "", **known: Any) -> Said:
    """Return that a program ran in a container of the app with this image."""
    facts = (
        _WORKLOAD
        | {"container.image.id": image, "container.image.name": "registry.example/app"}
        | {name.replace("__", "."): value for name, value in known.items()}
    )
    done = {"event.action": "exec", "process.executable": command[0], "process.args": list(command)}
    return activity(APP, done, facts, first=first, last=last)


def scan(image: str, scanner: str = "trivy", time: str = NOON, **found: list[str]) -> Said:
    facts = {"container.image.id": image, "container.image.scan.scanners": [scanner], "container.image.scan.time": time}
    return shared(
        f"image:{image}", scanner, facts | {f"container.image.{name}": texts for name, texts in found.items()}, time
    )


def request(user: str, verb: str, resource: str, *, cluster: str = "prod", **fields: Any) -> Said:
    """Return a request to the API of a cluster; ``known`` of it are settings, the rest was done."""
    done: dict[str, Any] = {
        "event.action": f"{resource}-{verb}",
        "event.outcome": "success",
        "kubernetes.audit.verb": verb,
        "orchestrator.cluster.name": cluster,
        "orchestrator.resource.type": resource,
    }
    settings = {name: value for name, value in fields.items() if name.startswith("container")}
    done |= {name.replace("__", "."): value for name, value in fields.items() if name not in {*settings, "first"}}
    said = {name.replace("__", "."): value for name, value in settings.items()}
    return activity(
        f"user:{cluster}/{user}", done | said, dimension="api", first=fields.get("first", NOON), outcome="undetermined"
    )
