from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

import pytest

from producers.origins.spooled import SPOOL_LOST, Keep
from producers.spool import Entry
from producers.types import Gap, Record
from schemas.errors import ConfigurationError
from tests.producers.origins.feeding import fed, to_the_end


class ListFeeder:
    """Feeds a list, then ends, or fails."""

    def __init__(self, texts: Sequence[bytes], failure: Exception | None = None) -> None:
        self.texts = texts
        self.failure = failure
        self.stopped = 0

    def start(self, keep: Keep) -> Future[None]:
        if self.texts:
            keep([Entry(text, "list") for text in self.texts]).result()
        done: Future[None] = Future()
        if self.failure is None:
            done.set_result(None)
        else:
            done.set_exception(self.failure)
        return done

    def stop(self) -> None:
        self.stopped += 1


def test_records_come_from_the_spool_and_then_the_end(tmp_path: Path) -> None:
    feeder = ListFeeder([b"a", b"b"])
    with fed(tmp_path / "s", feeder) as origin:
        items = to_the_end(origin)
    assert [item.data for item in items if isinstance(item, Record)] == [b"a", b"b"]
    assert feeder.stopped == 1


def test_what_was_read_but_not_committed_comes_again_and_nothing_else(tmp_path: Path) -> None:
    with fed(tmp_path / "s", ListFeeder([b"a", b"b", b"c"])) as origin:
        first = to_the_end(origin)[0]
        assert first.position is not None
        origin.acknowledge(first.position)
    with fed(tmp_path / "s", ListFeeder([b"d"]), first.position) as origin:
        assert [item.data for item in to_the_end(origin) if isinstance(item, Record)] == [b"b", b"c", b"d"]


def test_rows_that_were_committed_but_not_deleted_do_not_come_again(tmp_path: Path) -> None:
    with fed(tmp_path / "s", ListFeeder([b"a", b"b"])) as origin:
        last = to_the_end(origin)[-1]
    with fed(tmp_path / "s", ListFeeder([b"c"]), last.position) as origin:
        assert [item.data for item in to_the_end(origin) if isinstance(item, Record)] == [b"c"]


@pytest.mark.parametrize("damage", ["removed", "broken"])
def test_a_lost_spool_is_a_gap_and_none_of_its_new_rows_are_skipped(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "s"
    with fed(path, ListFeeder([b"a", b"b"])) as origin:
        last = to_the_end(origin)[-1]
    path.unlink() if damage == "removed" else path.write_bytes(b"rubbish" * 1000)
    with fed(path, ListFeeder([b"c"]), last.position) as origin:
        gap, record = to_the_end(origin)
    assert isinstance(gap, Gap)
    assert (gap.cause, gap.first) == (SPOOL_LOST, "row 3")
    assert isinstance(record, Record)
    assert record.data == b"c"
    with fed(path, ListFeeder([]), gap.position) as origin:
        assert to_the_end(origin) == [record]


def test_a_feeder_that_fails_stops_the_collector_after_what_was_kept(tmp_path: Path) -> None:
    with fed(tmp_path / "s", ListFeeder([b"a"], OSError("torn"))) as origin:
        assert len(origin.read(10, 0)) == 1
        with pytest.raises(OSError, match="torn"):
            origin.read(10, 0)


def test_records_are_enriched_before_they_are_kept(tmp_path: Path) -> None:
    def enrich(record: Record) -> Record:
        return Record(record.data + b" of shop", record.place, record.position)

    with fed(tmp_path / "s", ListFeeder([b"a"]), enrich=enrich):
        pass
    with fed(tmp_path / "s", ListFeeder([])) as origin:
        assert [item.data for item in to_the_end(origin) if isinstance(item, Record)] == [b"a of shop"]


def test_a_position_of_another_source_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigurationError, match="own collector id"),
        fed(tmp_path / "s", ListFeeder([]), {"inode": 7}),
    ):
        pass
