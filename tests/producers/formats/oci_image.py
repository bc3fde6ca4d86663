"""An image of one file in the layout of OCI, as ``skopeo`` takes it."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

_CREATED = "2026-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class OciImage:
    """Where it lies, and its digests."""

    directory: Path
    configuration: str
    manifest: str


def write_image(directory: Path) -> OciImage:
    """Write an image with the tag ``1.0``."""
    plain = _layer()
    layer = _put(directory, gzip.compress(plain, mtime=0))
    content = {"type": "layers", "diff_ids": [f"sha256:{sha256(plain).hexdigest()}"]}
    whole = {"created": _CREATED, "architecture": "amd64", "os": "linux", "config": {}, "rootfs": content}
    configuration = _put(directory, json.dumps(whole).encode())
    described = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json"} | configuration,
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip"} | layer],
    }
    manifest = _put(directory, json.dumps(described).encode())
    tag = {"annotations": {"org.opencontainers.image.ref.name": "1.0"}, "mediaType": described["mediaType"]}
    (directory / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [tag | manifest]}))
    (directory / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return OciImage(directory, configuration["digest"], manifest["digest"])


def _layer() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        file = tarfile.TarInfo("hello")
        file.size = 2
        archive.addfile(file, io.BytesIO(b"hi"))
    return buffer.getvalue()


def _put(directory: Path, data: bytes) -> dict[str, Any]:
    digest = sha256(data).hexdigest()
    blobs = directory / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    (blobs / digest).write_bytes(data)
    return {"digest": f"sha256:{digest}", "size": len(data)}
