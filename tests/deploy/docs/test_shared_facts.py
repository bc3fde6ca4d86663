"""The page of shared facts: its examples are judged as it says, and its table names what there is."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import deploy
from deploy.policies import DEFAULT_POLICIES
from deploy.trial import judge_records
from producers.formats import FORMATS
from producers.types import FormatOptions
from schemas.codec import Event
from schemas.policyset import Document, PolicySet, load_policies, parse_policies
from schemas.shared import SHARED, SUBJECTS
from tests.producers.formats.reading import events_of

TEXT = (Path(deploy.__file__).parent / "docs" / "shared-facts.md").read_text()
ENTERED, OVERDUE = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
(POLICY,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
TODAY = date(2026, 1, 2)


def judged(example: str, policies: PolicySet) -> list[Event]:
    events = events_of(FORMATS["kubernetes-audit"](FormatOptions(cluster="prod")), *example.encode().splitlines())
    return list(judge_records(list(enumerate(events, 1)), policies))


def test_who_enters_what_is_judged_as_the_page_says() -> None:
    said = re.findall(r"^\| \d \| `(\S+)` \| (\w+) \| `(\S+)` \|$", TEXT, re.MULTILINE)
    found = judged(ENTERED, load_policies([DEFAULT_POLICIES], TODAY))
    assert [(row["entity.id"], row["verdict.outcome"], row["verdict.clause"]) for row in found] == said
    assert len(said) == 3


def test_the_secret_is_overdue_when_the_page_says() -> None:
    found = judged(OVERDUE, parse_policies([Document("x.yaml", POLICY)], TODAY))
    denied = [row for row in found if row["verdict.outcome"] == "unauthorized"]
    assert [(row["entity.id"], row["verdict.clause"]) for row in denied] == [
        ("secret:prod/shop/payment", "secrets.max_age_days")
    ]
    assert denied[0]["@timestamp"].startswith("2026-04-02T10:00:00")


def test_every_kind_of_subject_and_every_fact_is_named() -> None:
    table = TEXT.partition("| subject |")[2].partition("\n\n")[0]
    assert set(SUBJECTS) <= {name.partition(":")[0] + ":" for name in re.findall(r"`(\w+:)", table)}
    for name in SHARED:
        start = name.rpartition(".scan." if ".scan." in name else ".")[0]
        assert f".{'scan.*' if '.scan.' in name else name.removeprefix(start + '.')}" in table
