from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.stack.account import Account, can_enter, choose_directory, find_unprivileged_account, give

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")


@pytest.fixture
def account() -> Account:
    found = find_unprivileged_account()
    assert found is not None
    return found


@pytest.fixture
def reachable() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


@needs_root
def test_as_root_there_is_an_account_without_rights(account: Account) -> None:
    assert account.user_id != 0
    assert account.group_id != 0


def test_without_root_we_stay_who_we_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert find_unprivileged_account() is None
    assert choose_directory(tmp_path / "one", None, tmp_path / "two") == tmp_path / "one"
    give(tmp_path, None)


@needs_root
def test_a_directory_below_a_closed_one_cannot_be_entered(account: Account, reachable: Path) -> None:
    closed = reachable / "closed"
    inner = closed / "inner"
    inner.mkdir(parents=True)
    assert can_enter(account, inner)
    closed.chmod(0o700)
    assert not can_enter(account, inner)


@needs_root
def test_another_directory_is_chosen_for_a_closed_one_and_always_the_same(account: Account, reachable: Path) -> None:
    (reachable / "closed").mkdir(mode=0o700)
    wanted, fallback = reachable / "closed" / "wanted", reachable / "fallback"
    chosen = choose_directory(wanted, account, fallback)
    assert chosen.parent == fallback
    assert choose_directory(wanted, account, fallback) == chosen
    assert choose_directory(reachable / "closed" / "other", account, fallback) != chosen
    assert choose_directory(reachable / "open", account, fallback) == reachable / "open"


@needs_root
def test_everything_in_a_directory_is_given(account: Account, reachable: Path) -> None:
    (reachable / "inner").mkdir()
    (reachable / "inner" / "file").touch()
    give(reachable, account)
    owners = {path.stat().st_uid for path in (reachable, *reachable.rglob("*"))}
    assert owners == {account.user_id}
