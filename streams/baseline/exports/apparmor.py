r"""An AppArmor profile from ``exec``, ``file``, ``egress`` and ``ingress``, and the capabilities of ``settings``.

- A program is run with ``ix``: under this same profile. ``px`` asks for a profile of its own, which no baseline describes, and
  ``ux`` would let it go unconfined.
- Sensors report a directory without its slash, AppArmor with it: both are said.
- No sensor sees that a file is mapped as code or locked, so both may be done to what may be read or written.
- What a person took out is denied, which wins over every pattern.
- What every program needs to start comes from ``abstractions/base``, which ships with AppArmor.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from schemas.baseline import Baseline
from streams.baseline.exports.files import (
    FILE_NOTE,
    READ,
    WRITE,
    Paths,
    files_of,
    forbidden_files,
    forbidden_programs,
    programs_of,
)
from streams.baseline.exports.heading import heading, left_open, never_notes, required
from streams.baseline.exports.settings import ALL, settings_of
from streams.baseline.exports.sockets import transports_of
from streams.baseline.exports.types import Options
from streams.baseline.exports.words import PathPattern
from streams.baseline.exports.workload import workload_of

__all__ = ["apparmor", "path_rules"]

_KIND: Final = "An AppArmor profile"
_SPECIAL: Final = frozenset('*?[]{}"')
_SPACE: Final = " "
_ALLOWED: Final = {READ: "mrk", WRITE: "wkl"}
_DENIED: Final = {READ: "mr", WRITE: "wl"}
_LETTERS: Final = "mrwkl"
_FAMILIES: Final = ("inet", "inet6")
_TYPES: Final = {
    "tcp": ("stream",),
    "udp": ("dgram",),
    "sctp": ("stream", "seqpacket"),
    "icmp": ("raw", "dgram"),
    "unix": (),
}
_SYSTEM: Final = (
    "deny @{PROC}/{sysrq-trigger,kcore,kmem,mem} mrwkl,",
    "deny @{PROC}/sys/[^k]** w,",
    "deny @{PROC}/sys/kernel/[^s]** w,",
    "deny /sys/{[^f]*,f[^s]*,fs/[^c]*}/** wkl,",
    "deny /sys/{firmware/efi/efivars,kernel/security}/** mrwkl,",
)
_PRIVILEGED: Final = ("mount,", "umount,", "pivot_root,", "ptrace,", "signal,")
_RUNTIME: Final = (
    "signal (receive) peer=runc,",
    "signal (receive) peer=crun,",
    "ptrace (trace, read, tracedby, readby) peer=@{profile_name},",
)


def apparmor(baseline: Baseline, options: Options) -> str:  # noqa: ARG001 - one signature for all exports
    """Return a profile; programs, files, network and capabilities each stay open where they are not in the baseline."""
    workload = workload_of(baseline, _KIND)
    required(baseline, ("exec", "file"), _KIND, "a sensor of programs and files, such as auditd, Falco or Tetragon")
    sections = (
        _programs(baseline),
        _files(baseline),
        _network(baseline),
        _capabilities(baseline),
        _system(baseline),
        _never(baseline),
    )
    body = [line for section in sections for line in _indented(section)]
    return "\n".join(
        [
            heading(baseline, _KIND, _notes(baseline)) + "include <tunables/global>",
            "",
            f'profile "{workload.title}" flags=(attach_disconnected,mediate_deleted) {{',
            "  include <abstractions/base>",
            *body,
            "}",
            "",
        ]
    )


def path_rules(path: PathPattern, permissions: str, *, directories: bool) -> Iterator[str]:
    """Yield the rules of a path, without indent; ``directories`` adds the same path with a slash, as AppArmor writes them."""
    stem = "".join("/" + ("*" if segment is None else _escaped(segment)) for segment in path.segments)
    if not stem:
        yield f'"/" {permissions},'
    elif directories and path.segments[-1] is not None:
        yield f'"{stem}{{,/}}" {permissions},'
    else:
        # Behind a star, {,/} would let it stand for nothing.
        yield from (f'"{stem}{end}" {permissions},' for end in (("", "/") if directories else ("",)))
    if path.deep:
        yield f'"{stem}/**" {permissions},'


def _escaped(segment: str) -> str:
    return "".join(map(_character, segment))


def _character(character: str) -> str:
    if character in _SPECIAL:
        return f"\\{character}"
    return character if character >= _SPACE and character not in "\x7f\\" else f"\\{ord(character):03o}"


def _notes(baseline: Baseline) -> Iterator[str]:
    yield "Note: programs run under this profile too (ix): px needs a profile of each, which no baseline describes."
    yield "Note: arguments, hashes, peers, ports and names are not in it: AppArmor does not see them."
    yield "Note: abstractions/base lets every program read libraries and locales."
    yield FILE_NOTE
    yield "Open: Unix and netlink sockets, since not every sensor sees them."
    programs, files = _learned(baseline)
    yield from left_open(baseline, "exec", "every program", sayable=bool(programs.kinds))
    yield from left_open(baseline, "file", "every file, the kernel's own excepted,", sayable=bool(files.kinds))
    yield from (note for name in ("egress", "ingress") for note in left_open(baseline, name, "every kind of socket"))
    yield from left_open(baseline, "settings", "every capability")
    settings = settings_of(baseline)
    yield from settings.notes
    if settings.was_on("privileged"):
        yield "Open: every capability, mounts and tracing, since it ran privileged."
    for paths in (programs, files, forbidden_programs(baseline), forbidden_files(baseline)):
        yield from paths.notes
    others = [name for name in baseline.never if name not in ("exec", "file")]
    yield from never_notes(baseline, others, "AppArmor cannot forbid it")


def _indented(lines: Iterable[str]) -> Iterator[str]:
    found = list(lines)
    yield from ("", *(f"  {line}" for line in found)) if found else ()


def _learned(baseline: Baseline) -> tuple[Paths, Paths]:
    elements = baseline.elements
    return programs_of(elements.get("exec", ())), files_of(elements.get("file", ()))


def _programs(baseline: Baseline) -> Iterator[str]:
    programs, _ = _learned(baseline)
    if not programs.kinds:
        yield "/{,**} mrix,"
    for path in programs.kinds:
        yield from path_rules(path, "mrix", directories=False)


def _files(baseline: Baseline) -> Iterator[str]:
    _, files = _learned(baseline)
    if not files.kinds:
        yield "/{,**} mrwkl,"
    yield from _file_rules(files, _ALLOWED)


def _file_rules(paths: Paths, letters: dict[str, str]) -> Iterator[str]:
    for path, kinds in paths.kinds.items():
        granted = {letter for kind in kinds for letter in letters[kind]}
        yield from path_rules(path, "".join(letter for letter in _LETTERS if letter in granted), directories=True)


def _network(baseline: Baseline) -> Iterator[str]:
    """Yield rules by kind of socket: AppArmor does not tell who connects, so both directions must be known."""
    yield from ("unix,", "network unix,", "network netlink raw,")
    used = transports_of(baseline)
    if used is None or used - _TYPES.keys():
        yield "network,"
        return
    types = sorted({kind for transport in used for kind in _TYPES[transport]})
    yield from (f"network {family} {kind}," for family in _FAMILIES for kind in types)


def _capabilities(baseline: Baseline) -> Iterator[str]:
    settings = settings_of(baseline)
    if "settings" not in baseline.elements or ALL in settings.capabilities:
        yield "capability,"
        return
    yield from (f"capability {name.lower()}," for name in sorted(settings.capabilities))


def _system(baseline: Baseline) -> Iterator[str]:
    """Yield what containers get from the runtime's own profile, which this one takes the place of."""
    yield from _PRIVILEGED if settings_of(baseline).was_on("privileged") else _SYSTEM
    yield from _RUNTIME


def _never(baseline: Baseline) -> Iterator[str]:
    for path in forbidden_programs(baseline).kinds:
        yield from (f"deny {rule}" for rule in path_rules(path, "x", directories=False))
    yield from (f"deny {rule}" for rule in _file_rules(forbidden_files(baseline), _DENIED))
