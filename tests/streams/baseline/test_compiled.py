from __future__ import annotations

import shlex
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.baseline import DIMENSIONS, Baseline, Element, Elements, ordered
from schemas.event import validate_event
from schemas.fields import ECS_VERSION, FIELDS
from streams.baseline.compiled import CompiledBaseline, Opinion, text_of
from streams.baseline.elements import elements_of
from tests.schemas.baselines import ELEMENTS
from tests.streams.baseline.rows import NEW, OLD, WEB, Record, connected, in_force, opened, ran
from tests.streams.judge.policies import start

NGINX = ran("/usr/bin/nginx", "-g", "daemon off;")
KNOWN: Elements = {"exec": (("/usr/bin/nginx",),), "args": (("/usr/bin/nginx", "-g", "daemon off;"),), "hash": ()}
HASHED = "a" * 64


def asked(baseline: CompiledBaseline, record: Record) -> Opinion:
    opinion = baseline.ask(record)
    assert opinion is not None
    return opinion


# What is known


def test_what_is_known_is_told_with_version_hash_dimension_and_element() -> None:
    baseline = in_force(KNOWN)
    opinion = asked(baseline, NGINX)
    assert opinion.known
    assert opinion.reason == "runs /usr/bin/nginx, which baseline v3 knows"
    learned = opinion.learned
    assert (learned.version, learned.hash) == (3, baseline.baseline.hash)
    assert (learned.dimension, learned.element, learned.nearest, learned.release) == ("exec", "/usr/bin/nginx", "", "")


def test_what_a_pattern_covers_is_told_by_the_pattern() -> None:
    opinion = asked(in_force({"file": (("/srv/*", "create"),)}), opened("/srv/7", "create"))
    assert (opinion.known, opinion.learned.element) == (True, "'/srv/*' create")


# What is not


def test_what_is_new_is_told_with_what_is_nearest() -> None:
    opinion = asked(in_force(KNOWN), ran("/usr/bin/curl"))
    assert not opinion.known
    assert opinion.reason == (
        "runs /usr/bin/curl, which it never did here: baseline v3 knows 1 executable, the nearest /usr/bin/nginx"
    )
    assert (opinion.learned.dimension, opinion.learned.element) == ("exec", "/usr/bin/curl")
    assert opinion.learned.nearest == "/usr/bin/nginx"


def test_the_dimension_that_says_most_is_told_first() -> None:
    record = ran("/usr/bin/nginx", "-x", **{"process.hash.sha256": HASHED})
    assert asked(in_force(KNOWN | {"exec": ()}), record).learned.dimension == "exec"
    assert asked(in_force(KNOWN), record).learned.dimension == "args"
    assert asked(in_force(KNOWN), record).learned.element == "/usr/bin/nginx -x"
    known = KNOWN | {"hash": (("/usr/bin/nginx", "b" * 64),)}
    assert asked(in_force({**known, "args": (("/usr/bin/nginx", "**"),)}), record).learned.dimension == "hash"


def test_another_content_of_a_program_names_both_hashes() -> None:
    record, other = NGINX | {"process.hash.sha256": HASHED}, "b" * 64
    opinion = asked(in_force(KNOWN | {"hash": (("/usr/bin/nginx", other),)}), record)
    assert not opinion.known
    assert HASHED in opinion.reason
    assert other in opinion.reason
    assert opinion.learned.element == f"/usr/bin/nginx {HASHED}"
    assert opinion.learned.nearest == f"/usr/bin/nginx {other}"


def test_of_a_program_that_was_never_hashed_no_hash_is_new() -> None:
    record = NGINX | {"process.hash.sha256": HASHED}
    assert asked(in_force(KNOWN | {"hash": (("/bin/other", "b" * 64),)}), record).known
    assert asked(in_force({"hash": ()}), record).known


# Releases


@pytest.mark.parametrize(("image", "told"), [(NEW, NEW), (OLD, ""), ("", "")])
def test_what_is_new_in_a_release_names_it(image: str, told: str) -> None:
    record = ran("/usr/bin/curl") | ({"container.image.id": image} if image else {})
    opinion = asked(in_force(KNOWN), record)
    assert opinion.learned.release == told
    assert opinion.reason.endswith("; new in release sha256:new") == bool(told)


def test_a_new_release_that_does_what_the_old_one_did_is_authorized_and_only_the_one_thing_more_is_not() -> None:
    """A poisoned release."""
    known: Elements = KNOWN | {"egress": (("10.0.0.1", "5432", "tcp"),), "file": (("/etc/nginx.conf", "read"),)}
    baseline, of_it = in_force(known), {"container.image.id": NEW}
    same = [NGINX, connected("10.0.0.1", 5432), opened("/etc/nginx.conf")]
    assert [asked(baseline, record | of_it).known for record in same] == [True, True, True]
    more = asked(baseline, connected("203.0.113.9") | of_it)
    assert (more.known, more.learned.release, more.learned.dimension) == (False, NEW, "egress")


# What is decided


@pytest.mark.parametrize("record", [opened("/etc/shadow"), {"event.action": "container-die"}, {}])
def test_a_dimension_that_was_not_observed_or_is_left_out_decides_nothing(record: Record) -> None:
    assert in_force(KNOWN).ask(record) is None


