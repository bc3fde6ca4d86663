"""What the command line does with policies: check them with their cases, and warn of exceptions that end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from deploy.case_files import CaseFailure
from deploy.cases import run_cases
from schemas.policyset import PolicySet, load_policies

__all__ = ["DEFAULT_POLICIES", "Checked", "check"]

DEFAULT_POLICIES: Final = Path(__file__).parent / "policies"
"""The directory of the policies that are in force where nobody has written others."""

_SOON: Final = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Checked:
    """A policy set that holds together, the exceptions in it that have expired or soon will, and the cases it fails."""

    policies: PolicySet
    expired: tuple[str, ...]
    expiring: tuple[str, ...]
    failures: tuple[CaseFailure, ...]


def check(paths: Sequence[Path], today: date) -> Checked:
    """Load policies and run the cases beside them; raise ``PolicyErrors`` with all faults if they do not hold together."""
    policies = load_policies(paths, today)
    by_name = {policy.policy: policy for policy in policies.policies}
    expired = tuple(
        f"{name}: exceptions[{number}] expired on {by_name[name].exceptions[number].expires} and no longer holds"
        for name, number in sorted(policies.expired)
    )
    return Checked(policies, expired, tuple(_expiring(policies, today)), tuple(run_cases(paths, policies)))


def _expiring(policies: PolicySet, today: date) -> Iterator[str]:
    for policy in policies.policies:
        for number, exception in enumerate(policy.exceptions):
            if exception.expires is not None and today <= exception.expires <= today + _SOON:
                yield (
                    f"{policy.policy}: exceptions[{number}] expires on {exception.expires}; ask {exception.owner} whether it is still needed"
                )
