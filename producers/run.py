"""Running a collector as a process: from options to an origin, a format and a ledger, until it ends or is told to."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final

from pydantic import TypeAdapter, ValidationError

from producers.batch import Collected
from producers.collector import Collector
from producers.formats import DOCUMENT_FORMATS, FORMATS
from producers.kafka import KafkaLedger
from producers.origins.docker import ContainerAddresses, DockerOrigin, Engine
from producers.origins.file import FileOrigin
from producers.origins.push import PushFeeder, PushOptions
from producers.origins.socket import SocketFeeder
from producers.origins.spooled import Enrich, Feeder, SpooledOrigin
from producers.origins.stdin import StdinFeeder
from producers.recorder import Recorder
from producers.types import Format, FormatOptions, Origin
from schemas.errors import ConfigurationError
from schemas.settings import CollectorId, Settings
from schemas.telemetry import serve

__all__ = ["STATS_SECONDS", "CollectOptions", "collect"]

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_PEERS_ANSWER_SECONDS: Final = 1.0
STATS_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class CollectOptions:
    """What a person asks a collector for, with exactly one source.

    ``collector_id`` is the collector's for good: its position, its numbers and its fencing hang on it. Sources are ``file``;
    ``listen``, ``ADDRESS:PORT`` of the HTTP push; ``socket``, a Unix socket to take lines on; ``engine``, the API of Docker or
    Podman (the path of its socket, or a URL); ``stdin``. ``live`` says that records are of this host and of now; by default
    those of a followed file, of a socket and of an engine are. With ``record`` the raw records go into that file and nothing
    goes to Kafka. ``peers`` is the engine that live auditd records ask for the workloads behind addresses; ``stats_seconds``
    says how often an engine's containers are measured (0: never).
    """

    collector_id: str
    format_name: str
    file: Path | None = None
    listen: str | None = None
    socket: Path | None = None
    engine: str | None = None
    stdin: bool = False
    follow: bool = True
    live: bool | None = None
    cluster: str = ""
    host: str = ""
    record: Path | None = None
    peers: str | None = None
    stats_seconds: float = STATS_SECONDS

    def is_live(self) -> bool:
        """Return whether ``/proc`` and engines of this host may be asked about the records."""
        if self.live is not None:
            return self.live
        return self.socket is not None or self.engine is not None or (self.file is not None and self.follow)

    def is_spooled(self) -> bool:
        """Return whether the source cannot be asked again, so that its records go through the spool."""
        return self.file is None and self.engine is None


def collect(settings: Settings, options: CollectOptions) -> Collected:
    """Collect (or record) until the source ends, or SIGTERM or SIGINT comes; return what was committed.

    To be called in the main thread. Raises ``ConfigurationError`` before anything is taken in, ``DeliveryError`` when
    another copy of this collector has taken over. Any other error is a crash: start it again, it goes on exactly where it was.
    """
    _check(options)
    format_ = _format(options)
    enrich: Enrich | None = getattr(format_, "enrich", None)
    with _metrics(settings):
        if options.record is not None:
            return _record(settings, options, options.record, enrich)
        return _collect(settings, options, format_, enrich)


def _collect(settings: Settings, options: CollectOptions, format_: Format, enrich: Enrich | None) -> Collected:
    limits = settings.collector
    collector = Collector(
        options.collector_id,
        _origin(settings, options, enrich),
        format_,
        KafkaLedger(settings.kafka, options.collector_id),
        limits,
        max_record_bytes=_longest_record(settings, options),
        enrich=None if options.is_spooled() else enrich,
        outline=getattr(format_, "outline", None),
    )
    with _stopped_by_signals(collector.stop):
        collector.run()
    return collector.collected


def _longest_record(settings: Settings, options: CollectOptions) -> int:
    """Return how long a record may be: documents of an API are longer than lines."""
    documents = options.listen is not None or options.engine is not None or options.format_name in DOCUMENT_FORMATS
    return settings.collector.max_body_bytes if documents else settings.collector.max_line_bytes


def _record(settings: Settings, options: CollectOptions, path: Path, enrich: Enrich | None) -> Collected:
    origin = _origin(settings, options, enrich)
    recorder = Recorder(origin, options.format_name, path, None if options.is_spooled() else enrich)
    with _stopped_by_signals(recorder.stop):
        recorder.run()
    return Collected(records=recorder.recorded)


def _check(options: CollectOptions) -> None:
    try:
        TypeAdapter(CollectorId).validate_python(options.collector_id)
    except ValidationError as error:
        raise ConfigurationError(
            f"{options.collector_id!r} cannot be a collector id; use up to 63 of a-z, 0-9, '.' and '-', a letter or digit first"
        ) from error
    sources = [options.file, options.listen, options.socket, options.engine, options.stdin or None]
    if len([source for source in sources if source is not None]) != 1:
        raise ConfigurationError("name exactly one source: --file, --listen, --socket or --stdin")
    if options.peers is not None and not (options.format_name == "auditd" and options.is_live()):
        raise ConfigurationError("--peers is for auditd records of this host and of now; leave it out, or say --live")


def _format(options: CollectOptions) -> Format:
    if options.format_name not in FORMATS:
        raise ConfigurationError(f"no format is named {options.format_name!r}; choose one of {', '.join(FORMATS)}")
    peers = ContainerAddresses(_peers_engine(options.peers)) if options.peers else None
    known = FormatOptions(options.cluster, options.host, options.is_live(), peers)
    return FORMATS[options.format_name](known)


def _peers_engine(address: str) -> Engine:
    return Engine(_engine_address(address), answer_seconds=_PEERS_ANSWER_SECONDS)


def _engine_address(text: str) -> str:
    return text if "://" in text else f"unix://{Path(text).absolute()}"


def _origin(settings: Settings, options: CollectOptions, enrich: Enrich | None) -> Origin:
    limits = settings.collector
    if options.file is not None:
        return FileOrigin(options.file, follow=options.follow, max_line_bytes=_longest_record(settings, options))
    if options.engine is not None:
        address, longest = _engine_address(options.engine), limits.max_body_bytes
        return DockerOrigin(address, max_line_bytes=longest, stats_seconds=options.stats_seconds)
    path = settings.state_directory / "spool" / f"{options.collector_id}.sqlite"
    return SpooledOrigin(options.collector_id, path, limits.spool_bytes, _feeder(settings, options), enrich)


def _feeder(settings: Settings, options: CollectOptions) -> Feeder:
    longest = _longest_record(settings, options)
    if options.socket is not None:
        return SocketFeeder(options.socket, longest)
    if options.listen is not None:
        return PushFeeder(options.collector_id, _push_options(settings, options.listen))
    return StdinFeeder(sys.stdin.fileno(), longest)


def _push_options(settings: Settings, listen: str) -> PushOptions:
    limits = settings.collector
    address, _, port = listen.rpartition(":")
    if not address or not port.isdecimal():
        raise ConfigurationError(f"{listen!r} is not ADDRESS:PORT; say for example --listen 127.0.0.1:8443")
    if limits.push_token is None:
        raise ConfigurationError(
            "senders need a token: set TIDEWAITER_COLLECTOR__PUSH_TOKEN, or collector.push_token in tidewaiter.yaml"
        )
    return PushOptions(
        address.strip("[]"),
        int(port),
        limits.push_token,
        limits.max_body_bytes,
        limits.push_certificate_file,
        limits.push_key_file,
    )


@contextmanager
def _metrics(settings: Settings) -> Iterator[None]:
    stop = serve(settings.metrics_port) if settings.metrics_port is not None else None
    try:
        yield
    finally:
        if stop is not None:
            stop()


@contextmanager
def _stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    def handle(_: int, __: FrameType | None) -> None:
        stop()

    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
