from __future__ import annotations

from dataclasses import replace

from deploy.baselines.deciding import Outcome, _Answers
from deploy.baselines.proposals import Proposal, approve, forbid
from deploy.kafka import Place
from streams.baseline.lifecycle import decided
from tests.deploy.baselines.lab import APP, LATER, Shop, author

PLACE = Place("x.control", 1, 7)


def proposal() -> Proposal:
    found = approve(Shop().start().run("/usr/bin/gzip").standing(), author())
    assert isinstance(found, Proposal)
    return found


def outcome(answers: _Answers) -> Outcome:
    return answers.outcomes()[0]


def test_a_decision_is_carried_out_when_its_profile_heeds_it() -> None:
    asked = proposal()
    answers = _Answers([(asked, PLACE)])
    assert outcome(answers).state == "waiting"
    answers._take_profile(asked.before.encode())
    assert outcome(answers).state == "waiting"
    answers._take_profile(decided(asked.before, asked.decision, 7, LATER).encode())
    assert outcome(answers).state == "carried out"
    assert outcome(answers).as_json() | {"hash": ""} == {
        "principal": APP,
        "action": "approve",
        "outcome": "carried out",
        "refusal": "",
        "state": "active",
        "version": 1,
        "hash": "",
        "added": len(asked.added),
        "removed": 0,
        "decision": "x.control/1/7",
    }


def test_a_refused_decision_has_no_version() -> None:
    answers = _Answers([(proposal(), PLACE)])
    answers._refuse(str(PLACE), "no")
    assert (outcome(answers).state, outcome(answers).refusal) == ("refused", "no")
    assert outcome(answers).as_json()["version"] is None


def test_a_later_decision_of_another_is_no_answer() -> None:
    """The profile heeds offset 8, but not what was asked at 7."""
    asked = proposal()
    answers = _Answers([(asked, PLACE)])
    other = forbid(Shop().standing(asked.before), replace(author(), name="bob"), "exec", ("/usr/bin/nc",))
    answers._take_profile(decided(asked.before, other.decision, 8, LATER).encode())
    assert outcome(answers).state == "waiting"


def test_two_decisions_about_one_principal_have_an_answer_each() -> None:
    asked = proposal()
    standing = Shop().standing(asked.after)
    more = forbid(standing, author(), "exec", ("/usr/bin/gzip",))
    answers = _Answers([(asked, PLACE), (more, Place("x.control", 1, 8))])
    first = decided(asked.before, asked.decision, 7, LATER)
    answers._take_profile(first.encode())
    assert [one.state for one in answers.outcomes()] == ["carried out", "waiting"]
    answers._take_profile(decided(first, more.decision, 8, LATER).encode())
    assert [one.step and one.step.version for one in answers.outcomes()] == [1, 2]
