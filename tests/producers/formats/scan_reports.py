"""Reports of scanners, made up for the tests."""

from __future__ import annotations

from typing import Any

from schemas.codec import Event

IMAGE = "sha256:" + "1a" * 32
MANIFEST = "sha256:" + "2b" * 32
TIME = "2026-01-02T10:00:00.000000000Z"


def trivy_report(*results: Event, **changes: Any) -> Event:
    whole = {
        "SchemaVersion": 2,
        "CreatedAt": TIME,
        "ArtifactName": "shop/web:1.0",
        "ArtifactType": "container_image",
        "Metadata": {
            "ImageID": IMAGE,
            "RepoTags": ["registry.example/shop/web:1.0", "registry.example/shop/web:latest", "other:3"],
            "RepoDigests": [f"registry.example/shop/web@{MANIFEST}"],
            "ImageConfig": {"created": "2025-12-01T08:00:00Z"},
        },
        "Results": list(results),
    }
    return {name: value for name, value in (whole | changes).items() if value is not None}


def trivy_vulnerability(number: str, level: str, package: str, fixed: str = "") -> Event:
    return {
        "VulnerabilityID": number,
        "PkgName": package,
        "InstalledVersion": "1.0",
        "Severity": level,
        **({"FixedVersion": fixed} if fixed else {}),
    }


def grype_match(number: str, level: str, package: str, state: str = "not-fixed") -> Event:
    return {
        "vulnerability": {"id": number, "severity": level, "fix": {"versions": [], "state": state}},
        "artifact": {"name": package, "version": "1.0", "type": "apk"},
    }


def grype_report(*matches: Event, **changes: Any) -> Event:
    target = {
        "userInput": "registry.example/shop/web:1.0",
        "imageID": IMAGE,
        "manifestDigest": MANIFEST,
        "tags": ["registry.example/shop/web:1.0"],
        "repoDigests": [],
        "config": "eyJjcmVhdGVkIjoiMjAyNS0xMi0wMVQwODowMDowMFoifQ==",
    }
    whole = {
        "matches": list(matches),
        "source": {"type": "image", "target": target},
        "descriptor": {"name": "grype", "version": "0.74.0", "timestamp": TIME},
    }
    return {name: value for name, value in (whole | changes).items() if value is not None}
