from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.baseline import DIMENSIONS, Element, Elements, literal, ordered
from schemas.fields import FIELDS
from streams.baseline.elements import OBSERVES, elements_of
from streams.baseline.known import Known
from streams.baseline.steps import ANY, ANY_FLAG, ANY_FOLDER, REST, steps_of
from tests.streams.judge.policies import request, start

Record = dict[str, Any]

NAME = st.text("ab*\\-/. ", min_size=1, max_size=6)
ENVELOPE = sorted(name for name, described in FIELDS.items() if described.part == "envelope")


def program(path: str, *arguments: str, **more: Any) -> Record:
    return {"event.action": "exec", "process.executable": path, "process.args": list(arguments)} | more


def file(path: str, **more: Any) -> Record:
    return {"event.action": "open", "file.path": path, "file.access": ["read"]} | more


def started(**settings: Any) -> Record:
    return start(read_only_root=False, **settings)


def paths_of(record: Record) -> list[str]:
    return [element[0] for element in elements_of(record)["file"]]


@st.composite
def records(draw: st.DrawFn) -> Record:
    return draw(
        st.sampled_from(
            [
                program(draw(NAME), *draw(st.lists(NAME, max_size=3)), **{"process.working_directory": draw(NAME)}),
                file(draw(NAME), **{"file.target_path": draw(NAME)}),
                {"network.direction": "egress", "destination.ip": "10.0.0.1", "destination.port": 1},
                {"network.direction": "ingress", "peer.workload": draw(NAME)},
                {"dns.question.name": draw(NAME)},
                {"resource.metric": "cpu", "resource.band": draw(st.integers(-20, 99))},
                started(user=draw(NAME), mounts=[draw(NAME)]),
                request("get", "secrets", name=draw(NAME)),
            ]
        )
    )


@given(records())
def test_elements_are_in_their_one_order(record: Record) -> None:
    found = elements_of(record)
    assert found
    assert ordered(found) == found
    assert set(found) <= set(DIMENSIONS)


@given(records(), st.sampled_from(ENVELOPE), st.text())
def test_equal_activities_have_equal_elements_whenever_they_happen(record: Record, name: str, value: str) -> None:
    assert elements_of(dict(reversed(record.items())) | {name: value}) == elements_of(record)


@given(records())
def test_what_was_reported_is_no_pattern(record: Record) -> None:
    for dimension, found in elements_of(record).items():
        for element in found:
            assert not {ANY, ANY_FLAG, ANY_FOLDER, REST} & set(steps_of(dimension, element))
            assert Known.of(dimension, [element]).find(element) == element


def test_a_record_of_nothing_has_no_elements() -> None:
    assert elements_of({}) == {}
    assert elements_of({"event.action": "exit"}) == {}


def test_sensors_observe_dimensions_that_there_are() -> None:
    assert {name for found in OBSERVES.values() for name in found} <= set(DIMENSIONS)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (program("/usr/bin/gzip", "gzip", "-k"), {"exec": (("/usr/bin/gzip",),), "args": (("/usr/bin/gzip", "-k"),)}),
        (program("/usr/bin/gzip"), {"exec": (("/usr/bin/gzip",),), "args": (("/usr/bin/gzip",),)}),
        (program("/bin/bash", "-bash"), {"exec": (("/bin/bash",),), "args": (("/bin/bash",),)}),
        (program("/bin/bash", "-"), {"exec": (("/bin/bash",),), "args": (("/bin/bash",),)}),
        (program("/bin/bash", ""), {"exec": (("/bin/bash",),), "args": (("/bin/bash",),)}),
        (
            program("/bin/busybox", "/bin/sh", "-c", "id"),
            {"exec": (("/bin/busybox", "sh"),), "args": (("/bin/busybox", "-c", "id"),)},
        ),
        (
            program("/bin/a", **{"process.name": "worker"}),
            {"exec": (("/bin/a", "worker"),), "args": (("/bin/a",),)},
        ),
        (
            program("/bin/a", "a", **{"process.hash.sha256": "9f86"}),
            {"exec": (("/bin/a",),), "args": (("/bin/a",),), "hash": (("/bin/a", "9f86"),)},
        ),
        (
            program("/opt/*", "*", "*", "\\"),
            {"exec": (("/opt/\\*",),), "args": (("/opt/\\*", "\\*", "\\\\"),)},
        ),
    ],
)
def test_programs(record: Record, expected: Elements) -> None:
    assert elements_of(record) == expected


