"""Clauses compiled to questions about a subject.

A subject may hold several values (both paths of a rename, all ways a file is accessed, a user and whom the user impersonates).
What denies must hold for *any* of them, what allows for *every* one, so that neither is got around by adding another value.
``except`` turns this round. A value that is not known matches nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from posixpath import join
from typing import Any, Final

from schemas.images import parse_image, registries
from schemas.matching import addresses, domains, names, paths
from schemas.policy import Clause, Grants, Match
from streams.judge.subjects import SETTINGS_MARK, Mount, Record, reach_of

__all__ = ["Test", "identities_of", "match_test", "rest_test", "value_test"]

Test = Callable[[Any], bool]
"""Whether a clause speaks of a subject."""

_Values = Callable[[Any], Sequence[Any]]

_ALL: Final = "ALL"


def match_test(match: Match, *, every: bool) -> Test:
    """Compile a clause with keys: all keys that are given must hold, and none of what it excepts."""
    keys = sorted(match.given() - _NOT_KEYS, key=lambda key: (key not in _SELECTIVE, key))
    tests = tuple(_KEYS[key](getattr(match, key), every) for key in keys)
    exceptions = tuple(match_test(excepted, every=not every) for excepted in getattr(match, "except_", ()))
    if not exceptions and len(tests) == 1:
        return tests[0]
    return lambda subject: _hold(tests, subject) and not any(test(subject) for test in exceptions)


def _hold(tests: tuple[Test, ...], subject: Any) -> bool:
    for test in tests:  # noqa: SIM110 - all() takes twice as long, for every clause of a section
        if not test(subject):
            return False
    return True


_SELECTIVE: Final = frozenset({"resources", "paths", "path", "verbs"})
"""Keys that rule most subjects out, so they are asked first."""

_NOT_KEYS: Final = frozenset({"except_", *Clause.model_fields})


def value_test(section: str, value: Any, *, every: bool) -> Test:
    """Compile what is written in a section: a clause with keys, a word, or a flag."""
    if isinstance(value, Match):
        return match_test(value, every=every)
    if section == "settings.capabilities":
        return _capability(value, every=every)
    return _WORDS[section](value)


def rest_test(section: str, values: Iterable[Any]) -> Test:
    """Compile the other side of ``only``: what none of its clauses allows."""
    allowed = [value_test(section, value, every=True) for value in values]
    return lambda subject: not any(test(subject) for test in allowed)


def identities_of(record: Record) -> list[tuple[str, Sequence[str]]]:
    """Return who acts, with groups: the user, and whom the user impersonates."""
    identities = [(record["user.name"], record.get("user.roles") or ())] if "user.name" in record else []
    if "user.effective.name" in record:
        identities.append((record["user.effective.name"], record.get("user.effective.roles") or ()))
    return identities


def _holds(values: _Values, matches: Callable[[Any], bool], every: bool) -> Test:  # noqa: FBT001 - the mode of every key
    if every:
        return lambda subject: bool(found := values(subject)) and all(map(matches, found))
    return lambda subject: any(map(matches, values(subject)))


def _field(*fields: str) -> _Values:
    return lambda record: [record[field] for field in fields if field in record]


def _list(field: str) -> _Values:
    return lambda record: record.get(field) or ()


def _files(record: Record) -> list[str]:
    directory = record.get("process.working_directory") or ""
    return [join(directory, record[field]) for field in ("file.path", "file.target_path") if field in record]


def _command(record: Record) -> list[str]:
    line = record.get("process.command_line") or " ".join(record.get("process.args") or ())
    return [line] if line else []


def _resource(record: Record) -> list[str]:
    parts = (record.get("orchestrator.resource.type"), record.get("kubernetes.audit.subresource"))
    found = "/".join(part for part in parts if part)
    return [found] if found else []


def _user(patterns: tuple[str, ...], every: bool) -> Test:  # noqa: ARG001, FBT001 - id and name are one user, any mode
    return _holds(_field("user.name", "user.id"), names(patterns), every=False)


def _users(patterns: tuple[str, ...], every: bool) -> Test:  # noqa: FBT001 - as every key
    return _holds(lambda record: [name for name, _ in identities_of(record)], names(patterns), every)


def _groups(patterns: tuple[str, ...], every: bool) -> Test:  # noqa: FBT001 - as every key
    matches = names(patterns)
    return _holds(
        lambda record: [groups for _, groups in identities_of(record)], lambda groups: any(map(matches, groups)), every
    )


def _ports(ranges: tuple[tuple[int, int], ...], every: bool) -> Test:  # noqa: FBT001 - as every key
    return _holds(_field("destination.port"), lambda port: any(first <= port <= last for first, last in ranges), every)


def _cidr(blocks: tuple[str, ...], every: bool) -> Test:  # noqa: ARG001, FBT001 - a connection has one peer
    matches = addresses(blocks)
    peer = {"egress": "destination.ip", "ingress": "source.ip"}
    return lambda record: matches(record.get(peer.get(record.get("network.direction", ""), ""), ""))


def _grants(grants: Grants, every: bool) -> Test:  # noqa: FBT001 - as every key
    parts = (grants.verbs, grants.resources, grants.api_groups)
    asked = [None if part is None else frozenset(part) for part in parts]

    def holds(rule: str) -> bool:
        granted = [frozenset(part.split(",")) for part in rule.split(" ")]
        return len(granted) == len(asked) and all(
            words is None or (given <= words if every else "*" in given or bool(words & given))
            for words, given in zip(asked, granted, strict=True)
        )

    return _holds(_list("kubernetes.audit.role.rules"), holds, every)


def _of_names(values: _Values) -> Callable[[tuple[str, ...], bool], Test]:
    return lambda patterns, every: _holds(values, names(patterns), every)


def _of_paths(values: _Values) -> Callable[[tuple[str, ...], bool], Test]:
    return lambda patterns, every: _holds(values, paths(patterns), every)


def _of_domains(*fields: str) -> Callable[[tuple[str, ...], bool], Test]:
    return lambda patterns, every: _holds(_field(*fields), domains(patterns), every)


def _of_words(values: _Values) -> Callable[[tuple[Any, ...], bool], Test]:
    return lambda words, every: _holds(values, frozenset(words).__contains__, every)


def _of_flag(read: Callable[[Any], Any]) -> Callable[[bool, bool], Test]:
    return lambda flag, _: lambda subject: read(subject) is flag


def _mount_path(mount: Mount) -> list[str]:
    return [mount.source]


_KEYS: Final[dict[str, Callable[[Any, bool], Test]]] = {
    "access": _of_words(_list("file.access")),
    "action": _of_names(_field("event.action")),
    "all_namespaces": _of_flag(lambda record: "orchestrator.namespace" not in record),
    "args": _of_names(lambda record: (record.get("process.args") or ())[1:]),
    "cidr": _cidr,
    "command": _of_names(_command),
    "commands": _of_names(_field("container.exec.command")),
    "device": _of_paths(lambda device: [device]),
    "domain": _of_domains("destination.domain", "dns.question.name"),
    "executable": _of_paths(_field("process.executable")),
    "grants": _grants,
    "groups": _groups,
    "inspected": _of_flag(lambda record: SETTINGS_MARK in record),
    "interactive": _of_flag(lambda record: record.get("process.interactive")),
    "names": _of_names(_field("orchestrator.resource.name")),
    "namespaces": _of_names(_field("orchestrator.namespace")),
    "outcome": _of_words(_field("event.outcome")),
    "parent": _of_paths(_field("process.parent.executable")),
    "path": lambda patterns, every: _holds(_paths, paths(patterns), every),
    "paths": _of_paths(_field("url.path")),
    "port": _ports,
    "program": _of_names(_field("process.name")),
    "propagation": _of_words(lambda mount: [mount.propagation]),
    "protocol": _of_words(_field("network.transport")),
    "resources": _of_names(_resource),
    "roles": _of_names(_field("kubernetes.audit.role.name")),
    "source": _of_paths(_mount_path),
    "subjects": _of_names(_list("kubernetes.audit.subjects")),
    "user": _user,
    "users": _users,
    "verbs": _of_names(_field("kubernetes.audit.verb")),
    "via": _of_words(lambda record: [reach_of(record)]),
    "writable": _of_flag(lambda mount: mount.writable),
}


def _paths(record: Record) -> Sequence[str]:
    """Return the program of an exec, else the files of an access."""
    return _field("process.executable")(record) if record.get("event.action") == "exec" else _files(record)


def _registry(pattern: str) -> Test:
    matches = registries([pattern])
    return lambda reference: (image := parse_image(reference)) is not None and matches(image)


def _tag(pattern: str) -> Test:
    matches = names([pattern])
    return lambda reference: (image := parse_image(reference)) is not None and bool(image.tag) and matches(image.tag)


def _no_digest(_: str) -> Test:
    return lambda reference: (image := parse_image(reference)) is not None and not image.digest


def _capability(word: str, *, every: bool) -> Test:
    """Adding ALL adds each, so it is denied with any one; it is allowed only where ALL are."""
    return lambda capability: word in (capability, _ALL) or (capability == _ALL and not every)


def _dropped(word: str) -> Test:
    field = "container.settings.capabilities.drop"
    return lambda record: not {_ALL, word} & set(record.get(field) or ())


def _unset(field: str) -> Callable[[str], Test]:
    return lambda _: lambda record: not record.get(field)


_WORDS: Final[dict[str, Callable[[Any], Test]]] = {
    "images.registries": _registry,
    "images.tags": _tag,
    "images.digest": _no_digest,
    "settings.privileged": lambda _: bool,
    "settings.root": lambda _: bool,
    "settings.host_namespaces": lambda word: word.__eq__,
    "settings.dropped_capabilities": _dropped,
    "settings.seccomp": lambda pattern: names([pattern]),
    "settings.apparmor": lambda pattern: names([pattern]),
    "settings.limits": lambda word: lambda record: word not in (record.get("container.settings.limited") or ()),
    "settings.no_new_privileges": _unset("container.settings.no_new_privileges"),
    "settings.read_only_root": _unset("container.settings.read_only_root"),
}
