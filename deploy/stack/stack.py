"""The local Kafka and Elasticsearch as one thing that is up or down.

::

    stack = Stack(StackSettings(), progress=print)
    stack.up()          # both outlive this process; `Stack(StackSettings()).down()` of a later one stops them

    with Stack(StackSettings(kafka_port=0, …), foreground=True) as stack:       # both die with this process
        stack.kafka, stack.elasticsearch                                        # "127.0.0.1:40123", "http://127.0.0.1:40125"
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.stack.account import Account, choose_directory, find_unprivileged_account
from deploy.stack.artifacts import KAFKA, Distribution, default_cache, fetch, unpack_elasticsearch
from deploy.stack.elasticsearch import elasticsearch_child
from deploy.stack.errors import PreconditionsFailed
from deploy.stack.java import Java, find_javas
from deploy.stack.kafka import kafka_child
from deploy.stack.ports import LOOPBACK, find_free_port
from deploy.stack.preconditions import choose_distributions, find_problems
from deploy.stack.progress import Progress, silent
from deploy.stack.settings import Service, StackSettings
from deploy.stack.supervisor import Child, ChildStatus, Supervisor

__all__ = ["Stack"]

SYSTEM_CACHE_DIRECTORY = Path("/var/cache/tidewaiter")
PORT_NAMES = ("kafka_port", "kafka_controller_port", "elasticsearch_port")


class Stack:
    """The services of the settings; ``supervisor`` takes further processes that belong to them, stopped before them.

    ``settings`` are those given, with ports of 0 replaced by free ones.
    """

    def __init__(self, settings: StackSettings, *, foreground: bool = False, progress: Progress = silent) -> None:
        free_ports = {name: find_free_port() for name in PORT_NAMES if getattr(settings, name) == 0}
        self.settings = settings.model_copy(update=free_ports)
        self.supervisor = Supervisor(settings.state_directory, foreground=foreground, progress=progress)
        self._progress = progress

    @property
    def kafka(self) -> str:
        """Return the bootstrap servers."""
        return f"{LOOPBACK}:{self.settings.kafka_port}"

    @property
    def elasticsearch(self) -> str:
        """Return the base URL."""
        return f"http://{LOOPBACK}:{self.settings.elasticsearch_port}"

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.supervisor.stop_started()

    def up(self) -> None:
        """Return when every service answers; those that run already are left alone.

        Raises ``PreconditionsFailed`` before anything was started, any other ``StackError`` after what was started was stopped.
        """
        services = self._stopped_services()
        account = find_unprivileged_account()
        javas = find_javas(account)
        cache = self.settings.cache_directory or default_cache()
        problems = find_problems(self.settings, services, javas, cache)
        if problems:
            raise PreconditionsFailed(problems)
        try:
            self._start(services, javas, cache, account)
        except BaseException:
            self.supervisor.stop_started()
            raise

    def down(self) -> None:
        """Stop every process of the state directory, the last one started first."""
        self.supervisor.stop_all()

    def status(self) -> tuple[ChildStatus, ...]:
        """Return every process of the state directory that was started and not stopped."""
        return self.supervisor.statuses()

    def _stopped_services(self) -> tuple[Service, ...]:
        running = {status.name: status for status in self.status() if status.running}
        for name in running.keys() & self.settings.services:
            self._progress(f"{name} is running already (pid {running[name].process_id})")
        return tuple(service for service in self.settings.services if service not in running)

    def _start(
        self, services: tuple[Service, ...], javas: tuple[Java, ...], cache: Path, account: Account | None
    ) -> None:
        """Start all before waiting for any; Elasticsearch first, which takes longest while Kafka formats its directory."""
        distributions = choose_distributions(javas, services)
        fetched = {distribution: fetch(distribution, cache, self._progress) for distribution in distributions}
        children = []
        for distribution in sorted(distributions, key=lambda each: each == KAFKA):
            child = self._prepare(distribution, fetched[distribution], javas[0], account)
            self.supervisor.start(child)
            children.append(child)
        self.supervisor.wait_until_ready(*children)

    def _prepare(self, distribution: Distribution, fetched: Path, java: Java, account: Account | None) -> Child:
        if distribution == KAFKA:
            return kafka_child(self.settings, java, fetched)
        directory = choose_directory(fetched.parent, account, SYSTEM_CACHE_DIRECTORY)
        home = unpack_elasticsearch(distribution, fetched, directory, self._progress)
        return elasticsearch_child(self.settings, java, home, account)
