from __future__ import annotations

from dataclasses import replace

import pytest

from deploy.baselines.proposals import (
    Nothing,
    Proposal,
    approve,
    forbid,
    learn,
    put_in_force,
    reject,
    release_named,
)
from deploy.baselines.standing import Standing
from schemas.baseline import Baseline, Profile
from schemas.errors import ConfigurationError
from streams.baseline.document import read_baseline, write_baseline
from tests.deploy.baselines.lab import APP, LATER, Shop, author, first, policies

GZIP = ("/usr/bin/gzip",)
CURL = ("/usr/bin/curl",)
LEAVE_NOTHING = """
policy: shop
learn: {hours: 1, observations: 4}
"""


def shop() -> Shop:
    return Shop().start().run("/usr/bin/gzip", "--test", "a", times=5).use("memory", 97)


def approved(standing: Standing, release: str | None = None) -> Proposal:
    proposal = approve(standing, author(), release)
    assert isinstance(proposal, Proposal)
    return proposal


def in_force(profile: Profile) -> Baseline:
    assert profile.baseline is not None
    return profile.baseline


def test_the_first_approval_holds_what_was_seen_without_what_the_policy_leaves_out() -> None:
    proposal = approved(shop().standing())
    decision = proposal.decision
    assert (decision.principal, decision.action, decision.author, decision.based_on) == (APP, "approve", "alice", "")
    assert decision.elements["exec"] == (GZIP,)
    assert decision.elements["egress"] == ()
    assert "resource" not in decision.elements
    assert decision.releases == ("sha256:1111",)
    assert (proposal.after.state, in_force(proposal.after).version) == ("active", 1)
    assert ("exec", GZIP) in proposal.added


def test_who_approves_early_is_told() -> None:
    assert approved(Shop().start().run("/usr/bin/gzip").standing()).notes[0] == (
        "it has learned 0.0 of 1 hours and 1 of 4 observations only"
    )
    suspect = shop().wait(4_000).run("/usr/bin/id")
    assert approved(suspect.standing()).notes == (
        "2 elements are rare and late, as those of an attack would be: `tidewaiter baseline show` marks them",
    )


def test_nothing_seen_is_nothing_to_approve() -> None:
    nothing = approve(Shop().standing(), author())
    assert nothing == Nothing(APP, "nothing was seen of it that may be learned")


def test_the_next_approval_adds_the_difference_and_the_releases() -> None:
    learning = shop()
    profile = first(learning.standing())
    learning.roll_out("sha256:2222").run("/usr/bin/curl")
    proposal = approved(learning.standing(profile))
    assert proposal.added == (("exec", CURL), ("args", CURL))
    assert proposal.removed == ()
    assert proposal.decision.based_on == in_force(profile).hash
    assert proposal.decision.releases == ("sha256:1111", "sha256:2222")
    assert in_force(proposal.after).version == 2
    again = approve(learning.standing(proposal.after), author())
    assert again == Nothing(APP, "nothing was seen of it beyond v2")


def test_one_release_can_be_approved_alone() -> None:
    learning = shop()
    profile = first(learning.standing())
    learning.roll_out("sha256:2222").run("/usr/bin/curl").roll_out("sha256:3333").run("/usr/bin/id")
    proposal = approved(learning.standing(profile), "sha256:2222")
    assert [element for name, element in proposal.added if name == "exec"] == [CURL]
    assert proposal.decision.releases == ("sha256:1111", "sha256:2222")


def test_too_many_names_become_a_pattern_in_the_next_version_too() -> None:
    learning = shop()
    profile = first(learning.standing())
    for number in range(200):
        learning.open(f"/srv/files/{number}")
    assert in_force(approved(learning.standing(profile)).after).elements["file"] == (("/srv/files/*", "read"),)


def test_a_dimension_that_was_left_out_comes_in_by_approval_and_goes_by_it() -> None:
    learning = shop()
    profile = first(learning.standing())
    wider = Shop(policies=policies(LEAVE_NOTHING)).start().run("/usr/bin/gzip", "--test", "a").use("memory", 97)
    proposal = approved(wider.standing(profile))
    assert proposal.added == (("resource", ("memory", "97")),)
    assert approved(learning.standing(proposal.after)).removed == (("resource", ("memory", "97")),)


def test_what_a_person_took_out_does_not_come_back() -> None:
    learning = shop()
    profile = replace(first(learning.standing()), never={"exec": (CURL,)})
    learning.run("/usr/bin/curl")
    assert ("exec", CURL) not in approved(learning.standing(replace(profile, baseline=None))).added


def test_rejecting_refuses_the_whole_difference_or_that_of_a_release() -> None:
    learning = shop()
    profile = first(learning.standing())
    learning.roll_out("sha256:2222").run("/usr/bin/curl").roll_out("sha256:3333").run("/usr/bin/id")
    both = reject(learning.standing(profile), author())
    one = reject(learning.standing(profile), author(), "sha256:3333")
    assert isinstance(both, Proposal)
    assert isinstance(one, Proposal)
    assert both.refused == (("exec", CURL), ("exec", ("/usr/bin/id",)), ("args", CURL), ("args", ("/usr/bin/id",)))
    assert one.refused == (("exec", ("/usr/bin/id",)), ("args", ("/usr/bin/id",)))
    nothing = reject(learning.standing(both.after), author())
    assert nothing == Nothing(APP, "nothing was seen of it beyond v2")


