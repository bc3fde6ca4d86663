from __future__ import annotations

from typing import Any

from deploy.inventory.estate import NOT_OBSERVABLE, Estate
from deploy.inventory.remediation import mended_since
from deploy.inventory.workloads import WorkloadRow, workloads_of
from schemas.baseline import Profile
from tests.deploy.inventory.lab import APP, LATER, NEW, NOON, OLD, estate_of, ran, request, scan
from tests.deploy.view.lab import Said, activity, container, view_of


def workloads(*records: Said) -> list[WorkloadRow]:
    return workloads_of(estate_of(*records))


def test_a_workload_is_all_its_containers() -> None:
    (one,) = workloads(
        container("a" * 12, workload__kind="Deployment", container__image__name="app", container__image__tag=["2"]),
        container("b" * 12, "shop/app/sidecar", host__name="node-2"),
        container("c" * 12, ended=NOON, container__image__name="app", container__image__tag=["1"]),
        ran(OLD, "/bin/a", first=NOON, last=LATER),
        ("baselines", APP.encode(), Profile(APP, "learning").encode()),
    )
    assert (one.workload, one.kind, one.running, one.stopped) == ("prod/shop/app", "Deployment", 2, 1)
    assert (one.containers, one.hosts, one.images) == (("app", "sidecar"), ("node-1", "node-2"), ("app:2",))
    assert (one.first, one.last, one.outcomes) == (NOON, LATER, {"authorized": 1})
    assert one.baselines == {"learning": 1, "none": 1}


def test_root_rights_and_exposure_are_of_what_runs() -> None:
    rights: dict[str, Any] = {
        "container__settings__root": True,
        "container__settings__capabilities__add": ["SYS_ADMIN"],
    }
    port: dict[str, Any] = {"container__settings__ports": ["80/tcp"]}
    runs, ended, unknown = workloads(
        container("a" * 12, "a/a/a", **rights, **port),
        container("b" * 12, "b/b/b", **rights, **port, ended=NOON),
        container("c" * 12, "c/c/c"),
    )
    assert (runs.root, runs.rights, runs.rights_used, runs.exposure) == (
        True,
        ("capability SYS_ADMIN",),
        NOT_OBSERVABLE,
        "exposed",
    )
    assert (ended.rights, ended.exposure, ended.doors) == ((), "idle", ())
    assert (unknown.root, unknown.rights_used, unknown.exposure) == (NOT_OBSERVABLE, "", "internal")


def test_data_stores_are_recognised() -> None:
    (store,) = workloads(container("a" * 12, "shop/db/db", container__image__name="registry.example/postgres"))
    assert store.data_store is not None
    assert store.data_store["product"] == "PostgreSQL"
    (other,) = workloads(container("a" * 12))
    assert other.data_store is None


def test_a_data_store_is_recognised_by_the_port_on_which_others_ask_it() -> None:
    client = {"workload.cluster": "prod", "workload.namespace": "shop", "workload.name": "app"}
    asks = {"event.action": "connect", "network.direction": "egress", "destination.port": 5432}

    def store(done: dict[str, Any]) -> Any:
        row = activity(APP, done, client, dimension="egress")
        return {one.name: one.data_store for one in workloads(container("a" * 12, "shop/db/db"), row)}["db"]

    asked = asks | {"peer.workload": "prod/shop/db"}
    assert store(asked) == {"product": "PostgreSQL", "recognised_by": ["port 5432"]}
    assert store(asks) is None
    assert store(asked | {"event.outcome": "failure"}) is None
    own = asks | {"network.direction": "ingress", "source.ip": "10.0.0.7"}
    known = client | {"workload.name": "db"}
    (found,) = workloads(activity("container:prod/shop/db/db", own, known, dimension="ingress"))
    assert found.data_store == {"product": "PostgreSQL", "recognised_by": ["port 5432"]}


FOUND = ["critical fixable CVE-1 musl", "low unfixed CVE-2 zlib"]


def test_what_a_newer_image_mended_is_told_with_who_asked_for_it_and_how_long_it_took() -> None:
    tag: dict[str, Any] = {"container__image__tag": ["2"]}
    asked = request(
        "alice",
        "patch",
        "deployments",
        first="2026-06-01T17:59:00.000000000Z",
        orchestrator__namespace="shop",
        orchestrator__resource__name="app",
        container__settings__images=["registry.example/app:2"],
    )
    (one,) = workloads(
        scan(OLD, vulnerabilities=FOUND, secrets=["key /a"]),
        scan(NEW, vulnerabilities=FOUND[1:]),
        ran(OLD, "/bin/a", first=NOON),
        ran(NEW, "/bin/a", first="2026-06-01T18:00:00.000000000Z", **tag),
        asked,
    )
    (mended,) = one.remediations
    assert mended.mended == ("vulnerabilities: critical fixable CVE-1 musl", "secrets: key /a")
    assert (mended.by, mended.hours, mended.before, mended.after) == ("user:prod/alice", 6.0, OLD, NEW)


def test_of_one_principal_is_told_what_was_mended_since_a_time() -> None:
    runs = [ran(OLD, "/bin/a", first=NOON), ran(NEW, "/bin/a", first=LATER)]
    view = view_of([scan(OLD, vulnerabilities=FOUND), scan(NEW), *runs])
    (mended,) = mended_since(Estate(view, APP), "2026-06-03T12:00:00.000000000Z")
    assert (mended.hours, mended.time) == (6.0, LATER)
    assert mended_since(Estate(view, APP), "2026-06-03T18:00:00.000000001Z") == []
    assert mended_since(Estate(view, f"{APP}2"), NOON) == []


def test_without_an_audit_log_nobody_is_named_and_without_a_scan_nothing_was_mended() -> None:
    records = [scan(OLD, vulnerabilities=FOUND), ran(OLD, "/bin/a", first=NOON), ran(NEW, "/bin/a", first=LATER)]
    (one,) = workloads(*records)
    assert one.remediations == ()
    (scanned,) = workloads(*records, scan(NEW, "grype"))
    assert scanned.remediations == ()  # another scanner finds other things
    (same,) = workloads(*records, scan(NEW))
    assert [step.by for step in same.remediations] == [NOT_OBSERVABLE]


def test_nothing_is_mended_by_a_scan_that_broke_off_nor_where_the_image_before_runs_still() -> None:
    ran_both = [ran(OLD, "/bin/a", first=NOON), ran(NEW, "/bin/a", first=LATER)]
    records = [scan(OLD, vulnerabilities=FOUND), scan(NEW), *ran_both]
    broken = scan(NEW, **{"scan.outcome": "failure"})  # type: ignore[arg-type]  # what came of it, not what it found
    (one,) = workloads(*records, broken)
    assert one.remediations == ()
    back = container("a" * 12, container__image__id=OLD)
    (again,) = workloads(*records, back)
    assert again.remediations == ()
    (gone,) = workloads(*records, container("a" * 12, container__image__id=OLD, stopped=LATER))
    assert len(gone.remediations) == 1
