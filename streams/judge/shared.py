"""The shared facts in force, and which of them belong together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from schemas.codec import Event, dumps_sorted
from schemas.errors import ConfigurationError, Invalid
from schemas.fields import FIELDS
from schemas.settings import KafkaSettings
from schemas.shared import IDENTITY, IMAGE, SECRET, SHARED, WORKLOAD, SharedRecord, digests_of, united
from streams.judge.follower import Follower
from streams.kafka import Consumed

__all__ = ["SharedFacts", "SharedFeed", "Told"]

_DIGEST_BYTES: Final = 16
_MODULUS: Final = 2 ** (8 * _DIGEST_BYTES)
_DECIDING: Final = tuple(name for name in SHARED if FIELDS[name].decides)
_NOTHING: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Told:
    """All that is known of a subject; ``beyond`` says whether that is more than any one source has said in an event of its own."""

    subject: str
    since: str
    facts: Event
    hash: str
    beyond: bool


class SharedFacts:
    """What every source has said last of every subject, joined when it is asked for.

    An image is known by the digest of its configuration and by those of its manifests. Records are joined that have one of them in common,
    and what those have in common with others, but never two that name different configurations: one index may stand for the images of
    several platforms.

    ``hash`` names all that decides: a sum of digests, so that it is the same in whichever order the records came, and however often.
    """

    def __init__(self) -> None:
        self._records: dict[bytes, SharedRecord] = {}
        self._named: dict[str, dict[bytes, None]] = {}
        self._digests: dict[str, int] = {}
        self._answers: dict[tuple[str, tuple[str, ...]], Event] = {}
        self._sum = 0
        self.hash = ""

    def put(self, key: bytes, value: bytes | None) -> frozenset[str]:
        """Take in a record of ``shared-facts``; return the names of all of which something else may hold now.

        Raises ``Invalid`` for what is no record; nothing has changed then.
        """
        record = None if value is None else SharedRecord.decode(value)
        before = self._records.get(key)
        concerned = self._linked(before) | self._linked(record)
        units = {_unit(one) for one in (before, record) if one is not None}
        self._replace(key, before, record)
        if not [unit for unit in units if self._changes(unit)]:  # each of them is looked at
            return _NOTHING
        self._answers.clear()
        self.hash = f"{self._sum:032x}" if self._sum else ""
        return concerned | self._linked(record)

    def _replace(self, key: bytes, before: SharedRecord | None, record: SharedRecord | None) -> None:
        for name in before.names if before else ():
            self._named[name].pop(key)
            if not self._named[name]:
                del self._named[name]
        self._records.pop(key, None)
        if record is not None:
            self._records[key] = record
            for name in record.names:
                self._named.setdefault(name, {})[key] = None

    def _changes(self, unit: bytes | str) -> bool:
        """Bring the digest of a unit up to date; return whether it has changed."""
        name = unit if isinstance(unit, str) else unit.decode()
        digest, before = self._digest(unit), self._digests.get(name, 0)
        self._sum = (self._sum - before + digest) % _MODULUS
        if digest:
            self._digests[name] = digest
        else:
            self._digests.pop(name, None)
        return digest != before

    def _digest(self, unit: bytes | str) -> int:
        """Return the digest of what decides: of an image each record by itself, else what all say together, whose order counts."""
        if isinstance(unit, bytes):
            record = self._records.get(unit)
            return int(record.hash, 16) if record else 0
        facts = _deciding(self._joined("", (unit,)))
        if not facts:
            return 0
        return int.from_bytes(blake2b(dumps_sorted([unit, facts]), digest_size=_DIGEST_BYTES).digest())

    # What is asked

    def of_image(self, facts: Event) -> Event:
        """Return what decides of an image by facts that name it; empty where nobody has told of it."""
        configuration, manifests = digests_of(facts)
        return self._answer(configuration, (configuration, *manifests) if configuration else manifests)

    def of_others(self, subject: str, facts: Event, source: str) -> Event:
        """Return what decides of an image or a secret without what one source has said of it, which says something new."""
        configuration, manifests = digests_of(facts)
        names = (configuration, *manifests, subject.removeprefix(IMAGE))
        own = subject, source
        return _deciding(one for one in self._joined(configuration, names) if (one.subject, one.source) != own)

    def of_subject(self, subject: str) -> Event:
        """Return what decides of a workload or a secret."""
        return self._answer("", (subject,))

    def _answer(self, configuration: str, names: tuple[str, ...]) -> Event:
        asked = configuration, names
        if asked not in self._answers:
            self._answers[asked] = _deciding(self._joined(configuration, names))
        return self._answers[asked]

    def _joined(self, configuration: str, names: Iterable[str]) -> list[SharedRecord]:
        """Return the records of all that these names lead to, but for those of another configuration."""
        found: dict[bytes, SharedRecord] = {}
        waiting = list(names)
        while waiting:
            for key in self._named.get(waiting.pop(), ()):
                record = self._records[key]
                if key in found or (configuration and record.configuration not in ("", configuration)):
                    continue
                found[key] = record
                waiting += record.names
        return list(found.values())

    def _linked(self, record: SharedRecord | None) -> frozenset[str]:
        """Return the names of a record, and of all that it is or was joined with."""
        if record is None:
            return _NOTHING
        return record.names.union(*(one.names for one in self._joined("", record.names)))

    # What is told

    def subjects(self) -> set[str]:
        """Return all that are told of."""
        return self.subjects_named(self._named)

    def secrets(self) -> list[str]:
        """Return all secrets."""
        return [name for name in self._named if name.startswith(SECRET)]

    def registered(self) -> set[str]:
        """Return the images of which a registry has told, as it calls them."""
        return {one.subject for one in self._records.values() if one.facts.get("container.image.registries")}

    def subjects_named(self, names: Iterable[str]) -> set[str]:
        """Return the subjects that these names belong to; an image is told of by its configuration, else by its first manifest."""
        return {subject for name in names for subject in self._subjects(name)}

    def _subjects(self, name: str) -> Iterator[str]:
        joined = self._joined("", (name,))
        configurations = {record.configuration for record in joined} - {""}
        if configurations:
            yield from (IMAGE + one for one in configurations)
        elif joined and not joined[0].subject.startswith(IMAGE):
            yield joined[0].subject
        elif joined:
            yield IMAGE + min(min(record.names) for record in joined)

    def known_of(self, subject: str) -> Event:
        """Return everything that is known of a subject, also what decides nothing; empty where nobody tells of it."""
        records = self.records_of(subject)
        return {**_identity(subject, records), **united(records)} if records else {}

    def records_of(self, subject: str) -> list[SharedRecord]:
        """Return what each source says of a subject, and of an image under any of its digests; in no order."""
        name = subject.removeprefix(IMAGE)
        return self._joined(name if subject != name else "", (name,))

    def told(self, subject: str) -> Told | None:
        """Return what there is to tell of a subject; None where nothing decides, and for a workload, which nothing is decided about."""
        records = self.records_of(subject)
        facts = united(records)
        deciding = {name: value for name, value in facts.items() if FIELDS[name].decides and value != []}
        if not deciding or subject.startswith(WORKLOAD):
            return None
        content = blake2b(dumps_sorted([subject, deciding]), digest_size=_DIGEST_BYTES).hexdigest()
        since = max(record.since for record in records)
        beyond = not any(_says_all(record, subject, deciding) for record in records)
        return Told(subject, since, {**_identity(subject, records), **facts}, content, beyond)


def _says_all(record: SharedRecord, subject: str, deciding: Event) -> bool:
    """Return whether a source's own event was judged by all of this: ages pass without an event."""
    ages = [name for name in deciding if name.endswith("older_than")]
    return record.subject == subject and not ages and {**record.deciding, **deciding} == record.deciding


