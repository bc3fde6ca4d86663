"""The inventory: ``inventory images``, ``workloads``, ``containers``, ``hosts``, ``registries``, ``secrets``, ``users``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from deploy.cli.inventory_table import (
    CONTAINER_COLUMNS,
    HOST_COLUMNS,
    IMAGE_COLUMNS,
    MENDED_COLUMNS,
    MISPLACED_COLUMNS,
    REGISTRY_COLUMNS,
    SECRET_COLUMNS,
    UNUSED_COLUMNS,
    USER_COLUMNS,
    WORKLOAD_COLUMNS,
    show,
)
from deploy.cli.options import Json, time_named
from deploy.cli.viewing import tell_left_out, viewing
from deploy.inventory.containers import containers_of
from deploy.inventory.estate import TOPICS_READ, Estate
from deploy.inventory.hosts import hosts_of
from deploy.inventory.images import Image, images_of
from deploy.inventory.registries import registries_of
from deploy.inventory.secrets import misplaced_of, secrets_of
from deploy.inventory.unused import unused_of
from deploy.inventory.users import users_of
from deploy.inventory.workloads import workloads_of
from schemas.settings import load_settings

__all__ = ["app"]

app = typer.Typer(
    help="What there is: images, workloads, containers, hosts, registries, secrets and users, as of now.",
    no_args_is_help=True,
)

Cluster = Annotated[str | None, typer.Option(help="Only of this cluster.")]
Namespace = Annotated[str | None, typer.Option(help="Only of this namespace.")]
Since = Annotated[
    str,
    typer.Option(metavar="TIME", callback=time_named, help="Only what was seen since, such as 2026-06-01T12:00Z."),
]
Rebuild = Annotated[bool, typer.Option("--rebuild", help="Make the local view anew from Kafka first.")]


@app.command()
def images(
    cluster: Cluster = None,
    namespace: Namespace = None,
    since: Since = "",
    running: Annotated[bool, typer.Option("--running", help="Only images that run now.")] = False,
    unregistered: Annotated[
        bool, typer.Option("--unregistered", help="Only images that run now and that no registry of ours has.")
    ] = False,
    against_policy: Annotated[
        bool, typer.Option("--against-policy", help="Only images that policies or rules speak against.")
    ] = False,
    vulnerability: Annotated[
        str | None, typer.Option(metavar="ID", help="Only images with this vulnerability, the most exposed first.")
    ] = None,
    unused: Annotated[
        bool, typer.Option("--unused", help="The executables of each image that were never seen to run.")
    ] = False,
    as_json: Json = False,
    rebuild: Rebuild = False,
) -> None:
    """Show images, the most exposed first, among these the one with the gravest vulnerabilities."""
    with _estate(rebuild=rebuild) as estate:
        chosen = [
            one
            for one in images_of(estate)
            if _is_within(one.workloads, cluster, namespace)
            and one.last >= since
            and (one.running or not (running or unregistered))
            and (not unregistered or one.registered is False)
            and (not against_policy or one.against_policy)
            and (vulnerability is None or _has(one, vulnerability))
        ]
        if not unused:
            show(chosen, IMAGE_COLUMNS, as_json=as_json)
            return
        named = {one.image for one in chosen}
        show([one for one in unused_of(estate) if one.image in named], UNUSED_COLUMNS, as_json=as_json)


@app.command()
def workloads(
    cluster: Cluster = None,
    namespace: Namespace = None,
    since: Since = "",
    root: Annotated[bool, typer.Option("--root", help="Only those that run as root.")] = False,
    exposed: Annotated[bool, typer.Option("--exposed", help="Only those that can be reached from outside.")] = False,
    data_stores: Annotated[bool, typer.Option("--data-stores", help="Only data stores.")] = False,
    mended: Annotated[
        bool, typer.Option("--mended", help="What was mended by newer images: by whom, and after how long.")
    ] = False,
    as_json: Json = False,
    rebuild: Rebuild = False,
) -> None:
    """Show workloads by name."""
    with _estate(rebuild=rebuild) as estate:
        chosen = [
            one
            for one in workloads_of(estate)
            if cluster in (None, one.cluster)
            and namespace in (None, one.namespace)
            and one.last >= since
            and (not root or one.root is True)
            and (not exposed or one.exposure == "exposed")
            and (not data_stores or one.data_store)
            and (not mended or one.remediations)
        ]
        if mended and not as_json:
            show([(one, step) for one in chosen for step in one.remediations], MENDED_COLUMNS, as_json=False)
        else:
            show(chosen, WORKLOAD_COLUMNS, as_json=as_json)


@app.command()
def containers(
    cluster: Cluster = None,
    namespace: Namespace = None,
    host: Annotated[str | None, typer.Option(help="Only of this host.")] = None,
    since: Since = "",
    running: Annotated[bool, typer.Option("--running", help="Only containers that run now.")] = False,
    root: Annotated[bool, typer.Option("--root", help="Only those that run as root.")] = False,
    high_risk: Annotated[
        bool, typer.Option("--high-risk", help="Only those of high risk, and whether they were replaced.")
    ] = False,
    as_json: Json = False,
    rebuild: Rebuild = False,
) -> None:
    """Show containers that run, and those that ended within a day."""
    with _estate(rebuild=rebuild) as estate:
        chosen = [
            one
            for one in containers_of(estate)
            if _is_within([one.workload], cluster, namespace)
            and host in (None, one.host)
            and one.seen >= since
            and (not running or one.state == "running")
            and (not root or one.root is True)
            and (not high_risk or one.risks)
        ]
        show(chosen, CONTAINER_COLUMNS, as_json=as_json)


@app.command()
def hosts(cluster: Cluster = None, since: Since = "", as_json: Json = False, rebuild: Rebuild = False) -> None:
    """Show hosts, their clusters, and what runs there."""
    with _estate(rebuild=rebuild) as estate:
        chosen = [one for one in hosts_of(estate) if (cluster is None or cluster in one.clusters) and one.last >= since]
        show(chosen, HOST_COLUMNS, as_json=as_json)


@app.command()
def registries(as_json: Json = False, rebuild: Rebuild = False) -> None:
    """Show registries: those that tell of their images, and those that images were pulled from."""
    with _estate(rebuild=rebuild) as estate:
        show(registries_of(estate), REGISTRY_COLUMNS, as_json=as_json)


@app.command()
def secrets(
    cluster: Annotated[str | None, typer.Option(help="Only of this cluster, or mount of Vault.")] = None,
    since: Since = "",
    overdue: Annotated[bool, typer.Option("--overdue", help="Only those that policies want changed.")] = False,
    misplaced: Annotated[
        bool, typer.Option("--misplaced", help="What looks like a credential where none should be.")
    ] = False,
    as_json: Json = False,
    rebuild: Rebuild = False,
) -> None:
    """Show secrets and who uses them; never a value."""
    with _estate(rebuild=rebuild) as estate:
        if misplaced:
            show(misplaced_of(estate), MISPLACED_COLUMNS, as_json=as_json)
            return
        chosen = [
            one
            for one in secrets_of(estate)
            if (cluster is None or one.secret.startswith(f"{cluster}/"))
            and (not overdue or one.overdue)
            and max(one.last, one.changed) >= since
        ]
        show(chosen, SECRET_COLUMNS, as_json=as_json)


@app.command()
def users(
    cluster: Cluster = None,
    since: Since = "",
    unused: Annotated[
        bool, typer.Option("--unused", help="Only those with rights that they never used, or without limits.")
    ] = False,
    as_json: Json = False,
    rebuild: Rebuild = False,
) -> None:
    """Show users and service accounts: what they did, what they may, and what of it they never used."""
    with _estate(rebuild=rebuild) as estate:
        chosen = [
            one
            for one in users_of(estate)
            if cluster in (None, one.cluster)
            and one.last >= since
            and (not unused or one.broad or (isinstance(one.unused, tuple) and one.unused))
        ]
        show(chosen, USER_COLUMNS, as_json=as_json)


@contextmanager
def _estate(*, rebuild: bool) -> Iterator[Estate]:
    """Bring the view up to date, and say what could not be read of it."""
    with viewing(load_settings(), TOPICS_READ, rebuild=rebuild) as view:
        tell_left_out(view, TOPICS_READ)
        yield Estate(view)


def _is_within(names: Iterable[str], cluster: str | None, namespace: str | None) -> bool:
    """Return whether one of the workloads named ``cluster/namespace/name`` is of these."""
    if cluster is None and namespace is None:
        return True
    parts = (name.split("/") for name in names)
    return any(cluster in (None, one[0]) and namespace in (None, one[1]) for one in parts if len(one) > 1)


def _has(image: Image, vulnerability: str) -> bool:
    found = image.vulnerabilities
    return not isinstance(found, str) and any(vulnerability in text.split(" ") for text in found)
