from __future__ import annotations

from pathlib import Path

import pytest

from producers import containers
from producers.containers import ContainerResolver, container_in

ID = "ab" * 32
OTHER = "cd" * 32

PATHS = {
    "docker, cgroup v1": f"4:memory:/docker/{ID}",
    "docker, systemd": f"0::/system.slice/docker-{ID}.scope",
    "podman": f"0::/machine.slice/libpod-{ID}.scope/container",
    "podman, cgroupfs": f"9:name=systemd:/libpod_parent/libpod-{ID}",
    "containerd": f"0::/kubepods.slice/kubepods-pod1_2.slice/cri-containerd-{ID}.scope",
    "containerd, colons": f"5:cpu:/system.slice/kubepods-burstable-pod1.slice:cri-containerd:{ID}",
    "cri-o": f"0::/kubepods.slice/kubepods-pod1.slice/crio-{ID}.scope",
    "kubelet, cgroupfs": f"3:pids:/kubepods/burstable/pod0a1b2c3d-0000-4000-8000-000000000000/{ID}",
}


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_finds_the_container_in_a_control_group(path: str) -> None:
    assert container_in(f"12:devices:/\n{path}\n") == ID


@pytest.mark.parametrize(
    "path",
    [
        "0::/",
        "4:memory:/user.slice/" + "ab" * 16,
        f"0::/machine.slice/libpod-conmon-{ID}.scope",
        f"0::/crio-conmon-{ID}.scope",
        f"0::/{ID}00",
        "",
        "no colons at all",
    ],
)
def test_finds_none_in_those_of_the_host(path: str) -> None:
    assert container_in(path) is None


def test_a_container_cannot_pretend_to_be_another_by_a_group_below_its_own() -> None:
    assert container_in(f"0::/docker/{ID}/{OTHER}") == ID


@pytest.fixture
def processes(tmp_path: Path) -> Path:
    return tmp_path


def start(processes: Path, pid: int, path: str) -> None:
    (processes / str(pid)).mkdir(exist_ok=True)
    (processes / str(pid) / "cgroup").write_text(path)
    (processes / str(pid) / "exe").unlink(missing_ok=True)
    (processes / str(pid) / "exe").symlink_to("/bin/x")


def end(processes: Path, pid: int) -> None:
    (processes / str(pid) / "cgroup").unlink()
    (processes / str(pid) / "exe").unlink()
    (processes / str(pid)).rmdir()


def test_a_process_that_has_ended_is_remembered_and_answers_for_its_children(processes: Path) -> None:
    resolver = ContainerResolver(processes)
    start(processes, 7, f"0::/docker/{ID}")
    assert resolver.container_of(7, 1) == ID
    end(processes, 7)
    assert resolver.container_of(7, 1) == ID
    assert resolver.container_of(8, 7) == ID
    assert resolver.container_of(9, 8) == ID
    assert resolver.container_of(10, 6) is None


def test_a_child_that_was_never_seen_alive_has_its_parents_container(processes: Path) -> None:
    start(processes, 7, f"0::/docker/{ID}")
    assert ContainerResolver(processes).container_of(8, 7) == ID


def test_a_living_process_of_the_host_is_not_in_its_parents_container(processes: Path) -> None:
    start(processes, 7, f"0::/docker/{ID}")
    start(processes, 8, "0::/")
    assert ContainerResolver(processes).container_of(8, 7) is None


def test_a_runtimes_process_that_moves_into_the_container_is_found_there(processes: Path) -> None:
    resolver = ContainerResolver(processes)
    start(processes, 7, "0::/")
    assert resolver.container_of(7) is None
    start(processes, 7, f"0::/docker/{ID}")
    assert resolver.container_of(7) == ID


def test_an_id_that_was_given_to_another_process_is_forgotten(processes: Path) -> None:
    resolver = ContainerResolver(processes)
    start(processes, 7, f"0::/docker/{ID}")
    assert resolver.container_of(7) == ID
    start(processes, 7, "0::/")
    assert resolver.container_of(7) is None
    end(processes, 7)
    assert resolver.container_of(7) is None


def test_a_process_that_is_ending_is_still_in_its_container(processes: Path) -> None:
    resolver = ContainerResolver(processes)
    start(processes, 7, f"0::/docker/{ID}")
    assert resolver.container_of(7) == ID
    start(processes, 7, "4:memory:/\n0::/")
    (processes / "7" / "exe").unlink()
    assert resolver.container_of(7) == ID


def test_a_member_of_a_container_is_the_first_that_was_seen_and_lives(processes: Path) -> None:
    resolver = ContainerResolver(processes)
    start(processes, 8, f"0::/docker/{ID}")
    resolver.container_of(8)
    start(processes, 7, f"0::/docker/{ID}")
    assert resolver.member(ID) == 8
    end(processes, 8)
    assert resolver.member(ID) == 7
    assert resolver.member(OTHER) is None


def test_the_first_process_of_a_container_is_remembered_however_long_it_does_nothing(
    processes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = 1000.0
    monkeypatch.setattr(containers, "monotonic", lambda: clock)
    resolver = ContainerResolver(processes)
    start(processes, 7, f"0::/docker/{ID}")
    resolver.container_of(7)
    for _ in range(100):
        clock += 15
        resolver.container_of(1)
    end(processes, 7)
    assert resolver.container_of(7) == ID
    for _ in range(6):
        clock += 15
        resolver.container_of(1)
    start(processes, 7, "0::/")
    end(processes, 7)
    assert resolver.container_of(7) is None


def test_all_processes_are_looked_through_once_a_second_at_most(
    processes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = 1000.0
    monkeypatch.setattr(containers, "monotonic", lambda: clock)
    resolver = ContainerResolver(processes)
    assert resolver.member(ID) is None
    start(processes, 7, f"0::/docker/{ID}")
    assert resolver.member(ID) is None
    clock += 1
    assert resolver.member(ID) == 7


def test_memory_ends_after_a_minute_and_is_bounded(processes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 1000.0
    monkeypatch.setattr(containers, "monotonic", lambda: clock)
    monkeypatch.setattr(containers, "_MAX_REMEMBERED", 2)
    resolver = ContainerResolver(processes)
    for pid in (7, 8, 9):
        start(processes, pid, f"0::/docker/{ID}")
        resolver.container_of(pid)
        end(processes, pid)
    assert resolver.container_of(7) is None
    clock += 59
    assert resolver.container_of(9) == ID
    clock += 61
    assert resolver.container_of(9) is None


def test_this_very_process_is_read() -> None:
    assert ContainerResolver().container_of(1) == container_in(Path("/proc/1/cgroup").read_text())
