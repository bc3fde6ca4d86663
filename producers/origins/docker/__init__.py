"""The API socket of a Docker or Podman engine: its events, and what ``inspect`` knows when they come.

Example: ``tidewaiter collect docker --socket unix:///run/podman/podman.sock``. Records are in the input shape of
``producers.formats.docker``. The position is a time in nanoseconds and the ids of the events since then::

    {"since": 1795425183722034519, "seen": ["6ffb0d9c2f7a4c11", …]}
"""

from producers.origins.docker.origin import PAST_LOST, DockerOrigin

__all__ = ["PAST_LOST", "DockerOrigin"]