def test_what_is_left_out_does_not_hide_what_is_not() -> None:
    baseline = in_force({"exec": (("/usr/bin/nginx",),)})
    assert asked(baseline, ran("/usr/bin/nginx", "--evil", **{"process.hash.sha256": HASHED})).known
    assert not asked(baseline, ran("/usr/bin/curl")).known


def test_every_setting_of_a_start_must_be_known() -> None:
    started = start(read_only_root=True, user="1000")
    baseline = in_force(elements_of(started))
    assert asked(baseline, started).known
    opinion = asked(baseline, start(read_only_root=True, user="0"))
    assert (opinion.known, opinion.learned.element, opinion.learned.nearest) == (False, "user 0", "user 1000")


# What a person took out


@pytest.mark.parametrize("never", [("/usr/bin/nginx",), ("/usr/bin/*",), ("/usr/bin/nginx", "**"), ("**",)])
def test_what_was_taken_out_is_unauthorized_whatever_else_knows_it(never: Element) -> None:
    opinion = asked(in_force({"exec": (("/usr/bin/nginx",), ("/usr/bin/*",))}, {"exec": (never,)}), NGINX)
    assert not opinion.known
    assert opinion.reason == "runs /usr/bin/nginx, which was taken out of baseline v3 for good"
    assert opinion.learned.nearest == ""


def test_a_band_that_was_taken_out_ends_where_it_ends() -> None:
    baseline = in_force({"resource": (("memory", "90..110"),)}, {"resource": (("memory", "100..104"),)})
    bands = {
        band: asked(baseline, {"resource.metric": "memory", "resource.band": band}).known
        for band in (99, 100, 104, 105)
    }
    assert bands == {99: True, 100: False, 104: False, 105: True}


def test_what_is_beyond_is_what_would_be_new_in_a_difference() -> None:
    baseline = in_force({"exec": (("/bin/a",),)}, {"exec": (("/bin/b",),)})
    found = {path: baseline.is_beyond("exec", (path,)) for path in ("/bin/a", "/bin/b", "/bin/c")}
    assert found == {"/bin/a": False, "/bin/b": False, "/bin/c": True}
    assert not baseline.is_beyond("file", ("/bin/c", "read"))


# Any record, any baseline


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "keyword": st.sampled_from(
        ["", "a", "/etc/x", "*", "\\", "exec", "../x", "a\nb", "x" * 300, "memfd:x", "secrets", "get"]
    ),
    "text": st.text(max_size=5),
    "long": st.integers(-2, 70_000),
    "double": st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
    "ip": st.sampled_from(["10.0.0.1", "fe80::1%eth0", "::ffff:10.0.0.1"]),
    "date": st.just("2026-01-01T00:00:00Z"),
    "flattened": st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
}
DECIDING = {name: row for name, row in FIELDS.items() if row.part in ("activity", "facts")}
NEEDED = {
    "event.id": "shop:0000:000000000001",
    "@timestamp": "2026-01-01T00:00:00.000000000Z",
    "entity.id": "0123456789ab",
    "ecs.version": ECS_VERSION,
    "event.action": "exec",
    "event.dataset": "auditd.log",
}
ACTIONS = ["exec", "open", "container-start", "container-exec", "image-pull", "facts"]


@st.composite
def records(draw: st.DrawFn) -> Record:
    """Return any record that is an event, sensible or not."""
    names = draw(st.lists(st.sampled_from(sorted(DECIDING)), max_size=12, unique=True))
    drawn = {
        name: draw(
            st.lists(VALUES[DECIDING[name].type], max_size=3) if DECIDING[name].many else VALUES[DECIDING[name].type]
        )
        for name in names
    }
    return NEEDED | drawn | {"event.action": draw(st.sampled_from(ACTIONS))}


@settings(max_examples=500)
@given(records(), ELEMENTS, ELEMENTS)
def test_no_event_and_no_baseline_ends_a_judge(record: Record, elements: Elements, never: Elements) -> None:
    """Whoever can send an event could otherwise stop the judgement of all others."""
    validate_event(record)
    opinion = CompiledBaseline.of(Baseline(WEB, 1, elements, never)).ask(record)
    found = [(name, one) for name, listed in elements_of(record).items() if name in elements for one in listed]
    assert (opinion is None) == (not found)
    if opinion is not None:
        assert opinion.reason.isprintable()
        assert opinion.learned.dimension in elements


@settings(max_examples=300)
@given(records(), records())
def test_what_was_learned_is_known_and_what_was_taken_out_is_not(one: Record, other: Record) -> None:
    both = ordered({name: [*elements_of(one).get(name, ()), *elements_of(other).get(name, ())] for name in DIMENSIONS})
    knows, forbids = in_force(both), in_force(both, both)
    for record in (one, other):
        if any(elements_of(record).values()):
            assert asked(knows, record).known
            assert not asked(forbids, record).known


@given(st.lists(st.text(max_size=5), min_size=1, max_size=4))
def test_the_text_of_an_element_is_read_back_as_its_words(words: list[str]) -> None:
    text = text_of(tuple(words))
    assert text.isprintable()
    if all(word.isprintable() for word in words):
        assert tuple(shlex.split(text)) == tuple(words)


def test_the_text_of_an_element_is_short() -> None:
    assert len(text_of(("/bin/sh", "x" * 5000))) == 300
