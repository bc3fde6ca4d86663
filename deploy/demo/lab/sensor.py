"""The audit sensor: auditd without systemd, the rules of ``audit.rules``, and watches inside containers.

A container's files are seen through its merged overlay, which exists from its start to its end: a watch on
``MERGED/etc/shadow`` marks the inode that the container opens, and the record names the path as the container sees it.
So each start needs new watches; the kernel drops the old ones with the mount.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import Popen

from deploy.demo.lab.engine import LOGIN_ID, Engine
from deploy.demo.lab.errors import LabError
from deploy.demo.lab.processes import must_live, run, running

RULES = Path(__file__).with_name("audit.rules")
CONFIGURATION = """\
log_file = {log}
log_format = ENRICHED
log_group = root
flush = INCREMENTAL_ASYNC
freq = 20
max_log_file_action = IGNORE
space_left = 75
space_left_action = IGNORE
admin_space_left = 50
admin_space_left_action = IGNORE
"""
BACKLOG = 8192
START_SECONDS = 10
SENSITIVE_FILES = ("etc/shadow", "etc/gshadow")


@contextmanager
def sensor_running(folder: Path) -> Iterator[Path]:
    """Keep auditd running in a new ``folder`` with our rules and yield its log; leave auditing off and without rules."""
    log = folder / "audit.log"
    folder.mkdir()
    (folder / "auditd.conf").write_text(CONFIGURATION.format(log=log))
    (folder / "plugins.d").mkdir()
    daemon = ["auditd", "-n", "-c", str(folder), "-s", "enable"]
    output = folder / "auditd.out"
    with running(daemon, log=output) as process:
        try:
            _wait_until_enabled(process, output)
            run(["auditctl", "-b", str(BACKLOG)])
            run(["auditctl", "-R", str(RULES)])
            yield log
        finally:
            run(["auditctl", "-D"])
            run(["auditctl", "-e", "0"])


def watch_container(engine: Engine, container: str) -> None:
    """Watch the running container's root filesystem for writes, and its accounts and secrets for reads."""
    about = engine.inspect(container)
    merged = Path(about["GraphDriver"]["Data"]["MergedDir"])
    _watch(f"dir={merged}", "wa", "container-write")
    sensitive = [f"path={merged / file}" for file in SENSITIVE_FILES]
    if about["Config"].get("Secrets"):
        sensitive.append(f"dir={Path(about['StaticDir']) / 'secrets'}")
    for place in sensitive:
        with suppress(LabError):  # the image lacks the file
            _watch(place, "r", "sensitive-read")


def lost_records() -> int:
    """Return how many audit records the kernel has lost since boot; a recording must not lose any."""
    status = dict(line.split(maxsplit=1) for line in run(["auditctl", "-s"]).splitlines() if " " in line)
    return int(status["lost"])


def _watch(place: str, access: str, key: str) -> None:
    rule = ["always,exit", "-F", place, "-F", f"perm={access}", "-F", f"auid={LOGIN_ID}", "-k", key]
    with suppress(LabError):  # there is none yet, or it is of the mount that a restart has ended
        run(["auditctl", "-d", *rule])
    run(["auditctl", "-a", *rule])


def _wait_until_enabled(process: Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while "enabled 1" not in run(["auditctl", "-s"]):
        must_live(process, log)
        if time.monotonic() > deadline:
            raise LabError("auditd did not start within 10 s: is another audit daemon running?")
        time.sleep(0.1)
