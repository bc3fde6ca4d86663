"""Programs of the laboratory: run to their end, or kept running behind a ``with``."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.demo.lab.errors import LabError

# Nothing of this machine (proxies, mirrors, tokens) may reach a container, and through it the recording.
CLEAN_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C",
}
STOP_SECONDS = 10
# Nor may the directory that this program happens to be started in: it stands in audit records.
NEUTRAL_FOLDER = Path("/")


def run(
    arguments: Sequence[str], *, environment: Mapping[str, str] = CLEAN_ENVIRONMENT, folder: Path = NEUTRAL_FOLDER
) -> str:
    """Return the standard output of a program that ended well; raise ``LabError`` with its last words otherwise."""
    done = subprocess.run(arguments, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"{' '.join(arguments[:6])} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return done.stdout


@contextmanager
def running(
    arguments: Sequence[str], *, log: Path, environment: Mapping[str, str] = CLEAN_ENVIRONMENT
) -> Iterator[subprocess.Popen[bytes]]:
    """Keep a program running, its output in ``log``; ask it to stop in the end, and make it stop after 10 s.

    It has a session of its own, so that ctrl-C reaches this program alone, which then stops the others in order.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            arguments,
            env=environment,
            cwd=NEUTRAL_FOLDER,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _stop(process)


def must_live(process: subprocess.Popen[bytes], log: Path) -> None:
    """Raise ``LabError`` if a program that should be running has ended."""
    if process.poll() is not None:
        last = log.read_text(errors="replace").strip()[-500:]
        raise LabError(f"{log.stem} ended with {process.returncode}; its last words: {last}")


def inherited_environment() -> dict[str, str]:
    """Return this program's own environment, for tools that must reach a package registry (never for containers)."""
    return dict(os.environ)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
