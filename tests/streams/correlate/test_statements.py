from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import Event, dumps
from streams.correlate.statements import Statement, may_state, statements_of

IMAGE, MANIFEST = "sha256:c1", "sha256:m1"
WEB = "container:lab/shop/web/app"
ADA = "user:lab/ada"
PLACE = {"workload.cluster": "lab", "workload.namespace": "shop", "workload.name": "web"}
REQUEST = {
    "event.outcome": "success",
    "kubernetes.audit.verb": "create",
    "orchestrator.cluster.name": "lab",
    "orchestrator.namespace": "shop",
    "orchestrator.resource.type": "pods",
    "orchestrator.resource.name": "web",
}
WHOLE = {"container.settings.read_only_root": False}
PRIVILEGED = {"container.settings.privileged": True}
FACTS = {"event.kind": "state", "event.action": "facts", "event.dataset": "docker.facts"}
SCAN = {"event.module": "trivy", "container.image.vulnerabilities": ["critical fixable CVE-1 musl"]}


def row(principal: str, **fields: Any) -> Event:
    head = {"activity.principal": principal, "activity.last": "2026-03-02T10:00:00.000000000Z", "activity.last_id": "d"}
    return head | fields


def facts(principal: str, fields: Event) -> Event:
    return row(principal, **FACTS | fields)


def request(fields: Event, principal: str = ADA) -> Event:
    return row(principal, **REQUEST | fields)


def stated(found: Event) -> dict[str, Event]:
    """Return what a row states by subject, all sources together; it must be worth reading then."""
    together: dict[str, Event] = {}
    for statement in statements_of(found):
        assert may_state(dumps(found))
        together.setdefault(statement.subject, {}).update(statement.facts)
    return together


def test_facts_of_an_image_are_what_its_source_says() -> None:
    known = {"container.image.id": IMAGE, "container.image.hash.all": [MANIFEST]} | SCAN
    expected = {name: value for name, value in known.items() if name != "event.module"}
    (statement,) = statements_of(facts(f"image:{IMAGE}", known))
    assert statement == Statement(f"image:{IMAGE}", "trivy", "2026-03-02T10:00:00.000000000Z", "d", expected)


def test_facts_of_a_secret_are_of_nothing_else() -> None:
    known = {"secret.type": "kv", "container.image.id": IMAGE, "event.module": "vault"}
    assert stated(facts("secret:kv/app", known)) == {"secret:kv/app": {"secret.type": "kv"}}


@pytest.mark.parametrize("age", ["container.image.older_than", "container.image.scan.older_than"])
def test_nobody_is_asked_how_old_something_is(age: str) -> None:
    assert stated(facts(f"image:{IMAGE}", SCAN | {age: [1]})) == stated(facts(f"image:{IMAGE}", SCAN))


def test_what_the_judge_tells_is_no_source() -> None:
    assert stated(facts(f"image:{IMAGE}", SCAN | {"event.dataset": "tidewaiter.shared"})) == {}


# Containers


def test_a_container_tells_of_its_workload() -> None:
    assert stated(facts(WEB, PLACE | WHOLE)) == {
        "workload:lab/shop/web": {"target.privileged": False, "target.host_namespaces": [], "target.labels": []}
    }
    seen = PLACE | PRIVILEGED | {"workload.labels": ["data=personal"]}
    assert stated(facts(WEB, seen)) == {
        "workload:lab/shop/web": {"target.privileged": True, "target.labels": ["data=personal"]}
    }


def test_a_container_tells_of_its_image_only_what_is_shared() -> None:
    built = {"container.image.created": "2026-01-01T00:00:00Z"}
    identity = {"container.image.name": "web", "container.image.id": IMAGE}
    assert stated(facts(WEB, identity)) == {}
    assert stated(facts(WEB, built)) == {}
    assert stated(facts(WEB, identity | built)) == {f"image:{IMAGE}": identity | built}
    by_manifest = {"container.image.hash.all": [MANIFEST]} | built
    assert stated(facts(WEB, by_manifest)) == {f"image:{MANIFEST}": by_manifest}


def test_what_a_container_does_states_nothing() -> None:
    assert stated(row(WEB, **PLACE | WHOLE | PRIVILEGED | {"event.kind": "event", "event.action": "exec"})) == {}


# Requests


def test_who_makes_a_workload_says_how_it_is() -> None:
    made = stated(request(WHOLE | PRIVILEGED | {"kubernetes.audit.labels": ["app=web"]}))
    assert made == {
        "workload:lab/shop/web": {
            "target.privileged": True,
            "target.host_namespaces": [],
            "target.labels": ["app=web"],
        }
    }


def test_a_part_of_an_object_says_only_what_it_speaks_of() -> None:
    shared = {"container.settings.host_namespaces": ["pid"], "kubernetes.audit.verb": "patch"}
    assert stated(request(shared)) == {"workload:lab/shop/web": {"target.host_namespaces": ["pid"]}}


@pytest.mark.parametrize(
    "fields",
    [
        {"event.outcome": "failure"},
        {"kubernetes.audit.verb": "get"},
        {"orchestrator.resource.name": ""},
    ],
    ids=["refused", "only read", "without a name"],
)
def test_what_makes_nothing_states_nothing(fields: Event) -> None:
    assert stated(request(WHOLE | PRIVILEGED | fields)) == {}


def test_what_is_no_workload_has_labels_that_are_nobodys() -> None:
    assert stated(request({"orchestrator.resource.type": "configmaps", "kubernetes.audit.labels": ["app=web"]})) == {}


def test_each_fact_and_each_who_says_it_is_a_source_of_its_own() -> None:
    found = [*statements_of(request(WHOLE)), *statements_of(request(WHOLE, "user:lab/bob"))]
    assert len({(statement.subject, statement.source) for statement in found}) == 6


# Anything


@given(st.dictionaries(st.sampled_from([*row(WEB), *FACTS, *REQUEST, *PLACE, *SCAN, *WHOLE]), st.text(max_size=9)))
def test_any_row_can_be_asked(fields: Event) -> None:
    for statement in statements_of(fields):
        assert statement.facts
        assert may_state(dumps(fields))
