"""The vocabulary of a policy document; ``deploy/docs/policy.md`` explains it with examples.

Every list may be written as a single value, and every clause as its most important value alone: ``deny: /tmp/**`` in
``exec`` is ``deny: [{path: [/tmp/**]}]``. All keys given in one clause must hold; of the values of a key one suffices.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Final, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from schemas.images import check_registry
from schemas.keys import check_key
from schemas.matching import check_cidr, check_domain, check_name, check_path

__all__ = [
    "LEVELS",
    "Access",
    "ApiClause",
    "ApiMatch",
    "Clause",
    "Clauses",
    "ContainerMatch",
    "DeviceMatch",
    "DnsMatch",
    "EgressMatch",
    "ExceptionRule",
    "ExecIntoMatch",
    "ExecMatch",
    "FileMatch",
    "Grants",
    "Images",
    "Learn",
    "Match",
    "MountMatch",
    "Network",
    "PeerMatch",
    "Person",
    "Policy",
    "Scope",
    "ScopeMatch",
    "SecretMatch",
    "Sensors",
    "SettingsSection",
]

LEVELS: Final = ("informational", "low", "medium", "high", "critical")
"""Levels of findings, from the least to the gravest, in Sigma's words."""

_MAX_PORT: Final = 65_535


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


def _check_port(value: Any) -> tuple[int, int]:
    first, _, last = str(value).partition("-") if not isinstance(value, bool) else ("", "", "")
    if not (first.isdecimal() and (last or first).isdecimal() and int(first) <= int(last or first) <= _MAX_PORT):
        raise ValueError(f"`{value}` is no port; write 443 or 8000-8999")
    return int(first), int(last or first)


def _check_label(pattern: str) -> str:
    if "=" not in pattern:
        raise ValueError(f"`{pattern}` is no label; write key=value, or key=* for any value")
    return check_name(pattern)


def _check_capability(name: str) -> str:
    cleaned = name.upper().removeprefix("CAP_")
    if not cleaned.replace("_", "").isalnum():
        raise ValueError(f"`{name}` is no capability; write SYS_ADMIN, or ALL")
    return cleaned


def _check_expiry(value: Any) -> date | None:
    if value == "never":
        return None
    try:
        return value if type(value) is date else date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`{value}` is no date; write 2030-12-31, or never") from error


def _short_for(key: str) -> Callable[[Any], Any]:
    return lambda value: {key: value} if isinstance(value, str | int) and not isinstance(value, bool) else value


T = TypeVar("T")

Some = Annotated[tuple[T, ...], BeforeValidator(_listed), Field(min_length=1)]
_Name = Annotated[str, AfterValidator(check_name)]
_Path = Annotated[str, AfterValidator(check_path)]
_Names = Some[_Name]
_Paths = Some[_Path]
_Domains = Some[Annotated[str, AfterValidator(check_domain)]]
_Blocks = Some[Annotated[str, AfterValidator(check_cidr)]]
_Registry = Annotated[str, AfterValidator(check_registry)]
_Label = Annotated[str, AfterValidator(_check_label)]
_Ports = Some[Annotated[tuple[int, int], BeforeValidator(_check_port)]]
_Capability = Annotated[str, AfterValidator(_check_capability)]
_Identifier = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
_Flag = Annotated[bool, Field(strict=True)]
_Effect = Literal["deny", "allow"]
_Require = Literal["require"]
_Namespace = Literal["pid", "ipc", "network", "uts", "user", "cgroup"]
_Limit = Literal["memory", "cpu", "pids"]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    def given(self) -> frozenset[str]:
        """Return the names of the keys that were written."""
        return frozenset(name for name in self.model_fields_set if getattr(self, name) is not None)


class ScopeMatch(_Model):
    """Where and to whom something applies; a key that is left out applies to all."""

    entities: Some[Literal["container", "host", "user"]] | None = None
    principal: _Names | None = None
    cluster: _Names | None = None
    namespace: _Names | None = None
    workload: _Names | None = None
    container: _Names | None = None
    labels: Some[_Label] | None = None
    users: _Names | None = None
    groups: _Names | None = None


class Scope(ScopeMatch):
    """A scope, and what is taken out of it again."""

    except_: Some[ScopeMatch] = Field(default=(), alias="except", validate_default=False)


class Match(_Model):
    """What one clause speaks of; each subclass names the key that a plain value stands for."""

    @model_validator(mode="after")
    def _says_something(self) -> Match:
        if not self.given() - {"name", "reason", "except_"}:
            raise ValueError('says nothing; to speak of everything write "**" for paths and "*" for names')
        return self


class ExecMatch(Match):
    """A program that is run."""

    path: _Paths | None = None
    program: _Names | None = None
    command: _Names | None = None
    args: _Names | None = None
    user: _Names | None = None
    parent: _Paths | None = None
    interactive: _Flag | None = None


