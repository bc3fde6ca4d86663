from __future__ import annotations

from datetime import UTC, date, datetime

from schemas.day import decode_day
from schemas.policyset import Document, PolicySet, parse_policies
from streams.correlate.expiry import ExpiryShard

TEXT = """
policy: p
settings: {privileged: deny}
exceptions:
  - {clause: settings.privileged, principal: "*", reason: r, owner: o, expires: 2026-05-31}
  - {rule: a, principal: "*", reason: r, owner: o, expires: 2026-06-30}
  - {rule: b, principal: "*", reason: r, owner: o, expires: never}
"""


def policies(day: date = date(2026, 5, 1)) -> PolicySet:
    return parse_policies([Document("p.yaml", TEXT)], day)


def at(year: int, month: int, day: int, hour: int = 0) -> int:
    return round(datetime(year, month, day, hour, tzinfo=UTC).timestamp() * 1000)


def test_the_day_behind_the_last_one_of_an_exception_is_written_once() -> None:
    shard = ExpiryShard(0, policies())
    assert shard.tick(at(2026, 5, 31, 23)) == []
    ((topic, key, value),) = shard.tick(at(2026, 6, 1))
    assert (topic, key, decode_day(value)) == ("policies", b"day", date(2026, 6, 1))
    assert shard.tick(at(2026, 6, 1, 5)) == []
    shard.adopt(policies().on(date(2026, 6, 1)))
    assert shard.tick(at(2026, 6, 2)) == []
    assert [decode_day(value) for _, _, value in shard.tick(at(2026, 7, 3))] == [date(2026, 7, 3)]
    shard.adopt(policies().on(date(2026, 7, 3)))
    assert shard.tick(at(2030, 1, 1)) == []


def test_a_day_that_no_one_took_is_written_again_the_next_day_and_by_a_new_worker() -> None:
    shard = ExpiryShard(0, policies())
    assert len(shard.tick(at(2026, 6, 1))) == 1
    assert len(shard.tick(at(2026, 6, 2))) == 1
    assert len(ExpiryShard(0, policies()).tick(at(2026, 6, 2))) == 1


def test_one_worker_writes_and_only_where_something_expires() -> None:
    assert ExpiryShard(1, policies()).tick(at(2030, 1, 1)) == []
    assert ExpiryShard(0, PolicySet.empty()).tick(at(2030, 1, 1)) == []
