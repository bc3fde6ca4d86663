from __future__ import annotations

from dataclasses import asdict, fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import dumps
from schemas.decision import Decision
from schemas.errors import Invalid
from schemas.keys import public_key_of
from tests.schemas.baselines import ADA, BOB, DECISIONS

GOOD = Decision(
    "container:/shop/web/",
    "approve",
    "ada",
    "2026-01-01T00:00:00.000000000Z",
    "looked at it",
    elements={"exec": (("/usr/bin/nginx",),)},
    releases=("sha256:1",),
    partial=("first met while it ran",),
).signed(ADA)
TEXTS = ["principal", "author", "time", "reason", "based_on", "signature"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(DECISIONS)
def test_a_decision_is_read_back_as_it_was_signed(decision: Decision) -> None:
    signed = decision.signed(ADA)
    read = Decision.decode(signed.encode())
    assert read == signed
    assert read.is_signed_by(public_key_of(ADA))
    assert not read.is_signed_by(public_key_of(BOB))


@given(DECISIONS, DECISIONS, st.sampled_from([one.name for one in fields(Decision) if one.name != "signature"]))
def test_a_signature_holds_for_everything_that_was_decided(one: Decision, other: Decision, name: str) -> None:
    changed = replace(one.signed(ADA), **{name: getattr(other, name)})
    assert changed.is_signed_by(public_key_of(ADA)) == (changed == one.signed(ADA))


def test_elements_may_be_signed_in_any_order() -> None:
    one, other = replace(GOOD, elements={"exec": (("b",), ("a",), ("b",))}), {"exec": (("a",), ("b",))}
    read = Decision.decode(one.signed(ADA).encode())
    assert read.elements == other
    assert read.is_signed_by(public_key_of(ADA))


def test_what_was_not_signed_is_signed_by_nobody() -> None:
    assert not replace(GOOD, signature="").is_signed_by(public_key_of(ADA))


@given(DECISIONS, DECISIONS)
def test_a_copy_is_known_by_its_digest_whatever_stands_as_its_signature(one: Decision, other: Decision) -> None:
    assert one.digest == one.signed(ADA).digest == replace(one, signature="x").digest
    assert (one.digest == other.digest) == (one == other)


def record(**changed: Any) -> bytes:
    return dumps(asdict(GOOD) | changed)


def test_the_record_that_faults_are_put_into_is_good() -> None:
    assert Decision.decode(record()) == GOOD


@pytest.mark.parametrize("name", TEXTS)
@given(value=JSON.filter(lambda value: not isinstance(value, str)))
def test_what_must_be_text_is_text(name: str, value: Any) -> None:
    with pytest.raises(Invalid, match=f"{name} must be text"):
        Decision.decode(record(**{name: value}))


@given(st.sampled_from([one.name for one in fields(Decision)]), JSON)
def test_anything_in_a_decision_is_a_decision_or_invalid(name: str, value: Any) -> None:
    try:
        read = Decision.decode(record(**{name: value}))
    except Invalid:
        return
    assert Decision.decode(read.encode()) == read
    assert read.is_signed_by(public_key_of(ADA)) == (replace(read, signature=GOOD.signature) == GOOD == read)


@given(JSON.map(dumps) | st.binary(max_size=20))
def test_anything_else_is_invalid(data: bytes) -> None:
    with pytest.raises(Invalid):
        Decision.decode(data)


@pytest.mark.parametrize("missing", [one.name for one in fields(Decision)])
def test_a_decision_that_lacks_something_is_invalid(missing: str) -> None:
    stored = {name: value for name, value in asdict(GOOD).items() if name != missing}
    with pytest.raises(Invalid, match="as this version writes it"):
        Decision.decode(dumps(stored))


def test_a_decision_with_more_than_is_known_is_invalid() -> None:
    with pytest.raises(Invalid, match="as this version writes it"):
        Decision.decode(record(expires="2027-01-01"))


@pytest.mark.parametrize("action", ["", "Approve", "expire", None, 1, ["approve"]])
def test_only_people_s_actions_are_decisions(action: Any) -> None:
    with pytest.raises(Invalid, match="is no decision; there are approve, reject, forbid, learn"):
        Decision.decode(record(action=action))


@pytest.mark.parametrize(
    "elements",
    [
        None,
        [],
        "exec",
        {"surprise": []},
        {"exec": None},
        {"exec": "/bin/sh"},
        {"exec": ["/bin/sh"]},
        {"exec": [["/bin/sh", 1]]},
        {"exec": [[]]},
        {"exec": [["/bin/sh", "sh", "x"]]},
        {"egress": [["10.0.0.1", "443"]]},
        {"file": [["/etc/passwd"]]},
        {"args": [[]]},
    ],
)
def test_elements_that_nobody_could_match_are_invalid(elements: Any) -> None:
    with pytest.raises(Invalid):
        Decision.decode(record(elements=elements))


@pytest.mark.parametrize("element", [["**"], ["10.0.0.1", "**"], ["10.0.0.1", "443", "tcp"]])
def test_stars_at_the_end_stand_for_any_number_of_words(element: list[str]) -> None:
    assert Decision.decode(record(elements={"egress": [element]})).elements == {"egress": (tuple(element),)}


def test_a_reason_is_no_book() -> None:
    assert Decision.decode(record(reason="x" * 1000)).reason == "x" * 1000
    with pytest.raises(Invalid, match="1000 is the most"):
        Decision.decode(record(reason="x" * 1001))


@pytest.mark.parametrize("name", ["releases", "partial"])
@pytest.mark.parametrize("value", [None, "abc", [1], [["a"]], {"a": 1}])
def test_lists_of_texts_hold_texts(name: str, value: Any) -> None:
    with pytest.raises(Invalid):
        Decision.decode(record(**{name: value}))
