"""The account that a server runs as where it refuses to run as root, as Elasticsearch does."""

from __future__ import annotations

import hashlib
import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Account", "can_enter", "choose_directory", "find_unprivileged_account", "give"]

UNPRIVILEGED_NAME = "nobody"


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this system by name and numbers."""

    name: str
    user_id: int
    group_id: int


def find_unprivileged_account() -> Account | None:
    """Return a system account without rights where we are root, None where we are not and need no other."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam(UNPRIVILEGED_NAME)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def can_enter(account: Account | None, directory: Path) -> bool:
    """Say whether the account may reach and list the directory, asked of the system itself."""
    if account is None:
        return True
    answer = subprocess.run(
        ["test", "-r", str(directory), "-a", "-x", str(directory)],
        user=account.user_id,
        group=account.group_id,
        extra_groups=[],
        cwd="/",
        check=False,
    )
    return answer.returncode == 0


def choose_directory(wanted: Path, account: Account | None, fallback: Path) -> Path:
    """Return ``wanted``, made if need be, or a directory of its own below ``fallback`` where the account cannot enter it.

    Root's home is closed to everybody else, so a checkout or a cache in it is of no use to another account.
    """
    wanted.mkdir(parents=True, exist_ok=True)
    if can_enter(account, wanted):
        return wanted
    digest = hashlib.sha256(bytes(wanted.resolve())).hexdigest()[:12]
    reachable = fallback / digest
    reachable.mkdir(parents=True, exist_ok=True, mode=0o755)
    return reachable


def give(directory: Path, account: Account | None) -> None:
    """Make the account the owner of the directory and of all that is in it."""
    if account is None:
        return
    for path in (directory, *directory.rglob("*")):
        os.chown(path, account.user_id, account.group_id, follow_symlinks=False)
