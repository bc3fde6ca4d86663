from __future__ import annotations

from typing import Any

import pytest

from producers.formats.docker import DockerFormat
from producers.normalise import Normaliser, records_of
from producers.types import FormatOptions
from schemas.codec import Event, encode_event
from schemas.errors import Invalid
from schemas.facts import Facts, is_facts, principal_of
from tests.producers.formats.docker.engine_records import CONTAINER, ENTITY, TIME, engine_event, inspect_of
from tests.producers.formats.reading import events_of, lines_of, results_of

OPTIONS = FormatOptions(cluster="prod", host="node-1")


def read(*values: Any) -> list[Event]:
    return events_of(DockerFormat(OPTIONS), *values)


def done(*values: Any) -> list[Event]:
    """Return the activities, without the facts."""
    return [event for event in read(*values) if not is_facts(event)]


def test_a_start_with_inspect_is_facts_and_then_the_start_with_its_settings() -> None:
    facts, start = read(engine_event("start", inspect=inspect_of(HostConfig={"Privileged": True})))
    assert is_facts(facts)
    assert facts["facts.authority"] == "engine"
    assert facts["event.dataset"] == "docker.facts"
    assert facts["container.id"] == CONTAINER
    assert facts["host.name"] == "node-1"
    assert start["event.action"] == "container-start"
    assert start["@timestamp"] == facts["@timestamp"] == "2024-04-24T23:06:40.123456789Z"
    assert start["entity.id"] == facts["entity.id"] == ENTITY
    for event in (facts, start):
        assert event["container.settings.privileged"] is True
        assert event["container.settings.root"] is True
        assert event["container.settings.images"] == ["registry.example:5000/shop/web:1.0"]


def test_an_event_that_changes_no_settings_does_not_repeat_them() -> None:
    (pause,) = done(engine_event("pause", inspect=inspect_of()))
    assert not [name for name in pause if name.startswith("container.settings.")]


def test_inspect_alone_is_facts_of_when_it_was_started() -> None:
    inspect = inspect_of(State={"StartedAt": "2024-01-02T03:04:05.6Z"})
    for value in ({"inspect": inspect}, inspect, [inspect]):
        (facts,) = read(value)
        assert is_facts(facts)
        assert facts["@timestamp"] == "2024-01-02T03:04:05.600000000Z"
    (facts,) = read({"inspect": inspect, "timeNano": TIME, "engine": "podman"})
    assert facts["@timestamp"] == "2024-04-24T23:06:40.123456789Z"
    assert facts["container.runtime"] == "podman"


def test_a_container_that_never_ran_has_facts_of_when_it_was_created() -> None:
    (facts,) = read(inspect_of(State={"StartedAt": "0001-01-01T00:00:00Z"}, Created="2024-01-02T03:04:05Z"))
    assert facts["@timestamp"] == "2024-01-02T03:04:05.000000000Z"


def test_a_container_that_was_never_inspected_has_the_facts_of_its_event_once() -> None:
    event = engine_event("start", labels={"com.docker.compose.service": "web", "com.docker.compose.project": "shop"})
    events = read(event, event | {"timeNano": TIME + 1})
    assert [entry["event.action"] for entry in events] == ["facts", "container-start", "container-start"]
    facts = events[0]
    assert facts["facts.authority"] == "sensor"
    assert facts["container.image.name"] == "registry.example:5000/shop/web"
    assert facts["container.image.tag"] == ["1.0"]
    known = Facts()
    known.merge(facts)
    assert principal_of(ENTITY, known.deciding()) == "container:prod/shop/web/web"


def test_what_an_event_says_never_replaces_what_inspect_said() -> None:
    events = read(engine_event("create", inspect=inspect_of()), engine_event("die"))
    assert [event.get("facts.authority") for event in events if is_facts(event)] == ["engine"]


def test_an_inspect_of_another_container_is_not_taken() -> None:
    events = read(engine_event("start", inspect=inspect_of(Id="ef" * 32)))
    assert events[0]["facts.authority"] == "sensor"
    assert "container.settings.root" not in events[1]