def test_a_program_without_a_path_has_one_name_however_a_sensor_says_so() -> None:
    found = [
        elements_of(record)["args"]
        for record in (
            {"event.action": "exec", "process.name": "x"},
            {"event.action": "exec", "process.name": "x", "process.executable": ""},
            {"event.action": "exec", "process.executable": "memfd:x"},
            {"event.action": "exec", "process.executable": "/memfd:x"},
        )
    ]
    assert found == [(("/memfd:x",),)] * 4


def test_a_long_argument_is_cut_and_others_that_begin_so_are_told_apart() -> None:
    texts = ["x" * 200, "x" * 201, "x" * 200 + "y", "x" * 5000]
    words = [elements_of(program("/bin/a", "a", text))["args"][0][1] for text in texts]
    assert words[0] == texts[0]
    assert len(set(words)) == len(texts)
    assert max(map(len, words)) < 220


def test_stars_of_a_long_argument_stay_escaped() -> None:
    (element,) = elements_of(program("/bin/a", "a", "*" * 300))["args"]
    assert element[1].startswith("\\*" * 200)


def test_many_arguments_are_cut_and_others_that_begin_so_are_told_apart() -> None:
    lists = [[str(word) for word in range(count)] for count in (63, 64, 65, 5000)]
    found = [elements_of(program("/bin/a", "a", *words))["args"][0] for words in lists]
    assert found[0] == ("/bin/a", *lists[0])
    assert len(set(found)) == len(lists)
    assert max(map(len, found)) == 65


@pytest.mark.parametrize(
    ("record", "path"),
    [
        (file("/srv//a/./b/../c/"), "/srv/a/c"),
        (file("a", **{"process.working_directory": "/srv"}), "/srv/a"),
        (file("../a", **{"process.working_directory": "/srv"}), "/a"),
        (file("/a", **{"process.working_directory": "/srv"}), "/a"),
        (file("a"), "a"),
        (file("/proc/1/stat"), "/proc/*/stat"),
        (file("/proc/self/stat"), "/proc/*/stat"),
        (file("/proc/thread-self/stat"), "/proc/*/stat"),
        (file("stat", **{"process.working_directory": "/proc/77"}), "/proc/*/stat"),
        (file("/proc/77"), "/proc/*"),
        (file("/proc/*/stat"), "/proc/\\*/stat"),
        (file("/proc/sys/kernel/core_pattern"), "/proc/sys/kernel/core_pattern"),
        (file("/proc/1/root/etc/shadow"), "/etc/shadow"),
        (file("/srv/proc/1"), "/srv/proc/1"),
        (file("/srv/*/**"), "/srv/\\*/\\*\\*"),
        (file("/srv/\\*"), "/srv/\\\\\\*"),
    ],
)
def test_paths_of_files(record: Record, path: str) -> None:
    assert paths_of(record) == [path]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (file("/a"), [("/a", "read")]),
        ({"event.action": "open", "file.path": "/a"}, [("/a", "open")]),
        (file("/a", **{"file.access": ["read", "write"]}), [("/a", "read"), ("/a", "write")]),
        (
            {"event.action": "rename", "file.path": "/a", "file.target_path": "/b", "file.access": ["rename"]},
            [("/a", "rename"), ("/b", "rename")],
        ),
    ],
)
def test_every_path_has_every_access(record: Record, expected: list[Element]) -> None:
    assert elements_of(record) == {"file": tuple(expected)}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"destination.ip": "10.0.0.1", "destination.port": 80, "network.transport": "tcp"}, ("10.0.0.1", "80", "tcp")),
        ({"destination.ip": "10.0.0.1"}, ("10.0.0.1", "", "ip")),
        ({"destination.ip": "::ffff:10.0.0.1"}, ("10.0.0.1", "", "ip")),
        ({"destination.ip": "FD00::0:1"}, ("fd00::1", "", "ip")),
        ({"destination.ip": "fe80::1%eth0"}, ("fe80::1", "", "ip")),
        ({"destination.ip": "nowhere"}, ("unknown", "", "ip")),
        ({}, ("unknown", "", "ip")),
        ({"destination.ip": "10.0.0.1", "destination.domain": "Shop.Example."}, ("name:shop.example", "", "ip")),
        ({"destination.domain": "a", "peer.workload": "/shop/database"}, ("workload:/shop/database", "", "ip")),
        ({"peer.workload": "/shop/*"}, ("workload:/shop/\\*", "", "ip")),
    ],
)
def test_peers_of_egress(record: Record, expected: Element) -> None:
    assert elements_of({"network.direction": "egress"} | record) == {"egress": (expected,)}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"destination.port": 80, "network.transport": "tcp"}, ("listen", "80", "tcp")),
        ({"source.ip": "10.0.0.1", "destination.port": 80}, ("10.0.0.1", "80", "ip")),
        ({"source.ip": "10.0.0.1", "destination.ip": "10.0.0.2"}, ("10.0.0.1", "", "ip")),
        ({"source.ip": "10.0.0.1", "peer.workload": "/shop/web"}, ("workload:/shop/web", "", "ip")),
    ],
)
def test_peers_of_ingress(record: Record, expected: Element) -> None:
    assert elements_of({"network.direction": "ingress"} | record) == {"ingress": (expected,)}