class FileMatch(Match):
    """A file that is accessed."""

    path: _Paths | None = None
    access: Some[Literal["read", "write", "create", "delete", "rename", "attributes"]] | None = None
    executable: _Paths | None = None
    program: _Names | None = None
    user: _Names | None = None


class PeerMatch(Match):
    """The other side of a connection, and the port that is connected to."""

    cidr: _Blocks | None = None
    port: _Ports | None = None
    protocol: Some[Literal["tcp", "udp", "icmp", "sctp", "unix"]] | None = None
    executable: _Paths | None = None


class EgressMatch(PeerMatch):
    """A peer that is connected to; ``domain`` holds only where the sensor knows the name."""

    domain: _Domains | None = None


class DnsMatch(Match):
    """A name that is asked for."""

    domain: _Domains | None = None
    executable: _Paths | None = None


class ContainerMatch(Match):
    """A step in the life of a container, its networks, volumes and images, as ``event.action`` names it.

    ``inspected`` asks whether the settings of the container are known.
    """

    action: _Names | None = None
    inspected: _Flag | None = None


class ExecIntoMatch(Match):
    """Someone reaching into a running container from outside.

    ``inspected`` asks whether the settings of the container are known: only then are an engine's own health checks told
    apart from the commands of people.
    """

    users: _Names | None = None
    groups: _Names | None = None
    commands: _Names | None = None
    via: Some[Literal["exec", "attach", "portforward", "debug"]] | None = None
    inspected: _Flag | None = None


class SecretMatch(Match):
    """A request for secrets."""

    users: _Names | None = None
    groups: _Names | None = None
    verbs: _Names | None = None
    names: _Names | None = None
    namespaces: _Names | None = None
    all_namespaces: _Flag | None = None
    outcome: Some[Literal["success", "failure", "unknown"]] | None = None


class Grants(_Model):
    """What a role gives, in the words of RBAC: ``*`` is RBAC's own wildcard here, not a pattern."""

    verbs: Some[str] | None = None
    resources: Some[str] | None = None
    api_groups: Some[str] | None = None


class ApiMatch(SecretMatch):
    """A request to the API of an orchestrator."""

    resources: _Names | None = None
    roles: _Names | None = None
    grants: Grants | None = None
    subjects: _Names | None = None
    paths: _Paths | None = None


class MountMatch(Match):
    """A path of the host that is mounted into a container."""

    source: _Paths | None = None
    writable: _Flag | None = None
    propagation: Some[Literal["private", "rprivate", "shared", "rshared", "slave", "rslave"]] | None = None


class DeviceMatch(Match):
    """A device of the host that is given to a container."""

    device: _Paths | None = None


class Clause(_Model):
    """What every clause may have beside its match: a name, which its path then ends in, and why it is there."""

    name: _Identifier | None = None
    reason: str | None = None


class ExecClause(ExecMatch, Clause):
    except_: Some[ExecMatch] = Field(default=(), alias="except")


class FileClause(FileMatch, Clause):
    except_: Some[FileMatch] = Field(default=(), alias="except")


class PeerClause(PeerMatch, Clause):
    except_: Some[PeerMatch] = Field(default=(), alias="except")


class EgressClause(EgressMatch, Clause):
    except_: Some[EgressMatch] = Field(default=(), alias="except")


class DnsClause(DnsMatch, Clause):
    except_: Some[DnsMatch] = Field(default=(), alias="except")


class ContainerClause(ContainerMatch, Clause):
    except_: Some[ContainerMatch] = Field(default=(), alias="except")


class ExecIntoClause(ExecIntoMatch, Clause):
    except_: Some[ExecIntoMatch] = Field(default=(), alias="except")


class SecretClause(SecretMatch, Clause):
    except_: Some[SecretMatch] = Field(default=(), alias="except")


class ApiClause(ApiMatch, Clause):
    except_: Some[ApiMatch] = Field(default=(), alias="except")


class MountClause(MountMatch, Clause):
    except_: Some[MountMatch] = Field(default=(), alias="except")


class DeviceClause(DeviceMatch, Clause):
    except_: Some[DeviceMatch] = Field(default=(), alias="except")


class Clauses(_Model, Generic[T]):
    """``deny`` forbids, ``allow`` authorizes, ``only`` authorizes these and forbids all else of its section."""

    deny: Some[T] = ()
    allow: Some[T] = ()
    only: Annotated[tuple[T, ...], BeforeValidator(_listed)] | None = None

    @model_validator(mode="after")
    def _no_doubt(self) -> Clauses[T]:
        if self.allow and self.only is not None:
            raise ValueError("has both only and allow; only allows already, so put everything there")
        if not self.model_fields_set:
            raise ValueError("says nothing; write deny, allow or only")
        return self


class Limits(_Model):
    """Limits that a container must have."""

    require: Some[_Limit]