@pytest.mark.parametrize(
    ("action", "attributes", "expected"),
    [
        ("create", {}, {"event.action": "container-create", "event.type": ["creation"]}),
        ("die", {"exitCode": "137"}, {"event.action": "container-die", "process.exit_code": 137}),
        ("kill", {"signal": "9"}, {"event.action": "container-kill", "event.reason": "signal 9"}),
        ("rename", {"oldName": "/old"}, {"event.action": "container-rename", "message": "was /old"}),
        ("oom", {}, {"event.action": "container-oom", "event.type": ["end"]}),
        ("attach", {}, {"event.action": "container-attach"}),
        ("archive-path", {}, {"event.action": "container-archive-path", "event.type": ["change"]}),
        ("health_status: unhealthy", {}, {"event.action": "container-health-status", "event.reason": "unhealthy"}),
        ("never heard of", {}, {"event.action": "container-never-heard-of", "event.type": ["info"]}),
        ("remove", {}, {"event.action": "container-destroy", "event.type": ["deletion"]}),
        ("exec_died", {"exitCode": "1"}, {"event.action": "container-exec-die", "process.exit_code": 1}),
        (
            "exec_create: /bin/sh -c id: 1",
            {},
            {"event.action": "container-exec", "container.exec.command": "/bin/sh -c id: 1", "event.type": ["start"]},
        ),
        ("exec_start: ls", {}, {"event.action": "container-exec-start", "container.exec.command": "ls"}),
    ],
)
def test_names_what_was_done_to_a_container(action: str, attributes: Event, expected: Event) -> None:
    (event,) = done(engine_event(action, attributes))
    assert {name: event[name] for name in expected} == expected


def test_podmans_exec_has_the_command_that_the_origin_asked_for() -> None:
    session = {"ProcessConfig": {"entrypoint": "sh", "arguments": ["-c", "id"], "tty": False}}
    (event,) = done(engine_event("exec") | {"inspect_exec": session})
    assert event["event.action"] == "container-exec"
    assert event["container.exec.command"] == "sh -c id"


def test_a_health_check_is_told_from_other_execs_by_its_command_and_its_end_by_its_id() -> None:
    check = {"Test": ["CMD-SHELL", "curl -f localhost || exit 1"]}
    command = "/bin/sh -c curl -f localhost || exit 1"
    events = done(
        engine_event("start", inspect=inspect_of(Config={"Healthcheck": check})),
        engine_event(f"exec_create: {command}", {"execID": "e1"}),
        engine_event(f"exec_start: {command}", {"execID": "e1"}),
        engine_event("exec_create: /bin/sh -c id", {"execID": "e2"}),
        engine_event("exec_die", {"execID": "e1", "exitCode": "0"}),
        engine_event("exec_die", {"execID": "e2", "exitCode": "0"}),
    )
    assert [event["event.action"] for event in events[1:]] == [
        "container-health-check",
        "container-health-check",
        "container-exec",
        "container-health-check",
        "container-exec-die",
    ]
    assert events[1]["container.exec.command"] == command


def test_another_containers_health_check_is_an_exec_here() -> None:
    check = {"Test": ["CMD", "curl", "localhost"]}
    other = "ef" * 32
    events = done(
        engine_event("start", inspect=inspect_of(Config={"Healthcheck": check})),
        engine_event("exec_create: curl localhost", container=other),
        engine_event("exec_create: curl localhost"),
    )
    assert [event["event.action"] for event in events[1:]] == ["container-exec", "container-health-check"]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            {"Action": "pull", "Actor": {"ID": "alpine:latest", "Attributes": {"name": "alpine"}}},
            {"event.action": "image-pull", "container.settings.images": ["alpine:latest"]},
        ),
        (
            {"Action": "pull", "Actor": {"ID": "", "Attributes": {"name": "r.example/a:1"}}},
            {"event.action": "image-pull", "container.settings.images": ["r.example/a:1"]},
        ),
        (
            {"Action": "tag", "Actor": {"ID": "sha256:" + "1" * 64, "Attributes": {"name": "r.example/a:2"}}},
            {"event.action": "image-tag", "container.settings.images": ["r.example/a:2"]},
        ),
        (
            {"Action": "delete", "Actor": {"ID": "sha256:" + "1" * 64, "Attributes": {}}},
            {"event.action": "image-delete", "container.settings.images": ["sha256:" + "1" * 64]},
        ),
    ],
)
def test_images_belong_to_the_host(event: Event, expected: Event) -> None:
    (found,) = read({"Type": "image", "timeNano": TIME} | event)
    assert found["entity.id"] == "host:node-1"
    assert {name: found[name] for name in expected} == expected


