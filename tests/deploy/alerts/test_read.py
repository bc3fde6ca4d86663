from __future__ import annotations

import pytest

from deploy.alerts.read import alert_named
from schemas.alert import Alert, Cause
from schemas.errors import ConfigurationError

ALERTS = [Alert(name, "p", Cause("rule", name), "open") for name in ("abc1", "abd2", "ffff")]


def test_an_alert_is_named_by_how_its_id_begins() -> None:
    assert alert_named(ALERTS, "F").id == "ffff"
    assert alert_named(ALERTS, "abc").id == "abc1"


@pytest.mark.parametrize(
    ("name", "complaint"), [("ab", "write more of the id, such as abc1"), ("e", "there is no alert")]
)
def test_a_beginning_of_several_or_none_is_refused(name: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        alert_named(ALERTS, name)


def test_an_empty_name_is_that_of_no_alert_even_if_there_is_but_one() -> None:
    with pytest.raises(ConfigurationError, match="there is no alert"):
        alert_named(ALERTS[:1], "")
