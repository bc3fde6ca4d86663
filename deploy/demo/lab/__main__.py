"""The same as ``python -m deploy.demo.lab.record``."""

from __future__ import annotations

import typer

from deploy.demo.lab.record import main

typer.run(main)