def test_a_network_is_the_hosts_and_its_connection_the_containers() -> None:
    network = {"Type": "network", "timeNano": TIME}
    connected, created = read(
        network
        | {"Action": "connect", "Actor": {"ID": "b0" * 32, "Attributes": {"container": CONTAINER, "name": "shop_net"}}},
        network | {"Action": "create", "Actor": {"ID": "b0" * 32, "Attributes": {"name": "shop_net"}}},
    )
    assert (connected["entity.id"], created["entity.id"]) == (ENTITY, "host:node-1")
    assert (connected["event.action"], created["event.action"]) == ("network-connect", "network-create")
    assert connected["network.name"] == "shop_net"


def test_a_volume_that_the_engine_named_is_anonymous() -> None:
    volume = {"Type": "volume", "Action": "create", "timeNano": TIME}
    named, anonymous = read(volume | {"Actor": {"ID": "data"}}, volume | {"Actor": {"ID": "1" * 64}})
    assert named["container.settings.volumes"] == ["data"]
    assert anonymous["container.settings.volumes"] == ["anonymous"]


def test_events_of_kinds_unknown_to_us_are_events() -> None:
    (event,) = read(
        {"Type": "secret", "Action": "create", "Actor": {"ID": "x", "Attributes": {"name": "tls"}}, "time": 1714000000}
    )
    assert event["event.action"] == "secret-create"
    assert event["orchestrator.resource.name"] == "tls"
    assert event["entity.id"] == "host:node-1"
    assert event["@timestamp"] == "2024-04-24T23:06:40.000000000Z"


def test_reads_the_shapes_of_old_engines_and_of_podmans_command() -> None:
    old, image, podman = done(
        {"status": "start", "id": CONTAINER, "from": "alpine:3", "time": 1714000000},
        {"status": "pull", "id": "alpine:3", "time": 1714000000},
        {
            "ID": CONTAINER,
            "Image": "alpine:3",
            "Name": "web",
            "Status": "died",
            "Time": "2024-04-24T23:06:40.5Z",
            "Type": "container",
            "Attributes": {"containerExitCode": "3"},
        },
    )
    assert (old["event.action"], old["entity.id"]) == ("container-start", ENTITY)
    assert old["container.settings.images"] == ["alpine:3"]
    assert (image["event.action"], image["entity.id"]) == ("image-pull", "host:node-1")
    assert (podman["event.action"], podman["process.exit_code"]) == ("container-die", 3)
    assert podman["@timestamp"] == "2024-04-24T23:06:40.500000000Z"


@pytest.mark.parametrize(
    "value",
    [
        b"not json",
        b"7",
        b'"text"',
        b"[1]",
        {"Type": "container", "time": 1714000000},
        {"Type": "container", "Action": "start", "Actor": {"ID": "host:evil"}, "time": 1714000000},
        {"Type": "container", "Action": "start", "Actor": {"ID": CONTAINER}},
        {"Type": "container", "Action": "start", "Actor": {"ID": CONTAINER}, "timeNano": -1},
        {"inspect": {"Id": "x"}, "time": 1714000000},
    ],
)
def test_what_cannot_be_read_is_a_dead_letter(value: Any) -> None:
    (result,) = results_of(DockerFormat(OPTIONS), value)
    assert isinstance(result, Invalid)


def test_an_empty_list_is_ignored_by_name() -> None:
    normaliser = Normaliser(DockerFormat(OPTIONS))
    assert not list(normaliser.run(records_of(lines_of([]), "test")))
    assert normaliser.tally.ignored == {"empty list": 1}


def test_replicas_have_the_same_activity_byte_for_byte() -> None:
    def activity(container: str, name: str, time: int) -> bytes:
        inspect = inspect_of(
            Id=container,
            Name=f"/{name}",
            HostConfig={"NetworkMode": f"container:{container}"},
            Mounts=[
                {"Type": "volume", "Name": container, "Destination": "/data"},
                {
                    "Type": "bind",
                    "Source": f"/var/lib/docker/containers/{container}/hosts",
                    "Destination": "/etc/hosts",
                },
            ],
        )
        event = engine_event("start", container=container, inspect=inspect) | {"timeNano": time}
        wire = encode_event(done(event)[0])
        return wire[wire.rfind(b',"ecs.version":') :]

    assert activity("ab" * 32, "web-1", TIME) == activity("cd" * 32, "web-2", TIME + 5)
