from __future__ import annotations

from typing import Any

from deploy.inventory.estate import NOT_OBSERVABLE
from deploy.inventory.unused import Unused, unused_of
from tests.deploy.inventory.lab import APP, LATER, NEW, NOON, OLD, estate_of, ran, scan
from tests.deploy.view.lab import Said, activity, container

TOOLS = ["/usr/bin/curl", "/usr/bin/nc", "/usr/bin/server", "/bin/sh"]


def unused(*records: Said) -> Unused:
    (one,) = unused_of(estate_of(*records))
    return one


def test_executables_that_never_ran_are_listed_with_the_window_observed() -> None:
    found = unused(
        scan(OLD, executables=TOOLS),
        ran(OLD, "/usr/bin/server", first=NOON, last=NOON),
        ran(OLD, "/bin/sh", "-c", "x", first=LATER),
    )
    assert found.unused == ("/usr/bin/curl", "/usr/bin/nc")
    assert (found.since, found.until, found.programs, found.executables) == (NOON, LATER, 2, 4)
    assert found.why == ""


def test_a_link_and_what_it_leads_to_are_both_used() -> None:
    link = activity(
        APP,
        {"event.action": "exec", "process.executable": "/bin/busybox", "process.args": ["/bin/sh", "-c", "x"]},
        {"container.image.id": OLD},
    )
    found = unused(scan(OLD, executables=["/bin/busybox", "/bin/sh", "/bin/vi"]), link)
    assert found.unused == ("/bin/vi",)


def test_what_nobody_lists_and_what_no_sensor_sees_is_not_observable() -> None:
    unlisted = unused(ran(OLD, "/usr/bin/server"))
    assert (unlisted.unused, unlisted.executables) == (NOT_OBSERVABLE, NOT_OBSERVABLE)
    assert unlisted.run == ("/usr/bin/server",)
    assert unlisted.why == "no scanner has listed its executables"
    unseen = unused(scan(OLD, executables=TOOLS), container("a" * 12, container__image__id=OLD))
    assert (unseen.unused, unseen.run, unseen.executables) == (NOT_OBSERVABLE, NOT_OBSERVABLE, 4)
    assert unseen.why == "no sensor has reported programs of it"


def test_an_image_that_never_ran_is_not_listed() -> None:
    assert unused_of(estate_of(scan(NEW, executables=TOOLS))) == []


def test_what_was_too_much_is_said() -> None:
    topic, key, value = ran(OLD, "/usr/bin/server")
    assert value is not None
    principal, context, _, partition = key.split(b"|")
    other = b"|".join((principal, context, b"other-exec-authorized", partition))
    cut = scan(OLD, executables=TOOLS)
    assert "too many to be told apart" in unused(cut, (topic, key, value), (topic, other, value)).why
    facts: dict[str, Any] = {"scan.left_out": ["executables 12"], "executables": TOOLS}
    assert "too long" in unused(scan(OLD, **facts), ran(OLD, "/usr/bin/server")).why
