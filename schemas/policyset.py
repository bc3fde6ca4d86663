"""A policy set: all documents of a directory, checked together, named by the hash of their content.

No verdict reads a clock. So a set is loaded *as of* a day: exceptions that have expired by then are left out, are named in
``expired``, and count in the hash. Loading the same texts on a later day, after an exception has expired, gives another set,
which is applied like any other change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from difflib import get_close_matches
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from schemas.clauses import clauses_of, is_within
from schemas.codec import decode, dumps, dumps_sorted
from schemas.documents import Place, YamlDocument, path_text, read_documents
from schemas.errors import Invalid, PolicyErrors, PolicyFault
from schemas.policy import Policy
from schemas.textfiles import CASES_SUFFIX, read_text_files

__all__ = ["CASES_SUFFIX", "Document", "PolicySet", "exception_target", "load_policies", "parse_policies"]


@dataclass(frozen=True, slots=True, order=True)
class Document:
    """The text of one file; ``path`` is relative to the directory it was loaded from, with slashes."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class PolicySet:
    """Policies that hold together.

    ``expired`` names the exceptions that no longer hold on the day ``as_of``, as (policy, position).
    """

    documents: tuple[Document, ...]
    policies: tuple[Policy, ...]
    as_of: date
    expired: frozenset[tuple[str, int]]
    hash: str

    @classmethod
    def empty(cls) -> PolicySet:
        """Return the set that says nothing."""
        return parse_policies([], date.min)

    def manifest(self) -> bytes:
        """Return the whole set as one JSON object: ``{hash, as_of, documents: [{path, text}]}``."""
        documents = [{"path": document.path, "text": document.text} for document in self.documents]
        return dumps({"hash": self.hash, "as_of": self.as_of.isoformat(), "documents": documents})

    def on(self, day: date) -> PolicySet:
        """Return the same policies as of a later day: what has expired by then no longer holds. The set never grows younger."""
        if day <= self.as_of:
            return self
        expired = frozenset(_expired(self.policies, day))
        return replace(self, as_of=day, expired=expired, hash=_hash(list(self.documents), expired))

    def next_change(self) -> date | None:
        """Return the first day on which another exception no longer holds; None where none will."""
        ends = [
            exception.expires
            for policy in self.policies
            for exception in policy.exceptions
            if exception.expires is not None and exception.expires >= self.as_of
        ]
        return min(ends) + timedelta(days=1) if ends else None

    @classmethod
    def from_manifest(cls, manifest: bytes) -> PolicySet:
        """Return the set of a manifest; raise ``Invalid`` if it is none or its hash is not that of its content.

        Raises ``PolicyErrors`` where this version cannot read the policies in it.
        """
        value = decode(manifest)
        try:
            documents = [Document(str(entry["path"]), str(entry["text"])) for entry in value["documents"]]
            as_of, expected = date.fromisoformat(value["as_of"]), value["hash"]
        except (KeyError, TypeError, ValueError) as error:
            raise Invalid(f"not a manifest of policies: {error!r}") from error
        loaded = parse_policies(documents, as_of)
        if loaded.hash != expected:
            raise Invalid(f"policies named {expected} have the hash {loaded.hash}: the manifest was changed or cut")
        return loaded


def load_policies(paths: Sequence[Path], today: date) -> PolicySet:
    """Return the policies in files, and in all ``.yaml`` and ``.yml`` files below directories.

    Hidden files and ``*.cases.yaml`` are left out. Raises ``PolicyErrors`` with all faults of all files.
    """
    files, unreadable = read_text_files(paths, "policies")
    faults = [PolicyFault(fault.path, fault.line, "document", fault.message) for fault in unreadable]
    documents = [Document(file.name, file.text) for file in files]
    return _parse(documents, {file.name: str(file.path) for file in files}, today, faults)


def parse_policies(documents: Iterable[Document], today: date) -> PolicySet:
    """Return the policies in texts; raise ``PolicyErrors`` with all faults of all of them."""
    listed = list(documents)
    return _parse(listed, {document.path: document.path for document in listed}, today, [])


def _parse(documents: list[Document], shown: dict[str, str], today: date, faults: list[PolicyFault]) -> PolicySet:
    read: list[_Read] = []
    for document in sorted(documents):
        read.extend(_read_policies(shown[document.path], document.text, faults))
    faults.extend(_same_names(read))
    for entry in read:
        faults.extend((*_twice(entry), *_pointless_exceptions(entry, read)))
    if faults:
        raise PolicyErrors(faults)
    valid = [entry.policy for entry in read if entry.policy is not None]
    policies = tuple(sorted(valid, key=lambda policy: policy.policy))
    expired = frozenset(_expired(policies, today))
    return PolicySet(tuple(sorted(documents)), policies, today, expired, _hash(documents, expired))


def _hash(documents: list[Document], expired: frozenset[tuple[str, int]]) -> str:
    content = [[[document.path, document.text] for document in sorted(documents)], sorted(expired)]
    return blake2b(dumps_sorted(content), digest_size=16).hexdigest()


def _expired(policies: Iterable[Policy], today: date) -> Iterator[tuple[str, int]]:
    for policy in policies:
        for number, exception in enumerate(policy.exceptions):
            if exception.expires is not None and exception.expires < today:
                yield policy.policy, number


