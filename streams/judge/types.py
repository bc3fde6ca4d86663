"""The one shape that the parts of a partition hand to each other."""

from __future__ import annotations

__all__ = ["Output"]

Output = list[tuple[bytes, bytes]]
"""Records of ``verdicts``: key and value, in order."""
