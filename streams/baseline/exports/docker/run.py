"""A ``docker run`` command from ``settings``, and what of it was never used.

It grants what was granted while the baseline was learned, and not more: every capability is dropped and those that were granted
are added one by one. What was granted and never used is told in comments and stays in the command, for a person to take away;
whether something was used is only told of what its dimension shows, else it is said to be not observable.
"""

from __future__ import annotations

import re
from shlex import quote
from typing import Final

from schemas.baseline import Baseline
from schemas.errors import ConfigurationError
from streams.baseline.exports.docker.command import Command
from streams.baseline.exports.docker.network import add_network
from streams.baseline.exports.docker.places import add_places
from streams.baseline.exports.docker.resources import add_resources
from streams.baseline.exports.docker.rights import add_rights
from streams.baseline.exports.heading import heading, never_notes, required
from streams.baseline.exports.settings import settings_of
from streams.baseline.exports.types import Options
from streams.baseline.exports.words import literal_of, shown, spread

__all__ = ["docker"]

_KIND: Final = "A docker run command"
_IMAGE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]*")
_NO_IMAGE: Final = "IMAGE"
_PARTS: Final = (add_rights, add_resources, add_network, add_places)


def docker(baseline: Baseline, options: Options) -> str:
    """Return a command for a shell; raise ``ConfigurationError`` where no settings were learned."""
    required(baseline, ("settings",), _KIND, "the engine (docker events or facts) or the audit log of Kubernetes")
    command = Command(baseline, settings_of(baseline))
    for add in _PARTS:
        add(command)
    image = _image(command, options)
    _tell_rest(command)
    lines = ["docker run", *(quote(flag) for flag in command.flags), quote(image)]
    return heading(baseline, _KIND, command.notes) + " \\\n  ".join(lines) + "\n"


def _image(command: Command, options: Options) -> str:
    """Return the image that was asked for, else the one repository that was run, else a word to put one for."""
    if options.image:
        if not _IMAGE.fullmatch(options.image):
            raise ConfigurationError(f"`{shown(options.image)}` is no image; write REGISTRY/REPOSITORY:TAG or @DIGEST")
        return options.image
    words = (spread(element, 2) for element in command.observed("image") or ())
    names = [literal_of(name) for action, name in words if action == "run"]
    releases = ", ".join(command.baseline.releases) or "none known"
    if len(names) != 1 or not _IMAGE.fullmatch(names[0]):
        command.note(
            "Left out", f"the image: the baseline has none, or several; put one for {_NO_IMAGE} (image ids: {releases})"
        )
        return _NO_IMAGE
    command.note("Note", f"a baseline has the image without tag and digest; add one (image ids: {releases})")
    return names[0]


def _tell_rest(command: Command) -> None:
    for name, values in command.settings.unclear.items():
        for value in values:
            command.note("Left out", f"{name} {value}: stands for several values, or is too long to be kept whole")
    command.notes.extend(never_notes(command.baseline, ("settings",), "it is not in the command by itself"))