class Dropped(_Model):
    """Capabilities that a container must drop; one that drops ALL drops each."""

    require: Some[_Capability]


class SettingsSection(_Model):
    """What a container may be started with."""

    privileged: _Effect | None = None
    root: _Effect | None = None
    host_namespaces: Clauses[_Namespace] | None = None
    capabilities: Clauses[_Capability] | None = None
    dropped_capabilities: Dropped | None = None
    mounts: Clauses[Annotated[MountClause, BeforeValidator(_short_for("source"))]] | None = None
    devices: Clauses[Annotated[DeviceClause, BeforeValidator(_short_for("device"))]] | None = None
    seccomp: Clauses[_Name] | None = None
    apparmor: Clauses[_Name] | None = None
    limits: Limits | None = None
    no_new_privileges: _Require | None = None
    read_only_root: _Require | None = None


class Images(_Model):
    """Where images may come from and how they must be named."""

    registries: Clauses[_Registry] | None = None
    tags: Clauses[_Name] | None = None
    digest: _Require | None = None


class Network(_Model):
    """Connections and name look-ups."""

    egress: Clauses[Annotated[EgressClause, BeforeValidator(_short_for("cidr"))]] | None = None
    ingress: Clauses[Annotated[PeerClause, BeforeValidator(_short_for("cidr"))]] | None = None
    dns: Clauses[Annotated[DnsClause, BeforeValidator(_short_for("domain"))]] | None = None


class Access(_Model):
    """What people and machines may do to containers and through the API."""

    exec_into_container: Clauses[Annotated[ExecIntoClause, BeforeValidator(_short_for("users"))]] | None = None
    secrets: Clauses[Annotated[SecretClause, BeforeValidator(_short_for("users"))]] | None = None
    api: Clauses[Annotated[ApiClause, BeforeValidator(_short_for("users"))]] | None = None


class Sensors(_Model):
    """From which level on a sensor's own finding makes an event unauthorized."""

    level: Literal["informational", "low", "medium", "high", "critical"]


class Learn(_Model):
    """How baselines are learned; the most specific policy that speaks of a principal decides all of it.

    ``hours`` must have passed by the events' clock and by the broker's, ``replicas`` and ``observations`` must have been seen. What is
    left out is learned and shown, but decides nothing. ``release`` says what a new image starts with: the active baseline, or none.
    """

    approve: Literal["review", "automatic"] = "review"
    hours: Annotated[float, Field(ge=0)] = 24.0
    replicas: Annotated[int, Field(ge=1)] = 1
    observations: Annotated[int, Field(ge=1)] = 100
    leave_out: Some[Literal["args", "hash", "file", "egress", "ingress", "dns", "resource", "settings", "image"]] = ()
    release: Literal["inherit", "learn"] = "inherit"
    expire_days: Annotated[int, Field(ge=1)] | None = None


class Person(_Model):
    """Someone who may decide about baselines, and the public key that decisions are signed with."""

    name: _Identifier
    key: Annotated[str, AfterValidator(check_key)]


class ExceptionRule(_Model):
    """Sets a sensor's rule, or a clause that denies, aside for someone: why, who answers for it, and until when.

    ``expires`` is None for ``never``. A clause is named ``policy: path``, or ``path`` alone for one of the same document.
    """

    rule: _Name | None = None
    clause: str | None = None
    principal: _Names | None = None
    scope: Scope | None = None
    reason: Annotated[str, Field(min_length=1)]
    owner: Annotated[str, Field(min_length=1)]
    expires: Annotated[date | None, BeforeValidator(_check_expiry)]

    @model_validator(mode="after")
    def _complete(self) -> ExceptionRule:
        if (self.rule is None) == (self.clause is None):
            raise ValueError("must name either the rule of a sensor or the clause of a policy that it sets aside")
        if self.principal is None and self.scope is None:
            raise ValueError('must say for whom, with principal or scope; write principal: "*" for everyone')
        return self


class Policy(_Model):
    """One document: for whom it speaks, and what it says."""

    policy: _Identifier
    description: str = ""
    scope: Scope = Scope()
    images: Images | None = None
    settings: SettingsSection | None = None
    containers: Clauses[Annotated[ContainerClause, BeforeValidator(_short_for("action"))]] | None = None
    exec: Clauses[Annotated[ExecClause, BeforeValidator(_short_for("path"))]] | None = None
    files: Clauses[Annotated[FileClause, BeforeValidator(_short_for("path"))]] | None = None
    network: Network | None = None
    access: Access | None = None
    sensors: Sensors | None = None
    learn: Learn | None = None
    people: Some[Person] = ()
    exceptions: Some[ExceptionRule] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Policy:
        if not self.given() - {"policy", "description", "scope"}:
            raise ValueError("says nothing; give it a section such as settings, exec, files, network or access")
        return self
