"""Normal load: the shop's jobs and customers, the cluster's daily work, and what people change while all of it goes on."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from deploy.demo.lab import cluster_story, shop
from deploy.demo.lab.cluster import Cluster
from deploy.demo.lab.engine import pause_name_server
from deploy.demo.lab.images import NEXT_VERSION, VERSION
from deploy.demo.lab.shop import Service, Shop
from deploy.demo.lab.timetable import Beat, every

VISITS_A_SECOND = 2.0
WAVE_SECONDS = 240.0  # customers come in waves: from half as many to half as many more
ORDERS = 0.15
PRODUCTS = 24
HEALTH_SECONDS = 30.0
SECRET_SECONDS = 20.0
PAUSE_SECONDS = 6.5  # who asks for a name waits 5 seconds for the first name server


@dataclass(frozen=True, slots=True)
class Change:
    """Something that people changed on purpose, which is no attack: when it began, what, and which containers it touched."""

    change: str
    time: int
    containers: list[str]


class Normal:
    """Normal load on shop and cluster; ``changes`` tells what was changed when.

    Whatever occurs in the hour occurs in the ten minutes too, except the rollout of another version.
    """

    def __init__(self, premises: Shop, cluster: Cluster) -> None:
        self.changes: list[Change] = []
        self._shop = premises
        self._cluster = cluster

    def ten_minutes(self, seconds: float) -> list[list[Beat]]:
        """Return timetables in which each service restarts once and web and app have a second replica for a while.

        In an hour the name server is too slow for somebody once or twice, so here it is made so.
        """
        changes = [
            self._restarts(0.13 * seconds, shop.CACHE),
            self._restarts(0.25 * seconds, shop.WEB),
            self._restarts(0.37 * seconds, shop.DATABASE),
            self._restarts(0.49 * seconds, shop.APP),
            *self._scales(0.60 * seconds, 0.84 * seconds),
            self._changes(0.90 * seconds, "name-server-pause", partial(pause_name_server, PAUSE_SECONDS)),
        ]
        again = partial(cluster_story.release, self._cluster, f"{VERSION}, again", ["app"])
        return [changes, *self._goes_on(seconds), [Beat(0.56 * seconds, again)]]

    def hour(self, seconds: float) -> list[list[Beat]]:
        """Return timetables with restarts, with a second replica twice, and with a rollout of app in the middle."""
        changes = [
            self._restarts(0.06 * seconds, shop.WEB),
            self._restarts(0.13 * seconds, shop.DATABASE),
            *self._scales(0.20 * seconds, 0.38 * seconds),
            self._restarts(0.43 * seconds, shop.CACHE),
            self._rolls_out(0.50 * seconds),
            self._restarts(0.60 * seconds, shop.APP),
            *self._scales(0.66 * seconds, 0.80 * seconds),
            self._restarts(0.86 * seconds, shop.CACHE),
            self._restarts(0.92 * seconds, shop.DATABASE),
        ]
        return [changes, *self._goes_on(seconds)]

    def while_attacked(self, seconds: float) -> list[list[Beat]]:
        """Return the timetables of what goes on beside the attack."""
        secret = partial(cluster_story.app_reads_its_secret, self._cluster)
        return [self._checks(seconds), self._customers(seconds), list(every(SECRET_SECONDS, secret, until=seconds))]

    def as_json(self) -> list[dict[str, Any]]:
        return [asdict(change) for change in self.changes]

    def _goes_on(self, seconds: float) -> list[list[Beat]]:
        reports = list(every(90, self._shop.report, first=20, until=seconds))
        return [self._checks(seconds), reports, self._customers(seconds), self._cluster_works(seconds)]

    def _checks(self, seconds: float) -> list[Beat]:
        return list(every(HEALTH_SECONDS, self._shop.check_health, first=5, until=seconds))

    def _customers(self, seconds: float) -> list[Beat]:
        chance = random.Random(seconds)  # noqa: S311  customers need no cryptography
        return [Beat(due, partial(_visit, self._shop, chance)) for due in _arrivals(chance, seconds)]

    def _cluster_works(self, seconds: float) -> list[Beat]:
        cluster = self._cluster
        return [
            Beat(0, partial(cluster_story.release, cluster, VERSION)),
            *every(SECRET_SECONDS, partial(cluster_story.app_reads_its_secret, cluster), first=8, until=seconds),
            *every(30, partial(cluster_story.node_reports, cluster), first=10, until=seconds),
            *every(120, partial(cluster_story.operator_looks, cluster), first=40, until=seconds),
            Beat(0.1 * seconds, partial(cluster_story.operator_grants_a_view, cluster)),
            Beat(0.45 * seconds, partial(cluster_story.pipeline_rotates_the_password, cluster)),
        ]

    def _restarts(self, seconds: float, service: Service) -> Beat:
        return self._changes(seconds, "restart", partial(self._shop.restart, service), service.container)

    def _scales(self, up: float, down: float) -> list[Beat]:
        second = ("shop-app-2", "shop-web-2")
        return [
            self._changes(up, "scale-up", self._scale_up, *second),
            self._changes(down, "scale-down", self._scale_down, *second),
        ]

    def _scale_up(self) -> None:
        for service, replicas in ((shop.APP, 2), (shop.WEB, 3)):
            cluster_story.scale(self._cluster, service.name, replicas)
            self._shop.scale_up(service)

    def _scale_down(self) -> None:
        for service, replicas in ((shop.WEB, 2), (shop.APP, 1)):
            cluster_story.scale(self._cluster, service.name, replicas)
            self._shop.scale_down(service)

    def _rolls_out(self, seconds: float) -> Beat:
        return self._changes(seconds, "rollout", self._roll_out, shop.APP.container)

    def _roll_out(self) -> None:
        cluster_story.release(self._cluster, NEXT_VERSION, [shop.APP.name], NEXT_VERSION)
        self._shop.roll_out(shop.APP, NEXT_VERSION)

    def _changes(self, seconds: float, change: str, do: Callable[[], None], *containers: str) -> Beat:
        def note_and_do() -> None:
            self.changes.append(Change(change, time.time_ns() // 1_000_000, list(containers)))
            do()

        return Beat(seconds, note_and_do)


def _arrivals(chance: random.Random, seconds: float) -> Iterator[float]:
    due = 0.0
    while due < seconds:
        yield due
        wave = 1 + 0.5 * math.sin(2 * math.pi * due / WAVE_SECONDS)
        due += chance.expovariate(VISITS_A_SECOND * wave)


def _visit(premises: Shop, chance: random.Random) -> None:
    product, door = chance.randint(1, PRODUCTS), chance.randint(0, 1)
    if chance.random() < ORDERS:
        premises.visit(f"/api/orders/{product}", order=True, door=door)
    else:
        places = ("/", "/api/products", "/api/products", f"/api/products/{product}", "/favicon.ico")
        premises.visit(chance.choice(places), door=door)
