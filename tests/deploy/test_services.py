from __future__ import annotations

import pytest

from deploy.services import Service, services_of
from tests.deploy.map.lab import activities_of, service_written
from tests.deploy.view.lab import NOON, Said

LATER = "2026-06-02T12:00:00.000000000Z"
LATEST = "2026-06-03T12:00:00.000000000Z"
FIRST = service_written("backend", ["10.96.0.1"], ["app=app"], first=NOON)


def only(*records: Said) -> Service:
    (found,) = services_of(activities_of(records))
    return found


def test_a_patch_leaves_what_it_does_not_say() -> None:
    second = service_written("backend", [], ["app=new"], "patch", first=LATER)
    found = only(second, FIRST)
    assert (found.addresses, found.selector, found.deleted) == (("10.96.0.1",), frozenset({"app=new"}), False)


def test_a_deleted_one_is_what_it_was() -> None:
    found = only(FIRST, service_written("backend", [], [], "delete", first=LATER))
    assert (found.addresses, found.selector, found.deleted) == (("10.96.0.1",), frozenset({"app=app"}), True)


def test_one_that_is_made_anew_has_nothing_of_the_one_before() -> None:
    deletion = service_written("backend", [], [], "delete", first=LATER)
    found = only(FIRST, deletion, service_written("backend", [], ["app=new"], first=LATEST))
    assert (found.addresses, found.selector, found.deleted) == ((), frozenset({"app=new"}), False)


@pytest.mark.parametrize("action", ["create", "delete"])
def test_what_was_refused_changes_nothing(action: str) -> None:
    topic, key, value = service_written("backend", ["10.96.0.2"], ["app=new"], action, first=LATER)
    assert value is not None
    refused = value.replace(b'"event.outcome":"success"', b'"event.outcome":"failure"')
    assert only(FIRST, (topic, key, refused)) == only(FIRST)


def test_the_one_that_was_written_last_comes_last() -> None:
    other = service_written("front", ["10.96.0.1"], ["app=front"], first=LATER)
    assert [one.name for one in services_of(activities_of([other, FIRST]))] == ["backend", "front"]
