from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.formats.vault_audit.target import target_of


@pytest.mark.parametrize(
    ("path", "operation", "secret", "action"),
    [
        ("secret/data/app/db", "read", "secret/app/db", "secret-read"),
        ("secret/data/app/db", "create", "secret/app/db", "secret-write"),
        ("secret/data/app/db", "update", "secret/app/db", "secret-write"),
        ("secret/data/app/db", "patch", "secret/app/db", "secret-write"),
        ("secret/data/app/db", "delete", "secret/app/db", "secret-delete"),
        ("secret/metadata/app/db", "read", "secret/app/db", "secret-metadata-read"),
        ("secret/metadata/app/db", "update", "secret/app/db", "secret-metadata-write"),
        ("secret/metadata/app/db", "delete", "secret/app/db", "secret-delete"),
        ("secret/metadata/app/", "list", "secret/app/", "secret-list"),
        ("secret/metadata/", "list", "secret/", "secret-list"),
        ("secret/subkeys/app/db", "read", "secret/app/db", "secret-metadata-read"),
        ("secret/delete/app/db", "update", "secret/app/db", "secret-delete"),
        ("secret/destroy/app/db", "update", "secret/app/db", "secret-delete"),
        ("secret/undelete/app/db", "update", "secret/app/db", "secret-undelete"),
        ("secret/app/db", "read", "secret/app/db", "secret-read"),
        ("secret/app/db", "update", "secret/app/db", "secret-write"),
        ("secret/app/", "list", "secret/app/", "secret-list"),
        ("secret/database", "read", "secret/database", "secret-read"),
        ("secret/data", "help", "secret/", "vault-help"),
    ],
)
def test_both_versions_of_the_store_are_read(path: str, operation: str, secret: str, action: str) -> None:
    request = {"operation": operation, "path": path, "mount_type": "kv", "mount_point": "secret/"}
    target = target_of(request)
    assert target is not None
    assert (target.secret, target.action) == (secret, action)


@pytest.mark.parametrize(
    ("path", "kind", "secret"),
    [
        ("database/creds/shop", "database", "database/creds/shop"),
        ("pki/issue/web", "pki", "pki/issue/web"),
        ("auth/kubernetes/login", "kubernetes", None),
        ("sys/capabilities-self", "system", None),
        ("transit/encrypt/shop", "transit", None),
        ("auth/token/lookup-self", None, None),
    ],
)
def test_other_mounts_give_out_secrets_or_not(path: str, kind: str | None, secret: str | None) -> None:
    target = target_of({"operation": "read", "path": path, "mount_type": kind})
    assert target is not None
    assert (target.secret, target.action) == (secret, "vault-read")


def test_a_namespace_stands_before_the_mount() -> None:
    request = {
        "operation": "read",
        "path": "kv/data/a",
        "mount_type": "kv",
        "mount_point": "kv/",
        "namespace": {"path": "shop/"},
    }
    target = target_of(request)
    assert target is not None
    assert (target.secret, target.path) == ("shop/kv/a", "shop/kv/data/a")


def test_without_its_mount_point_a_mount_is_the_first_part_of_the_path() -> None:
    target = target_of({"operation": "read", "path": "kv/data/a", "mount_type": "kv"})
    assert target is not None
    assert target.secret == "kv/a"


def test_tokens_in_paths_are_not_told() -> None:
    target = target_of({"operation": "update", "path": "auth/token/revoke/hvs." + "CAESIJ" * 5, "mount_type": "token"})
    assert target is not None
    assert target.path == "auth/token/revoke/token"


@given(
    st.text(max_size=30),
    st.text(max_size=8),
    st.sampled_from(["kv", "generic", "pki", "", "system"]),
    st.text(max_size=8),
)
def test_any_path_has_an_action(path: str, operation: str, kind: str, mount: str) -> None:
    target = target_of({"operation": operation, "path": path, "mount_type": kind, "mount_point": mount})
    assert (target is None) == (not path or not operation)
    assert target is None or target.action.startswith(("secret-", "vault-"))
