"""What can go wrong in the laboratory."""

from __future__ import annotations

from schemas.errors import TidewaiterError


class LabError(TidewaiterError):
    """The laboratory cannot be set up or has lost a part; the message is one line with what to do."""
