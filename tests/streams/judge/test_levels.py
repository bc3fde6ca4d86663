"""How things stand at the end of each hour: what runs, what of it should not, and what is covered."""

from __future__ import annotations

from typing import Any, Final

import pytest

from schemas.codec import Event
from schemas.kpi import KpiRecord
from schemas.shared import SharedRecord
from streams.judge import levels
from streams.judge.contents import Contents
from streams.judge.levels import Levels
from tests.schemas.test_shared import VULNERABILITIES, said
from tests.streams.judge.lab import HEARTBEAT, SECOND, START, Lab, at, does, envelope, facts, message
from tests.streams.judge.sharing import CONFIGURATION, DB, OTHER, TOKEN, WEB, Sharing, image_facts
from tests.streams.judge.test_baselines import KNOWN, profile_of

HOUR: Final = 3600
EDGE: Final = HOUR - START // SECOND % HOUR
END: Final = does("", **{"event.action": "container-destroy"})


def level_at(lab: Lab, hours: int) -> KpiRecord | None:
    """Return what was noted of an hour, by how many hours it lies behind the first."""
    records = [KpiRecord.decode(key, value or b"") for key, value in lab.kpi.items()]
    found = [one for one in records if one.kind == "levels" and one.hour == at(hours * HOUR)[:13]]
    return found[0] if found else None


def figures_at(lab: Lab, hours: int) -> dict[str, int]:
    found = level_at(lab, hours)
    assert found is not None
    return {
        name: number
        for name, number in found.figures.items()
        if not name.startswith(("principals", "secrets", "registered"))
    }


def say(lab: Lab, place: int, entity: str, seconds: float, fields: Event, **options: Any) -> None:
    lab.judge([message(place, envelope(place, entity, seconds=seconds) | fields, **options)])


def test_containers_count_from_their_facts_to_their_end() -> None:
    lab, root = Lab(), {"container.settings.root": True}
    say(lab, 0, WEB, 0, facts("web", **root))
    say(lab, 1, DB, 1, facts("db", **{"container.settings.privileged": True, "container.settings.root": False}))
    say(lab, 2, "cccccccccccc", 2, does("/bin/sh"))  # of which nothing is known
    say(lab, 3, WEB, EDGE, END)
    assert figures_at(lab, 0) == {
        "containers": 2,
        "containers|privileged": 1,
        "containers|root": 1,
        "containers|unregistered": 2,
        "containers|unscanned": 2,
    }
    say(lab, 4, "host:node-1", EDGE + HOUR, HEARTBEAT)
    assert figures_at(lab, 1)["containers"] == 1
    assert figures_at(lab, 1).get("containers|root", 0) == 0


def test_an_hour_stands_as_it_was_at_its_end_however_batches_fall() -> None:
    batched, single = Lab(), Lab()
    said = [
        (WEB, 0, facts("web")),
        (DB, EDGE - 1, facts("db")),
        (WEB, EDGE, END),
        (DB, EDGE + 1, does("/bin/sh")),
        (DB, EDGE + HOUR, does("/bin/sh")),
    ]
    messages = [
        message(place, envelope(place, entity, seconds=seconds) | fields)
        for place, (entity, seconds, fields) in enumerate(said)
    ]
    batched.judge(messages)
    for one in messages:
        single.judge([one], flush=True)
    for hours in (0, 1):
        assert figures_at(batched, hours) == figures_at(single, hours)
    assert [figures_at(batched, hours)["containers"] for hours in (0, 1)] == [2, 1]


def test_a_clock_that_runs_ahead_ends_no_hour() -> None:
    lab = Lab()
    say(lab, 0, WEB, 0, facts("web"), appended=START)
    say(lab, 1, WEB, 9 * HOUR, does("/bin/sh"), appended=START + SECOND)
    assert level_at(lab, 0) is None
    say(lab, 2, WEB, EDGE, does("/bin/sh"), appended=START + EDGE * SECOND)
    assert figures_at(lab, 0)["containers"] == 1


@pytest.mark.parametrize("ahead", [-0.1, 0.1], ids=["within a batch", "by a clock a little ahead"])
def test_an_hour_that_is_turned_amid_a_batch_is_an_hour_of_its_own(ahead: float) -> None:
    lab = Lab()
    say(lab, 0, WEB, 0, facts("web"), appended=START)
    turning = [(WEB, EDGE - 1, does("/bin/sh"), EDGE - 0.5), (DB, EDGE + 0.01, facts("db"), EDGE + 0.01 - ahead)]
    lab.judge(
        [
            message(place, envelope(place, entity, seconds=seconds) | fields, appended=START + round(appended * SECOND))
            for place, (entity, seconds, fields, appended) in enumerate(turning, start=1)
        ]
    )
    say(lab, 3, DB, EDGE + 1, does("/bin/sh"), appended=START + (EDGE + 1) * SECOND)
    lab.commit(flush=True)
    say(
        lab,
        4,
        DB,
        EDGE + 2,
        facts("db", **{"container.settings.privileged": True}),
        appended=START + (EDGE + 2) * SECOND,
    )
    lab.commit(flush=True)
    assert "containers|privileged" not in figures_at(lab, 0)
    assert figures_at(lab, 1)["containers|privileged"] == 1


