"""Settings of the local stack: which servers, on which ports, with how much memory, and where their data is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["ALL_SERVICES", "Service", "StackSettings"]

Service = Literal["kafka", "elasticsearch"]
Port = Annotated[int, Field(ge=0, le=65535)]
Mebibytes = Annotated[int, Field(ge=256)]

ALL_SERVICES: tuple[Service, ...] = ("kafka", "elasticsearch")


class StackSettings(BaseModel):
    """Settings of the local stack; a port of 0 is replaced by a free one when the stack is made.

    The default ports are not the servers' usual ones, so that a Kafka or Elasticsearch that is there already is left alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    services: tuple[Service, ...] = Field(ALL_SERVICES, description="Servers that are started here.")
    state_directory: Path = Field(Path(".tidewaiter"), description="Data, logs and pid files of the stack.")
    cache_directory: Path | None = Field(
        None,
        description="Downloaded servers; by default $TIDEWAITER_CACHE, $XDG_CACHE_HOME/tidewaiter or ~/.cache/tidewaiter.",
    )
    kafka_port: Port = Field(19092, description="Port of Kafka on 127.0.0.1.")
    kafka_controller_port: Port = Field(19093, description="Port of Kafka's own controller on 127.0.0.1.")
    elasticsearch_port: Port = Field(19200, description="Port of Elasticsearch's HTTP on 127.0.0.1.")
    kafka_heap_mebibytes: Mebibytes = Field(1024, description="Heap of Kafka.")
    elasticsearch_heap_mebibytes: Mebibytes = Field(1024, description="Heap of Elasticsearch.")
    ready_timeout_seconds: float = Field(180.0, gt=0, description="How long a server may take to answer.")
