"""A shell that somebody has opened in a container, and types into."""

from __future__ import annotations

import os
import pty
import subprocess

from deploy.demo.lab.engine import Engine
from deploy.demo.lab.errors import LabError
from deploy.demo.lab.processes import NEUTRAL_FOLDER


class Shell:
    """``/bin/sh`` by exec, as root and on a terminal, kept open until ``close``."""

    def __init__(self, engine: Engine, container: str) -> None:
        self._engine = engine
        self._container = container
        self._process: subprocess.Popen[bytes] | None = None
        self._keyboard = -1

    def open(self) -> None:
        options = ["--interactive", "--tty", "--user", "root"]
        self._keyboard, terminal = pty.openpty()
        self._process = subprocess.Popen(
            self._engine.command("exec", *options, self._container, "/bin/sh"),
            env=self._engine.environment | {"TERM": "xterm"},
            cwd=NEUTRAL_FOLDER,
            stdin=terminal,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(terminal)

    def type(self, line: str) -> None:
        if self._process is None or self._process.poll() is not None:
            raise LabError(f"the shell in {self._container} has ended before {line!r} could be typed")
        os.write(self._keyboard, line.encode() + b"\r")

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            os.close(self._keyboard)
            self._process = None
