from __future__ import annotations

import pytest

from deploy.baselines.principals import find_principal, matching
from schemas.errors import ConfigurationError

KNOWN = (
    "container:/shop/app/app",
    "container:/shop/app-canary/app",
    "container:prod/shop/web/web",
    "host:app",
    "user:/a",
)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("host:app", ["host:app"]),
        ("user:/a", ["user:/a"]),
        ("shop/app", ["container:/shop/app/app"]),
        ("web", ["container:prod/shop/web/web"]),
        ("canary", ["container:/shop/app-canary/app"]),
        ("app", ["container:/shop/app-canary/app", "container:/shop/app/app", "host:app"]),
        (".*", []),
    ],
)
def test_a_whole_name_comes_before_segments_and_these_before_any_part(asked: str, found: list[str]) -> None:
    assert matching(KNOWN, asked) == found


def test_one_that_could_be_several_is_listed_not_guessed() -> None:
    with pytest.raises(
        ConfigurationError, match=r"'app' may be one of 3 principals; name more of it:\n  container:/shop/app-"
    ) as told:
        find_principal(KNOWN, "app")
    assert "web" not in str(told.value)


def test_many_are_cut() -> None:
    with pytest.raises(ConfigurationError, match=r"30 principals.*(\n.*){20}\n  … and 10 more"):
        find_principal([f"host:node-{number}" for number in range(30)], "node")


def test_what_nobody_is_named_like_says_where_to_look() -> None:
    with pytest.raises(ConfigurationError, match="baseline list"):
        find_principal(KNOWN, "nobody")
    with pytest.raises(ConfigurationError, match="tidewaiter correlate"):
        find_principal([], "nobody")
