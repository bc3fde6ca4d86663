from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.images import Image, check_registry, parse_image, registries

DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("nginx", Image("docker.io", "library/nginx", "latest", "")),
        ("nginx:1.27", Image("docker.io", "library/nginx", "1.27", "")),
        ("shop/app", Image("docker.io", "shop/app", "latest", "")),
        ("docker.io/nginx", Image("docker.io", "library/nginx", "latest", "")),
        ("index.docker.io/library/nginx", Image("docker.io", "library/nginx", "latest", "")),
        ("localhost/app", Image("localhost", "app", "latest", "")),
        ("registry:5000/app:2", Image("registry:5000", "app", "2", "")),
        ("registry.example:443/app", Image("registry.example", "app", "latest", "")),
        ("Registry.Example/app", Image("registry.example", "app", "latest", "")),
        (f"registry.example/app@{DIGEST}", Image("registry.example", "app", "", DIGEST)),
        (f"registry.example/app:2@{DIGEST}", Image("registry.example", "app", "2", DIGEST)),
        (f"docker-pullable://registry.example/a/b@{DIGEST}", Image("registry.example", "a/b", "", DIGEST)),
        (DIGEST, None),
        ("ab" * 32, None),
        ("registry.example@evil.example/app", None),
        ("https://registry.example/app", None),
        ("registry.example/app\n", None),
        ("../registry.example/app", None),
        ("", None),
    ],
)
def test_references_are_read_as_docker_reads_them(reference: str, expected: Image | None) -> None:
    assert parse_image(reference) == expected


@pytest.mark.parametrize(
    ("pattern", "reference", "expected"),
    [
        ("registry.example", "registry.example/app", True),
        ("registry.example", "REGISTRY.example/app", True),
        ("registry.example", "registry.example.evil.example/app", False),
        ("registry.example", "evil-registry.example/app", False),
        ("registry.example", "sub.registry.example/app", False),
        ("registry.example", "registry.example:5000/app", False),
        ("registry.example:5000", "registry.example:5000/app", True),
        ("registry.example:5000", "registry.example/app", False),
        ("registry.example", "docker.io/registry.example/app", False),
        ("registry.example", "registryxexample.example/app", False),
        ("registry.example/shop", "registry.example/shop/app", True),
        ("registry.example/shop", "registry.example/shop", True),
        ("registry.example/shop", "registry.example/shopping/app", False),
        ("registry.example/shop/**", "registry.example/shop/a/b", True),
        ("registry.example/*/app", "registry.example/x/app", True),
        ("docker.io/library", "nginx", True),
        ("docker.io/library", "shop/app", False),
        ("*.registry.example", "eu.registry.example/app", True),
        ("*.registry.example", "a.eu.registry.example/app", False),
        ("**", "nginx", True),
    ],
)
def test_registries(pattern: str, reference: str, expected: bool) -> None:  # noqa: FBT001 - a column of the table
    image = parse_image(reference)
    assert image is not None
    assert registries([check_registry(pattern)])(image) is expected


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [
        ("shop", "write docker.io/shop"),
        ("shop/app", "write docker.io/shop/app"),
        ("https://registry.example", "no https"),
        ("user@registry.example", "no domain"),
        ("registry.example:x/app", "port must be a number"),
        ("registry.example/a**", "stands alone"),
    ],
)
def test_bad_registries_say_what_to_write(pattern: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        check_registry(pattern)


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(reference: str) -> None:
    image = parse_image(reference)
    if image is not None:
        assert image.registry
        assert image.repository
        assert bool(image.tag) or bool(image.digest)
