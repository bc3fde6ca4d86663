"""A policy document; ``deploy/docs/policy.md`` explains its vocabulary with examples.

Every list may be written as a single value, and every clause as its most important value alone: ``deny: /tmp/**`` in
``exec`` is ``deny: [{path: [/tmp/**]}]``. All keys given in one clause must hold; of the values of a key one suffices.
The sections lie in ``schemas.vocabulary``, one file each.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from schemas.keys import check_key
from schemas.vocabulary.access import Access
from schemas.vocabulary.behaviour import Containers, Exec, Files, Resources
from schemas.vocabulary.data import DataClass, Secrets
from schemas.vocabulary.images import Images
from schemas.vocabulary.network import Network
from schemas.vocabulary.scope import Scope, ScopeMatch
from schemas.vocabulary.settings import SettingsSection
from schemas.vocabulary.values import LEVELS, Expiry, Identifier, Level, Model, Name, Names, Some

__all__ = [
    "LEVELS",
    "ExceptionRule",
    "Findings",
    "Learn",
    "Person",
    "Policy",
    "Respond",
    "Scope",
    "ScopeMatch",
    "Thresholds",
    "thresholds",
]


class Findings(Model):
    """From which level on the match of a rule, or a sensor's own finding, makes an event unauthorized."""

    level: Level


class Learn(Model):
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


class Respond(Model):
    """What is to be done about what is unauthorized, from a level on; written down, and not acted on yet.

    ``by`` are the kinds of verdicts that it is done for.
    """

    action: Some[Literal["alert", "deny", "isolate", "kill", "stop"]]
    level: Level = "high"
    by: Some[Literal["policy", "rule", "sensor", "baseline"]] = ("policy", "rule", "sensor")


class Person(Model):
    """Someone who may decide about baselines, and the public key that decisions are signed with."""

    name: Identifier
    key: Annotated[str, AfterValidator(check_key)]


class ExceptionRule(Model):
    """Sets a rule, or a clause that denies, aside for someone: why, who answers for it, and until when.

    ``expires`` is None for ``never``. A clause is named ``policy: path``, or ``path`` alone for one of the same document.
    """

    rule: Name | None = None
    clause: str | None = None
    principal: Names | None = None
    scope: Scope | None = None
    reason: Annotated[str, Field(min_length=1)]
    owner: Annotated[str, Field(min_length=1)]
    expires: Expiry

    @model_validator(mode="after")
    def _complete(self) -> ExceptionRule:
        if (self.rule is None) == (self.clause is None):
            raise ValueError("must name either the rule or the clause of a policy that it sets aside")
        if self.principal is None and self.scope is None:
            raise ValueError('must say for whom, with principal or scope; write principal: "*" for everyone')
        return self


class Policy(Model):
    """One document: for whom it speaks, and what it says."""

    policy: Identifier
    description: str = ""
    scope: Scope = Scope()
    images: Images | None = None
    settings: SettingsSection | None = None
    containers: Containers | None = None
    exec: Exec | None = None
    files: Files | None = None
    network: Network | None = None
    resources: Resources | None = None
    secrets: Secrets | None = None
    access: Access | None = None
    data: dict[Identifier, DataClass] | None = None
    findings: Findings | None = None
    learn: Learn | None = None
    respond: Some[Respond] = ()
    people: Some[Person] = ()
    exceptions: Some[ExceptionRule] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Policy:
        if not self.given() - {"policy", "description", "scope"}:
            raise ValueError("says nothing; give it a section such as settings, exec, files, network or access")
        if self.data is not None and self.scope.given():
            raise ValueError(
                "has both data and scope; data is of its class whoever asks, so write it into a policy without scope"
            )
        return self


class Thresholds(Model):
    """Ages in days that policies ask for, ascending: an age becomes a fact when it passes one of them."""

    images: tuple[int, ...] = ()
    scans: tuple[int, ...] = ()
    secrets: tuple[int, ...] = ()


def thresholds(policies: Iterable[Policy]) -> Thresholds:
    """Return the ages that any of these policies asks for; a pure function of what is written."""
    ages: dict[str, set[int]] = {"images": set(), "scans": set(), "secrets": set()}
    for policy in policies:
        asked = {
            "images": policy.images and policy.images.max_age_days,
            "scans": policy.images and policy.images.max_scan_age_days,
            "secrets": policy.secrets and policy.secrets.max_age_days,
        }
        for kind, age in asked.items():
            ages[kind].update([age.days] if age else [])
    return Thresholds(**{kind: tuple(sorted(days)) for kind, days in ages.items()})
