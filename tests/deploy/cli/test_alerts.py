"""The commands of alerts on a real Kafka, with shards in this process instead of ``correlate``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deploy.kafka import publish
from schemas.errors import ConfigurationError
from tests.deploy.cli.lab import Estate, estate_of
from tests.deploy.inventory.lab import APP, NEW, OLD, ran, request, scan
from tests.streams.alerts.rows import DB, EXCEPTED, HOUR, WEB, at, denied, deviates, row

pytestmark = pytest.mark.services

SHADOW = row(count=3)
FOUND = [f"critical fixable CVE-{number} musl" for number in (1, 2, 3, 4)]
SHELL = row("sh", deviates(), first=5)
EXCEPTION = row("x", EXCEPTED, principal=DB, count=7)


@pytest.fixture
def estate(kafka: str, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Estate:
    monkeypatch.setenv("TIDEWAITER_STATE_DIRECTORY", str(tmp_path / "state"))
    return estate_of(kafka, prefix, tmp_path, monkeypatch)


def ask(estate: Estate, *arguments: str) -> Any:
    return estate.ask(*arguments, about="alerts")


def text(estate: Estate, *arguments: str) -> str:
    return estate.run(*arguments, about="alerts").stdout


def failure(estate: Estate, *arguments: str) -> BaseException | None:
    return estate.run(*arguments, about="alerts").exception


def test_a_person_looks_at_alerts_and_decides(estate: Estate) -> None:
    estate.see([SHADOW, SHELL, EXCEPTION])
    (listed,) = ask(estate, "list")
    assert [(one["principal"], one["title"], one["count"]) for one in listed] == [
        (WEB, "policy files: files.shadow", 3),
        (WEB, "new exec", 1),
    ]
    first = listed[0]["id"]
    assert f"{first[:8]}  60     high    open   3 " in text(estate, "list")

    (story,) = ask(estate, "list", "--incidents")
    assert (story["number"], [one["reason"] for one in story["chain"]]) == (
        1,
        ["which policy files denies (files.shadow)", "runs /bin/sh, which it never did here"],
    )
    assert text(estate, "show", "1").startswith("INCIDENT 1, high  lab/shop/web/web  2 alerts")
    (shown,) = ask(estate, "show", first[:6])
    assert (shown["id"], shown["incident"]["id"]) == (first, first)
    told = text(estate, "show", first[:6])
    assert "score       60 = +50 (its level is high) +10 (it happened 3 times" in told
    assert "INCIDENT 1" in told

    with estate.correlating():
        (answer,) = ask(estate, "ack", first, "--reason", "I look at it")
        assert (answer["outcome"], answer["state"]) == ("carried out", "acknowledged")
        assert "closed" in text(estate, "close", first, "--reason", "a test of ours")
        again = estate.run("close", first, "--reason", "again", about="alerts")
        assert again.exit_code == 1
        assert "refused: the alert is closed already" in again.stdout
    assert [one["title"] for one in ask(estate, "list")[0]] == ["new exec"]
    (closed,) = ask(estate, "list", "--state", "closed")[0]
    assert [(step["action"], step["author"]) for step in closed["steps"]] == [
        ("open", "tidewaiter"),
        ("acknowledge", "alice"),
        ("close", "alice"),
    ]


def test_what_is_set_aside_and_what_is_noisy_can_be_asked_for(estate: Estate) -> None:
    estate.see([SHADOW, SHELL, EXCEPTION])
    (suppressed,) = ask(estate, "list", "--suppressed")[0]
    assert (suppressed["principal"], suppressed["count"], suppressed["state"]) == (DB, 7, "suppressed")
    noisy = ask(estate, "list", "--noisy")
    assert [(one["cause"]["kind"], one["count"]) for one in noisy] == [("policy", 3), ("baseline", 1)]
    assert "clause: 'files: files.shadow'" in noisy[0]["exception"]
    told = text(estate, "list", "--noisy")
    assert "owner: alice" in told
    assert f"tidewaiter baseline diff '{WEB}'" in told


def test_an_alert_tells_what_mended_it_who_did_it_and_how_long_that_took(estate: Estate) -> None:
    tag: dict[str, Any] = {"container__image__tag": ["2"]}
    place = {"orchestrator__namespace": "shop", "orchestrator__resource__name": "app"}
    asked = request(
        "ada",
        "patch",
        "deployments",
        first=at(5 * HOUR),
        **place,
        container__settings__images=["registry.example/app:2"],
    )
    for topic, key, told in (scan(OLD, vulnerabilities=FOUND), scan(NEW)):
        publish(estate.kafka, topic, key.decode(), told or b"")
    started: dict[str, Any] = {"event.action": "container-start", "container.image.id": OLD}
    vulnerable = row("start", denied("images.vulnerabilities"), principal=APP, **started)
    estate.see(
        [vulnerable, *((key, value) for _, key, value in (asked, ran(NEW, "/bin/app", first=at(6 * HOUR), **tag)))]
    )
    (alert,) = ask(estate, "list")[0]
    (shown,) = ask(estate, "show", alert["id"])
    (fix,) = shown["remediations"]
    assert (fix["before"], fix["after"], fix["by"], fix["hours"]) == (OLD, NEW, "user:prod/ada", 6.0)
    said = text(estate, "show", alert["id"])
    assert "after 6.0 hours, asked for by user:prod/ada: vulnerabilities: critical fixable CVE-1 musl, " in said
    assert "and 1 more" in said


CHOSEN = [
    (["--level", "high"], 1),
    (["--principal", "shop/web"], 2),
    (["--principal", "nobody"], 0),
    (["--since", "2025-11-24T16:00:04Z"], 1),
    (["--until", "2025-11-24T16:00:04Z"], 1),
    (["--state", "all"], 3),
]
REFUSED = [
    (["show", "ffff"], "there is no alert 'ffff'"),
    (["list", "--state", "asleep"], "there is no state 'asleep'"),
    (["list", "--level", "huge"], "there is no level 'huge'"),
    (["list", "--since", "yesterday"], "is no time"),
    (["ack", "ffff", "--reason", " "], "a decision needs a reason"),
]


def test_alerts_are_chosen_by_what_they_are(estate: Estate) -> None:
    estate.see([SHADOW, SHELL, EXCEPTION])
    found = [len(ask(estate, "list", *options)[0]) for options, _ in CHOSEN]
    assert found == [count for _, count in CHOSEN]


def test_what_cannot_be_asked_is_refused_and_nobody_may_answer(estate: Estate) -> None:
    estate.see([SHADOW])
    for arguments, complaint in REFUSED:
        error = failure(estate, *arguments)
        assert isinstance(error, ConfigurationError)
        assert complaint in str(error)
    result = estate.run("ack", ask(estate, "list")[0][0]["id"], "--reason", "so", "--wait", "0", about="alerts")
    assert result.exit_code == 3
    assert "not carried out yet" in result.stdout
