"""Falco's alerts; see ``falco.format``."""

from producers.formats.falco.format import FalcoFormat

__all__ = ["FalcoFormat"]
