"""A worker with stand-in shards in a process of its own; ``python -m tests.streams.correlate.worker StandIn``."""

from __future__ import annotations

import sys

from deploy.cli.console import log_to_stderr, stop_on_signals
from schemas.settings import load_settings
from streams.correlate.run import run
from tests.streams.correlate.lab import Loud, StandIn

if __name__ == "__main__":
    log_to_stderr()
    run(load_settings(), stop_on_signals(), {"StandIn": StandIn, "Loud": Loud}[sys.argv[1]])