@dataclass(frozen=True, slots=True)
class _Read:
    """A document of a file; without a policy where it has faults."""

    policy: Policy | None
    file: str
    document: YamlDocument

    @property
    def name(self) -> str | None:
        """The name of the policy, also of one with faults."""
        name = self.document.value.get("policy") if isinstance(self.document.value, dict) else None
        return name if isinstance(name, str) else None

    @property
    def paths(self) -> list[str]:
        return [clause.path for clause in clauses_of(self.policy)] if self.policy else []

    def fault(self, place: Place, message: str) -> PolicyFault:
        return PolicyFault(self.file, self.document.line(place), path_text(place), message)


def _read_policies(file: str, text: str, faults: list[PolicyFault]) -> Iterator[_Read]:
    documents, unreadable = read_documents(file, text)
    faults.extend(unreadable)
    if not documents and not unreadable:
        faults.append(PolicyFault(file, 1, "document", "is empty; write a policy or remove the file"))
    for document in documents:
        faults.extend(document.faults)
        try:
            yield _Read(Policy.model_validate(document.value), file, document)
        except ValidationError as error:
            yield _Read(None, file, document)
            found = (_fault(file, document, detail) for detail in error.errors())
            places = {(fault.line, fault.path) for fault in document.faults}
            faults.extend(fault for fault in found if (fault.line, fault.path) not in places)


def _fault(file: str, document: YamlDocument, detail: ErrorDetails) -> PolicyFault:
    place = _written_place(document.value, detail["loc"])
    return PolicyFault(file, document.line(place), path_text(place), _message(detail))


def _written_place(value: Any, location: tuple[str | int, ...]) -> Place:
    """Return where in the document an error lies: pydantic counts positions also in a list written as one value."""
    place: list[str | int] = []
    for number, part in enumerate(location):
        if isinstance(part, int) and not isinstance(value, list):
            continue
        if isinstance(part, str) and not (isinstance(value, dict) and part in value):
            last = number == len(location) - 1 and isinstance(value, dict)
            return (*place, part) if last else tuple(place)
        place.append(part)
        value = value[part]
    return tuple(place)


def _message(detail: ErrorDetails) -> str:
    written, kind = detail["input"], detail["type"]
    if kind == "extra_forbidden":
        return _unknown_key(detail["loc"])
    if kind == "string_type" and isinstance(written, bool | int | float | date):
        return f"must be text; YAML reads this as {type(written).__name__}, so put it in quotes"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return f"must be keys and values, not {type(written).__name__}"
    if kind == "literal_error":
        return f"`{written}` is none of {detail['ctx']['expected']}"
    return _MESSAGES.get(kind) or detail["msg"].removeprefix("Value error, ")


_MESSAGES: Final = {
    "missing": "is missing",
    "string_pattern_mismatch": "must be small letters, digits and hyphens, at most 63",
    "too_short": "is empty; name something or leave the key out",
    "tuple_type": "must be a list",
}


def _unknown_key(location: tuple[str | int, ...]) -> str:
    known = _keys_at(location[:-1])
    close = get_close_matches(str(location[-1]), known, n=1)
    hint = f"did you mean `{close[0]}`? Known: " if close else "known: "
    return f"is not known here; {hint}{', '.join(known)}"


def _keys_at(location: tuple[str | int, ...]) -> list[str]:
    model: type[BaseModel] = Policy
    for part in location:
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        model = _model_in(fields[part].annotation) or model if part in fields else model
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)


def _same_names(read: list[_Read]) -> Iterator[PolicyFault]:
    first: dict[str, _Read] = {}
    for entry in read:
        known = first.setdefault(entry.name, entry) if entry.name else entry
        if known is not entry:
            place = f"{known.file}:{known.document.line(('policy',))}"
            yield entry.fault(("policy",), f"`{entry.name}` is the name of another policy, at {place}; rename one")


def _twice(entry: _Read) -> Iterator[PolicyFault]:
    for path, times in Counter(entry.paths).items():
        if times > 1:
            place = tuple(path.split("."))[:-1]
            yield entry.fault(
                place, f"`{path}` is said twice in this policy; give clauses different names, or drop one"
            )


def _pointless_exceptions(entry: _Read, read: list[_Read]) -> Iterator[PolicyFault]:
    for number, exception in enumerate(entry.policy.exceptions if entry.policy else ()):
        if entry.policy is None or exception.clause is None:
            continue
        policy, path = exception_target(entry.policy, exception.clause)
        place: Place = ("exceptions", number, "clause")
        named = [other for other in read if other.name == policy]
        paths = [path for other in named for path in other.paths]
        if not named:
            known = [other.name for other in read if other.name]
            yield entry.fault(place, f"there is no policy `{policy}`{_nearest(policy, known)}")
        elif all(other.policy for other in named) and not any(is_within(known, path) for known in paths):
            yield entry.fault(place, f"policy `{policy}` has no clause `{path}`{_nearest(path, paths)}")


def exception_target(policy: Policy, clause: str) -> tuple[str, str]:
    """Return the policy and the clause that an exception names; one of the same document may be named without it."""
    name, colon, path = clause.partition(":")
    return (name.strip(), path.strip()) if colon else (policy.policy, clause.strip())


def _nearest(wrong: str, known: list[str]) -> str:
    close = get_close_matches(wrong, known, n=1)
    return f"; did you mean `{close[0]}`?" if close else ""
