"""No word of this machine may be in the recording: its name, its proxies, the mirrors that it installs from."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import zstandard

from deploy.demo.lab.errors import LabError
from deploy.demo.lab.images import APT_SOURCES

ADDRESS_OF_URL = re.compile(r"[a-z]+://(?:[^/\s@]*@)?([^/\s:]+)")
LOCAL = {"localhost", "127.0.0.1", "::1", "deb.debian.org"}
MIN_NAME_LENGTH = 4  # a host called "vm" is nobody's secret, and stands in many words


def check_privacy(recording: Path) -> None:
    """Raise ``LabError`` if a word of this machine is in the recording."""
    text = zstandard.ZstdDecompressor().decompress(recording.read_bytes()).decode()
    if found := sorted(word for word in _words() if word in text):
        raise LabError(f"{recording} has {len(found)} words of this machine in it, first {found[0]!r}: do not ship it")


def _words() -> set[str]:
    return {word for word in _candidates() if len(word) >= MIN_NAME_LENGTH} - LOCAL


def _candidates() -> Iterator[str]:
    yield socket.gethostname()
    for value in os.environ.values():
        yield from ADDRESS_OF_URL.findall(value)
    if APT_SOURCES.exists():
        yield from ADDRESS_OF_URL.findall(APT_SOURCES.read_text())