def test_what_is_in_review_is_sent_back_to_learning() -> None:
    review = Profile(APP, "review", "seen enough", "2026-06-01T09:00:00.000000000Z")
    proposal = reject(shop().standing(review), author())
    assert isinstance(proposal, Proposal)
    assert (proposal.after.state, proposal.refused) == ("learning", ())


def test_forbidding_takes_an_element_out() -> None:
    learning = shop()
    profile = first(learning.standing())
    proposal = forbid(learning.standing(profile), author(), "exec", GZIP)
    assert (proposal.removed, proposal.refused, proposal.notes) == ((("exec", GZIP),), (("exec", GZIP),), ())
    unseen = forbid(learning.standing(profile), author(), "egress", ("203.0.113.9", "443", "tcp"))
    assert unseen.notes == ("nothing of it was seen until now",)
    assert forbid(learning.standing(profile), author(), "exec", ("/usr/bin/*",)).notes == ()


def test_what_a_forbidden_pattern_stands_for_does_not_come_back() -> None:
    learning = shop().open("/srv/a", "write").open("/srv/b", "write").open("/srv/b", "read")
    profile = first(learning.standing())
    proposal = forbid(learning.standing(profile), author(), "file", ("/srv/*", "write"))
    assert proposal.removed == (("file", ("/srv/a", "write")), ("file", ("/srv/b", "write")))
    assert learning.open("/srv/c", "write").standing(proposal.after).difference == {}
    put = put_in_force(learning.standing(proposal.after), author(), in_force(profile))
    assert isinstance(put, Nothing)
    assert "in force already; file /srv/a write stays out" in put.why


@pytest.mark.parametrize(
    ("dimension", "element", "message"),
    [
        ("egres", ("10.0.0.1",), "is no dimension"),
        ("egress", ("10.0.0.1",), "no element of egress: it has 1 words"),
        ("exec", ("/usr/bin/wget",), "was taken out before"),
    ],
)
def test_what_cannot_be_forbidden_says_why(dimension: str, element: tuple[str, ...], message: str) -> None:
    profile = Profile(APP, never={"exec": (("/usr/bin/wget",),)})
    with pytest.raises(ConfigurationError, match=message):
        forbid(shop().standing(profile), author(), dimension, element)


def test_learning_anew_has_nothing_in_force() -> None:
    learning = shop()
    proposal = learn(learning.standing(first(learning.standing())), author(LATER))
    assert (proposal.after.state, proposal.after.baseline) == ("learning", None)
    assert ("exec", GZIP) in proposal.removed


def test_a_document_of_the_version_in_force_changes_nothing() -> None:
    learning = shop()
    profile = first(learning.standing())
    document = read_baseline("a.yaml", write_baseline(in_force(profile)))
    assert put_in_force(learning.standing(profile), author(), document) == Nothing(APP, "it is in force already")


def test_a_document_comes_into_force_as_it_is_with_what_it_never_wants() -> None:
    learning = shop()
    profile = first(learning.standing())
    elements = in_force(profile).elements | {"exec": (CURL,)}
    document = replace(in_force(profile), elements=elements, never={"exec": (("/usr/bin/wget",),)}, releases=())
    proposals = put_in_force(learning.standing(profile), author(), document)
    assert isinstance(proposals, list)
    forbidden, put = proposals
    assert (forbidden.decision.action, forbidden.refused) == ("forbid", (("exec", ("/usr/bin/wget",)),))
    assert put.decision.based_on == in_force(forbidden.after).hash
    found = in_force(put.after)
    assert (found.elements, found.never, found.releases) == (elements, {"exec": (("/usr/bin/wget",),)}, ())
    assert found.hash == document.hash
    assert put_in_force(learning.standing(put.after), author(), document) == Nothing(APP, "it is in force already")


def test_a_document_of_an_unknown_principal_becomes_its_first_version() -> None:
    document = Baseline(APP, 7, {"exec": (CURL,)})
    proposals = put_in_force(Shop().standing(Profile(APP)), author(), document)
    assert isinstance(proposals, list)
    assert [in_force(proposal.after).elements for proposal in proposals] == [{"exec": (CURL,)}]


def test_what_of_a_document_does_not_come_into_force_is_said() -> None:
    document = Baseline(APP, 7, {"exec": (CURL, ("/usr/bin/wget",)), "resource": (("memory", "97"),)})
    profile = Profile(APP, never={"exec": (("/usr/bin/wget",),)})
    proposals = put_in_force(shop().standing(profile), author(), document)
    assert isinstance(proposals, list)
    assert proposals[0].decision.elements == {"exec": (CURL,)}
    assert proposals[0].notes == (
        "resource is left out, as policy shop has it",
        "exec /usr/bin/wget stays out: a person has taken it out for good",
        "exec /usr/bin/wget is taken out for good, though the document does not say so",
    )


def test_a_release_is_named_by_the_beginning_of_its_id() -> None:
    releases = dict.fromkeys(("sha256:1111", "sha256:1122", "registry/app:1"))
    assert release_named(releases, "sha256:1111") == "sha256:1111"
    assert release_named(releases, "112") == "sha256:1122"
    assert release_named(releases, "registry") == "registry/app:1"
    with pytest.raises(
        ConfigurationError, match="2 releases with a difference begin with '11'; there are: sha256:1111"
    ):
        release_named(releases, "11")
    with pytest.raises(ConfigurationError, match="there are: none"):
        release_named({}, "11")
