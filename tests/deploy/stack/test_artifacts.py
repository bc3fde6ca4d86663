from __future__ import annotations

import os
import shutil
import stat
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from deploy.stack import artifacts
from deploy.stack.artifacts import ELASTICSEARCH_8, ELASTICSEARCH_9, KAFKA, default_cache, fetch, is_cached
from deploy.stack.errors import ChecksumMismatch, DownloadFailed
from deploy.stack.progress import silent

SCRIPT = """\
#!/bin/sh
echo "$@" >> {calls}
for argument; do case $argument in -DoutputDirectory=*) output=${{argument#*=}};; esac; done
{action}
"""
HELLO_DIGEST = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"


@pytest.fixture
def checksums(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "checksums.txt"
    file.write_text(f"# comment\n{HELLO_DIGEST}  {KAFKA}/one.jar\n")
    monkeypatch.setattr(artifacts, "CHECKSUMS", file)


def put_maven_on_path(directory: Path, monkeypatch: pytest.MonkeyPatch, action: str) -> Path:
    """Put a program called mvn first on PATH; return the file with a line for each call."""
    maven = directory / "bin" / "mvn"
    maven.parent.mkdir(exist_ok=True)
    maven.write_text(SCRIPT.format(calls=directory / "calls", action=action))
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", f"{maven.parent}{os.pathsep}{os.environ['PATH']}")
    return directory / "calls"


@pytest.mark.usefixtures("checksums")
def test_a_distribution_is_downloaded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = put_maven_on_path(tmp_path, monkeypatch, 'printf hello > "$output/one.jar"')
    cache = tmp_path / "cache"
    messages: list[str] = []
    assert not is_cached(KAFKA, cache)
    fetched = fetch(KAFKA, cache, messages.append)
    assert fetch(KAFKA, cache, messages.append) == fetched
    assert is_cached(KAFKA, cache)
    assert [path.name for path in fetched.iterdir()] == ["one.jar"]
    assert len(calls.read_text().splitlines()) == 1
    assert messages == [f"Downloading {KAFKA} (57 MB) with Maven"]


@pytest.mark.usefixtures("checksums")
def test_runs_at_the_same_time_download_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = put_maven_on_path(tmp_path, monkeypatch, 'sleep 0.3; printf hello > "$output/one.jar"')
    with ThreadPoolExecutor() as pool:
        fetched = set(pool.map(lambda _: fetch(KAFKA, tmp_path / "cache", silent), range(4)))
    assert len(fetched) == 1
    assert len(calls.read_text().splitlines()) == 1


@pytest.mark.usefixtures("checksums")
@pytest.mark.parametrize(
    ("action", "message"),
    [
        ('printf other > "$output/one.jar"', rf"{KAFKA}: one.jar has SHA-256 \w+, expected {HELLO_DIGEST}"),
        ("true", r"one.jar has SHA-256 \(missing\)"),
        ('printf hello > "$output/one.jar"; touch "$output/two.jar"', r"two.jar has .* expected \(no such file\)"),
    ],
)
def test_what_differs_from_the_checksums_is_refused_and_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: str, message: str
) -> None:
    put_maven_on_path(tmp_path, monkeypatch, action)
    with pytest.raises(ChecksumMismatch, match=message):
        fetch(KAFKA, tmp_path / "cache", silent)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [".lock"]


@pytest.mark.usefixtures("checksums")
@pytest.mark.parametrize(
    "action", ["printf '\\033[0m[ERROR] \\n[ERROR] no network -> [Help 1]\\n'; exit 1", "echo 'no network' >&2; exit 1"]
)
def test_the_words_of_maven_are_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: str) -> None:
    put_maven_on_path(tmp_path, monkeypatch, action)
    with pytest.raises(DownloadFailed, match=f"^Maven could not download {KAFKA}: no network "):
        fetch(KAFKA, tmp_path / "cache", silent)


def test_elasticsearch_is_unpacked_so_that_every_account_can_run_it(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / f"{ELASTICSEARCH_9}.zip", "w") as archive:
        archive.writestr(f"{ELASTICSEARCH_9}/bin/elasticsearch", "#!/bin/sh")
        archive.writestr(f"{ELASTICSEARCH_9}/config/jvm.options", "")
    home = artifacts.unpack_elasticsearch(ELASTICSEARCH_9, tmp_path, tmp_path / "homes", silent)
    assert stat.S_IMODE((home / "bin" / "elasticsearch").stat().st_mode) == 0o755
    assert stat.S_IMODE((home / "config" / "jvm.options").stat().st_mode) == 0o644
    assert stat.S_IMODE(home.parent.stat().st_mode) == 0o755


def test_every_distribution_has_checksums() -> None:
    assert len(artifacts.read_checksums(KAFKA)) == 93
    for distribution in (ELASTICSEARCH_8, ELASTICSEARCH_9):
        assert artifacts.read_checksums(distribution).keys() == {f"{distribution}.zip"}


def test_the_pom_names_the_version_of_kafka_and_no_repository() -> None:
    root = ET.parse(artifacts.DIRECTORY / "pom.xml").getroot()  # noqa: S314  # our own file
    space = {"m": "http://maven.apache.org/POM/4.0.0"}
    dependencies = {
        element.findtext("m:artifactId", namespaces=space): element.findtext("m:version", namespaces=space)
        for element in root.iterfind(".//m:dependency", space)
    }
    assert dependencies.keys() == {"kafka_2.13", "kafka-tools", "log4j-slf4j-impl"}
    assert dependencies["kafka_2.13"] == dependencies["kafka-tools"] == KAFKA.version
    assert not list(root.iter("{http://maven.apache.org/POM/4.0.0}repository"))


@pytest.mark.parametrize(
    ("environment", "directory"),
    [
        ({"TIDEWAITER_CACHE": "/one", "XDG_CACHE_HOME": "/two"}, "/one"),
        ({"XDG_CACHE_HOME": "/two"}, "/two/tidewaiter"),
        ({}, "/three/.cache/tidewaiter"),
    ],
)
def test_the_cache_is_where_the_user_wants_it(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], directory: str
) -> None:
    for name in ("TIDEWAITER_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, environment.get(name, ""))
    monkeypatch.setenv("HOME", "/three")
    assert default_cache() == Path(directory)


@pytest.mark.skipif(shutil.which("mvn") is None, reason="Maven is not installed")
def test_a_real_maven_that_fails_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "DIRECTORY", tmp_path)
    with pytest.raises(DownloadFailed, match=rf"^Maven could not download {KAFKA}: [A-Z][^\[]+ \(see "):
        fetch(KAFKA, tmp_path / "cache", silent)
