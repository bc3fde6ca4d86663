"""Starts, watches and stops named processes, each with a log file and a record from which another run finds it again.

In the foreground the processes die with the one that started them, whatever it died of; otherwise they outlive it and
``Supervisor`` of a later run, given the same directory, sees and stops them::

    directory/logs/NAME.log             what the process prints; of the run before in NAME.previous.log
    directory/run/NAME.pid.json         process id, time of creation, address
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from deploy.stack.account import Account
from deploy.stack.errors import ChildCrashed, ChildNotReady
from deploy.stack.logs import find_telling_line
from deploy.stack.progress import Progress, silent
from deploy.stack.run_file import RunFile, measure_creation_seconds, read_run_files

__all__ = ["Child", "ChildStatus", "Supervisor"]

LAUNCHER = Path(__file__).parent / "launch.py"
POLL_SECONDS = 0.1
LOG_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND
LOG_MODE = 0o644
KEEP_ID = -1
OUTLIVE = 0


def _always_ready() -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A process to supervise.

    ``ready`` is called every tenth of a second from start to readiness, answers within about a second, and raises nothing.
    ``environment`` is added to our own. ``address`` is only shown. ``account`` needs us to be root. ``restarts`` is how
    often ``Supervisor.check`` starts it again after it has ended by itself.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path = field(default_factory=Path.cwd)
    account: Account | None = None
    address: str = ""
    ready: Callable[[], bool] = _always_ready
    ready_timeout_seconds: float = 60.0
    stop_timeout_seconds: float = 30.0
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class ChildStatus:
    """What is known of a process that was started and not stopped; not running means that it ended by itself."""

    name: str
    process_id: int
    running: bool
    started_at: datetime
    address: str
    log: Path


class Supervisor:
    """The processes of one directory; as a context manager it stops at the end those that it has started itself.

    In the foreground the thread that calls ``start`` must live as long as the processes: Linux ties them to it.
    """

    def __init__(self, directory: Path, *, foreground: bool = False, progress: Progress = silent) -> None:
        self._logs = directory.absolute() / "logs"
        self._run = directory.absolute() / "run"
        self._foreground = foreground
        self._progress = progress
        self._children: dict[str, Child] = {}
        self._watched: dict[str, RunFile] = {}
        self._started: set[str] = set()
        self._restarts: Counter[str] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop_started()

    def start(self, child: Child) -> None:
        """Start the process, or go on with the one of this name that runs already; does not wait."""
        record = self._find(child.name)
        if record and record.find_process():
            self._progress(f"{child.name} is running already (pid {record.process_id})")
        else:
            self._progress(f"{child.name} is starting")
            record = self._spawn(child)
            self._started.add(child.name)
        self._children[child.name] = child
        self._watched[child.name] = record

    def wait_until_ready(self, *children: Child) -> None:
        """Return when all are ready; they were started before.

        Raises ``ChildCrashed`` for the first process of ours that ended, ``ChildNotReady`` after the time allowed.
        """
        waiting = list(children)
        while waiting:
            self.check()
            for child in [child for child in waiting if child.ready()]:
                self._progress(f"{child.name} is ready after {self._watched[child.name].age_seconds:.1f} s")
                waiting.remove(child)
            self._refuse_late(waiting)
            time.sleep(POLL_SECONDS if waiting else 0)

    def check(self) -> None:
        """Start again what was started here and has ended by itself, as often as it allows; call this every now and then.

        Raises ``ChildCrashed`` for the first process that may not be started again.
        """
        for name, record in tuple(self._watched.items()):
            if record.find_process() is None:
                log = Path(record.log)
                crash = ChildCrashed(name, _describe_end(record.process_id), find_telling_line(log), log)
                self._start_again(self._children[name], crash)

    def statuses(self) -> tuple[ChildStatus, ...]:
        """Return every process of the directory that was not stopped, in the order of starting, also of other runs."""
        return tuple(map(_status, read_run_files(self._run)))

    def stop(self, name: str) -> None:
        """Stop the process and forget it: TERM, then KILL to all its descendants of one session. Unknown names are no error."""
        record = self._find(name)
        if record:
            self._end(record)

    def stop_all(self) -> None:
        """Stop every process of the directory, the last one started first."""
        for record in reversed(read_run_files(self._run)):
            self._end(record)

    def stop_started(self) -> None:
        """Stop every process that this supervisor has started, the last one started first."""
        for record in reversed(read_run_files(self._run)):
            if record.name in self._started:
                self._end(record)

    def _find(self, name: str) -> RunFile | None:
        return next((record for record in read_run_files(self._run) if record.name == name), None)

    def _spawn(self, child: Child) -> RunFile:
        self._run.mkdir(parents=True, exist_ok=True)
        log = self._open_log(child.name)
        process_id = os.posix_spawn(
            sys.executable,
            [sys.executable, "-I", "-S", str(LAUNCHER), *self._launch_arguments(child)],
            {**os.environ, **child.environment},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(log), LOG_FLAGS, LOG_MODE),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
        )
        record = RunFile(
            name=child.name,
            process_id=process_id,
            created_since_boot_seconds=measure_creation_seconds(psutil.Process(process_id)),
            log=str(log),
            address=child.address,
            stop_timeout_seconds=child.stop_timeout_seconds,
        )
        record.write(self._run)
        return record

    def _launch_arguments(self, child: Child) -> list[str]:
        parent_id = os.getpid() if self._foreground else OUTLIVE
        user_id, group_id = (child.account.user_id, child.account.group_id) if child.account else (KEEP_ID, KEEP_ID)
        return [str(child.directory), str(parent_id), str(user_id), str(group_id), *child.command]

    def _open_log(self, name: str) -> Path:
        self._logs.mkdir(parents=True, exist_ok=True)
        log = self._logs / f"{name}.log"
        if log.exists():
            log.replace(self._logs / f"{name}.previous.log")
        log.touch()
        return log

    def _start_again(self, child: Child, crash: ChildCrashed) -> None:
        if self._restarts[child.name] >= child.restarts:
            raise crash
        self._restarts[child.name] += 1
        self._progress(str(crash))
        self.start(child)

    def _refuse_late(self, waiting: list[Child]) -> None:
        for child in waiting:
            age_seconds = self._watched[child.name].age_seconds
            if age_seconds > child.ready_timeout_seconds:
                log = self._logs / f"{child.name}.log"
                raise ChildNotReady(
                    f"{child.name} is not ready after {age_seconds:.0f} s: {find_telling_line(log)} (log: {log})"
                )

    def _end(self, record: RunFile) -> None:
        process = record.find_process()
        if process:
            self._progress(f"{record.name} is stopping")
            _terminate(process, record.stop_timeout_seconds)
        record.remove(self._run)
        self._watched.pop(record.name, None)
        self._started.discard(record.name)


def _status(record: RunFile) -> ChildStatus:
    return ChildStatus(
        name=record.name,
        process_id=record.process_id,
        running=record.find_process() is not None,
        started_at=datetime.now(UTC) - timedelta(seconds=record.age_seconds),
        address=record.address,
        log=Path(record.log),
    )


def _terminate(process: psutil.Process, timeout_seconds: float) -> None:
    try:
        process.terminate()
        process.wait(timeout_seconds)
    except psutil.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    except psutil.NoSuchProcess:
        return


def _describe_end(process_id: int) -> str:
    """Say how a process ended; only its own parent can know."""
    try:
        _, wait_status = os.waitpid(process_id, 0)
    except ChildProcessError:
        return "has ended"
    code = os.waitstatus_to_exitcode(wait_status)
    return f"ended with exit code {code}" if code >= 0 else f"was killed by {signal.Signals(-code).name}"
