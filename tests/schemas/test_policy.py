from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from schemas.policy import Policy
from schemas.vocabulary.access import ApiClause
from schemas.vocabulary.behaviour import ExecClause


def policy(**sections: object) -> Policy:
    return Policy.model_validate({"policy": "shop", **sections})


@pytest.mark.parametrize("written", ["/opt/**", ["/opt/**"], {"path": "/opt/**"}, [{"path": ["/opt/**"]}]])
def test_lists_and_clauses_have_short_forms(written: object) -> None:
    section = policy(exec={"deny": written}).exec
    assert section is not None
    assert section.deny == (ExecClause(path=("/opt/**",)),)


def test_capabilities_are_the_same_however_they_are_written() -> None:
    settings = policy(settings={"capabilities": {"deny": ["cap_sys_admin", "NET_ADMIN"]}}).settings
    assert settings is not None
    assert settings.capabilities is not None
    assert [clause.capability for clause in settings.capabilities.deny] == [("SYS_ADMIN",), ("NET_ADMIN",)]


def test_ports_are_ranges() -> None:
    network = policy(network={"egress": {"deny": {"port": [443, "8000-8999"]}}}).network
    assert network is not None
    assert network.egress is not None
    assert network.egress.deny[0].port == ((443, 443), (8000, 8999))


@pytest.mark.parametrize("expires", [date(2030, 1, 2), "2030-01-02"])
def test_an_expiry_is_a_date_or_never(expires: object) -> None:
    rule = {"rule": "x", "principal": "*", "reason": "r", "owner": "o"}
    assert policy(exceptions={**rule, "expires": expires}).exceptions[0].expires == date(2030, 1, 2)
    assert policy(exceptions={**rule, "expires": "never"}).exceptions[0].expires is None


def test_only_may_be_empty_which_forbids_everything() -> None:
    section = policy(exec={"only": []}).exec
    assert section is not None
    assert section.only == ()


def test_what_was_given_is_known_under_except_too() -> None:
    clause = ApiClause.model_validate({"users": "a", "except": {"verbs": "get"}})
    assert clause.given() == {"users", "except_"}


def test_policies_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(policy(exec={"deny": "/x"}), "policy", "other")  # noqa: B010 - mypy refuses the assignment itself
