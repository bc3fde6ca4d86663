from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy.stack.errors import ChildCrashed, ChildNotReady
from deploy.stack.supervisor import Child, Supervisor

SLEEPING = "import time; print('hello', flush=True); time.sleep(600)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('hello', flush=True); time.sleep(600)"
REPOSITORY = Path(__file__).parent.parent.parent.parent


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    with Supervisor(tmp_path, foreground=True) as supervisor:
        yield supervisor


def python(name: str, code: str, **settings: float) -> Child:
    return Child(
        name=name,
        command=(sys.executable, "-S", "-c", code),
        stop_timeout_seconds=settings.get("stop_timeout_seconds", 30.0),
        ready_timeout_seconds=settings.get("ready_timeout_seconds", 60.0),
        restarts=int(settings.get("restarts", 0)),
    )


def greeting(child: Child, directory: Path) -> Child:
    """Return the child as one that is ready once it has said hello."""
    log = directory / "logs" / f"{child.name}.log"
    return Child(
        name=child.name,
        command=child.command,
        ready=lambda: b"hello" in log.read_bytes(),
        ready_timeout_seconds=child.ready_timeout_seconds,
        stop_timeout_seconds=child.stop_timeout_seconds,
    )


def await_crash(supervisor: Supervisor) -> ChildCrashed:
    while True:
        try:
            supervisor.check()
        except ChildCrashed as error:
            return error
        time.sleep(0.02)


def find_process(supervisor: Supervisor, name: str) -> psutil.Process:
    return psutil.Process(next(status.process_id for status in supervisor.statuses() if status.name == name))


def test_children_are_seen_while_they_run_and_stop_in_reverse_order(tmp_path: Path) -> None:
    messages: list[str] = []
    with Supervisor(tmp_path, foreground=True, progress=messages.append) as supervisor:
        for name in ("first", "second"):
            child = greeting(python(name, SLEEPING), tmp_path)
            supervisor.start(child)
            supervisor.wait_until_ready(child)
        statuses = supervisor.statuses()
        assert [(status.name, status.running) for status in statuses] == [("first", True), ("second", True)]
        assert statuses[0].log.read_text() == "hello\n"
        assert statuses[0].started_at <= statuses[1].started_at
    assert supervisor.statuses() == ()
    assert messages[-2:] == ["second is stopping", "first is stopping"]
    assert not any(psutil.pid_exists(status.process_id) for status in statuses)


def test_a_child_with_its_environment_and_directory(supervisor: Supervisor, tmp_path: Path) -> None:
    code = "import os; raise SystemExit(f'error: {os.environ[\"COLOUR\"]} in {os.getcwd()}')"
    child = Child(
        name="one", command=(sys.executable, "-c", code), environment={"COLOUR": "red"}, directory=tmp_path / "logs"
    )
    supervisor.start(child)
    assert await_crash(supervisor).last_line == f"error: red in {tmp_path / 'logs'}"


