"""The images: Debian packages and our own files, built once into the cache and imported for each run.

The names are those of a production registry; nothing is ever pulled or pushed.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.demo.lab.processes import inherited_environment, run

LAB = Path(__file__).parent
CACHE = Path.home() / ".cache" / "tidewaiter" / "lab"
SUITE = "bookworm"
APT_SOURCES = Path("/etc/apt/sources.list.d/debian.sources")
REGISTRY = "registry.shop.example/shop"
VERSION = "1.4.2"
NEXT_VERSION = "1.5.0"
MINER = "registry.evil.example/miner:latest"


@dataclass(frozen=True, slots=True)
class Image:
    """What an image is made of: Debian packages, commands run inside it while it is built, our files, and its settings.

    The files of a version (``image-files/app-1.5.0``) lie over those of all versions (``image-files/app``).
    """

    name: str
    packages: tuple[str, ...]
    setup: tuple[str, ...]
    settings: tuple[str, ...]
    version: str = VERSION

    @property
    def reference(self) -> str:
        return f"{REGISTRY}/{self.name}:{self.version}"

    @property
    def folders(self) -> list[Path]:
        folders = (LAB / "image-files" / name for name in (self.name, f"{self.name}-{self.version}"))
        return [folder for folder in folders if folder.exists()]

    @property
    def archive(self) -> Path:
        """The built root filesystem in the cache, named by what it is built from."""
        digest = hashlib.sha256(repr((SUITE, self.packages, self.setup)).encode())
        for folder in self.folders:
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                digest.update(f"{path.relative_to(folder)} {path.stat().st_mode:o} ".encode() + path.read_bytes())
        return CACHE / f"{self.name}-{digest.hexdigest()[:16]}.tar"


APP = Image(
    name="app",
    packages=("python3-minimal", "python3-psycopg2", "python3-redis", "gzip"),
    setup=(
        "useradd --uid 10001 --home-dir /srv/shop --shell /usr/sbin/nologin shop",
        "install --directory --owner shop /var/lib/shop/invoices",
    ),
    settings=('CMD ["/usr/bin/python3", "-B", "/srv/shop/app.py"]', "USER shop", "EXPOSE 8000"),
)
IMAGES = (
    Image(
        name="web",
        packages=("nginx-light", "curl"),
        setup=(),
        settings=('CMD ["/usr/sbin/nginx", "-g", "daemon off;"]', "EXPOSE 80"),
    ),
    APP,
    replace(APP, version=NEXT_VERSION),
    Image(
        name="database",
        packages=("postgresql-15",),
        setup=("install --directory --owner postgres --mode 700 /var/lib/postgresql/data",),
        settings=(
            'CMD ["/usr/local/bin/start-database"]',
            "USER postgres",
            "EXPOSE 5432",
            "VOLUME /var/lib/postgresql/data",
        ),
    ),
    Image(
        name="cache",
        packages=("redis-server",),
        setup=(),
        settings=(
            'CMD ["/usr/bin/redis-server", "--save", "", "--protected-mode", "no"]',
            "USER redis",
            "EXPOSE 6379",
        ),
    ),
)


def build_images() -> Path:
    """Build what is not in the cache yet (a minute or two) and return the path of the attacker's program."""
    CACHE.mkdir(parents=True, exist_ok=True)
    for image in IMAGES:
        if not image.archive.exists():
            _debian(image)
    beacon = CACHE / "beacon"
    if not beacon.exists():
        _beacon(beacon)
    return beacon


def import_images(beacon: Path) -> None:
    """Give podman the images of the shop, and the one that the attacker brings."""
    for image in IMAGES:
        _import(image.archive, image.reference, image.settings)
    with tempfile.TemporaryDirectory() as folder:
        root, archive = Path(folder, "root"), Path(folder, "miner.tar")
        (root / "usr/local/bin").mkdir(parents=True)
        shutil.copy(beacon, root / "usr/local/bin/xmrig")
        run(["tar", "-C", str(root), "-cf", str(archive), "."])
        _import(archive, MINER, ('ENTRYPOINT ["/usr/local/bin/xmrig"]',))


def remove_images() -> None:
    references = [image.reference for image in IMAGES]
    run(["podman", "rmi", "--force", "--ignore", *references, MINER])


def _debian(image: Image) -> None:
    partial = image.archive.with_suffix(".partial.tar")
    hooks = [f"--customize-hook=chroot \"$1\" sh -c '{command}'" for command in image.setup]
    copy = "cp --recursive --preserve=mode --no-target-directory"
    hooks += [f'--customize-hook={copy} {folder} "$1"' for folder in image.folders]
    build = [
        "nice",
        "-n",
        "10",
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        f"--include={','.join(image.packages)}",
    ]
    run(
        [*build, *hooks, SUITE, str(partial), str(APT_SOURCES)],
        environment=inherited_environment(),
    )
    partial.rename(image.archive)


def _import(archive: Path, reference: str, settings: Sequence[str]) -> None:
    changes = [argument for setting in settings for argument in ("--change", setting)]
    run(["podman", "import", "--quiet", *changes, str(archive), reference])


def _beacon(target: Path) -> None:
    environment = inherited_environment() | {"CGO_ENABLED": "0"}
    arguments = ["go", "build", "-trimpath", "-ldflags", "-s -w", "-o", str(target), "."]
    run(arguments, environment=environment, folder=LAB / "beacon")
