"""The servers of the local stack: taken from Maven once, checked by SHA-256, and kept outside the checkout.

Which repository they come from is Maven's own setting. A distribution is in the cache whole or not at all, under a name
that holds the digest of its checksums: where it is there, it was checked, and neither Maven nor a network is needed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.stack.errors import ChecksumMismatch, DownloadFailed
from deploy.stack.logs import strip_colours
from deploy.stack.progress import Progress

__all__ = [
    "ELASTICSEARCH_8",
    "ELASTICSEARCH_9",
    "KAFKA",
    "Distribution",
    "default_cache",
    "fetch",
    "is_cached",
    "unpack_elasticsearch",
]

DIRECTORY = Path(__file__).parent
CHECKSUMS = DIRECTORY / "checksums.txt"
DEPENDENCY_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
ELASTICSEARCH_COORDINATES = "org.elasticsearch.distribution.integ-test-zip:elasticsearch"
EXPLANATION = re.compile(r"^\[ERROR\] (\w.*?)(?: -> \[Help.*)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Distribution:
    """One server in one version, the oldest Java that runs it, and the size of its download."""

    name: str
    version: str
    minimum_java: int
    download_megabytes: int

    def __str__(self) -> str:
        """Return the name for people, which is also the first part of its names in checksums and cache."""
        return f"{self.name}-{self.version}"


KAFKA = Distribution("kafka", "4.1.1", 17, 57)
ELASTICSEARCH_9 = Distribution("elasticsearch", "9.5.0", 21, 130)
ELASTICSEARCH_8 = Distribution("elasticsearch", "8.19.9", 17, 98)


def default_cache() -> Path:
    """Return ``$TIDEWAITER_CACHE``, else ``$XDG_CACHE_HOME/tidewaiter``, else ``~/.cache/tidewaiter``."""
    if os.environ.get("TIDEWAITER_CACHE"):
        return Path(os.environ["TIDEWAITER_CACHE"])
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tidewaiter"


def is_cached(distribution: Distribution, cache: Path) -> bool:
    """Say whether ``fetch`` would need nothing from outside."""
    return _cached_path(distribution, cache).is_dir()


def fetch(distribution: Distribution, cache: Path, progress: Progress) -> Path:
    """Return the directory with the checked files of the distribution, downloading them where they are not there yet.

    Raises ``DownloadFailed`` with what Maven said, ``ChecksumMismatch`` with the file.
    """

    def download(staging: Path) -> None:
        progress(f"Downloading {distribution} ({distribution.download_megabytes} MB) with Maven")
        _run_maven(distribution, staging)
        _verify(distribution, staging)

    return _publish(_cached_path(distribution, cache), download, progress)


def unpack_elasticsearch(distribution: Distribution, fetched: Path, directory: Path, progress: Progress) -> Path:
    """Return the home directory of Elasticsearch below ``directory``, unpacked from what ``fetch`` returned."""

    def unpack(staging: Path) -> None:
        progress(f"Unpacking {distribution}")
        with zipfile.ZipFile(fetched / f"{distribution}.zip") as archive:
            archive.extractall(staging)
        _make_readable(staging)

    return _publish(directory / f"{fetched.name}-home", unpack, progress) / str(distribution)


def read_checksums(distribution: Distribution) -> dict[str, str]:
    """Return the SHA-256 by file name of everything that belongs to the distribution."""
    entries = (line.split() for line in CHECKSUMS.read_text().splitlines() if not line.startswith("#"))
    by_path = {path: digest for digest, path in entries}
    prefix = f"{distribution}/"
    return {path.removeprefix(prefix): digest for path, digest in by_path.items() if path.startswith(prefix)}


def _cached_path(distribution: Distribution, cache: Path) -> Path:
    listing = repr(sorted(read_checksums(distribution).items()))
    return cache / f"{distribution}-{hashlib.sha256(listing.encode()).hexdigest()[:12]}"


def _publish(target: Path, fill: Callable[[Path], None], progress: Progress) -> Path:
    """Fill a directory beside the target and rename it, so that the target is whole or absent, and filled by one run."""
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with _locked(target.parent / ".lock", progress), tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        if not target.is_dir():
            staging = Path(scratch) / target.name
            staging.mkdir()
            fill(staging)
            staging.rename(target)
    return target


@contextmanager
def _locked(path: Path, progress: Progress) -> Iterator[None]:
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(f"Waiting for another run that fills {path.parent}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run_maven(distribution: Distribution, staging: Path) -> None:
    command = [
        "mvn",
        "-B",
        "-q",
        "-Dstyle.color=never",
        "-f",
        str(DIRECTORY / "pom.xml"),
        *_maven_goal(distribution),
        f"-DoutputDirectory={staging}",
    ]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise DownloadFailed(
            f"Maven could not download {distribution}: {_explain(result.stdout) or result.stderr.strip()} "
            f"(see the network and the mirrors in ~/.m2/settings.xml, and try again)"
        )


def _explain(output: str) -> str:
    """Return the first error of Maven's output, which resets the colour before it even where colours are off."""
    match = EXPLANATION.search(strip_colours(output))
    return match[1] if match else ""


def _maven_goal(distribution: Distribution) -> list[str]:
    if distribution == KAFKA:
        return [f"{DEPENDENCY_PLUGIN}:copy-dependencies", "-DincludeScope=runtime"]
    return [f"{DEPENDENCY_PLUGIN}:copy", f"-Dartifact={ELASTICSEARCH_COORDINATES}:{distribution.version}:zip"]


def _verify(distribution: Distribution, directory: Path) -> None:
    """Refuse any file that differs, is missing, or is not named: a jar too many would be on the class path."""
    expected = read_checksums(distribution)
    found = {path.name: _digest(path) for path in directory.iterdir()}
    wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if wrong:
        raise ChecksumMismatch(
            f"{distribution}: {wrong[0]} has SHA-256 {found.get(wrong[0], '(missing)')}, expected "
            f"{expected.get(wrong[0], '(no such file)')} ({len(wrong)} of {len(expected)} files differ); "
            f"remove it from ~/.m2/repository and try again"
        )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _make_readable(directory: Path) -> None:
    """Let every account read the files and run the scripts: a zip unpacked by Python keeps no modes, and umask may be strict."""
    for path in (directory, *directory.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
