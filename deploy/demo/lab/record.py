"""Make the demo's recording: ``python -m deploy.demo.lab.record --out deploy/demo/recording``, as root with podman.

Builds what is not in the cache (images a few minutes, the API server five), sets everything up, plays the story, takes
everything down again, and writes ``recording.ndjson.zst`` and ``manifest.json`` into the directory.
"""

from __future__ import annotations

import json
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer

from deploy.demo.lab import shop
from deploy.demo.lab.apiserver import VERSION as KUBERNETES_VERSION
from deploy.demo.lab.apiserver import build_api_server
from deploy.demo.lab.cluster import cluster_running
from deploy.demo.lab.engine import Engine, engine_running
from deploy.demo.lab.errors import LabError
from deploy.demo.lab.images import IMAGES, MINER, build_images, import_images, remove_images
from deploy.demo.lab.outside import outside_reachable
from deploy.demo.lab.privacy import check_privacy
from deploy.demo.lab.processes import run
from deploy.demo.lab.recorders import merge, recorders_running
from deploy.demo.lab.sensor import lost_records, sensor_running
from deploy.demo.lab.story import Attack, a_normal_day
from deploy.demo.lab.timetable import keep
from deploy.demo.lab.tools import check_machine
from schemas.codec import loads

RECORDING = "recording.ndjson.zst"
MANIFEST = "manifest.json"


def main(
    out: Annotated[Path, typer.Option(help="Directory that the recording is written into.")],
    normal_seconds: Annotated[float, typer.Option(min=60, help="How long normal load lasts.")] = 600,
) -> None:
    """Record real containers and a real Kubernetes API server: a normal day, then an attack."""
    signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        check_machine()
        _say("building what is not in the cache")
        beacon, api_server = build_images(), build_api_server()
        with tempfile.TemporaryDirectory(prefix="tidewaiter-lab-") as folder:
            _record(Path(folder), out, normal_seconds, beacon, api_server)
    except LabError as error:
        _say(str(error))
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        _say("stopped; everything was taken down")
        raise typer.Exit(130) from None


def _record(folder: Path, out: Path, normal_seconds: float, beacon: Path, api_server: Path) -> None:
    files, manifest = _play(folder, normal_seconds, beacon, api_server)
    out.mkdir(parents=True, exist_ok=True)
    manifest["records"] = dict(sorted(merge(files, out / RECORDING).items()))
    check_privacy(out / RECORDING)
    (out / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
    size = (out / RECORDING).stat().st_size
    _say(f"{out / RECORDING}: {size / 1_000_000:.2f} MB, {sum(manifest['records'].values())} records")


def _play(folder: Path, normal_seconds: float, beacon: Path, api_server: Path) -> tuple[list[Path], dict[str, Any]]:
    """Set everything up, play the story, take everything down; return the recorders' files and the manifest."""
    lost_before = lost_records()
    with ExitStack() as stack:
        enter = stack.enter_context
        enter(_images(beacon))
        engine = enter(engine_running(folder))
        audit_log = enter(sensor_running(folder / "audit"))
        cluster = enter(cluster_running(api_server, folder / "kubernetes"))
        bridge = enter(shop.network_and_secret(engine, folder))
        sources = {
            "docker": ("--socket", f"unix://{engine.socket}"),
            "auditd": ("--file", str(audit_log)),
            "kubernetes-audit": ("--file", str(cluster.server.audit_log)),
        }
        files = enter(recorders_running(folder, sources))
        started = _now()
        _say("starting the shop")
        for service in shop.SERVICES:
            shop.start(engine, service)
        enter(outside_reachable(bridge, beacon))
        attack = Attack(engine, cluster)
        _say(f"normal load for {normal_seconds:.0f} s")
        keep(a_normal_day(engine, cluster, normal_seconds))
        _say("the attack starts")
        attack_start = _now()
        try:
            keep(attack.timetables())
            ended = _now()
        finally:
            attack.close()
        manifest = _manifest(engine, started, attack_start, ended) | {"steps": attack.as_json()}
        manifest["audit_records_lost"] = lost_records() - lost_before
    return files, manifest


@contextmanager
def _images(beacon: Path) -> Iterator[None]:
    try:
        import_images(beacon)
        yield
    finally:
        remove_images()


def _manifest(engine: Engine, started: int, attack_start: int, ended: int) -> dict[str, Any]:
    references = [image.reference for image in IMAGES] + [MINER]
    return {
        "story": "A web shop runs normally, then is attacked. (real containers, a real Kubernetes API server)",
        "recorded": datetime.fromtimestamp(started / 1000, UTC).isoformat(timespec="seconds"),
        "start": started,
        "attack_start": attack_start,
        "end": ended,
        "images": {reference: _digest(engine, reference) for reference in references},
        "versions": {
            "kernel": platform.release(),
            "podman": engine.podman("version", "--format", "{{.Server.Version}}"),
            "runc": run(["runc", "--version"]).split()[2],
            "auditd": run(["dpkg-query", "--show", "--showformat=${Version}", "auditd"]),
            "kubernetes": KUBERNETES_VERSION,
        },
    }


def _digest(engine: Engine, reference: str) -> str:
    found: list[dict[str, Any]] = loads(engine.podman("image", "inspect", reference))
    return str(found[0]["Digest"])


def _as_interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _now() -> int:
    return time.time_ns() // 1_000_000


def _say(message: str) -> None:
    sys.stderr.write(f"lab: {message}\n")


if __name__ == "__main__":
    typer.run(main)
