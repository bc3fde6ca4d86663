"""The comparison finds every fault that is planted, and none where there is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploy.bench.compare import Document, Outcome, compare

LINES = 6
ALLOWED = ("authorized", "policy", "shop", "exec.allow[0]", "allowed", "a1")
DENIED = ("unauthorized", "policy", "shop", "exec.deny[0]", "denied", "b2")


def outcome() -> Outcome:
    """Return a run without a fault: six lines in two partitions and a heartbeat."""
    verdicts = [ALLOWED, ALLOWED, DENIED, ALLOWED, DENIED, ALLOWED]
    documents = [
        Document(f"bench:{line % 2:04d}:{(line + 1) // 2:012d}", line, verdict)
        for line, verdict in enumerate(verdicts, start=1)
    ]
    heartbeat = Document(f"bench:0000:{4:012d}", None)
    return Outcome((*documents, heartbeat), {"a1": 4, "b2": 2}, {"bench:0000": 4, "bench:0001": 3}, 0)


def found(disturbed: Outcome) -> dict[str, int]:
    """Return how many faults of which kind the run has."""
    faults = compare(outcome(), disturbed, LINES).by_kind()
    return {name: len(sentences) for name, sentences in faults.items() if sentences}


def without(run: Outcome, place: int) -> Outcome:
    """Return the run without one of its documents."""
    return replace(run, documents=(*run.documents[:place], *run.documents[place + 1 :]))


def test_equal_runs_have_no_fault() -> None:
    assert found(outcome()) == {}


@pytest.mark.parametrize("place", range(LINES))
def test_a_missing_event_is_found_in_documents_counts_and_numbers(place: int) -> None:
    assert found(without(outcome(), place)) == {"missing": 1, "counts_different": 1, "numbers_missing": 1}


def test_a_missing_tail_of_no_line_is_a_hole() -> None:
    assert found(without(outcome(), LINES)) == {"numbers_missing": 1}


def test_a_document_in_two_indices_is_repeated() -> None:
    run = outcome()
    assert found(replace(run, documents=(*run.documents, run.documents[0]))) == {"repeated": 1}


def test_a_line_collected_twice_is_repeated() -> None:
    run = outcome()
    again = Document(f"bench:0001:{4:012d}", 1, ALLOWED)
    twice = replace(run, documents=(*run.documents, again), counts={"a1": 5, "b2": 2})
    assert found(twice) == {"repeated": 1, "counts_different": 1}


@pytest.mark.parametrize("part", range(5))
def test_another_verdict_is_found_in_each_of_its_parts(part: int) -> None:
    run = outcome()
    verdict = (*ALLOWED[:part], "other", *ALLOWED[part + 1 :])
    changed = replace(run.documents[0], verdict=verdict)
    assert found(replace(run, documents=(changed, *run.documents[1:]))) == {"verdicts_different": 1}


def test_another_count_is_found_beside_documents_and_beside_the_other_run() -> None:
    assert found(replace(outcome(), counts={"a1": 5, "b2": 2})) == {"counts_different": 2}


def test_an_activity_that_nobody_did_is_found() -> None:
    assert found(replace(outcome(), counts={"a1": 4, "b2": 2, "c3": 1})) == {"counts_different": 1}


def test_dead_letters_are_faults() -> None:
    assert found(replace(outcome(), deadletters=2)) == {"deadletters": 2}


def test_faults_of_the_undisturbed_run_are_told_too() -> None:
    faults = compare(without(outcome(), 0), outcome(), LINES)
    assert faults.missing == ("undisturbed: line 1 is not there",)
