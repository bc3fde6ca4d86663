from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.formats.documents import DocumentFormat
from producers.formats.registry import registry_format
from producers.types import FormatOptions
from schemas.codec import Event
from schemas.errors import Invalid
from tests.producers.formats.reading import events_of, results_of
from tests.producers.formats.scan_reports import IMAGE, MANIFEST
from tests.producers.formats.test_documents import values

MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"


def notification(action: str = "push", target: Event | None = None, **changes: Any) -> Event:
    """Return a notification as a registry sends it; a change to None leaves a field out."""
    whole = {
        "id": "320678d8-ca14-430f-8bb6-4ca139cd83f7",
        "timestamp": "2016-03-09T14:44:26.402973972-08:00",
        "action": action,
        "target": {
            "mediaType": MANIFEST_TYPE,
            "digest": MANIFEST,
            "size": 708,
            "repository": "shop/web",
            "url": f"http://registry.example/v2/shop/web/manifests/{MANIFEST}",
            "tag": "1.0",
        }
        | (target or {}),
        "request": {
            "id": "6df24a34-0959-4923-81ca-14f09767db19",
            "addr": "192.0.2.7:42961",
            "host": "registry.example",
            "method": "PUT",
            "useragent": "docker/26",
        },
        "actor": {"name": "ci"},
        "source": {"addr": "node-1:5000", "instanceID": "a53db899"},
    }
    return {name: value for name, value in (whole | changes).items() if value is not None}


def reader() -> DocumentFormat:
    return registry_format(FormatOptions())


def read(*notifications: Event) -> list[Event]:
    return events_of(reader(), {"events": list(notifications)})


def test_a_push_tells_of_the_image_and_of_who_pushed_it() -> None:
    config = {"mediaType": "application/vnd.docker.container.image.v1+json", "digest": IMAGE}
    facts, push = read(notification(target={"references": [config, {"mediaType": "x", "digest": MANIFEST}]}))
    assert facts == {
        "event.id": "try:0000:000000000001",
        "@timestamp": "2016-03-09T22:44:26.402973972Z",
        "entity.id": f"image:{MANIFEST}",
        "ecs.version": "9.1.0",
        "event.kind": "state",
        "event.action": "facts",
        "event.module": "registry",
        "event.dataset": "registry.facts",
        "facts.authority": "registry",
        "facts.source": "registry.example/shop/web",
        "container.image.id": IMAGE,
        "container.image.hash.all": [MANIFEST],
        "container.image.registries": ["registry.example/shop/web"],
    }
    assert push == {
        "event.id": "try:0000:000000000002",
        "@timestamp": "2016-03-09T22:44:26.402973972Z",
        "entity.id": "user:registry.example/ci",
        "http.request.id": "6df24a34-0959-4923-81ca-14f09767db19",
        "ecs.version": "9.1.0",
        "event.kind": "event",
        "event.module": "registry",
        "event.dataset": "registry.notifications",
        "event.action": "image-push",
        "event.category": ["package"],
        "event.type": ["creation"],
        "event.outcome": "success",
        "user.name": "ci",
        "source.ip": "192.0.2.7",
        "user_agent.original": "docker/26",
        "http.request.method": "PUT",
        "container.settings.images": ["registry.example/shop/web:1.0"],
    }


def test_without_references_only_the_digest_of_the_manifest_is_known() -> None:
    facts, _ = read(notification())
    assert "container.image.id" not in facts
    assert facts["container.image.hash.all"] == [MANIFEST]


@pytest.mark.parametrize(
    "media_type",
    [
        MANIFEST_TYPE,
        INDEX_TYPE,
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
        "application/vnd.oci.image.manifest.v1+json",
    ],
)
def test_manifests_and_lists_of_them_are_images(media_type: str) -> None:
    assert [event["event.action"] for event in read(notification(target={"mediaType": media_type}))] == [
        "facts",
        "image-push",
    ]


def test_a_list_of_manifests_is_not_its_members() -> None:
    member = {"mediaType": MANIFEST_TYPE, "digest": IMAGE}
    facts, _ = read(notification(target={"mediaType": INDEX_TYPE, "references": [member]}))
    assert facts["container.image.hash.all"] == [MANIFEST]
    assert "container.image.id" not in facts


def test_a_pull_shows_that_the_repository_has_the_image() -> None:
    facts, pull = read(notification("pull", {"tag": None}))
    assert facts["container.image.registries"] == ["registry.example/shop/web"]
    assert (pull["event.action"], pull["event.type"]) == ("image-pull", ["access"])
    assert pull["container.settings.images"] == [f"registry.example/shop/web@{MANIFEST}"]


def test_nobody_has_a_name_where_the_registry_asks_for_none() -> None:
    *_, push = read(notification(actor={}))
    assert push["entity.id"] == "host:registry.example"
    assert "user.name" not in push


def test_a_deleted_image_is_in_that_repository_no_longer() -> None:
    facts, deletion = read(notification("delete", {"mediaType": None, "tag": None}))
    assert facts["facts.source"] == "registry.example/shop/web"
    assert "container.image.registries" not in facts
    assert (deletion["event.action"], deletion["event.type"]) == ("image-delete", ["deletion"])
    (deletion,) = read(notification("delete", {"mediaType": None, "digest": None}))
    assert deletion["container.settings.images"] == ["registry.example/shop/web:1.0"]


def test_layers_are_left_out_but_where_they_come_from_another_repository() -> None:
    layer = {"mediaType": "application/octet-stream", "tag": None}
    assert read(notification("push", layer), notification("pull", layer)) == []
    (mount,) = read(notification("mount", layer | {"fromRepository": "shop/base"}))
    assert (mount["event.action"], mount["event.dataset"]) == ("image-mount", "registry.notifications")


@pytest.mark.parametrize("address", ["2001:db8::7", "[2001:db8::7]:42961"])
def test_addresses_may_be_of_version_6(address: str) -> None:
    *_, push = read(notification(request={"addr": address, "host": "r"}))
    assert push["source.ip"] == "2001:db8::7"


def test_a_line_may_be_one_event_or_a_list() -> None:
    assert len(events_of(reader(), notification(), [{"events": [notification()]}, notification()])) == 6


@pytest.mark.parametrize("document", [{}, {"events": 7}, 7, {"events": [{}]}, {"events": [{"action": "push"}]}])
def test_other_documents_are_no_notifications(document: Any) -> None:
    (result,) = results_of(reader(), document)
    assert isinstance(result, Invalid)


@given(st.sampled_from(sorted(notification())), values)
def test_any_value_of_any_key_gives_valid_events_or_a_dead_letter(key: str, value: Any) -> None:
    results_of(reader(), {"events": [{**notification(), key: value}]})


@given(st.sampled_from(["target", "request", "actor", "source"]), st.data())
def test_any_value_of_any_inner_key_gives_valid_events(key: str, data: st.DataObject) -> None:
    inner = data.draw(st.sampled_from([*sorted(notification()[key]), "references"]))
    results_of(reader(), {"events": [{**notification(), key: {**notification()[key], inner: data.draw(values)}}]})
