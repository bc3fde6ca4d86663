"""Clauses compiled to questions about a subject; ``streams.judge.holds`` says how several values count."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import ceil, floor, log2
from posixpath import join
from types import MappingProxyType
from typing import Any, Final

from schemas.matching import addresses, names
from schemas.vocabulary.access import Grants
from schemas.vocabulary.clause import Clause, Match
from streams.judge.holds import (
    Keys,
    Test,
    field_of,
    holds,
    list_of,
    of_addresses,
    of_domains,
    of_flag,
    of_names,
    of_paths,
    of_ports,
    of_words,
)
from streams.judge.images import IMAGE_KEYS, IMAGE_TESTS
from streams.judge.record import Record, is_request, is_whole, reach_of
from streams.judge.settings import SETTING_KEYS, SETTING_TESTS

__all__ = [
    "DATA_CLASS",
    "Test",
    "files_of",
    "identities_of",
    "match_test",
    "rest_test",
    "service_accounts_of",
    "value_test",
]

DATA_CLASS: Final = "data.class"
"""What is added to a record that is asked about one class of data."""

_SERVICE_ACCOUNT: Final = "system:serviceaccount:"
_BANDS_AN_OCTAVE: Final = 4
_LEAST: Final = 1e-9
_SELECTIVE: Final = frozenset({"interactive", "path", "paths", "resources", "verbs"})
"""Keys that rule most subjects out, so they are asked first."""

_NOT_KEYS: Final = frozenset({"except_", *Clause.model_fields})


def match_test(match: Match, keys: Keys, *, every: bool) -> Test:
    """Compile a clause with keys: all keys that are given must hold, and none of what it excepts."""
    given = sorted(match.given() - _NOT_KEYS, key=lambda key: (key not in _SELECTIVE, key))
    tests = tuple(keys[key](getattr(match, key), every) for key in given)
    exceptions = tuple(match_test(excepted, keys, every=not every) for excepted in getattr(match, "except_", ()))
    if not exceptions and len(tests) == 1:
        return tests[0]
    return lambda subject: _hold(tests, subject) and not any(test(subject) for test in exceptions)


def _hold(tests: tuple[Test, ...], subject: Any) -> bool:
    for test in tests:  # noqa: SIM110 - all() takes twice as long, for every clause of a section
        if not test(subject):
            return False
    return True


def value_test(section: str, value: Any, *, every: bool) -> Test:
    """Compile what is written in a section: a clause with keys, a word, or a flag."""
    if isinstance(value, Match):
        return match_test(value, _KEYS_OF.get(section.partition(".")[0], _KEYS), every=every)
    return _TESTS[section](value)


def rest_test(section: str, values: Sequence[Any]) -> Test:
    """Compile the other side of ``only``: what none of its clauses allows; of data, only of the classes that they name."""
    allowed = [value_test(section, value, every=True) for value in values]
    if section != "access.data":
        return lambda subject: not any(test(subject) for test in allowed)
    named = _classes(values)
    return lambda subject: named(subject) and not any(test(subject) for test in allowed)


def _classes(values: Iterable[Any]) -> Test:
    listed = [value.class_ for value in values]
    if None in listed or not listed:
        return lambda _: True
    known = frozenset(name for names_ in listed for name in names_)
    return lambda subject: subject[DATA_CLASS] in known


def identities_of(record: Record) -> list[tuple[str, Sequence[str]]]:
    """Return who acts, with groups: the user, and whom the user impersonates."""
    identities = [(record["user.name"], record.get("user.roles") or ())] if "user.name" in record else []
    if "user.effective.name" in record:
        identities.append((record["user.effective.name"], record.get("user.effective.roles") or ()))
    return identities


def service_accounts_of(record: Record) -> list[str | None]:
    """Return who acts as ``NAMESPACE/NAME``; None for whoever is no service account."""
    return [
        name.removeprefix(_SERVICE_ACCOUNT).replace(":", "/", 1) if name.startswith(_SERVICE_ACCOUNT) else None
        for name, _ in identities_of(record)
    ]


def files_of(record: Record) -> list[str]:
    """Return the paths of files that a record speaks of, joined to the working directory."""
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
    return holds(field_of("user.name", "user.id"), names(patterns), every=False)


def _users(patterns: tuple[str, ...], every: bool) -> Test:  # noqa: FBT001 - as every key
    return holds(lambda record: [name for name, _ in identities_of(record)], names(patterns), every)


def _groups(patterns: tuple[str, ...], every: bool) -> Test:  # noqa: FBT001 - as every key
    matches = names(patterns)
    return holds(
        lambda record: [groups for _, groups in identities_of(record)], lambda groups: any(map(matches, groups)), every
    )


def _service_accounts(patterns: tuple[str, ...], every: bool) -> Test:  # noqa: FBT001 - as every key
    matches = names(patterns)
    return holds(service_accounts_of, lambda account: account is not None and matches(account), every)


def _cidr(blocks: tuple[str, ...], every: bool) -> Test:  # noqa: ARG001, FBT001 - a connection has one peer
    matches = addresses(blocks)
    peer = {"egress": "destination.ip", "ingress": "source.ip"}
    return lambda record: matches(record.get(peer.get(record.get("network.direction", ""), ""), ""))


def _grants(grants: Grants, every: bool) -> Test:  # noqa: FBT001 - as every key
    parts = (grants.verbs, grants.resources, grants.api_groups)
    asked = [None if part is None else frozenset(part) for part in parts]

    def gives(rule: str) -> bool:
        granted = [frozenset(part.split(",")) for part in rule.split(" ")]
        return len(granted) == len(asked) and all(
            words is None or (given <= words if every else "*" in given or bool(words & given))
            for words, given in zip(asked, granted, strict=True)
        )

    return holds(list_of("kubernetes.audit.role.rules"), gives, every)


def _above(amount: float, every: bool) -> Test:  # noqa: ARG001, FBT001 - a measurement has one band
    lowest = ceil(_band(amount))
    return lambda record: record["resource.band"] >= lowest


def _below(amount: float, every: bool) -> Test:  # noqa: ARG001, FBT001 - as above
    highest = floor(_band(amount)) - 1
    return lambda record: record["resource.band"] <= highest


def _band(amount: float) -> float:
    """Return how many bands lie below an amount; the band ``b`` is from ``2 ** (b / 4)`` on, up to the next."""
    return _BANDS_AN_OCTAVE * log2(max(amount, _LEAST))


def _paths(record: Record) -> Sequence[str]:
    """Return the program of an exec, else the files of an access."""
    return field_of("process.executable")(record) if record.get("event.action") == "exec" else files_of(record)


def _of_target(asked: str, own: str) -> Callable[[Record], Any]:
    """Return what reads a field of the container that is reached into: known of the target, or its own at an engine."""
    return lambda record: record.get(asked if is_request(record) else own)


def _listed(read: Callable[[Record], Any]) -> Callable[[Record], Sequence[Any]]:
    return lambda record: read(record) or ()


def _single(read: Callable[[Record], Any]) -> Callable[[Record], Sequence[Any]]:
    return lambda record: [] if (value := read(record)) is None else [value]


def _accessing(record: Record) -> list[str]:
    """Return the workload that accesses data, ``NAMESPACE/NAME``: the own one, or the peer that a connection comes from."""
    if record.get("network.direction") == "ingress":
        peer = record.get("peer.workload", "")
        return [peer.partition("/")[2]] if peer else []
    if is_request(record) or reach_of(record) is not None or "workload.name" not in record:
        return []
    return [f"{record.get('workload.namespace', '')}/{record['workload.name']}"]


_KEYS: Final[Keys] = MappingProxyType(
    {
        "above": _above,
        "access": of_words(list_of("file.access")),
        "action": of_names(field_of("event.action")),
        "addresses": of_addresses(lambda record: field_of("source.ip")(record) if is_request(record) else []),
        "all_namespaces": of_flag(lambda record: "orchestrator.namespace" not in record),
        "args": of_names(lambda record: (record.get("process.args") or ())[1:]),
        "below": _below,
        "cidr": _cidr,
        "class_": of_words(field_of(DATA_CLASS)),
        "command": of_names(_command),
        "commands": of_names(field_of("container.exec.command")),
        "domain": of_domains(field_of("destination.domain", "dns.question.name")),
        "executable": of_paths(field_of("process.executable")),
        "grants": _grants,
        "groups": _groups,
        "host_namespaces": of_words(
            _listed(_of_target("target.host_namespaces", "container.settings.host_namespaces"))
        ),
        "inspected": of_flag(is_whole),
        "interactive": of_flag(lambda record: record.get("process.interactive")),
        "labels": of_names(_listed(_of_target("target.labels", "workload.labels"))),
        "metric": of_words(field_of("resource.metric")),
        "names": of_names(_single(_of_target("orchestrator.resource.name", "workload.name"))),
        "namespaces": of_names(_single(_of_target("orchestrator.namespace", "workload.namespace"))),
        "outcome": of_words(field_of("event.outcome")),
        "parent": of_paths(field_of("process.parent.executable")),
        "path": of_paths(_paths),
        "paths": of_paths(field_of("url.path")),
        "peer": of_names(field_of("peer.workload")),
        "port": of_ports(field_of("destination.port")),
        "privileged": of_flag(_of_target("target.privileged", "container.settings.privileged")),
        "program": of_names(field_of("process.name")),
        "protocol": of_words(field_of("network.transport")),
        "resources": of_names(_resource),
        "roles": of_names(field_of("kubernetes.audit.role.name")),
        "service_accounts": _service_accounts,
        "subjects": of_names(list_of("kubernetes.audit.subjects")),
        "type": of_names(field_of("secret.type")),
        "user": _user,
        "user_agents": of_names(field_of("user_agent.original")),
        "users": _users,
        "verbs": of_names(field_of("kubernetes.audit.verb")),
        "via": of_words(lambda record: [reach_of(record)]),
        "workloads": of_names(_accessing),
    }
)

_KEYS_OF: Final[MappingProxyType[str, Keys]] = MappingProxyType({"images": IMAGE_KEYS, "settings": SETTING_KEYS})
"""Sections whose subjects are no records."""

_TESTS: Final[MappingProxyType[str, Callable[[Any], Test]]] = MappingProxyType(
    {
        **IMAGE_TESTS,
        **SETTING_TESTS,
        "secrets.max_age_days": lambda age: (
            lambda record: any(days >= age.days for days in record.get("secret.older_than") or ())
        ),
    }
)
"""Flags, and what is required, turned round."""
