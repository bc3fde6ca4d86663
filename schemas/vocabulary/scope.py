"""For whom a policy, or an exception, speaks."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.vocabulary.values import Label, Model, Names, Some

__all__ = ["Scope", "ScopeMatch"]


class ScopeMatch(Model):
    """Where and to whom something applies; a key that is left out applies to all."""

    entities: Some[Literal["container", "host", "user", "image", "secret"]] | None = None
    principal: Names | None = None
    cluster: Names | None = None
    namespace: Names | None = None
    workload: Names | None = None
    container: Names | None = None
    labels: Some[Label] | None = None
    users: Names | None = None
    groups: Names | None = None
    service_accounts: Names | None = None


class Scope(ScopeMatch):
    """A scope, and what is taken out of it again."""

    except_: Some[ScopeMatch] = Field(default=(), alias="except", validate_default=False)