def test_a_flush_notes_the_hour_that_goes_on_and_says_nothing_twice() -> None:
    lab = Lab()
    say(lab, 0, WEB, 0, facts("web"))
    assert level_at(lab, 0) is None
    lab.commit(flush=True)
    assert figures_at(lab, 0)["containers"] == 1
    lab.kpi.clear()
    lab.commit(flush=True)
    assert level_at(lab, 0) is None
    say(lab, 1, DB, 1, facts("db"))
    lab.restart()
    lab.commit(flush=True)
    assert figures_at(lab, 0)["containers"] == 2


def test_images_are_named_and_counted_by_what_registries_and_scanners_say() -> None:
    lab = Sharing()
    lab.judge([lab.says(WEB, image_facts()), lab.says(DB, image_facts(OTHER, workload="db"))])
    lab.judge([lab.says("cccccccccccc", image_facts())])
    registered = {"container.image.registries": ["registry.example/web"], "container.image.scan.outcome": "success"}
    lab.put(said({VULNERABILITIES: ["high unfixed CVE-1 musl"], **registered}, subject=f"image:{CONFIGURATION}"))
    lab.commit(flush=True)
    found = level_at(lab, 0)
    assert found is not None
    assert found.figures["containers|vulnerable"] == 2
    assert found.figures["registered"] == 1
    assert found.figures["containers|unregistered"] == found.figures["containers|unscanned"] == 1
    assert found.members == {
        "images": ("c1", "c2"),
        "images|unregistered": ("c2",),
        "images|unscanned": ("c2",),
        "images|vulnerable": ("c1",),
    }


def test_a_look_at_images_makes_no_context_forget_anything() -> None:
    lab = Sharing()
    lab.ask(WEB, image_facts())
    lab.commit(flush=True)
    assert not lab.partition.contents.joins.concerned([OTHER])
    context = lab.partition.entities.by_key[WEB.encode()].context
    lab.partition.contents.joins.of({}, context)
    assert lab.partition.contents.joins.concerned([CONFIGURATION]) == {context.hash}


def test_names_that_are_too_many_are_counted_as_left_out(monkeypatch: Any) -> None:
    monkeypatch.setattr(levels, "_MAX_MEMBERS", 1)
    lab = Sharing()
    lab.judge([lab.says(WEB, image_facts()), lab.says(DB, image_facts(OTHER, workload="db"))], flush=True)
    found = level_at(lab, 0)
    assert found is not None
    assert found.members["images"] == ("c1",)
    assert found.figures["images|left out"] == 1


def test_principals_and_secrets_are_counted_by_the_partition_that_their_name_hashes_to() -> None:
    lab = Sharing()
    for number in range(20):
        profile = profile_of(f"container:/shop/{number}/", KNOWN if number % 2 else None)
        lab.partition.contents.baselines.put(profile.principal.encode(), profile.encode())
    overdue = SharedRecord(TOKEN, "vault", at(0), at(0), {"secret.type": "kv", "secret.older_than": [90]})
    lab.put(overdue, SharedRecord("secret:lab/shop/other", "vault", at(0), at(0), {"secret.type": "kv"}))
    counted = [names_in(number, lab.partition.contents) for number in range(4)]
    assert [sum(figures[name] for figures in counted) for name in counted[0]] == [20, 10, 0, 2, 1]
    assert all(figures["principals"] < 20 for figures in counted)


def names_in(number: int, contents: Contents) -> dict[str, int]:
    return dict(Levels(number, 4).record("", (), contents).figures)


def test_a_container_whose_baseline_is_active_is_covered() -> None:
    lab = Lab()
    say(lab, 0, WEB, 0, facts("web"))
    profile = profile_of("container:/shop/web/")
    lab.partition.contents.baselines.put(profile.principal.encode(), profile.encode())
    say(lab, 1, DB, 1, facts("db"))
    lab.commit(flush=True)
    assert figures_at(lab, 0)["containers|covered"] == 1


def test_hosts_are_no_containers() -> None:
    lab = Lab()
    say(lab, 0, "host:node-1", 0, does("/bin/sh"))
    lab.commit(flush=True)
    assert figures_at(lab, 0) == {}
