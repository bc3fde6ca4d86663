"""What people and machines may do to containers, to secrets, to classified data, and through the API."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from schemas.vocabulary.clause import Clause, Clauses, Match
from schemas.vocabulary.values import Blocks, Identifier, Label, Model, Names, Namespace, Paths, Some, Truth

__all__ = ["Access", "ActorMatch", "ApiClause", "ApiMatch", "DataMatch", "ExecIntoMatch", "Grants", "SecretMatch"]


class ActorMatch(Match):
    """Who asks, from where and with what.

    ``service_accounts`` are ``NAMESPACE/NAME``. Who impersonates someone is both.
    """

    users: Names | None = None
    groups: Names | None = None
    service_accounts: Names | None = None
    addresses: Blocks | None = None
    user_agents: Names | None = None


class ExecIntoMatch(ActorMatch):
    """Someone reaching into a running container from outside.

    ``inspected`` asks whether the settings of the container are known: only then are an engine's own health checks told
    apart from the commands of people. ``privileged``, ``host_namespaces`` and ``labels`` are those of the container that is
    reached into, where they are known.
    """

    short: ClassVar[str] = "users"
    commands: Names | None = None
    via: Some[Literal["exec", "attach", "portforward", "debug"]] | None = None
    names: Names | None = None
    namespaces: Names | None = None
    privileged: Truth | None = None
    host_namespaces: Some[Namespace] | None = None
    labels: Some[Label] | None = None
    outcome: Some[Literal["success", "failure", "unknown"]] | None = None
    inspected: Truth | None = None


class SecretMatch(ActorMatch):
    """A request for secrets."""

    short: ClassVar[str] = "users"
    verbs: Names | None = None
    names: Names | None = None
    namespaces: Names | None = None
    all_namespaces: Truth | None = None
    outcome: Some[Literal["success", "failure", "unknown"]] | None = None


class Grants(Model):
    """What a role gives, in the words of RBAC: ``*`` is RBAC's own wildcard here, not a pattern."""

    verbs: Some[str] | None = None
    resources: Some[str] | None = None
    api_groups: Some[str] | None = None


class ApiMatch(SecretMatch):
    """A request to the API of an orchestrator."""

    short: ClassVar[str] = "users"
    resources: Names | None = None
    roles: Names | None = None
    grants: Grants | None = None
    subjects: Names | None = None
    paths: Paths | None = None


class DataMatch(ActorMatch):
    """An access to data of a class; ``workloads`` (``NAMESPACE/NAME``) are those that access, not those that hold it."""

    short: ClassVar[str] = "class"
    class_: Some[Identifier] | None = Field(default=None, alias="class")
    workloads: Names | None = None
    executable: Paths | None = None


class ExecIntoClause(ExecIntoMatch, Clause):
    except_: Some[ExecIntoMatch] = Field(default=(), alias="except")


class SecretClause(SecretMatch, Clause):
    except_: Some[SecretMatch] = Field(default=(), alias="except")


class ApiClause(ApiMatch, Clause):
    except_: Some[ApiMatch] = Field(default=(), alias="except")


class DataClause(DataMatch, Clause):
    except_: Some[DataMatch] = Field(default=(), alias="except")


class Access(Model):
    """What people and machines may do."""

    exec_into_container: Clauses[ExecIntoClause] | None = None
    secrets: Clauses[SecretClause] | None = None
    api: Clauses[ApiClause] | None = None
    data: Clauses[DataClause] | None = None
