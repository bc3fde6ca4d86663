from __future__ import annotations

from dataclasses import replace

import pytest

from deploy.baselines.view import beyond_of, view_of
from deploy.cli.sections import columns, show_beyond, show_view
from schemas.baseline import Profile
from tests.deploy.baselines.lab import APP, NOON, Shop, first


def shop() -> Shop:
    return Shop().start().run("/usr/bin/gzip", "--test", "a", times=5).open("/srv/a").use("memory", 97)


def test_a_person_sees_state_tree_evidence_and_what_is_rare_and_late(capsys: pytest.CaptureFixture[str]) -> None:
    attacked = shop().wait(3_000).run("/usr/bin/id").run("/usr/bin/nc")
    show_view(view_of(attacked.standing(), "2026-06-01T10:30:00.000000000Z"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"principal  {APP}"
    assert "state      learning: first met" in lines
    assert "lacks      0.5 of 1 hours" in lines
    assert "forbidden  1 kinds of activity, by a policy or a sensor: never learned" in lines
    assert "look at    2 elements that are rare and late, as those of an attack would be" in lines
    assert lines[lines.index("exec  programs") + 1 :][:3] == [
        "  /usr/bin",
        "  ├── /gzip       5x  2026-06-01 10:00  shop:0000:000000000003",
        "  └── /id         1x  2026-06-01 10:50  rare  late  shop:0000:000000003010",
    ]
    assert "egress  connections to others  none: nothing of the kind was done" in lines
    assert "dns  names asked for  not observable: no sensor here tells of it" in lines
    assert "resource  what it uses  left out by policy shop: seen, but decides nothing" in lines


def test_a_version_in_force_stands_with_what_is_beyond_it_and_what_was_taken_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    learning = shop()
    profile = replace(first(learning.standing()), never={"exec": (("/usr/bin/wget",),)})
    standing = learning.roll_out("sha256:2222").run("/usr/bin/curl").standing(profile)
    show_view(view_of(standing, NOON))
    text = capsys.readouterr().out
    assert "approved   2026-06-01 12:00 by alice: looked at\n" in text
    assert "beyond it  2 elements: `tidewaiter baseline diff` shows them\n" in text
    assert "\nnever  taken out by a person for good\n  exec /usr/bin/wget\n" in text
    assert standing.baseline is not None
    show_beyond(standing.baseline, beyond_of(standing))
    text = capsys.readouterr().out
    assert text.startswith(f"{APP}  2 beyond v1, new release sha256:2222\n")
    assert "  /usr/bin/curl       1x  2026-06-01 10:00  shop:0000:000000000012  nearest: /usr/bin/gzip\n" in text


def test_nobody_paints_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    evil = "/srv/\x1b[2J[bold]x\n"
    profile = Profile("container:/shop/\x1b]0;app", "learning", "\x1b[31m", "2026-06-01T10:00:00Z")
    show_view(view_of(replace(shop().run(evil).standing(), profile=profile), NOON))
    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert r"/srv/\x1b[2J[bold]x\n" in text


def test_columns_stand_below_each_other_and_the_last_is_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    columns([["a", "b", "c"], ["long", "", "x" * 200]])
    assert capsys.readouterr().out.splitlines() == ["a     b  c", f"long     {'x' * 200}"]
