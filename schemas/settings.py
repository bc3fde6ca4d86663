"""Settings: ``tidewaiter.yaml`` in the working directory, ``TIDEWAITER_…`` variables above it.

``TIDEWAITER_KAFKA__BOOTSTRAP_SERVERS=broker:9092`` sets ``kafka.bootstrap_servers``. Secrets come from variables or the
file, are of type ``SecretStr`` and never logged.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, YamlConfigSettingsSource

from schemas.errors import ConfigurationError
from schemas.topics import Name

__all__ = [
    "AlertSettings",
    "CollectorId",
    "CollectorSettings",
    "CorrelateSettings",
    "ElasticsearchSettings",
    "JudgeSettings",
    "KafkaSettings",
    "OperatorSettings",
    "Settings",
    "SourceSettings",
    "load_settings",
]

_WARNINGS: Final = 4
"""Syslog's severity, down to which librdkafka prints lines of its own on standard error."""

CollectorId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,62}$")]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KafkaSettings(_Frozen):
    """How to reach Kafka; ``client`` goes to librdkafka as it is (security.protocol, ssl.ca.location …)."""

    bootstrap_servers: str = "127.0.0.1:19092"
    topic_prefix: str = "tidewaiter."
    partitions: int = Field(default=8, ge=1, le=9999)
    replication_factor: int = Field(default=1, ge=1)
    client: dict[str, str | int | bool] = {}
    password: SecretStr | None = None

    def client_configuration(self) -> dict[str, str | int | float | bool]:
        """Return the settings that every client of this broker shares."""
        secret = {"sasl.password": self.password.get_secret_value()} if self.password else {}
        quiet = {"log_level": _WARNINGS}
        return {"bootstrap.servers": self.bootstrap_servers, **quiet, **self.client, **secret}

    def topic(self, name: Name) -> str:
        """Return the full name of a topic of the table."""
        return self.topic_prefix + name


class JudgeSettings(_Frozen):
    """Limits of the judge; ``slot`` survives a restart and fences a second copy of the same slot."""

    slot: int = Field(default=0, ge=0)
    batch_events: int = Field(default=10_000, ge=1)
    batch_seconds: float = Field(default=0.02, gt=0)
    flush_seconds: float = Field(default=2.0, gt=0)
    memo_bytes: int = Field(default=256 * 1024 * 1024, ge=1024)
    live_activities: int = Field(default=2_000, ge=1)
    new_rows_a_second: int = Field(default=200, ge=1)


class CorrelateSettings(_Frozen):
    """Limits of a correlate worker; ``slot`` names it among several, which share the partitions.

    It ends, to be started again, when a partition has rows waiting and none was taken for ``stall_seconds``, or when it has neither
    partitions nor progress in getting them for ``settle_seconds``. Others take over ``session_seconds`` after it has died.

    Of what correlations count, a hit may be ``lateness_seconds`` late; of each correlation and partition so many groups and hits are
    remembered, and of each group so many hits.
    """

    slot: int = Field(default=0, ge=0)
    tick_seconds: float = Field(default=0.5, gt=0)
    stall_seconds: float = Field(default=20.0, gt=0)
    settle_seconds: float = Field(default=120.0, gt=0)
    session_seconds: float = Field(default=10.0, gt=0)
    end_seconds: float = Field(default=10.0, gt=0)
    buffered_rows: int = Field(default=4_096, ge=1)
    lateness_seconds: float = Field(default=600.0, ge=1)
    remembered_groups: int = Field(default=20_000, ge=1)
    remembered_hits: int = Field(default=200_000, ge=1)
    group_hits: int = Field(default=10_000, ge=1)


class AlertSettings(_Frozen):
    """When alerts are told: what is new at once, more of the same every ``update_seconds``; after ``hours`` without more they are closed."""

    hours: float = Field(default=72.0, gt=0)
    update_seconds: float = Field(default=5.0, ge=0)


class CollectorSettings(_Frozen):
    """Limits of every collector, and what the HTTP push asks of those who push.

    A batch is committed when it is full or ``batch_seconds`` after its first record. ``push_token`` is what senders put
    behind ``Authorization: Bearer``.
    """

    batch_events: int = Field(default=2_000, ge=1)
    batch_bytes: int = Field(default=4 * 1024 * 1024, ge=1024)
    batch_seconds: float = Field(default=0.05, gt=0)
    heartbeat_seconds: float = Field(default=5.0, gt=0)
    facts_remembered: int = Field(default=50_000, ge=1)
    held_bytes: int = Field(default=512 * 1024, ge=1024)
    max_line_bytes: int = Field(default=1024 * 1024, ge=1024)
    max_body_bytes: int = Field(default=16 * 1024 * 1024, ge=1024)
    spool_bytes: int = Field(default=1024 * 1024 * 1024, ge=1024 * 1024)
    push_token: SecretStr | None = None
    push_certificate_file: Path | None = None
    push_key_file: Path | None = None


class SourceSettings(_Frozen):
    """One source that ``tidewaiter up`` collects: what ``tidewaiter collect`` takes as options.

    ``peers`` is the engine that auditd's addresses are asked of; ``stats_seconds`` how often an engine's containers are measured.
    """

    id: CollectorId
    format: str
    file: Path | None = None
    listen: str | None = None
    socket: str | None = None
    cluster: str = ""
    host: str = ""
    peers: str | None = None
    stats_seconds: float | None = Field(default=None, ge=0)


class OperatorSettings(_Frozen):
    """Who decides at this command line: the name that is enrolled under ``people`` in a policy, and the file of the private key."""

    name: str | None = None
    key_file: Path | None = None


class ElasticsearchSettings(_Frozen):
    """How to reach Elasticsearch and what one bulk request may hold."""

    urls: list[str] = ["http://127.0.0.1:19200"]
    username: str | None = None
    password: SecretStr | None = None
    ca_file: Path | None = None
    data_stream: str = "tidewaiter-verdicts"
    retention: str = "365d"
    refresh_interval: str = "200ms"
    batch_events: int = Field(default=2_000, ge=1)
    batch_bytes: int = Field(default=8 * 1024 * 1024, ge=1024)
    batch_seconds: float = Field(default=0.1, gt=0)


class Settings(BaseSettings):
    """All settings of all processes; a process reads the part it needs."""

    model_config = SettingsConfigDict(
        env_prefix="TIDEWAITER_", env_nested_delimiter="__", yaml_file="tidewaiter.yaml", frozen=True, extra="forbid"
    )

    kafka: KafkaSettings = KafkaSettings()
    collector: CollectorSettings = CollectorSettings()
    judge: JudgeSettings = JudgeSettings()
    correlate: CorrelateSettings = CorrelateSettings()
    alerts: AlertSettings = AlertSettings()
    elasticsearch: ElasticsearchSettings = ElasticsearchSettings()
    operator: OperatorSettings = OperatorSettings()
    sources: list[SourceSettings] = []
    state_directory: Path = Path(".tidewaiter")
    metrics_port: int | None = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings passes all by name
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Variables win over the file."""
        return init_settings, env_settings, YamlConfigSettingsSource(settings_cls)


def load_settings() -> Settings:
    """Return the settings of this process; raise ``ConfigurationError`` naming each wrong setting and its source."""
    try:
        return Settings()
    except ValidationError as error:
        lines = [
            f"setting {'.'.join(map(str, e['loc']))}: {e['msg']} (tidewaiter.yaml or TIDEWAITER_…)"
            for e in error.errors()
        ]
        raise ConfigurationError("\n".join(lines)) from error
