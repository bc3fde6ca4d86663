"""The least privilege that a baseline has been seen to run with, as a ``docker run`` command."""

from __future__ import annotations

from streams.baseline.exports.docker.run import docker

__all__ = ["docker"]
