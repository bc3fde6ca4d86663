from __future__ import annotations

import pytest

from deploy.cli.alert_table import show_alert, show_incident
from streams.alerts.incidents import incidents_of
from tests.streams.alerts.rows import EXCEPTED, HOUR, Lab, denied, row


def test_a_story_of_one_day_is_told_by_the_time_of_day(capsys: pytest.CaptureFixture[str]) -> None:
    lab = Lab()
    lab.take(row("a"), row("b", denied("files.b"), first=60))
    (story,) = incidents_of(lab.alerts, {})
    show_incident(story, 1)
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]] == ["16:00:00", "16:01:00"]


def test_what_an_alert_of_a_story_was_about_on_an_earlier_day_bears_its_date(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lab = Lab()
    lab.take(row("a"))
    lab.take(row("a", count=2, last=240 * HOUR), row("b", denied("files.b"), first=240 * HOUR), wait_seconds=20)
    (story,) = incidents_of(lab.alerts, {})
    show_incident(story, 1)
    lines = capsys.readouterr().out.splitlines()
    assert "2025-12-04 16:00 to 2025-12-04 16:00" in lines[0]
    assert [line.split()[0] for line in lines[1:]] == ["2025-11-24", "2025-12-04"]


def test_what_an_exception_had_set_aside_was_never_unauthorized(capsys: pytest.CaptureFixture[str]) -> None:
    lab = Lab()
    lab.take(row(verdict=EXCEPTED))
    lab.wait(100 * HOUR)
    assert lab.alert.state == "closed"
    show_alert(lab.alert, {})
    assert "Tidewaiter: authorized by exception" in capsys.readouterr().out
