"""Image references, read as Docker reads them: ``nginx`` is ``docker.io/library/nginx:latest``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from schemas.matching import check_domain, check_path, domains, paths

__all__ = ["Image", "check_registry", "parse_image", "registries"]

_HOST: Final = r"(?:localhost|[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9a-fA-F:]+\])"
_WORD: Final = r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*"
_PATH: Final = rf"{_WORD}(?:/{_WORD})*"
_REFERENCE: Final = re.compile(
    rf"(?:(?P<registry>{_HOST}(?::[0-9]+)?)/)?"
    rf"(?P<repository>{_PATH})"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>[A-Za-z0-9+._-]+:[0-9a-fA-F]{32,}))?"
)
_PREFIXES: Final = ("docker-pullable://", "docker://")
_BARE_ID: Final = re.compile(r"(?:sha256:)?[0-9a-f]{64}|sha256:[0-9a-f]{12,}")
_HUB: Final = "docker.io"


@dataclass(frozen=True, slots=True)
class Image:
    """Where an image comes from; ``tag`` is empty where a digest alone names it."""

    registry: str
    repository: str
    tag: str
    digest: str


@lru_cache(maxsize=4096)
def parse_image(reference: str) -> Image | None:
    """Return the parts of a reference; None for a bare image id and for what is no reference (``a@b.example/c``)."""
    for prefix in _PREFIXES:
        reference = reference.removeprefix(prefix)
    found = None if _BARE_ID.fullmatch(reference) else _REFERENCE.fullmatch(reference)
    if found is None:
        return None
    registry, repository = found["registry"] or "", found["repository"]
    if not _is_registry(registry):
        registry, repository = _HUB, f"{registry}/{repository}".lstrip("/")
    registry = _clean_registry(registry)
    if registry == _HUB and "/" not in repository:
        repository = f"library/{repository}"
    tag = found["tag"] or ("" if found["digest"] else "latest")
    return Image(registry, repository, tag, found["digest"] or "")


def check_registry(pattern: str) -> str:
    """Check ``registry[:port][/repository]``, with ``*`` in labels and segments; or ``**`` for all there are."""
    if pattern == "**":
        return pattern
    registry, _, repository = pattern.partition("/")
    if not _is_registry(registry):
        raise ValueError(
            f"`{registry}` is no registry (a registry has a dot, a port, or is localhost); "
            f"for Docker Hub write docker.io/{pattern.removesuffix('/**')}"
        )
    host, colon, port = registry.partition(":")
    check_domain(host)
    if colon and not port.isdecimal():
        raise ValueError(f"`{pattern}`: the port must be a number, and there is no https:// in front")
    check_path("/" + repository)
    return pattern


def registries(patterns: Iterable[str]) -> Callable[[Image], bool]:
    """Compile registry patterns; a pattern matches its whole registry, and the repository and all below it."""
    tests = [_registry_test(pattern) for pattern in patterns]
    return lambda image: any(test(image) for test in tests)


def _registry_test(pattern: str) -> Callable[[Image], bool]:
    if pattern == "**":
        return lambda _: True
    registry, _, repository = pattern.partition("/")
    host, _, port = _clean_registry(registry).partition(":")
    host_matches = domains([host])
    repository_matches = paths([f"/{repository.rstrip('/').removesuffix('**').rstrip('/')}/**".replace("//", "/")])

    def test(image: Image) -> bool:
        image_host, _, image_port = image.registry.partition(":")
        return port == image_port and host_matches(image_host) and repository_matches("/" + image.repository)

    return test


def _is_registry(text: str) -> bool:
    return "." in text or ":" in text or text == "localhost" or text != text.lower()


def _clean_registry(registry: str) -> str:
    cleaned = registry.lower().removesuffix(":443")
    return _HUB if cleaned in ("index.docker.io", "registry-1.docker.io", "registry.hub.docker.com") else cleaned