@pytest.mark.parametrize(("name", "word"), [("WWW.Shop.Example.", "www.shop.example"), ("*.a", "\\*.a")])
def test_names_that_are_asked_for(name: str, word: str) -> None:
    assert elements_of({"event.action": "dns", "dns.question.name": name}) == {"dns": ((word,),)}


@pytest.mark.parametrize("band", [-4, 0, 96])
def test_bands_of_resources(band: int) -> None:
    assert elements_of({"resource.metric": "cpu", "resource.band": band}) == {"resource": (("cpu", str(band)),)}


def test_settings_that_are_off_and_absent_have_elements_too() -> None:
    found = elements_of(started())["settings"]
    assert ("privileged", "false") in found
    assert ("user", "") in found
    assert ("capabilities.drop", "") in found
    assert not any(name == "capabilities.add" for name, _ in found)


def test_settings_that_are_present() -> None:
    record = started(
        privileged=True, user="0", devices=["/dev/sda"], **{"limits.cpu": 0.5, "capabilities.drop": ["B", "A"]}
    )
    found = elements_of(record | {"container.settings.limits.memory": 1 << 40})["settings"]
    assert {
        ("privileged", "true"),
        ("user", "0"),
        ("devices", "/dev/sda"),
        ("limits.cpu", "0.5"),
        ("limits.memory", str(1 << 40)),
        ("capabilities.drop", "A B"),
    } <= set(found)


def test_one_setting_that_changes_is_one_element_that_changes() -> None:
    before, after = (set(elements_of(started(user=user))["settings"]) for user in ("1000", ""))
    assert before - after == {("user", "1000")}
    assert after - before == {("user", "")}


def test_settings_of_a_container_are_none_of_what_is_done_in_it() -> None:
    assert "settings" not in elements_of(started() | {"event.action": "open", "file.path": "/a"})


