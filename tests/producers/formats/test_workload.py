from __future__ import annotations

import pytest

from producers.formats.workload import stable_name


@pytest.mark.parametrize(
    ("resource", "name", "stable"),
    [
        ("pods", "nginx-deployment-7998647bdf-phvq7", "nginx-deployment"),
        ("pods", "nginx-deployment-78f5d695bd-", "nginx-deployment"),
        ("pods", "web-7d8f9c6b5-abcde", "web"),
        ("pods", "fluentd-x2k4z", "fluentd"),
        ("pods", "fluentd-", "fluentd"),
        ("pods", "db-0", "db"),
        ("pods", "backup-28391234-k8s9z", "backup"),
        ("pods", "nginx", "nginx"),
        ("pods", "web-front", "web-front"),
        ("pods", "my-project-apple", "my-project-apple"),
        ("pods", "-0", "-0"),
        ("replicasets", "web-78f5d695bd", "web"),
        ("jobs", "backup-28391234", "backup"),
        ("jobs", "migrate-0", "migrate-0"),
        ("events", "web-0.17a2b3c4d5e6f708", "web-0"),
        ("secrets", "db-0", "db-0"),
        ("deployments", "web-x2k4z", "web-x2k4z"),
    ],
)
def test_names_lose_what_changes_with_instance_or_release(resource: str, name: str, stable: str) -> None:
    assert stable_name(resource, name) == stable
