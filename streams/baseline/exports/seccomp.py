"""A seccomp profile, which no baseline holds: none of its dimensions is system calls.

What a program, a file or a connection needs of system calls differs by its libraries and kernel, so a profile made from those
would be a guess that breaks programs or forbids nothing. This export says so instead.
"""

from __future__ import annotations

from typing import NoReturn

from schemas.baseline import Baseline
from schemas.errors import ConfigurationError
from streams.baseline.exports.settings import settings_of
from streams.baseline.exports.types import Options
from streams.baseline.exports.words import shown

__all__ = ["seccomp"]


def seccomp(baseline: Baseline, options: Options) -> NoReturn:  # noqa: ARG001 - one signature for all exports
    """Raise ``ConfigurationError`` with what was learned of the profile it runs with, and what would be needed for one."""
    settings = settings_of(baseline)
    ran = ", ".join(settings.of("seccomp")) or "the default profile of its runtime"
    known = f"it ran with seccomp {ran}" if "settings" in baseline.elements else "what it ran with was not seen either"
    raise ConfigurationError(
        f"{shown(baseline.principal)}: system calls were not observed, so there is no seccomp profile to export ({shown(known)}). "
        "A sensor that records every system call is needed, such as oci-seccomp-bpf-hook, "
        "Inspektor Gadget or the Security Profiles Operator; until then keep runtime/default"
    )
