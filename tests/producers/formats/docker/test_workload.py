from __future__ import annotations

import pytest

from producers.formats.docker.workload import workload_of


def workload(labels: dict[str, str]) -> tuple[object, ...]:
    known = workload_of("web", labels)
    return tuple(known.get(f"workload.{part}") for part in ("namespace", "name", "container"))


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({}, (None, "web", "web")),
        ({"com.docker.compose.project": "shop", "com.docker.compose.service": "app"}, ("shop", "app", "app")),
        ({"io.podman.compose.project": "shop", "com.docker.compose.service": "app"}, ("shop", "app", "app")),
        (
            {"com.docker.stack.namespace": "shop", "com.docker.swarm.service.name": "shop_app"},
            ("shop", "shop_app", "shop_app"),
        ),
        (
            {
                "io.kubernetes.pod.namespace": "prod",
                "io.kubernetes.pod.name": "app-7998647bdf-phvq7",
                "io.kubernetes.container.name": "nginx",
            },
            ("prod", "app", "nginx"),
        ),
        ({"io.kubernetes.pod.namespace": "prod", "io.kubernetes.pod.name": "db-0"}, ("prod", "db", None)),
    ],
)
def test_the_workload_is_found_in_the_labels(labels: dict[str, str], expected: tuple[str | None, ...]) -> None:
    assert workload(labels) == expected


def test_a_container_without_labels_and_name_has_none() -> None:
    assert workload_of("", {}) == {}
