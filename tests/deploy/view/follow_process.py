"""Brings a view up to date again and again, for a test that kills it; its settings are those of the working directory's variables."""

from __future__ import annotations

from deploy.view.schema import TABLES
from deploy.view.update import following
from schemas.settings import load_settings

if __name__ == "__main__":
    while True:
        with following(load_settings(), TABLES) as view:
            print(view.execute("SELECT sum(position) FROM positions").fetchone()[0], flush=True)  # noqa: T201 - the test reads it
