from __future__ import annotations

from typing import Any

import pytest

from deploy.inventory.estate import NOT_OBSERVABLE
from deploy.inventory.images import Image, images_of, level_counts
from tests.deploy.inventory.lab import LATER, NEW, NOON, OLD, digest, estate_of, ran, scan
from tests.deploy.view.lab import Said, activity, container, shared

CVE = "critical fixable CVE-2019-14697 musl"


def running(entity: str, image: str, workload: str = "shop/app/app", **facts: Any) -> Said:
    return container(entity * 12, workload, container__image__id=image, **facts)


def images(*records: Said) -> dict[str, Image]:
    return {one.image: one for one in images_of(estate_of(*records))}


def test_images_are_those_that_run_or_ran_and_those_that_somebody_tells_of() -> None:
    found = images(running("a", OLD), ran(NEW, "/bin/sh"), scan(digest("3")))
    assert found.keys() == {OLD, NEW, digest("3")}
    assert [found[one].running for one in (OLD, NEW, digest("3"))] == [1, 0, 0]


def test_an_image_runs_where_its_containers_do_and_not_where_they_stopped() -> None:
    found = images(
        running("a", OLD, host__name="node-1"),
        running("b", OLD, "shop/web/web", host__name="node-2"),
        running("c", OLD, "shop/old/old", host__name="node-3", stopped=NOON),
        running("d", OLD, "shop/gone/gone", host__name="node-4", ended=NOON),
    )[OLD]
    assert (found.running, found.hosts) == (2, ("node-1", "node-2"))
    assert found.workloads == ("prod/shop/app", "prod/shop/web")


def test_the_first_and_the_last_run_are_of_all_containers() -> None:
    found = images(ran(OLD, "/bin/a", first=NOON), ran(OLD, "/bin/b", first=LATER, container__settings__root=True))[OLD]
    assert (found.first, found.last) == (NOON, LATER)


def test_names_and_digests_are_what_containers_and_scanners_say() -> None:
    manifest = digest("9")
    found = images(
        running(
            "a",
            OLD,
            container__image__name="registry.example/app",
            container__image__tag=["1.0"],
            container__image__hash__all=[manifest],
        ),
        shared(
            f"image:{OLD}", "trivy", {"container.image.name": "mirror.example/app", "container.image.created": NOON}
        ),
    )[OLD]
    assert found.digests == (manifest,)
    assert found.names == ("registry.example/app:1.0",)
    assert found.pulled_from == ("registry.example",)


def test_an_image_that_is_known_by_its_manifest_alone_is_the_one_that_a_scanner_knows_by_both() -> None:
    manifest = digest("9")
    told = shared(
        f"image:{OLD}",
        "trivy",
        {
            "container.image.hash.all": [manifest],
            "container.image.vulnerabilities": [CVE],
            "container.image.scan.scanners": ["trivy"],
        },
    )
    found = images(told, container("a" * 12, container__image__hash__all=[manifest]))
    assert found.keys() == {OLD}
    assert (found[OLD].running, found[OLD].levels) == (1, {"critical": 1})


def test_an_image_without_a_digest_is_known_by_its_name() -> None:
    (found,) = images(container("a" * 12, container__image__name="busybox", container__image__tag=["1"])).values()
    assert (found.image, found.pulled_from) == ("name:busybox:1", ("docker.io",))


def test_only_the_image_that_no_registry_has_is_unregistered() -> None:
    place = {"container.image.registries": ["registry.example/app"]}
    there_before, pushed_now, loaded = OLD, NEW, digest("3")
    found = images(
        *(running(str(number), image) for number, image in enumerate((there_before, pushed_now, loaded))),
        shared(f"image:{there_before}", "registry.example/app", place),
        shared(f"image:{digest('8')}", "registry.example/app", place | {"container.image.id": pushed_now}),
    )
    assert [one for one, image in found.items() if image.registered is False] == [loaded]
    assert found[pushed_now].registries == ("registry.example/app",)


def test_of_an_image_without_a_digest_nobody_can_say_whether_a_registry_has_it() -> None:
    told = shared(f"image:{OLD}", "registry.example/app", {"container.image.registries": ["registry.example/app"]})
    found = images(container("a" * 12, container__image__name="registry.example/app"), told)
    assert found["name:registry.example/app"].registered == NOT_OBSERVABLE


def test_where_no_registry_tells_nothing_is_unregistered() -> None:
    assert images(running("a", OLD))[OLD].registered == NOT_OBSERVABLE


def test_an_image_that_its_registry_deleted_is_unregistered() -> None:
    found = images(
        running("a", OLD), shared(f"image:{OLD}", "registry.example/app", {"container.image.registries": []})
    )
    assert found[OLD].registered is False


