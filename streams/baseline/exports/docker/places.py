"""Paths of the host in a container: mounts and devices, with whether anything was done there; and volumes."""

from __future__ import annotations

from schemas.baseline import literal
from streams.baseline.exports.docker.command import Command
from streams.baseline.exports.docker.mounts import mounts_of
from streams.baseline.exports.files import files_of, programs_of
from streams.baseline.exports.words import PathPattern, path_of

__all__ = ["add_places"]


def add_places(command: Command) -> None:
    """Add mounts and devices; a volume is only told, since a baseline does not know where it is mounted."""
    for mount in mounts_of(command.settings):
        if mount.fault:
            command.note("Left out", f"mount {mount.text}: {mount.fault}")
        else:
            command.add(mount.flag)
            _tell_use(command, f"mount of {mount.target}", mount.inside)
    for name in command.settings.of("volumes"):
        command.note(
            "Left out",
            f"volume {name}: where it is mounted is not in the baseline; add --mount=type=volume,source=…,target=…",
        )
    for device in command.settings.of("devices"):
        path = path_of(literal(device))
        if path is None or ":" in device:
            command.note("Left out", f"device {device}: is no path that Docker takes")
        else:
            command.add(f"--device={device}")
            _tell_use(command, f"--device={device}", path)


def _tell_use(command: Command, what: str, place: PathPattern) -> None:
    files = command.observed("file")
    if files is None:
        command.note("Not observable", f"{what}: `file` is not in the baseline")
        return
    used = [*files_of(files).kinds, *programs_of(command.observed("exec") or ()).kinds]
    if not any(path.meets(place) for path in used):
        command.note("Never used", f"{what}: nothing there was accessed, of the files that sensors watch")