def test_settings_that_were_not_looked_at_are_not_off() -> None:
    assert elements_of(start(user="0", images=["nginx"])) == {}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (started(images=["nginx"]), ("run", "docker.io/library/nginx")),
        (started() | {"container.image.name": "r.example/a:1"}, ("run", "r.example/a")),
        ({"event.action": "image-pull", "container.image.name": "r.example/a:1"}, ("pull", "r.example/a")),
        ({"event.action": "image-push", "container.image.name": "r.example/a:1"}, ("push", "r.example/a")),
    ],
)
def test_images(record: Record, expected: Element) -> None:
    assert elements_of(record)["image"] == (expected,)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (request("list", "pods"), ("list", "pods", "")),
        (request("get", "pods", namespace="shop"), ("get", "pods", "shop")),
        (request("create", "pods", subresource="exec", namespace="shop"), ("create", "pods/exec", "shop")),
        ({"kubernetes.audit.verb": "get", "url.path": "/version"}, ("get", "/version", "")),
        ({"event.action": "container-exec", "container.exec.command": "sh -c id"}, ("container-exec", "sh", "")),
    ],
)
def test_requests(record: Record, expected: Element) -> None:
    assert elements_of(record) == {"api": (expected,)}


@pytest.mark.parametrize(("name", "word"), [("a", "shop/a"), ("*", "shop/\\*"), (None, "shop/")])
def test_secrets_are_told_by_namespace_and_name(name: str | None, word: str) -> None:
    record = request("get", "secrets", namespace="shop", **({} if name is None else {"name": name}))
    assert elements_of(record)["secret"] == (("get", word),)


@pytest.mark.parametrize(
    ("action", "verb"), [("secret-read", "read"), ("secret-metadata-read", "metadata-read"), ("vault-read", "read")]
)
def test_secrets_of_a_store_are_told_by_their_path(action: str, verb: str) -> None:
    record = {"event.action": action, "secret.path": "secret/app/db", "event.dataset": "vault.audit"}
    assert elements_of(record) == {"secret": ((verb, "secret/app/db"),)}


@given(st.text(max_size=9))
def test_an_argument_that_is_literal_is_itself(text: str) -> None:
    (element,) = elements_of(program("/bin/a", "a", text))["args"]
    assert element == ("/bin/a", literal(text))


def test_what_runs_from_memory_is_the_same_wherever_it_was_started() -> None:
    record = {"event.action": "exec", "process.name": "x", "process.args": ["x"]}
    assert elements_of(record | {"process.working_directory": "/srv"})["exec"] == (("/memfd:x",),)
    assert elements_of(record | {"process.executable": "memfd:x"})["exec"] == (("/memfd:x",),)


def test_an_inbound_peer_is_who_connects_whatever_the_own_name_is() -> None:
    record = {"network.direction": "ingress", "source.ip": "203.0.113.9", "destination.domain": "shop.example"}
    assert elements_of(record)["ingress"] == (("203.0.113.9", "", "ip"),)


def test_no_word_of_a_sensor_becomes_a_pattern() -> None:
    assert elements_of({"kubernetes.audit.verb": "*", "url.path": "/x"})["api"] == (("\\*", "/x", ""),)
    connection = {"network.direction": "egress", "network.transport": "*", "destination.ip": "10.0.0.1"}
    assert elements_of(connection)["egress"] == (("10.0.0.1", "", "\\*"),)
    assert elements_of({"event.action": "open", "file.path": "/x", "file.access": ["*"]})["file"] == (("/x", "\\*"),)


def test_a_setting_that_is_unset_is_not_one_of_that_name() -> None:
    unset, none = (set(elements_of(started(network_mode=mode))["settings"]) for mode in ("", "none"))
    assert none - unset == {("network_mode", "none")}


def test_a_bare_image_id_is_an_image_of_its_own() -> None:
    digest = "sha256:" + "a" * 64
    record = started() | {"container.settings.images": [digest]}
    assert elements_of(record)["image"] == (("run", digest),)


def test_a_command_line_stands_in_for_arguments_that_are_not_known() -> None:
    record = {"event.action": "exec", "process.executable": "/bin/ls", "process.command_line": "ls -l /srv"}
    assert elements_of(record)["args"] == (("/bin/ls", "-l", "/srv"),)
