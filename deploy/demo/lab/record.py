"""Make a recording: ``python -m deploy.demo.lab --out deploy/demo/recording [--story normal-hour]``, as root with podman.

Builds what is not in the cache (images a few minutes, the API server five), sets everything up, plays the story, takes
everything down again, and writes the records and a manifest into the directory: ``recording.ndjson.zst`` and ``manifest.json``
of the demo (ten minutes of normal load, then an attack), ``normal-hour.ndjson.zst`` and ``normal-hour.json`` of an hour without one.
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
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer

from deploy.demo.lab import shop
from deploy.demo.lab.apiserver import VERSION as KUBERNETES_VERSION
from deploy.demo.lab.apiserver import build_api_server
from deploy.demo.lab.attack import ATTACK_SECONDS, Attack
from deploy.demo.lab.cluster import Cluster, cluster_running
from deploy.demo.lab.engine import Engine, engine_running
from deploy.demo.lab.errors import LabError
from deploy.demo.lab.images import IMAGES, MINER, build_images, import_images, remove_images
from deploy.demo.lab.normal import Normal
from deploy.demo.lab.outside import outside_reachable
from deploy.demo.lab.privacy import check_privacy
from deploy.demo.lab.processes import run
from deploy.demo.lab.recorders import merge, recorders_running
from deploy.demo.lab.sensor import lost_records, sensor_running
from deploy.demo.lab.timetable import keep
from deploy.demo.lab.tools import check_machine
from schemas.codec import loads


class Story(StrEnum):
    """What can be recorded."""

    DEMO = "demo"
    NORMAL_HOUR = "normal-hour"


@dataclass(frozen=True, slots=True)
class Plot:
    """What a story is about, how long its normal load lasts, and the files that its recording is made of."""

    about: str
    seconds: float
    recording: str
    manifest: str


PLOTS = {
    Story.DEMO: Plot(
        "A web shop runs normally, then is attacked. (real containers, a real Kubernetes API server)",
        600,
        "recording.ndjson.zst",
        "manifest.json",
    ),
    Story.NORMAL_HOUR: Plot(
        "A web shop runs normally for an hour: restarts, a second replica, a new version of app and its report. (real containers, a real Kubernetes API server)",
        3_700,
        "normal-hour.ndjson.zst",
        "normal-hour.json",
    ),
}


def main(
    out: Annotated[Path, typer.Option(help="Directory that the recording is written into.")],
    story: Annotated[Story, typer.Option(help="What to record.")] = Story.DEMO,
    normal_seconds: Annotated[
        float | None, typer.Option(min=60, help="How long normal load lasts; by default as long as the story's.")
    ] = None,
) -> None:
    """Record real containers and a real Kubernetes API server: normal load and an attack, or a normal hour."""
    signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        check_machine()
        _say("building what is not in the cache")
        beacon, api_server = build_images(), build_api_server()
        with tempfile.TemporaryDirectory(prefix="tidewaiter-lab-") as folder:
            _record(Path(folder), out, story, normal_seconds or PLOTS[story].seconds, beacon, api_server)
    except LabError as error:
        _say(str(error))
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        _say("stopped; everything was taken down")
        raise typer.Exit(130) from None


def _record(folder: Path, out: Path, story: Story, seconds: float, beacon: Path, api_server: Path) -> None:
    plot = PLOTS[story]
    files, manifest = _play(folder, story, seconds, beacon, api_server)
    out.mkdir(parents=True, exist_ok=True)
    manifest["records"] = dict(sorted(merge(files, out / plot.recording).items()))
    check_privacy(out / plot.recording)
    (out / plot.manifest).write_text(json.dumps(manifest, indent=2) + "\n")
    size = (out / plot.recording).stat().st_size
    _say(f"{out / plot.recording}: {size / 1_000_000:.2f} MB, {sum(manifest['records'].values())} records")


def _play(
    folder: Path, story: Story, seconds: float, beacon: Path, api_server: Path
) -> tuple[list[Path], dict[str, Any]]:
    """Set everything up, play the story, take everything down; return the recorders' files and the manifest."""
    lost_before = lost_records()
    with ExitStack() as stack:
        enter = stack.enter_context
        enter(_images(beacon))
        engine = enter(engine_running(folder))
        audit_log = enter(sensor_running(folder / "audit"))
        cluster = enter(cluster_running(api_server, folder / "kubernetes"))
        bridge = enter(shop.network_and_secret(engine, folder))
        address = f"unix://{engine.socket}"
        sources = {
            "docker": ("--socket", address),
            "auditd": ("--file", str(audit_log), "--peers", address),
            "kubernetes-audit": ("--file", str(cluster.server.audit_log)),
        }
        files = enter(recorders_running(folder, sources))
        manifest: dict[str, Any] = {"story": PLOTS[story].about} | _times(_now())
        _say("starting the shop")
        premises = shop.Shop(engine)
        premises.open()
        enter(outside_reachable(bridge, beacon))
        normal = Normal(premises, cluster)
        _say(f"normal load for {seconds:.0f} s")
        keep(normal.hour(seconds) if story is Story.NORMAL_HOUR else normal.ten_minutes(seconds))
        if story is Story.DEMO:
            manifest |= _attacked(engine, cluster, normal)
        manifest |= {"end": _now(), "changes": normal.as_json()} | _machinery(engine)
        manifest["audit_records_lost"] = lost_records() - lost_before
    return files, manifest


def _attacked(engine: Engine, cluster: Cluster, normal: Normal) -> dict[str, Any]:
    """Play the attack while the shop goes on, and return what the manifest says of it."""
    attack = Attack(engine, cluster)
    _say("the attack starts")
    started = _now()
    try:
        keep([*attack.timetables(), *normal.while_attacked(ATTACK_SECONDS)])
    finally:
        attack.close()
    return {"attack_start": started, "steps": attack.as_json()}


@contextmanager
def _images(beacon: Path) -> Iterator[None]:
    try:
        import_images(beacon)
        yield
    finally:
        remove_images()


def _times(started: int) -> dict[str, Any]:
    return {
        "recorded": datetime.fromtimestamp(started / 1000, UTC).isoformat(timespec="seconds"),
        "start": started,
    }


def _machinery(engine: Engine) -> dict[str, Any]:
    references = [image.reference for image in IMAGES] + [MINER]
    return {
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
