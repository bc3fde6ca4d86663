from __future__ import annotations

import pytest

from producers.formats.docker import reduced_image, reduced_inspect
from producers.formats.docker.facts import facts_of_inspect, split_image
from schemas.codec import Event, dumps
from tests.producers.formats.docker.engine_records import CONTAINER, inspect_of


def facts(labels: Event, **changes: object) -> Event:
    inspect = inspect_of(Config={"Labels": labels}, **changes)
    known = facts_of_inspect(inspect, {"RepoDigests": ["a.example/web@sha256:1", "web@sha256:1"]}, "docker")
    return {name: value for name, value in known.items() if value}


def test_what_inspect_knows() -> None:
    networks = {"a": {"IPAddress": "172.17.0.2"}, "b": {"IPAddress": "", "GlobalIPv6Address": "fd00::2"}}
    known = facts({}, NetworkSettings={"Networks": networks})
    assert known["container.id"] == CONTAINER
    assert known["container.name"] == "web"
    assert known["container.runtime"] == "docker"
    assert known["container.image.name"] == "registry.example:5000/shop/web"
    assert known["container.image.tag"] == ["1.0"]
    assert known["container.image.id"] == "sha256:" + "ab" * 32
    assert known["container.image.hash.all"] == ["sha256:1"]
    assert known["container.ip"] == ["172.17.0.2", "fd00::2"]


@pytest.mark.parametrize(
    ("created", "expected"),
    [
        ("2024-04-24T23:06:39.5Z", "2024-04-24T23:06:39.500000000Z"),
        ("0001-01-01T00:00:00Z", None),
        ("", None),
        ("yesterday", None),
        (None, None),
    ],
)
def test_when_an_image_was_built_is_told_where_it_is_a_date(created: str | None, expected: str | None) -> None:
    known = facts_of_inspect(inspect_of(), reduced_image({"Created": created}), "docker")
    assert known["container.image.created"] == expected


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("alpine", ("alpine", "latest")),
        ("alpine:3.19", ("alpine", "3.19")),
        ("registry:5000/a/b", ("registry:5000/a/b", "latest")),
        ("registry:5000/a/b:1@sha256:" + "1" * 64, ("registry:5000/a/b", "1")),
        ("a/b@sha256:" + "1" * 64, ("a/b", None)),
        ("sha256:" + "1" * 64, ("sha256:" + "1" * 64, None)),
    ],
)
def test_an_image_reference_has_a_name_and_a_tag(reference: str, expected: tuple[str, str | None]) -> None:
    assert split_image(reference) == expected


def test_labels_of_the_workload_are_those_that_every_instance_has() -> None:
    labels = {"team": "pay", "com.docker.compose.container-number": "2", "org.opencontainers.image.revision": "abc"}
    known = facts(labels)
    assert known["workload.labels"] == ["team=pay"]
    assert known["container.labels"] == labels


def test_labels_are_capped_and_always_text() -> None:
    known = facts({f"label-{number:03d}": "x" * 5_000 for number in range(500)} | {"number": 7, "object": {"a": 1}})
    assert len(known["container.labels"]) <= 64
    assert max(map(len, known["container.labels"].values())) <= 1_024
    assert all(isinstance(value, str) for value in known["container.labels"].values())


def test_reducing_keeps_all_that_is_read_and_no_variables() -> None:
    inspect = inspect_of(
        Config={"Labels": {"team": "pay"}, "Healthcheck": {"Test": ["CMD", "x"]}},
        HostConfig={"Privileged": True, "Memory": 7, "PortBindings": {"80/tcp": [{"HostPort": "1"}]}},
        Mounts=[{"Type": "bind", "Source": "/", "Destination": "/host", "RW": True, "Propagation": "rshared"}],
        NetworkSettings={"IPAddress": "172.17.0.2", "Networks": {"a": {"IPAddress": "172.18.0.2", "MacAddress": "x"}}},
    )
    reduced = reduced_inspect(inspect)
    assert facts_of_inspect(reduced, {}, None) == facts_of_inspect(inspect, {}, None)
    assert b"hunter2" not in dumps(reduced)
    assert reduced_image({"Id": "1", "RepoDigests": ["a"], "ContainerConfig": {}}) == {"Id": "1", "RepoDigests": ["a"]}


def test_reducing_takes_any_shape() -> None:
    shapes: tuple[Event, ...] = (
        {},
        {"Config": None, "Mounts": "x", "NetworkSettings": {"Networks": []}, "HostConfig": 7},
    )
    for shape in shapes:
        assert facts_of_inspect(reduced_inspect(shape), {}, None)["workload.labels"] == []