def _unit(record: SharedRecord) -> bytes | str:
    return record.key if record.subject.startswith(IMAGE) else record.subject


def _deciding(records: Iterable[SharedRecord]) -> Event:
    facts = united(records)
    return {name: facts[name] for name in _DECIDING if facts.get(name, []) != []}


def _identity(subject: str, records: list[SharedRecord]) -> Event:
    """Return what an image is known by, as all who tell of it say; of a secret nothing."""
    if not subject.startswith(IMAGE):
        return {}
    digest = subject.removeprefix(IMAGE)
    is_configuration = any(record.configuration == digest for record in records)
    found: Event = {"container.image.id": digest} if is_configuration else {"container.image.hash.all": [digest]}
    for record in sorted(records, key=lambda record: (record.time, record.source)):
        for name in IDENTITY:
            if name in record.facts:
                found[name] = _with(found.get(name), record.facts[name])
    return found


def _with(before: object, value: object) -> object:
    if isinstance(before, list) and isinstance(value, list):
        return sorted({*before, *value})
    return value


class SharedFeed:
    """Follows ``shared-facts``: what is there when it starts is read before anything is decided, and adopted between two transactions."""

    def __init__(self, settings: KafkaSettings, client_id: str) -> None:
        self.current = SharedFacts()
        self._follower = Follower(settings, client_id, "shared-facts", self._take)

    def poll(self) -> frozenset[str]:
        """Take in what has come and return the names of all of which something else may hold now; never waits."""
        return _NOTHING.union(*map(self._take, self._follower.poll()))

    def _take(self, message: Consumed) -> frozenset[str]:
        try:
            return self.current.put(message.key(), message.value())
        except Invalid as error:
            place = f"{message.topic()}/{message.partition()}/{message.offset()}"
            raise ConfigurationError(f"{place}: {error}; run the version of Tidewaiter that wrote it") from error

    def close(self) -> None:
        """Leave the topic."""
        self._follower.close()
