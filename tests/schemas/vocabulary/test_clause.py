from __future__ import annotations

from typing import Any

import pytest

from schemas.clauses import WrittenClause, clauses_of
from schemas.policy import Policy, Thresholds, thresholds


def policy(**sections: Any) -> Policy:
    return Policy.model_validate({"policy": "p", **sections})


def clauses(**sections: Any) -> dict[str, WrittenClause]:
    return {clause.path: clause for clause in clauses_of(policy(**sections))}


def test_notes_of_a_section_are_on_each_clause_without_its_own() -> None:
    found = clauses(
        settings={
            "capabilities": {
                "level": "medium",
                "attack": "T1611",
                "deny": ["CHOWN", {"name": "kernel", "capability": ["BPF", "SYS_ADMIN"], "level": "critical"}],
                "only": [],
            }
        }
    )
    noted = {path: (clause.notes.level, clause.notes.attack) for path, clause in found.items()}
    assert noted == {
        "settings.capabilities.CHOWN": ("medium", ("T1611",)),
        "settings.capabilities.kernel": ("critical", ("T1611",)),
        "settings.capabilities.only": ("medium", ("T1611",)),
    }


@pytest.mark.parametrize(
    ("sections", "path", "level"),
    [
        ({"settings": {"privileged": {"effect": "deny", "level": "critical"}}}, "settings.privileged", "critical"),
        ({"settings": {"read_only_root": {"effect": "require", "level": "low"}}}, "settings.read_only_root", "low"),
        ({"settings": {"limits": {"require": ["cpu"], "level": "low"}}}, "settings.limits.cpu", "low"),
        ({"settings": {"limits": {"maximum": {"cpu": 2}, "level": "low"}}}, "settings.limits.maximum.cpu", "low"),
        ({"settings": {"replicas": {"minimum": 1, "level": "low"}}}, "settings.replicas", "low"),
        ({"images": {"scan": {"effect": "require", "level": "low"}}}, "images.scan", "low"),
        ({"images": {"max_age_days": {"days": 9, "level": "low"}}}, "images.max_age_days", "low"),
        ({"images": {"malware": {"deny": "*", "level": "low"}}}, "images.malware.deny[0]", "low"),
        ({"secrets": {"max_age_days": {"days": 9, "level": "low"}}}, "secrets.max_age_days", "low"),
        ({"exec": {"deny": {"path": "/x", "level": "low"}}}, "exec.deny[0]", "low"),
    ],
)
def test_notes_can_stand_on_everything_that_denies(sections: dict[str, Any], path: str, level: str) -> None:
    assert clauses(**sections)[path].notes.level == level


def test_a_word_names_its_clause_where_it_is_alone() -> None:
    settings = {"seccomp": {"deny": ["unconfined", "runtime/*", {"profile": ["a", "b"]}]}}
    assert list(clauses(settings=settings)) == [
        "settings.seccomp.unconfined",
        "settings.seccomp.deny[1]",
        "settings.seccomp.deny[2]",
    ]


def test_pushed_is_to_the_registries_that_the_policy_allows_unless_it_names_its_own() -> None:
    def asked(**images: Any) -> Any:
        return clauses(images=images)["images.pushed"].value.registries

    registries = {"only": ["a.example", "b.example/x"]}
    assert asked(pushed="require", registries=registries) == ("a.example", "b.example/x")
    assert asked(pushed="require", registries={"deny": "a.example"}) is None
    assert asked(pushed="require") is None
    assert asked(pushed={"effect": "require", "registries": "c.example"}, registries=registries) == ("c.example",)


def test_the_ages_that_policies_ask_for_can_be_listed() -> None:
    one = policy(images={"max_age_days": 90, "max_scan_age_days": {"days": 30}})
    two = policy(images={"max_age_days": 30}, secrets={"max_age_days": 180})
    assert thresholds([one, two, one]) == Thresholds(images=(30, 90), scans=(30,), secrets=(180,))
    assert thresholds([policy(exec={"deny": "/x"})]) == Thresholds()
