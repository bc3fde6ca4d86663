from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = target.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.mark.parametrize("package", ["producers", "streams", "sinks", "schemas", "deploy"])
def test_wheel_holds_every_package_typed(names: set[str], package: str) -> None:
    assert f"{package}/__init__.py" in names
    assert f"{package}/py.typed" in names


def test_wheel_holds_every_module_and_data_file_of_the_packages(names: set[str]) -> None:
    command = ["git", "-C", str(ROOT), "ls-files", "producers", "streams", "sinks", "schemas", "deploy"]
    tracked = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert {name for name in tracked if (ROOT / name).exists()} <= names


def test_wheel_holds_neither_tests_nor_other_top_levels(names: set[str]) -> None:
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {
        "producers",
        "streams",
        "sinks",
        "schemas",
        "deploy",
    }
