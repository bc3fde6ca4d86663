"""Whether Elasticsearch takes what it is sent: one line when that changes, not one an attempt."""

from __future__ import annotations

from threading import Lock

import structlog

from schemas.telemetry import count

__all__ = ["Health"]

_log = structlog.get_logger(__name__)


class Health:
    """Shared by the threads that deliver."""

    def __init__(self, process: str) -> None:
        self._process = process
        self._lock = Lock()
        self._is_well = True

    def failed(self, kind: str, reason: str) -> None:
        """Note an attempt that has to be made again; ``kind`` is one of few."""
        count("retries", process=self._process, reason=kind)
        if self._turns(well=False):
            _log.warning(
                "elasticsearch does not take documents, trying again until it does", sink=self._process, reason=reason
            )

    def succeeded(self) -> None:
        """Note a good answer."""
        if self._turns(well=True):
            _log.info("elasticsearch takes documents again", sink=self._process)

    def _turns(self, *, well: bool) -> bool:
        with self._lock:
            before, self._is_well = self._is_well, well
        return before is not well
