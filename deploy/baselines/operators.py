"""Who decides at this command line: the operator of the settings, with the private key that decisions are signed with."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from schemas.errors import ConfigurationError
from schemas.keys import load_key, public_key_of
from schemas.policyset import PolicySet
from schemas.settings import OperatorSettings
from streams.baseline.exports.yamltext import dump_yaml
from streams.baseline.rules import LearnRules

__all__ = ["Operator", "enrolled_operator", "enrolment", "operator_of", "settings_lines"]


@dataclass(frozen=True, slots=True)
class Operator:
    """A person and the person's own key."""

    name: str
    key: Ed25519PrivateKey = field(repr=False)

    @property
    def public_key(self) -> str:
        """Return the key that is enrolled."""
        return public_key_of(self.key)


def operator_of(settings: OperatorSettings) -> Operator:
    """Return the operator of the settings; raise ``ConfigurationError`` with how to become one."""
    if settings.name is None or settings.key_file is None:
        raise ConfigurationError(
            "decisions are signed, and the settings name no operator: make a key with `tidewaiter keys new NAME`, and put what it "
            "prints into a policy and into tidewaiter.yaml (operator.name and operator.key_file)"
        )
    return Operator(settings.name, load_key(settings.key_file))


def enrolled_operator(settings: OperatorSettings, policies: PolicySet) -> Operator:
    """Return the operator if the policies in force enrol this very key; raise ``ConfigurationError`` with what to enrol otherwise."""
    operator = operator_of(settings)
    known = LearnRules.of(policies).people.get(operator.name)
    if known != operator.public_key:
        problem = "is not enrolled" if known is None else "is enrolled with another key"
        raise ConfigurationError(
            f"{operator.name} {problem} in the policies in force, so nobody would heed the decision; put `people` of this into a policy, "
            f"and run `tidewaiter policy apply` with all policies:\n{enrolment(operator.name, operator.public_key)}"
        )
    return operator


def enrolment(name: str, public_key: str) -> str:
    """Return a policy that enrols a person; its ``people`` may stand in any other as well."""
    return dump_yaml({"policy": "people", "people": [{"name": name, "key": public_key}]})


def settings_lines(name: str, key_file: Path) -> str:
    """Return the lines of ``tidewaiter.yaml`` that make a person the operator."""
    return dump_yaml({"operator": {"name": name, "key_file": str(key_file)}})
