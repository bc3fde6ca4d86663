"""What of this host can be watched: engines whose sockets answer, and the log of auditd."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Final

from schemas.errors import ConfigurationError
from schemas.settings import SourceSettings

__all__ = ["live_sources"]

_ENGINES: Final = (Path("/var/run/docker.sock"), Path("/run/podman/podman.sock"))
_AUDIT_LOG: Final = Path("/var/log/audit/audit.log")


def live_sources() -> tuple[SourceSettings, ...]:
    """Return the sources of this host; raise ``ConfigurationError`` saying what to start where there are none."""
    host = socket.gethostname().lower()
    engines = {
        path.stem: f"unix://{path}" for path in _ENGINES if path.is_socket() and os.access(path, os.R_OK | os.W_OK)
    }
    sources = [
        SourceSettings(id=f"live-{name}", format="docker", socket=address, host=host)
        for name, address in engines.items()
    ]
    if os.access(_AUDIT_LOG, os.R_OK):
        peers = next(iter(engines.values()), None)
        sources.append(SourceSettings(id="live-auditd", format="auditd", file=_AUDIT_LOG, host=host, peers=peers))
    if not sources:
        looked_at = " nor ".join(map(str, _ENGINES))
        raise ConfigurationError(
            f"neither {looked_at} nor {_AUDIT_LOG} can be read: run as root, start Docker, `podman system service` or auditd"
        )
    return tuple(sources)
