"""Lines as Falco would write them for a busy shop: each numbered, of 40 containers of 10 workloads, doing 120 different things.

Every line tells all that is known of its container, so that it has the same context whatever the collector has forgotten.
"""

from __future__ import annotations

from typing import Any, Final

from schemas.codec import dumps
from schemas.event import timestamp

__all__ = ["alert"]

_CONTAINERS: Final = 40
_WORKLOADS: Final = 10
_PROGRAMS: Final = 9


def alert(number: int, nanoseconds: int) -> bytes:
    """Return the line of an alert; ``number`` becomes ``event.sequence``, ``nanoseconds`` its time."""
    container = number % _CONTAINERS
    slot = number // _CONTAINERS % (_PROGRAMS + 3)
    did = _exec(container % _WORKLOADS, slot) if slot < _PROGRAMS else _OTHERS[slot - _PROGRAMS]
    fields = _container(container) | did["output_fields"] | {"evt.num": number, "proc.pid": 1000 + number % 30_000}
    line = {"time": timestamp(nanoseconds), "source": "syscall", "hostname": f"node-{container % 7}", **did}
    return dumps(line | {"output": f"{did['rule']} ({number})", "output_fields": fields}) + b"\n"


def _container(number: int) -> dict[str, Any]:
    workload = f"shop-{number % _WORKLOADS:02d}"
    return {
        "container.id": f"{(number + 1) * 0x9E3779B97F4A7C15 % 2**48:012x}",
        "container.name": "main",
        "container.image.repository": f"registry.shop.example/shop/{workload}",
        "container.image.tag": "1.4.2",
        "container.image.digest": f"sha256:{number % _WORKLOADS:064x}",
        "k8s.ns.name": "shop",
        "k8s.deployment.name": workload,
        "k8s.pod.name": f"{workload}-{number}",
        "user.uid": "1000",
        "proc.pname": "supervisor",
        "proc.pexepath": "/usr/bin/supervisor",
    }


def _exec(workload: int, slot: int) -> dict[str, Any]:
    program = f"/srv/shop-{workload:02d}/bin/worker-{slot}"
    fields = {"evt.type": "execve", "proc.exepath": program, "proc.name": f"worker-{slot}", "evt.res": "SUCCESS"}
    return {
        "rule": "Program started",
        "priority": "Informational",
        "output_fields": fields | {"proc.cmdline": f"{program} --queue orders-{slot}"},
    }


def _by_shell(rule: str, priority: str, **fields: Any) -> dict[str, Any]:
    shell = {"proc.exepath": "/usr/bin/bash", "proc.name": "bash", "proc.cmdline": "bash"}
    return {"rule": rule, "priority": priority, "output_fields": shell | fields}


_OTHERS: Final = (
    _by_shell(
        "Sensitive file read",
        "Informational",
        **{"evt.type": "openat", "fd.name": "/etc/shadow", "fd.type": "file", "evt.arg.flags": "O_RDONLY"},
    ),
    _by_shell("Terminal shell in container", "Critical", **{"evt.type": "execve", "proc.tty": 34816}),
    _by_shell(
        "Outbound connection",
        "Notice",
        **{"evt.type": "connect", "fd.name": "10.0.0.2:40000->203.0.113.9:443", "fd.l4proto": "tcp"},
    ),
)
