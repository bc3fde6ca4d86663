"""The API socket of a Docker or Podman engine: its events, and what ``inspect`` knows when they come.

Example: ``tidewaiter collect docker --socket unix:///run/podman/podman.sock``. Records are in the input shape of
``producers.formats.docker``. The position is a time in nanoseconds and the ids of the events since then::

    {"since": 1795425183722034519, "seen": ["6ffb0d9c2f7a4c11", …]}

Every 30 seconds (``--stats-seconds``) it measures what runs; ``ContainerAddresses`` tells other formats whose an address is.
"""

from producers.origins.docker.addresses import ContainerAddresses
from producers.origins.docker.engine import Engine
from producers.origins.docker.origin import PAST_LOST, DockerOrigin

__all__ = ["PAST_LOST", "ContainerAddresses", "DockerOrigin", "Engine"]
