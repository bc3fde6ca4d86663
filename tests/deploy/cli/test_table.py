from __future__ import annotations

import pytest

from deploy.cli.table import VerdictTable, describe

HOSTILE = "/srv/\x1b[2J\nauthorized"


def test_what_an_event_did_is_told_in_a_few_words() -> None:
    assert describe({"event.action": "exec", "process.executable": "/bin/sh"}) == "exec /bin/sh"
    assert describe({"event.action": "connect", "destination.ip": "10.0.0.1", "destination.port": 5}) == (
        "connect 10.0.0.1:5"
    )


def test_a_name_that_commands_a_terminal_is_shown_as_it_is_spelled(capsys: pytest.CaptureFixture[str]) -> None:
    row = {
        "input.line": 1,
        "entity.id": HOSTILE,
        "event.action": "open",
        "file.path": HOSTILE,
        "verdict.outcome": "unauthorized",
        "verdict.reason": f"opens {HOSTILE}",
    }
    table = VerdictTable()
    table.add(row)
    table.add({"input.line": 2, "error": HOSTILE})
    told = capsys.readouterr().out
    assert "\x1b" not in told
    assert told.count("/srv/\\x1b[2J\\nauthorized") == 4
    assert len(told.splitlines()) == 3
