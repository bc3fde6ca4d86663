"""Variables of a container's environment that hold what looks like a credential: their names, never their values."""

from __future__ import annotations

from typing import Final

from producers.formats.credentials import credentials_in
from producers.formats.values import texts_of
from schemas.codec import Event

__all__ = ["REDUCED", "secret_variables"]

REDUCED: Final = "SecretVariables"
"""Where the names stand in an answer of the engine that was reduced, which holds no variables any more."""


def secret_variables(config: Event) -> list[str]:
    """Return the names, of the ``Config`` of an engine's answer, reduced or not."""
    if REDUCED in config:
        return texts_of(config[REDUCED])
    written = (variable.partition("=") for variable in texts_of(config.get("Env")))
    return sorted({name for name, _, value in written if credentials_in(name, value)})