def test_a_crash_is_one_line_with_the_telling_line_and_the_log(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(python("judge", "raise ValueError('no such topic')"))
    error = await_crash(supervisor)
    log = tmp_path / "logs" / "judge.log"
    assert str(error) == f"judge ended with exit code 1: ValueError: no such topic (log: {log})"


def test_a_crash_before_readiness_ends_the_waiting(supervisor: Supervisor) -> None:
    child = Child(name="one", command=(sys.executable, "-c", ""), ready=lambda: False)
    supervisor.start(child)
    with pytest.raises(ChildCrashed, match="one ended with exit code 0: it logged nothing"):
        supervisor.wait_until_ready(child)


def test_a_command_that_does_not_exist_is_a_crash_that_names_it(supervisor: Supervisor) -> None:
    supervisor.start(Child(name="one", command=("/no/such/program",)))
    assert "FileNotFoundError" in str(await_crash(supervisor))


def test_a_child_that_is_never_ready_is_refused(supervisor: Supervisor) -> None:
    child = Child(name="slow", command=(sys.executable, "-c", SLEEPING), ready=lambda: False, ready_timeout_seconds=0.2)
    supervisor.start(child)
    with pytest.raises(ChildNotReady, match=r"slow is not ready after \d+ s: .*slow\.log"):
        supervisor.wait_until_ready(child)


def test_a_killed_child_says_by_which_signal_and_stays_in_the_status(supervisor: Supervisor) -> None:
    supervisor.start(python("one", SLEEPING))
    find_process(supervisor, "one").kill()
    assert await_crash(supervisor).outcome == "was killed by SIGKILL"
    assert [status.running for status in supervisor.statuses()] == [False]


def test_a_child_that_ignores_the_request_to_stop_is_killed(supervisor: Supervisor, tmp_path: Path) -> None:
    child = greeting(python("deaf", DEAF, stop_timeout_seconds=0.2), tmp_path)
    supervisor.start(child)
    supervisor.wait_until_ready(child)
    process = find_process(supervisor, "deaf")
    supervisor.stop("deaf")
    assert not process.is_running()


def test_a_child_is_started_again_as_often_as_it_allows(tmp_path: Path) -> None:
    messages: list[str] = []
    with Supervisor(tmp_path, progress=messages.append) as supervisor:
        supervisor.start(python("one", "raise ValueError('again')", restarts=2))
        await_crash(supervisor)
    assert len([message for message in messages if message.startswith("one ended with exit code 1")]) == 2


def test_the_log_of_the_run_before_is_kept(supervisor: Supervisor, tmp_path: Path) -> None:
    for word in ("old", "new"):
        supervisor.start(python("one", f"print('{word}')"))
        await_crash(supervisor)
    logs = tmp_path / "logs"
    assert (logs / "one.previous.log").read_text() == "old\n"
    assert (logs / "one.log").read_text() == "new\n"


def test_another_run_goes_on_with_a_running_child_and_stops_only_what_it_started(tmp_path: Path) -> None:
    child = python("one", SLEEPING)
    with Supervisor(tmp_path) as first:
        first.start(child)
        with Supervisor(tmp_path) as second:
            second.start(child)
            assert second.statuses() == first.statuses() or second.statuses()[0].running
        assert first.statuses()[0].running
    assert first.statuses() == ()


def test_another_run_stops_what_this_one_started(tmp_path: Path) -> None:
    first = Supervisor(tmp_path)
    first.start(python("one", SLEEPING))
    process = find_process(first, "one")
    Supervisor(tmp_path).stop_all()
    assert not process.is_running()
    assert first.statuses() == ()


def test_stopping_what_is_unknown_or_has_ended_is_no_error(supervisor: Supervisor) -> None:
    supervisor.start(python("one", "pass"))
    await_crash(supervisor)
    supervisor.stop("one")
    supervisor.stop("nobody")
    assert supervisor.statuses() == ()


START_AND_WAIT = """
    import pathlib, sys, time
    from deploy.stack.supervisor import Child, Supervisor
    directory = pathlib.Path({directory!r})
    supervisor = Supervisor(directory, foreground={foreground})
    supervisor.start(Child(name="one", command=(sys.executable, "-S", "-c", {code!r})))
    while b"hello" not in (directory / "logs" / "one.log").read_bytes():
        time.sleep(0.02)
    print("started", flush=True)
    time.sleep(600)
"""


def start_and_kill_the_parent(directory: Path, *, foreground: bool) -> psutil.Process:
    """Let another process start a child; return the child after that process was killed."""
    code = START_AND_WAIT.format(directory=str(directory), foreground=foreground, code=SLEEPING)
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "started\n"
        child = find_process(Supervisor(directory), "one")
        os.kill(parent.pid, signal.SIGKILL)
    return child


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has died")
def test_a_child_in_the_foreground_dies_with_a_killed_parent(tmp_path: Path) -> None:
    child = start_and_kill_the_parent(tmp_path, foreground=True)
    psutil.wait_procs([child])
    assert [status.running for status in Supervisor(tmp_path).statuses()] == [False]


def test_a_child_in_the_background_outlives_a_killed_parent_and_is_stopped_by_a_later_run(tmp_path: Path) -> None:
    child = start_and_kill_the_parent(tmp_path, foreground=False)
    later = Supervisor(tmp_path)
    assert later.statuses()[0].running
    later.stop_all()
    assert not child.is_running()
