"""A real Podman of the test's own: its storage, its image, its API service, which can be killed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

import pytest

IMAGE = "localhost/shop/web:1.0"

_BUSYBOX = Path("/bin/busybox")
_PATIENCE_SECONDS = 30
_LIMITS = ("--ulimit", "nofile=1000:1000", "--ulimit", "nproc=1000:1000")


class Podman:
    """Podman with all it keeps below one directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._service: subprocess.Popen[bytes] | None = None
        self._command = [
            *(
                "podman",
                "--root",
                f"{directory}/storage",
                "--runroot",
                f"{directory}/run",
                "--tmpdir",
                f"{directory}/state",
            ),
            *("--runtime", "runc", "--events-backend", "file"),
        ]

    @property
    def address(self) -> str:
        return f"unix://{self._directory}/podman.sock"

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run([*self._command, *arguments], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def run(self, name: str, *options: str, image: str = IMAGE) -> str:
        """Start a container that sleeps and return its id; it has no network unless an option gives it one."""
        network = () if "--network" in options else ("--network", "none")
        return self("run", "-d", *network, "--name", name, *_LIMITS, *options, image, "sleep", "600")

    def serve(self) -> None:
        self._service = subprocess.Popen(
            [*self._command, "system", "service", "--time", "0", self.address],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        socket = Path(self.address.removeprefix("unix://"))
        while not socket.exists():
            assert self._service.poll() is None
            time.sleep(0.05)

    def kill_service(self) -> None:
        if self._service is not None:
            self._service.kill()
            self._service.wait()
            Path(self.address.removeprefix("unix://")).unlink(missing_ok=True)

    def import_image(self, name: str = IMAGE) -> None:
        """Make an image of its own."""
        root = self._directory / blake2b(name.encode()).hexdigest()[:12] / "bin"
        root.mkdir(parents=True)
        shutil.copy(_BUSYBOX, root / "busybox")
        for program in ("sh", "sleep", "id", "cat"):
            (root / program).symlink_to("busybox")
        (root / "name").write_text(name)
        archive = root.parent.with_suffix(".tar")
        subprocess.run(["tar", "-C", root.parent, "-cf", archive, "."], check=True)
        self("import", str(archive), name)


@contextmanager
def own_podman() -> Iterator[Podman]:
    """Run a service; skip the test with the reason where it cannot."""
    if os.geteuid() != 0:
        pytest.skip("containers are started as root only")
    for program in ("podman", "runc"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    if not _BUSYBOX.exists():
        pytest.skip(f"there is no {_BUSYBOX} to make an image of")
    directory = Path(tempfile.mkdtemp(prefix="tw-podman-"))
    podman = Podman(directory)
    try:
        podman.import_image()
        podman.serve()
        yield podman
    finally:
        podman("rm", "--all", "--force", "--time", "0")
        podman.kill_service()
        _wait_until_left(directory)
        _unmount(directory / "storage" / "overlay")
        shutil.rmtree(directory)


def _wait_until_left(directory: Path) -> None:
    """Wait for the monitors of containers and their clean-up, which would mount the storage again."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while any(_names(process, str(directory).encode()) for process in Path("/proc").iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _names(process: Path, word: bytes) -> bool:
    try:
        return process.name.isdecimal() and word in (process / "cmdline").read_bytes()
    except OSError:  # it has ended
        return False


def _unmount(place: Path) -> None:
    """Unmount what podman has bound there: one mount lies upon the other where a service was killed and started again.

    A directory that is bound onto itself does not look like a mount to ``Path.is_mount``.
    """
    while str(place) in [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]:
        subprocess.run(["umount", "--lazy", place], check=True)
