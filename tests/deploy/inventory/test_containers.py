from __future__ import annotations

from deploy.inventory.containers import containers_of
from deploy.inventory.estate import NOT_OBSERVABLE
from tests.deploy.inventory.lab import APP, NEW, NOON, OLD, estate_of, scan
from tests.deploy.view.lab import activity, container


def test_those_that_run_come_first_and_others_say_when_they_ended() -> None:
    found = containers_of(
        estate_of(container("a" * 12, ended=NOON), container("b" * 12, stopped=NOON), container("c" * 12))
    )
    assert [(one.container[0], one.state, one.ended) for one in found] == [
        ("c", "running", ""),
        ("a", "removed", NOON),
        ("b", "stopped", NOON),
    ]


def test_a_container_says_who_and_where_it_is() -> None:
    (one,) = containers_of(
        estate_of(
            container("a" * 12, container__ip=["10.0.0.7"], container__runtime="podman", container__image__name="app")
        )
    )
    assert (one.workload, one.host, one.runtime, one.addresses) == ("prod/shop/app", "node-1", "podman", ("10.0.0.7",))
    assert (one.image, one.image_names) == ("name:app", ("app",))


def test_root_and_special_rights_are_said_and_where_nobody_tells_not_observable() -> None:
    found = containers_of(
        estate_of(
            container(
                "a" * 12,
                "a/a/a",
                container__settings__root=True,
                container__settings__privileged=True,
                container__settings__capabilities__add=["NET_ADMIN"],
                container__settings__mounts=["/etc:/host/etc:ro"],
                container__settings__environment_secrets=["DB_PASSWORD"],
            ),
            container("b" * 12, "b/b/b", container__settings__root=False),
            container("c" * 12, "c/c/c"),
        )
    )
    assert [one.root for one in found] == [True, False, NOT_OBSERVABLE]
    assert found[0].rights == ("privileged", "capability NET_ADMIN", "host path /etc:/host/etc:ro")
    assert found[0].environment_secrets == ("DB_PASSWORD",)


def test_a_container_of_high_risk_says_why_and_whether_it_was_replaced() -> None:
    bad = scan(OLD, vulnerabilities=["critical fixable CVE-1 musl", "critical unfixed CVE-2 x"], secrets=["key /a"])
    denied = activity(
        APP,
        {"event.action": "container-start"},
        {"container.image.id": OLD},
        outcome="unauthorized",
        by="policy",
        clause="images.vulnerabilities",
    )
    gone = container("a" * 12, ended=NOON, container__image__id=OLD)
    reasons = (
        "1 critical vulnerabilities that a newer package fixes",
        "1 secrets in the image",
        "denied: images.vulnerabilities",
    )
    replaced = [
        ([container("b" * 12, container__image__id=NEW)], f"by image {NEW}"),
        ([container("b" * 12, container__image__id=OLD)], "by the same image"),
        ([container("b" * 12, "shop/other/other", container__image__id=NEW)], "not replaced"),
    ]
    for others, expected in replaced:
        found = {one.container: one for one in containers_of(estate_of(bad, denied, gone, *others))}
        assert found["a" * 12].risks == reasons
        assert found["a" * 12].replaced == expected
        assert found["b" * 12].replaced == ""


def test_what_was_said_against_another_release_is_no_risk_of_this_one() -> None:
    settings = {"container.settings.privileged": True}
    denied = activity(
        APP,
        {"event.action": "container-start"},
        {"container.image.id": OLD} | settings,
        outcome="unauthorized",
        by="policy",
        clause="settings.privileged",
    )
    found = containers_of(
        estate_of(
            denied,
            container("a" * 12, ended=NOON, container__image__id=OLD, container__settings__privileged=True),
            container("b" * 12, container__image__id=OLD),
            container("c" * 12, container__image__id=NEW, container__settings__privileged=True),
        )
    )
    risks = {one.container[0]: one.risks for one in found}
    assert risks == {"a": ("privileged", "denied: settings.privileged"), "b": (), "c": ("privileged",)}
