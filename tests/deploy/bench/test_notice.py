from __future__ import annotations

from deploy.bench.notice import line_of
from producers.formats import FORMATS
from producers.normalise import Normaliser
from producers.types import FormatOptions, Record
from schemas.errors import Invalid

NOW = 1_764_000_000_000_000_000


def test_each_line_is_a_grave_finding_about_a_workload_of_its_own() -> None:
    records = [Record(line_of(number, NOW), "", {}, number) for number in (1, 2)]
    found = [one for _, one in Normaliser(FORMATS["falco"](FormatOptions(cluster="bench", host="node-0"))).run(records)]
    assert not any(isinstance(one, Invalid) for one in found)
    events = [one for one in found if not isinstance(one, Invalid)]
    assert {one["rule.level"] for one in events if "rule.level" in one} == {"critical"}
    assert {one["workload.name"] for one in events if "workload.name" in one} == {"web-1", "web-2"}
    assert len({one["entity.id"] for one in events}) == 2
