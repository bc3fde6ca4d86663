"""What a container may be started with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from schemas.vocabulary.clause import (
    NOTES,
    Clause,
    Clauses,
    Flag,
    Match,
    Notes,
    Required,
    Requirement,
    Section,
    WrittenClause,
)
from schemas.vocabulary.values import (
    Blocks,
    Capability,
    Label,
    Model,
    Names,
    Namespace,
    Paths,
    Ports,
    Quantity,
    Some,
    Truth,
)

__all__ = ["Limits", "MountMatch", "Replicas", "SettingsSection"]


class NamespaceMatch(Match):
    """A namespace of the host."""

    short: ClassVar[str] = "namespace"
    word: ClassVar[str] = "namespace"
    namespace: Some[Namespace] | None = None


class CapabilityMatch(Match):
    """A capability that is added."""

    short: ClassVar[str] = "capability"
    word: ClassVar[str] = "capability"
    capability: Some[Capability] | None = None


class ProfileMatch(Match):
    """A seccomp or AppArmor profile."""

    short: ClassVar[str] = "profile"
    word: ClassVar[str] = "profile"
    profile: Names | None = None


class MountMatch(Match):
    """A path of the host that is mounted into a container."""

    short: ClassVar[str] = "source"
    source: Paths | None = None
    target: Paths | None = None
    writable: Truth | None = None
    propagation: Some[Literal["private", "rprivate", "shared", "rshared", "slave", "rslave"]] | None = None


class VolumeMatch(Match):
    """A volume, claim, secret or config map that is mounted: ``claim:NAME``, ``secret:NAME``, ``configmap:NAME``, or a name."""

    short: ClassVar[str] = "volume"
    volume: Names | None = None


class DeviceMatch(Match):
    """A device of the host that is given to a container."""

    short: ClassVar[str] = "device"
    device: Paths | None = None


class PortMatch(Match):
    """A port of the host that leads into the container; without an address it is published on all, ``0.0.0.0``."""

    short: ClassVar[str] = "port"
    port: Ports | None = None
    protocol: Some[Literal["tcp", "udp", "sctp"]] | None = None
    address: Blocks | None = None


class UserMatch(Match):
    """The user that the first program runs as, by name or id; root is both ``root`` and ``0``."""

    short: ClassVar[str] = "user"
    word: ClassVar[str] = "user"
    user: Names | None = None


class ModeMatch(Match):
    """How a container is joined to a network: ``bridge``, ``host``, ``none``, ``container``, the name of a network."""

    short: ClassVar[str] = "mode"
    word: ClassVar[str] = "mode"
    mode: Names | None = None


class AccountMatch(Match):
    """The service account of a pod."""

    short: ClassVar[str] = "account"
    word: ClassVar[str] = "account"
    account: Names | None = None


class RuntimeMatch(Match):
    """What runs the container: a runtime of the engine, or a runtime class of the cluster."""

    short: ClassVar[str] = "runtime"
    word: ClassVar[str] = "runtime"
    runtime: Names | None = None


class VariableMatch(Match):
    """A variable of the environment whose value looks like a credential, by its name."""

    short: ClassVar[str] = "variable"
    variable: Names | None = None


class LabelMatch(Match):
    """A label of the pods that are made, or of the running workload."""

    short: ClassVar[str] = "label"
    label: Some[Label] | None = None


class EntrypointMatch(Match):
    """What a container starts with: program and arguments, with blanks between them."""

    short: ClassVar[str] = "command"
    command: Names | None = None


class NamespaceClause(NamespaceMatch, Clause):
    except_: Some[NamespaceMatch] = Field(default=(), alias="except")


class CapabilityClause(CapabilityMatch, Clause):
    except_: Some[CapabilityMatch] = Field(default=(), alias="except")


class ProfileClause(ProfileMatch, Clause):
    except_: Some[ProfileMatch] = Field(default=(), alias="except")


class MountClause(MountMatch, Clause):
    except_: Some[MountMatch] = Field(default=(), alias="except")


class VolumeClause(VolumeMatch, Clause):
    except_: Some[VolumeMatch] = Field(default=(), alias="except")


class DeviceClause(DeviceMatch, Clause):
    except_: Some[DeviceMatch] = Field(default=(), alias="except")


class PortClause(PortMatch, Clause):
    except_: Some[PortMatch] = Field(default=(), alias="except")


class UserClause(UserMatch, Clause):
    except_: Some[UserMatch] = Field(default=(), alias="except")


class ModeClause(ModeMatch, Clause):
    except_: Some[ModeMatch] = Field(default=(), alias="except")


class AccountClause(AccountMatch, Clause):
    except_: Some[AccountMatch] = Field(default=(), alias="except")


class RuntimeClause(RuntimeMatch, Clause):
    except_: Some[RuntimeMatch] = Field(default=(), alias="except")


class VariableClause(VariableMatch, Clause):
    except_: Some[VariableMatch] = Field(default=(), alias="except")


class LabelClause(LabelMatch, Clause):
    except_: Some[LabelMatch] = Field(default=(), alias="except")


class EntrypointClause(EntrypointMatch, Clause):
    except_: Some[EntrypointMatch] = Field(default=(), alias="except")


class Amounts(Model):
    """How much of each resource."""

    memory: Quantity | None = None
    cpu: Quantity | None = None
    pids: Quantity | None = None


class Limits(Section):
    """Limits that a container must have, and how high they must and may be; one without a limit is above each maximum."""

    require: Some[Literal["memory", "cpu", "pids"]] = ()
    minimum: Amounts | None = None
    maximum: Amounts | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Limits:
        if not self.given() - NOTES:
            raise ValueError("says nothing; write require, minimum or maximum")
        return self

    def written(self, section: str) -> Iterator[WrittenClause]:
        """Return a clause for each limit that is required, and for each bound."""
        notes = self.over(Notes())
        for word in self.require:
            yield WrittenClause(section, "require", f"{section}.{word}", word, notes)
        for bound in ("minimum", "maximum"):
            amounts = getattr(self, bound)
            for word in sorted(amounts.given()) if amounts else ():
                value = (bound, word, getattr(amounts, word))
                yield WrittenClause(f"{section}.{bound}", "require", f"{section}.{bound}.{word}", value, notes)


class Replicas(Section):
    """How many replicas a workload must and may ask for."""

    minimum: Annotated[int, Field(ge=0, strict=True)] | None = None
    maximum: Annotated[int, Field(ge=0, strict=True)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Replicas:
        if not self.given() - NOTES:
            raise ValueError("says nothing; write minimum or maximum")
        return self

    def written(self, section: str) -> Iterator[WrittenClause]:
        """Return the one clause."""
        yield WrittenClause(section, "require", section, self, self.over(Notes()))


class SettingsSection(Model):
    """What a container may be started with."""

    privileged: Flag | None = None
    root: Flag | None = None
    user: Clauses[UserClause] | None = None
    host_namespaces: Clauses[NamespaceClause] | None = None
    network_mode: Clauses[ModeClause] | None = None
    capabilities: Clauses[CapabilityClause] | None = None
    dropped_capabilities: Required[Capability] | None = None
    mounts: Clauses[MountClause] | None = None
    volumes: Clauses[VolumeClause] | None = None
    devices: Clauses[DeviceClause] | None = None
    ports: Clauses[PortClause] | None = None
    seccomp: Clauses[ProfileClause] | None = None
    apparmor: Clauses[ProfileClause] | None = None
    profiles: Required[Literal["seccomp", "apparmor"]] | None = None
    limits: Limits | None = None
    no_new_privileges: Requirement | None = None
    read_only_root: Requirement | None = None
    service_account: Clauses[AccountClause] | None = None
    automount_token: Clauses[AccountClause] | None = None
    environment_secrets: Clauses[VariableClause] | None = None
    labels: Clauses[LabelClause] | None = None
    required_labels: Required[Label] | None = None
    probes: Required[Literal["liveness", "readiness", "startup"]] | None = None
    runtime: Clauses[RuntimeClause] | None = None
    replicas: Replicas | None = None
    entrypoint: Clauses[EntrypointClause] | None = None
