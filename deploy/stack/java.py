"""The Java installations of this machine, newest first."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from deploy.stack.account import Account

__all__ = ["Java", "find_javas", "read_version"]

INSTALLATION_DIRECTORIES = (Path("/usr/lib/jvm"), Path("/Library/Java/JavaVirtualMachines"))
VERSION = re.compile(r'version "(?:1\.)?(\d+)')


@dataclass(frozen=True, slots=True)
class Java:
    """One installation: its home directory and major version (8, 17, 25)."""

    home: Path
    version: int

    @property
    def executable(self) -> Path:
        return self.home / "bin" / "java"


def find_javas(account: Account | None = None) -> tuple[Java, ...]:
    """Return the installations on PATH, in JAVA_HOME and in the system's directories that the account can run."""
    homes = dict.fromkeys(_candidate_homes())
    javas = (_probe(home, account) for home in homes)
    return tuple(sorted((java for java in javas if java), key=lambda java: java.version, reverse=True))


def read_version(output: str) -> int | None:
    """Return the major version from what ``java -version`` printed, None where there is none."""
    match = VERSION.search(output)
    return int(match[1]) if match else None


def _candidate_homes() -> Iterator[Path]:
    on_path = shutil.which("java")
    if on_path:
        yield Path(on_path).resolve().parent.parent
    if os.environ.get("JAVA_HOME"):
        yield Path(os.environ["JAVA_HOME"]).resolve()
    for directory in INSTALLATION_DIRECTORIES:
        yield from _homes_below(directory.glob("*"))


def _homes_below(installations: Iterable[Path]) -> Iterator[Path]:
    for installation in sorted(installations):
        for home in (installation, installation / "Contents" / "Home"):
            if (home / "bin" / "java").exists():
                yield home.resolve()


def _probe(home: Path, account: Account | None) -> Java | None:
    """Ask the installation itself: a directory's name or release file may lie, and the account may not reach it."""
    try:
        answer = subprocess.run(
            [str(home / "bin" / "java"), "-version"],
            user=account.user_id if account else None,
            group=account.group_id if account else None,
            extra_groups=[] if account else None,
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    version = read_version(answer.stderr)
    return Java(home, version) if version else None
