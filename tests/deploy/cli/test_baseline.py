"""The commands of baselines on a real Kafka, with shards in this process instead of ``correlate``."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.baseline import DIMENSIONS
from schemas.errors import ConfigurationError
from schemas.policyset import PolicySet
from tests.deploy.baselines.lab import APP, Shop
from tests.deploy.cli.lab import Estate, estate_of

pytestmark = pytest.mark.services

WEB = "container:/shop/web/web"


@pytest.fixture
def estate(kafka: str, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Estate:
    return estate_of(kafka, prefix, tmp_path, monkeypatch)


def busy(workload: str = "app") -> Shop:
    return Shop(workload=workload).start().run("/usr/bin/gzip", "--test", "a", times=5).open("/srv/a", "read")


def test_a_person_looks_approves_looks_again_and_forbids(estate: Estate) -> None:
    shop = busy()
    estate.see(shop.rows())
    (listed,) = estate.ask("list")[0]
    assert (listed["principal"], listed["state"], listed["version"], listed["difference"]) == (APP, "learning", None, 0)

    (shown,) = estate.ask("show", "shop/app")
    assert shown["candidate"]
    assert list(shown["dimensions"]) == list(DIMENSIONS)
    assert [one["element"] for one in shown["dimensions"]["exec"]["elements"]] == [["/usr/bin/gzip"]]
    text = estate.run("show", "shop/app").stdout
    assert "\nexec  programs\n  /usr/bin/gzip       5x  2026-06-01 10:00  shop:0000:000000000003\n" in text
    assert "\ndns  names asked for  not observable" in text

    assert [one["outcome"] for one in estate.ask("approve", "shop/app", "--reason", "seen", "--dry-run")] == ["dry run"]
    with estate.correlating():
        (approved,) = estate.ask("approve", "shop/app", "--reason", "a normal day")
        assert (approved["outcome"], approved["state"], approved["version"]) == ("carried out", "active", 1)
        (shown,) = estate.ask("show", "app")
        assert (shown["candidate"], shown["baseline"]["hash"]) == (False, approved["hash"])
        assert (shown["baseline"]["author"], shown["baseline"]["reason"]) == ("alice", "a normal day")
        assert estate.run("diff", "app").exit_code == 0

        estate.see(shop.roll_out("sha256:2222").run("/usr/bin/curl", "-s").run("/usr/bin/wget").rows())
        assert [one["state"] for one in estate.ask("list", "--state", "changed")[0]] == ["changed"]
        assert estate.run("diff", "app").exit_code == 1
        assert estate.run("diff", "app", "--release", "2222").exit_code == 1
        (difference,) = estate.ask("diff", "app")[0]["difference"]
        assert difference["release"] == "sha256:2222"
        assert [one["element"] for one in difference["elements"]["exec"]] == [["/usr/bin/curl"], ["/usr/bin/wget"]]
        assert difference["elements"]["exec"][0]["nearest"] == ["/usr/bin/gzip"]

        (forbidden,) = estate.ask("forbid", "app", "args", "--reason", "no", "--", "/usr/bin/curl", "-s")
        assert (forbidden["outcome"], forbidden["version"]) == ("carried out", 2)
        result = estate.run("forbid", "app", "exec", "/usr/bin/wget", "--reason", "nobody needs it")
        assert "never exec /usr/bin/wget" in result.stdout
        (approved,) = estate.ask("approve", "--all", "--reason", "release 2222")
        assert (approved["version"], approved["added"], approved["outcome"]) == (4, 2, "carried out")
        (shown,) = estate.ask("show", "app")
        assert shown["never"] == {"exec": [["/usr/bin/wget"]], "args": [["/usr/bin/curl", "-s"]]}
        assert [one["element"] for one in shown["dimensions"]["exec"]["elements"]] == [
            ["/usr/bin/curl"],
            ["/usr/bin/gzip"],
        ]


def test_a_difference_is_rejected_and_a_principal_learns_anew(estate: Estate) -> None:
    shop = busy()
    estate.see(shop.rows())
    with estate.correlating():
        estate.ask("approve", "app", "--reason", "a normal day")
        estate.see(shop.run("/usr/bin/curl").rows())
        (rejected,) = estate.ask("reject", "app", "--reason", "an attack")
        assert (rejected["outcome"], rejected["version"], rejected["added"]) == ("carried out", 2, 0)
        assert estate.run("diff", "app").exit_code == 0
        assert "nothing to decide" in estate.run("reject", "app", "--reason", "an attack").stderr
        (learns,) = estate.ask("learn", "app", "--reason", "rebuilt")
        assert (learns["state"], learns["version"], learns["hash"]) == ("learning", None, None)
        assert isinstance(estate.run("diff", "app").exception, ConfigurationError)


def test_documents_go_out_and_come_back_edited_too(estate: Estate, tmp_path: Path) -> None:
    estate.see(busy().rows())
    file = tmp_path / "app.yaml"
    assert "no version in force" in str(estate.run("export", "app").exception)
    assert estate.run("export", "app", "--candidate").stdout.startswith(f"principal: {APP}\nversion: 1\n")
    with estate.correlating():
        (approved,) = estate.ask("approve", "app", "--reason", "a normal day")
        assert estate.run("export", "app", "--out", str(file)).exit_code == 0
        assert f"hash: {approved['hash']}\n" in file.read_text()
        assert "in force already" in estate.run("import", str(file), "--reason", "the same").stderr
        file.write_text(file.read_text().replace("[/usr/bin/gzip]", "[/usr/bin/gzip]\n    - [/usr/bin/xz]"))
        result = estate.run("import", str(file), "--reason", "xz comes with the next release")
        assert "was edited" in result.stderr
        assert "+ exec /usr/bin/xz" in result.stdout
        assert "active, v2, hash" in result.stdout
    assert "FROM" not in estate.run("export", "app", "--as", "docker", "--image", "registry.example/shop/app:2").stdout
    assert "kind: NetworkPolicy" in estate.run("export", "app", "--as", "networkpolicy", "--label", "tier=back").stdout


def test_many_are_approved_at_one_stroke(estate: Estate) -> None:
    estate.see([*busy().rows(), *busy("web").rows()])
    with estate.correlating():
        outcomes = estate.ask("approve", "--all", "--state", "learning", "--reason", "a normal day")
    assert [(one["principal"], one["version"]) for one in outcomes] == [(APP, 1), (WEB, 1)]


def test_without_correlate_it_says_so(estate: Estate) -> None:
    estate.see(busy().rows())
    result = estate.run("approve", "app", "--reason", "a normal day", "--wait", "0.5")
    assert result.exit_code == 3
    assert "`tidewaiter correlate` does not run" in result.stdout


def test_what_correlate_refuses_is_told_with_its_reason(estate: Estate) -> None:
    estate.see(busy().rows())
    for shard in estate.shards:
        shard.adopt(PolicySet.empty())
    with estate.correlating():
        result = estate.run("approve", "app", "--reason", "a normal day")
    assert result.exit_code == 1
    assert "refused: alice is not enrolled" in result.stdout


def test_who_is_not_enrolled_decides_nothing(estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    estate.see(busy().rows())
    monkeypatch.setenv("TIDEWAITER_OPERATOR__NAME", "bob")
    assert "bob is not enrolled" in str(estate.run("approve", "app", "--reason", "a normal day").exception)
    monkeypatch.delenv("TIDEWAITER_OPERATOR__NAME")
    assert "keys new NAME" in str(estate.run("approve", "app", "--reason", "a normal day").exception)
    assert estate.run("approve", "app", "--reason", "a normal day", "--dry-run").exit_code == 0


def test_what_cannot_be_meant_says_what_can(estate: Estate) -> None:
    estate.see([*busy().rows(), *busy("web").rows()])
    told = {message: str(estate.run(*arguments).exception) for message, arguments in WRONG.items()}
    assert [message for message, text in told.items() if message not in text] == []


WRONG = {
    "name principals, or --all": ("approve", "--reason", "x"),
    "name principals, or --all, with": ("approve", "app", "--all", "--reason", "x"),
    "or --all, with or without --state": ("approve", "app", "--state", "learning", "--reason", "x"),
    "no state 'old'; choose one of learning": ("approve", "--all", "--state", "old", "--reason", "x"),
    "needs a reason": ("approve", "app", "--reason", " "),
    "no principal is named like 'nobody'": ("approve", "nobody", "--reason", "x"),
    "may be one of 2 principals": ("show", "shop"),
    "no export 'word'; choose one of yaml": ("export", "app", "--as", "word"),
    "write KEY=VALUE": ("export", "app", "--label", "x"),
    "write NAMESPACE/NAME:KEY=VALUE": ("export", "app", "--peer", "x=y"),
    "none.yaml": ("import", "none.yaml", "--reason", "x"),
    "no state 'new'": ("list", "--state", "new"),
}
