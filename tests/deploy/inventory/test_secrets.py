from __future__ import annotations

from typing import Any

import pytest

from deploy.inventory.secrets import Misplaced, misplaced_of, secrets_of
from tests.deploy.inventory.lab import LATER, NOON, OLD, estate_of, request, scan
from tests.deploy.view.lab import Said, activity, container, shared

PATH = "prod/shop/key"


def test_a_secret_is_what_its_store_tells_and_who_asked_for_it() -> None:
    facts = {
        "secret.type": "Opaque",
        "secret.keys": ["password"],
        "secret.created": NOON,
        "secret.changed": LATER,
        "secret.older_than": [90],
        "secret.rotated": [LATER],
    }
    refused = {"secret__path": PATH, "event__outcome": "failure"}
    (one,) = secrets_of(
        estate_of(
            shared(f"secret:{PATH}", "kubernetes", facts),
            request("web", "get", "secrets", secret__path=PATH),
            request("alice", "patch", "secrets", secret__path=PATH),
            request("bob", "get", "secrets", **refused),
            request("web", "list", "secrets", secret__path="prod/shop/*"),
            activity(
                f"secret:{PATH}",
                {"event.action": "facts"},
                outcome="unauthorized",
                by="policy",
                clause="secrets.max_age_days",
                reason="older than 90 days",
            ),
        )
    )
    assert (one.secret, one.type, one.keys, one.created, one.changed) == (PATH, "Opaque", ("password",), NOON, LATER)
    assert (one.reads, one.writes, one.refused, one.older_than) == (1, 1, 1, (90,))
    assert one.rotated == (LATER,)
    assert one.used_by == ("user:prod/alice", "user:prod/bob", "user:prod/web")
    assert one.overdue == ("secrets.max_age_days: older than 90 days",)


def test_a_secret_that_was_deleted_is_told_of_no_longer() -> None:
    assert secrets_of(estate_of(shared(f"secret:{PATH}", "kubernetes", {}))) == []


def test_what_looks_like_a_credential_is_misplaced_in_images_variables_and_config_maps() -> None:
    found = misplaced_of(
        estate_of(
            scan(OLD, secrets=["aws-access-key-id /app/.env"]),
            container("a" * 12, container__image__id=OLD, container__settings__environment_secrets=["DB_PASSWORD"]),
            request(
                "alice",
                "create",
                "configmaps",
                orchestrator__namespace="shop",
                orchestrator__resource__name="settings",
                kubernetes__audit__configmap__secrets=["token jwt"],
            ),
        )
    )
    assert found == [
        Misplaced("config map prod/shop/settings", "token jwt", ("written by user:prod/alice",)),
        Misplaced(f"image {OLD}", "aws-access-key-id /app/.env", ("prod/shop/app",)),
        Misplaced("variable of container:prod/shop/app/app", "DB_PASSWORD", ("app-aaaa",)),
    ]


def test_what_was_written_into_a_store_was_not_read_from_it() -> None:
    def asked(*types: str) -> Said:
        done = {"event.type": [*types, "allowed"], "event.outcome": "success", "secret.path": "secret/app/db"}
        return activity("user:vault/alice", done, dimension="api")

    written = [asked(kind) for kind in ("creation", "change", "deletion")]
    (one,) = secrets_of(estate_of(*written, asked("access")))
    assert (one.reads, one.writes) == (1, 3)


def settings(verb: str, *secrets: str, first: str = NOON, outcome: str = "success") -> Said:
    told: dict[str, Any] = {"kubernetes__audit__configmap__secrets": list(secrets)} if secrets else {}
    place = {"orchestrator__namespace": "shop", "orchestrator__resource__name": "settings"}
    return request("alice", verb, "configmaps", first=first, event__outcome=outcome, **place, **told)


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        (settings("delete", first=LATER), []),
        (settings("update", first=LATER), []),
        (settings("update", "key pem", first=LATER), ["key pem"]),
        (settings("patch", first=LATER), ["token jwt"]),
        (settings("patch", "key pem", first=LATER), ["key pem", "token jwt"]),
        (settings("delete", first=LATER, outcome="failure"), ["token jwt"]),
    ],
)
def test_a_config_map_holds_what_was_written_last(later: Said, expected: list[str]) -> None:
    found = misplaced_of(estate_of(later, settings("create", "token jwt")))
    assert [one.what for one in found] == expected


def test_what_was_refused_stands_in_no_config_map() -> None:
    assert misplaced_of(estate_of(settings("create", "token jwt", outcome="failure"))) == []
