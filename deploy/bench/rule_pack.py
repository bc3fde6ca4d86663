"""Rules and events for the benchmark of the matcher, made from a seed: shaped like SigmaHQ's for Linux, containers and Kubernetes.

Six of ten rules are of ``process_creation``, the others of files, connections, auditd and the Kubernetes audit log; one in
thirty has a regular expression. Events have the fields that these rules read; one in twelve is made to fit a rule.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any, Final, Literal
from uuid import UUID

from schemas.codec import dumps

__all__ = ["Expressions", "activities", "line", "rule_texts"]

Expressions = Literal["plain", "nasty"]


def _words(text: str) -> list[str]:
    return text.split()


_SYLLABLES: Final = _words("ar bo cu da el fi gro hu in jo ka lim mo net or pa")
_PROGRAMS: Final = _words(
    "bash sh dash curl wget nc ncat socat python3 perl ruby php node chmod chown crontab systemctl mount nsenter useradd "
    "usermod iptables ssh scp rsync base64 xxd tar gzip find grep awk sed cat tee dd strings gdb strace tcpdump nmap"
)
_OPTIONS: Final = _words("-e -c --decode -rf +s -perm --privileged -L -R -p --pid --mount -i -nlvp --dump -xvf -o")
_PLACES: Final = [
    f"/{place}/" for place in _words("tmp dev/shm var/tmp etc/cron.d root/.ssh usr/local/bin var/www opt")
]
_VERBS: Final = _words("get list watch create update patch delete")
_RESOURCES: Final = _words("pods secrets configmaps deployments daemonsets roles rolebindings nodes cronjobs")
_SUBRESOURCES: Final = _words("exec attach portforward log ephemeralcontainers")
_FITTING: Final = 12
"""One activity in so many is made to fit a rule."""

_WITH_EXPRESSION: Final = 30
_NASTY: Final = (
    r"(a+)+#$",
    r"(x+x+)+y$",
    r"(.*a){12}!",
    r"([a-z]+)*=[0-9]$",
    r"^(([a-z])+.)+[A-Z]([a-z])+$",
    r"(\w*\s*)*;$",
    r"(.+)+\|\s*(ba|da|z)?sh$",
)


def rule_texts(number: int, expressions: Expressions = "plain", seed: int = 7) -> Iterator[tuple[str, str]]:
    """Yield names and texts of rule files; ``nasty`` expressions are those that hang engines that go back."""
    yield from ((name, text) for name, text, _ in _rules(number, expressions, seed))


def activities(number: int, rules: int, seed: int = 7) -> Iterator[bytes]:
    """Yield activities, each another, for a pack of so many rules of the same seed: what stands behind the envelope of a line."""
    fitting = [sample for _, _, sample in _rules(rules, "plain", seed)]
    random = Random(seed + 1)  # noqa: S311  # data of a benchmark, no keys
    for position in range(number):
        activity = _usual(random) | (random.choice(fitting) if position % _FITTING == 0 else {})
        yield dumps({"ecs.version": "9.1.0"} | dict(sorted(activity.items())))[1:] + b"\n"


def line(position: int, activity: bytes) -> bytes:
    """Return an event as on the wire: the envelope, which differs every time, then ``ecs.version`` and the activity."""
    head = {
        "event.id": f"bench:0000:{position:012d}",
        "@timestamp": f"2026-06-01T10:{position // 60000 % 60:02d}:{position // 1000 % 60:02d}.{position % 1000:03d}Z",
        "process.pid": 1000 + position % 30_000,
    }
    return dumps(head)[:-1] + b"," + activity


def _rules(number: int, expressions: Expressions, seed: int) -> Iterator[tuple[str, str, dict[str, Any]]]:
    random = Random(seed)  # noqa: S311  # data of a benchmark, no keys
    for position in range(number):
        kind = _KINDS[position % len(_KINDS)]
        logsource, selection, sample = kind(random)
        detection: dict[str, Any] = {"selection": selection, "condition": "selection and not 1 of filter_*"}
        detection["filter_main"] = {"User|startswith": f"svc-{_word(random)}"}
        if position % _WITH_EXPRESSION == 0:
            detection["expression"] = {"CommandLine|re": _expression(random, expressions)}
            detection["condition"] = "(selection or expression) and not 1 of filter_*"
        text = {
            "title": f"Generated {position}",
            "id": str(UUID(int=random.getrandbits(128), version=4)),
            "status": "test",
            "logsource": logsource,
            "detection": detection,
            "level": random.choice(["low", "medium", "high"]),
            "tags": ["attack.execution", f"attack.t{1000 + position % 600}"],
        }
        yield f"generated_{position:05d}.yml", dumps(text).decode(), sample


def _word(random: Random, syllables: int = 3) -> str:
    return "".join(random.choices(_SYLLABLES, k=syllables))


def _program(random: Random) -> str:
    return random.choice(_PROGRAMS) if random.random() < 0.5 else _word(random)  # noqa: PLR2004  # half of them


def _expression(random: Random, expressions: Expressions) -> str:
    if expressions == "nasty":
        return random.choice(_NASTY)
    return rf"{_word(random)}-[a-z]{{2,5}}\s+--{_word(random)}=\d+"


def _process(random: Random) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
    programs = [_program(random) for _ in range(random.randint(1, 4))]
    every = random.random() < 0.5  # noqa: PLR2004  # half of them
    option = f" {random.choice(_OPTIONS)} " if every else f" --{_word(random)} "
    words = [option, random.choice(_PLACES) + _word(random), _word(random, 4)]
    selection: dict[str, Any] = {"Image|endswith": [f"/{program}" for program in programs]}
    selection["CommandLine|contains|all" if every else "CommandLine|contains"] = words[: random.randint(2, 3)]
    if random.random() < 0.25:  # noqa: PLR2004  # a quarter
        selection["ParentImage|endswith"] = f"/{random.choice(_PROGRAMS)}"
    sample = {"Image": f"/usr/bin/{programs[0]}", "CommandLine": f"{programs[0]}{''.join(words)}", "User": "app"}
    if "ParentImage|endswith" in selection:
        sample["ParentImage"] = f"/bin{selection['ParentImage|endswith']}"
    return {"category": "process_creation", "product": "linux"}, selection, sample


def _file(random: Random) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
    name = _word(random, 3)
    selection: dict[str, Any] = {
        "TargetFilename|startswith": [random.choice(_PLACES) + name, random.choice(_PLACES) + _word(random)],
        "TargetFilename|endswith": [".sh", ".so", ".service", f".{_word(random, 1)}"],
    }
    return (
        {"category": "file_event", "product": "linux"},
        selection,
        {"TargetFilename": f"{selection['TargetFilename|startswith'][0]}/x.sh"},
    )


def _connection(random: Random) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
    network = f"{random.randint(11, 99)}.{random.randint(0, 255)}"
    selection: dict[str, Any] = {
        "Image|endswith": [f"/{_program(random)}", f"/{_program(random)}"],
        "DestinationIp|cidr": [f"{network}.0.0/16"],
        "DestinationPort": [random.randint(1024, 9999), random.randint(1024, 9999)],
    }
    sample = {
        "Image": f"/usr/bin{selection['Image|endswith'][0]}",
        "DestinationIp": f"{network}.7.9",
        "DestinationPort": selection["DestinationPort"][0],
    }
    return {"category": "network_connection", "product": "linux"}, selection, sample


def _audit(random: Random) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
    selection: dict[str, Any] = {
        "verb": random.sample(_VERBS, 2),
        "objectRef.resource": random.choice(_RESOURCES),
        "objectRef.namespace": [f"{_word(random, 2)}-{random.choice(['system', 'prod', 'ops'])}" for _ in range(2)],
    }
    if random.random() < 0.3:  # noqa: PLR2004  # some
        selection["objectRef.subresource"] = random.choice(_SUBRESOURCES)
    sample = {key: value[0] if isinstance(value, list) else value for key, value in selection.items()}
    return {"product": "kubernetes", "service": "audit"}, selection, sample


def _arguments(random: Random) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
    program, word = _program(random), _word(random)
    selection: dict[str, Any] = {"type": "EXECVE", "a0": program, "a1|contains": [word, _word(random, 2)]}
    return {"product": "linux", "service": "auditd"}, selection, {"type": "EXECVE", "a0": program, "a1": f"--{word}"}


_KINDS: Final = (
    *(_process, _file, _process, _connection, _process, _audit, _process, _arguments, _process, _process),
    *(_process, _audit, _process, _file, _process, _connection, _process, _audit, _process, _process),
)


def _usual(random: Random) -> dict[str, Any]:
    """Return an event as any of them could be, which seldom fits a rule."""
    program, parent = random.choice(_PROGRAMS), random.choice(_PROGRAMS)
    arguments = " ".join(
        f"{random.choice(_OPTIONS)} {random.choice(_PLACES)}{_word(random)}" for _ in range(random.randint(1, 4))
    )
    event: dict[str, Any] = {
        "Image": f"/usr/bin/{program}",
        "CommandLine": f"{program} {arguments} {random.getrandbits(40):x}",
        "ParentImage": f"/usr/bin/{parent}",
        "ParentCommandLine": f"{parent} {random.choice(_OPTIONS)} {_word(random)}",
        "CurrentDirectory": random.choice(_PLACES),
        "User": f"{_word(random, 2)}-{random.randint(1, 99)}",
        "container.image.name": f"registry.example.org/{_word(random, 2)}/{_word(random, 2)}",
        "workload.name": _word(random),
    }
    kind = random.randrange(4)
    if kind == 1:
        event["TargetFilename"] = f"{random.choice(_PLACES)}{_word(random)}.{_word(random, 1)}"
    elif kind == 2:  # noqa: PLR2004  # a kind
        event |= {"DestinationIp": f"10.{random.randrange(256)}.3.4", "DestinationPort": random.randrange(65536)}
    elif kind == 3:  # noqa: PLR2004  # a kind
        event |= {"verb": random.choice(_VERBS), "objectRef.resource": random.choice(_RESOURCES)}
        event |= {"objectRef.namespace": _word(random, 2), "user.username": f"{_word(random)}@example.org"}
    return event
