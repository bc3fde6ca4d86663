from __future__ import annotations

import pytest

from schemas.clauses import clauses_of, is_within
from schemas.policy import Policy


def test_each_clause_has_a_path() -> None:
    policy = Policy.model_validate(
        {
            "policy": "shop",
            "images": {"registries": {"only": ["registry.example"]}, "digest": "require"},
            "settings": {
                "privileged": "deny",
                "root": "allow",
                "capabilities": {"deny": ["SYS_ADMIN"], "allow": ["CHOWN"]},
                "mounts": {"deny": ["/etc", {"name": "sockets", "source": "**/docker.sock"}]},
                "limits": {"require": ["memory"]},
            },
            "exec": {"deny": ["/a", "/b"]},
            "network": {"egress": {"only": []}},
            "access": {"api": {"allow": [{"name": "ci", "users": "ci"}]}},
        }
    )
    assert [(clause.section, clause.effect, clause.path) for clause in clauses_of(policy)] == [
        ("images.registries", "only", "images.registries.only[0]"),
        ("images.registries", "rest", "images.registries.only"),
        ("images.digest", "require", "images.digest"),
        ("settings.privileged", "deny", "settings.privileged"),
        ("settings.root", "allow", "settings.root"),
        ("settings.capabilities", "deny", "settings.capabilities.SYS_ADMIN"),
        ("settings.capabilities", "allow", "settings.capabilities.CHOWN"),
        ("settings.mounts", "deny", "settings.mounts.deny[0]"),
        ("settings.mounts", "deny", "settings.mounts.sockets"),
        ("settings.limits", "require", "settings.limits.memory"),
        ("exec", "deny", "exec.deny[0]"),
        ("exec", "deny", "exec.deny[1]"),
        ("network.egress", "rest", "network.egress.only"),
        ("access.api", "allow", "access.api.ci"),
    ]


@pytest.mark.parametrize(
    ("path", "prefix", "expected"),
    [
        ("settings.mounts.deny[0]", "settings.mounts", True),
        ("settings.mounts.deny[0]", "settings.mounts.deny", True),
        ("settings.mounts.deny[0]", "settings.mounts.deny[0]", True),
        ("settings.mounts.deny[10]", "settings.mounts.deny[1]", False),
        ("settings.mountsx", "settings.mounts", False),
        ("settings", "settings.mounts", False),
    ],
)
def test_a_clause_lies_within_whole_parts_of_its_path(path: str, prefix: str, expected: bool) -> None:  # noqa: FBT001 - a column
    assert is_within(path, prefix) is expected
