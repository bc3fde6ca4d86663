from __future__ import annotations

from dataclasses import replace

from deploy.baselines.view import View, beyond_of, version_json, view_of
from schemas.baseline import DIMENSIONS, Profile
from schemas.codec import dumps, loads
from tests.deploy.baselines.lab import APP, LATER, NOON, Shop, first, policies


def statuses(view: View) -> dict[str, str]:
    return {section.dimension: section.status for section in view.sections}


def shop() -> Shop:
    return Shop().start().run("/usr/bin/gzip", "--test", "a", times=5).open("/srv/a").use("memory", 97)


def test_while_it_learns_the_candidate_is_shown_with_what_lacks() -> None:
    view = view_of(shop().standing(), "2026-06-01T10:30:00.000000000Z")
    assert view.is_candidate
    assert view.lacking == ("0.0 of 1 hours",)
    assert statuses(view) == dict.fromkeys(DIMENSIONS, "not observable") | {
        "exec": "known",
        "args": "known",
        "file": "known",
        "egress": "known",
        "resource": "left out",
        "settings": "known",
        "image": "known",
    }
    (found,) = view.sections[0].items
    assert (found.element, found.evidence and found.evidence.count) == (("/usr/bin/gzip",), 5)
    assert found.evidence is not None
    assert found.evidence.ids == ("shop:0000:000000000003",)
    assert view.sections[4].items == ()


def test_a_version_in_force_is_shown_with_evidence_of_all_that_was_seen() -> None:
    learning = shop()
    profile = first(learning.standing())
    learning.wait(1_000).run("/usr/bin/gzip", "--test", "a").run("/usr/bin/curl")
    view = view_of(learning.standing(profile), NOON)
    assert (view.is_candidate, view.lacking) == (False, ())
    (found,) = view.sections[0].items
    assert found.evidence is not None
    assert (found.evidence.count, found.evidence.rare, found.evidence.late) == (6, False, False)
    assert statuses(view)["resource"] == "left out"
    assert view_of(learning.standing(profile), NOON, candidate=True).sections[0].items[0].element == ("/usr/bin/curl",)


def test_what_was_not_seen_any_more_is_shown_all_the_same() -> None:
    profile = first(shop().standing())
    view = view_of(Shop().start().standing(profile), NOON)
    assert [item.evidence for item in view.sections[0].items] == [None]


def test_a_dimension_that_a_sensor_sees_only_later_says_how_it_gets_in() -> None:
    learning = shop()
    profile = first(learning.standing())
    learning.run("/usr/bin/gzip", "--test", "a")
    learning.admit(
        {
            "event.kind": "event",
            "event.dataset": "zeek.dns",
            "event.action": "dns-query",
            "dns.question.name": "www.shop.example",
        }
    )
    (section,) = [one for one in view_of(learning.standing(profile), NOON).sections if one.dimension == "dns"]
    assert section.status == "not decided"
    assert "after version 1 was approved" in section.note
    assert [item.element for item in section.items] == [("www.shop.example",)]


def test_an_attack_during_learning_is_rare_and_late() -> None:
    attacked = shop().wait(3_000).run("/usr/bin/id")
    view = view_of(attacked.standing(), NOON)
    found = {item.element: item.is_suspect for item in view.sections[0].items}
    assert found == {("/usr/bin/gzip",): False, ("/usr/bin/id",): True}
    assert view.suspects == 2  # the program and its command line


def test_what_policies_forbid_is_counted_and_never_learned() -> None:
    view = view_of(shop().run("/usr/bin/nc", "-l").open("/etc/shadow").standing(), NOON)
    assert view.standing.forbidden == 2
    assert [item.element for item in view.sections[0].items] == [("/usr/bin/gzip",)]


def test_the_difference_stands_by_release_with_evidence_and_the_nearest() -> None:
    learning = shop()
    profile = first(learning.standing())
    learning.roll_out("sha256:2222").run("/usr/bin/gzip", "--test", "a").run("/usr/bin/curl", times=2)
    (beyond,) = beyond_of(learning.standing(profile))
    assert (beyond.release, beyond.size) == ("sha256:2222", 2)
    (found,) = beyond.sections[0].items
    assert (found.element, found.nearest) == (("/usr/bin/curl",), ("/usr/bin/gzip",))
    assert found.evidence is not None
    assert (found.evidence.count, found.evidence.rare, found.evidence.late) == (2, False, False)
    assert beyond_of(learning.standing()) == []


def test_a_view_is_json_that_says_as_much() -> None:
    learning = shop()
    profile = first(learning.standing())
    profile = replace(profile, never={"exec": (("/usr/bin/wget",),)})
    told = loads(dumps(view_of(learning.run("/usr/bin/curl").standing(profile), LATER).as_json()))
    assert (told["principal"], told["state"], told["candidate"]) == (APP, "active", False)
    assert told["baseline"] == loads(dumps(version_json(profile.baseline)))
    assert told["never"] == {"exec": [["/usr/bin/wget"]]}
    assert told["difference"]["sha256:1111"]["exec"] == [["/usr/bin/curl"]]
    assert list(told["dimensions"]) == list(DIMENSIONS)
    assert told["dimensions"]["exec"]["elements"][0]["ids"] == ["shop:0000:000000000003"]
    assert told["dimensions"]["dns"]["status"] == "not observable"
    assert version_json(None) is None


def test_a_principal_of_which_nothing_was_seen_has_nothing_observable() -> None:
    view = view_of(Shop(policies=policies()).standing(Profile(APP)), NOON)
    assert set(statuses(view).values()) == {"not observable"}