@pytest.mark.parametrize(
    ("scanner", "kinds"),
    [
        ("trivy", {"vulnerabilities", "secrets", "misconfigurations"}),
        ("grype", {"vulnerabilities"}),
        ("clamav", {"malware"}),
        ("another", {"vulnerabilities", "secrets", "malware", "misconfigurations"}),
    ],
)
def test_what_no_scanner_looked_for_is_not_observable(scanner: str, kinds: set[str]) -> None:
    found = images(scan(OLD, scanner))[OLD]
    looked = {
        kind for kind in ("vulnerabilities", "secrets", "malware", "misconfigurations") if getattr(found, kind) == ()
    }
    assert looked == kinds
    assert images(running("a", OLD))[OLD].vulnerabilities == NOT_OBSERVABLE
    assert images(running("a", OLD))[OLD].scanned == NOT_OBSERVABLE


def test_what_a_scan_that_broke_off_has_not_found_is_not_observable() -> None:
    broken = scan(OLD, "trivy", secrets=["key /a"], **{"scan.outcome": "failure"})  # type: ignore[arg-type]  # what came of it
    found = images(broken)[OLD]
    assert (found.vulnerabilities, found.secrets) == (NOT_OBSERVABLE, ("key /a",))
    assert [(one.vulnerabilities, one.secrets, one.outcome) for one in found.scans] == [(NOT_OBSERVABLE, 1, "failure")]
    assert images(broken, scan(OLD, "grype"))[OLD].vulnerabilities == ()


def test_what_two_scanners_found_stands_side_by_side() -> None:
    found = images(
        scan(OLD, "trivy", vulnerabilities=[CVE, "low unfixed CVE-2 x"], secrets=["key /a"]),
        scan(OLD, "grype", LATER, vulnerabilities=["high fixable CVE-3 y"]),
    )[OLD]
    grype, trivy = found.scans
    assert (grype.scanner, grype.time, grype.vulnerabilities, grype.secrets) == (
        "grype",
        LATER,
        {"high": 1},
        NOT_OBSERVABLE,
    )
    assert (trivy.vulnerabilities, trivy.secrets, trivy.malware) == ({"critical": 1, "low": 1}, 1, NOT_OBSERVABLE)
    assert found.levels == {"critical": 1, "high": 1, "low": 1}


def test_hard_coded_secrets_are_named_and_never_shown() -> None:
    assert images(scan(OLD, secrets=["aws-access-key-id /app/.env"]))[OLD].secrets == ("aws-access-key-id /app/.env",)


def test_what_speaks_against_an_image_is_said_of_its_facts_and_of_its_starts() -> None:
    facts = {
        "container.image.id": OLD,
        "container.image.vulnerabilities": [CVE],
        "container.image.scan.scanners": ["trivy"],
    }
    verdict: dict[str, Any] = {"by": "policy", "policy": "images", "clause": "images.vulnerabilities", "reason": "CVE"}
    start: dict[str, Any] = {"by": "policy", "clause": "images.registries", "reason": "from elsewhere"}
    settings: dict[str, Any] = {"by": "policy", "clause": "settings.root", "reason": "root"}
    found = images(
        shared(f"image:{OLD}", "trivy", facts),
        activity(f"image:{OLD}", {"event.action": "facts", **facts}, outcome="unauthorized", **verdict),
        activity(f"image:{NEW}", {"event.action": "facts"}, {"container.image.id": NEW}, outcome="authorized"),
        activity(
            "container:prod/shop/app/app",
            {"event.action": "container-start"},
            {"container.image.id": OLD},
            outcome="unauthorized",
            **start,
        ),
        activity(
            "container:prod/shop/app/app",
            {"event.action": "container-restart"},
            {"container.image.id": OLD},
            outcome="unauthorized",
            **settings,
        ),
    )
    assert found[OLD].against_policy == ("images.registries: from elsewhere", "images.vulnerabilities: CVE")


def test_one_vulnerability_is_listed_exposed_first_then_internal_then_idle_and_a_new_scan_reorders() -> None:
    exposed, internal, idle = OLD, NEW, digest("3")
    estate = [
        running("a", exposed, "shop/web/web", container__settings__ports=["8080/tcp"]),
        running("b", internal, "shop/db/db", container__settings__ports=["127.0.0.1:5432/tcp"]),
        running("c", idle, "shop/old/old", ended=NOON),
    ]
    scans = [scan(one, vulnerabilities=[CVE]) for one in (idle, internal, exposed)]
    found = images_of(estate_of(*estate, *scans))
    assert [(one.image, one.exposure) for one in found] == [
        (exposed, "exposed"),
        (internal, "internal"),
        (idle, "idle"),
    ]
    assert found[0].doors == ("publishes 8080/tcp",)
    again = images_of(estate_of(*estate, *scans[:2], scan(exposed), running("d", idle, "shop/new/new")))
    assert [one.image for one in again if one.levels] == [internal, idle] or [
        one.image for one in again if one.levels
    ] == [idle, internal]
    assert again[0].image == exposed
    assert again[0].levels == {}


def test_levels_are_counted_the_gravest_first() -> None:
    counts = level_counts(["low unfixed A a", "critical fixable B b", "low fixable C c"])
    assert list(counts.items()) == [("critical", 1), ("low", 2)]
