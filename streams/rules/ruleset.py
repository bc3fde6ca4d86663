"""A rule set: all Sigma files of some directories, named by the hash of their texts.

Unlike a policy set it may have faults: a rule that cannot be read is left out and named in ``refused``, the rest holds.
Files named ``placeholders.yaml`` hold values for the modifier ``expand``; ``*.cases.yaml`` are not part of a set.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from zstandard import ZstdCompressor, ZstdDecompressor, ZstdError, frame_content_size

from schemas.codec import decode, dumps, dumps_sorted
from schemas.errors import ConfigurationError, Invalid
from schemas.policyset import Document
from schemas.textfiles import read_text_files
from streams.rules.collection import Found, filtered, resolved, told_apart, with_reported
from streams.rules.correlation import Correlation
from streams.rules.documents import RuleDocument, read_documents
from streams.rules.fault import RuleFault
from streams.rules.placeholders import Placeholders, is_placeholders, read_placeholders
from streams.rules.read import RuleFilter, read_correlation, read_filter, read_rule
from streams.rules.rule import Rule

__all__ = ["RuleSet", "load_rules", "parse_rules"]

_MAX_MANIFEST_BYTES: Final = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules and correlations in the order of their files, and what was refused, sorted by place."""

    documents: tuple[Document, ...]
    rules: tuple[Rule, ...]
    correlations: tuple[Correlation, ...]
    refused: tuple[RuleFault, ...]
    hash: str

    @classmethod
    def empty(cls) -> RuleSet:
        """Return the set without rules."""
        return parse_rules(())

    def manifest(self) -> bytes:
        """Return the whole set as one JSON object, compressed by zstd: ``{hash, documents: [{path, text}], refused: [[file, line]]}``."""
        documents = [{"path": document.path, "text": document.text} for document in self.documents]
        refused = [[fault.file, fault.line] for fault in parse_rules(self.documents).refused]
        return ZstdCompressor().compress(dumps({"hash": self.hash, "documents": documents, "refused": refused}))

    @classmethod
    def from_manifest(cls, manifest: bytes) -> RuleSet:
        """Return the set of a manifest; raise ``Invalid`` if it is none or its hash is not that of its content.

        Raises ``Invalid``, too, where this version refuses what the one that wrote it did not: no rule is dropped in silence.
        """
        value = decode(_decompressed(manifest))
        try:
            documents = [Document(str(entry["path"]), str(entry["text"])) for entry in value["documents"]]
            known, expected = {(file, line) for file, line in value["refused"]}, value["hash"]
        except (KeyError, TypeError, ValueError) as error:
            raise Invalid(f"not a manifest of rules: {error!r}") from error
        found = _hash(sorted(documents))
        if found != expected:
            raise Invalid(f"rules named {expected} have the hash {found}: the manifest was changed or cut")
        loaded = parse_rules(documents)
        refused = [fault for fault in loaded.refused if (fault.file, fault.line) not in known]
        if refused:
            raise Invalid(f"this version cannot read {len(refused)} of the rules that were applied: {refused[0]}")
        return loaded


def load_rules(paths: Sequence[Path]) -> RuleSet:
    """Return the rules in files, and in all ``.yml`` and ``.yaml`` files below directories.

    Hidden files and ``*.cases.yaml`` are left out. Raises ``ConfigurationError`` for a path that does not exist; whatever
    else is wrong is in ``refused``, with the path as it was named.
    """
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise ConfigurationError(f"{', '.join(missing)}: does not exist; name a file or directory of rules")
    files, unreadable = read_text_files(paths, "rules")
    shown = {file.name: str(file.path) for file in files}
    parsed = parse_rules(Document(file.name, file.text) for file in files)
    refused = [replace(fault, file=shown.get(fault.file, fault.file)) for fault in parsed.refused]
    refused.extend(RuleFault(fault.path, fault.line, "document", fault.message) for fault in unreadable)
    return replace(parsed, refused=tuple(sorted(refused)))


def parse_rules(documents: Iterable[Document]) -> RuleSet:
    """Return the rules in texts; never raises for what stands in them."""
    return _parsed(tuple(sorted(documents)))


@lru_cache(maxsize=2)
def _parsed(listed: tuple[Document, ...]) -> RuleSet:
    """Read the texts of one set; the last are kept for whoever writes it down or follows it anew, since thousands take seconds."""
    faults: list[RuleFault] = []
    placeholders = _placeholders(listed, faults)
    found: list[Found] = []
    filters: list[RuleFilter] = []
    for document in _rule_documents(listed, faults):
        read = _read(document, placeholders, faults)
        if isinstance(read, RuleFilter):
            filters.append(read)
        elif read is not None:
            found.append(Found(read, document))
    kept = with_reported(resolved(filtered(told_apart(found, faults), filters, faults), faults))
    items = [entry.item for entry in kept]
    return RuleSet(
        documents=listed,
        rules=tuple(item for item in items if isinstance(item, Rule)),
        correlations=tuple(item for item in items if isinstance(item, Correlation)),
        refused=tuple(sorted(faults)),
        hash=_hash(listed),
    )


def _decompressed(manifest: bytes) -> bytes:
    try:
        if not 0 <= frame_content_size(manifest) <= _MAX_MANIFEST_BYTES:
            raise Invalid(f"not a manifest of rules: more than {_MAX_MANIFEST_BYTES} bytes, or none")
        return ZstdDecompressor().decompress(manifest)
    except ZstdError as error:
        raise Invalid(f"not a manifest of rules: {error}") from error


def _hash(documents: Iterable[Document]) -> str:
    content = [[document.path, document.text] for document in documents]
    return blake2b(dumps_sorted(content), digest_size=16).hexdigest()


def _placeholders(documents: Iterable[Document], faults: list[RuleFault]) -> Placeholders:
    known: dict[str, tuple[str, ...]] = {}
    for document in documents:
        if is_placeholders(document.path):
            read, unreadable = read_documents(document.path, document.text)
            faults.extend(unreadable)
            for entry in read:
                faults.extend(read_placeholders(entry, known))
    return known


def _rule_documents(documents: Iterable[Document], faults: list[RuleFault]) -> Iterator[RuleDocument]:
    for document in documents:
        if not is_placeholders(document.path):
            read, unreadable = read_documents(document.path, document.text)
            faults.extend(unreadable)
            if not read and not unreadable:
                faults.append(RuleFault(document.path, 1, "document", "is empty; write a rule or remove the file"))
            yield from _completed(read, faults)


def _completed(documents: Iterable[RuleDocument], faults: list[RuleFault]) -> Iterator[RuleDocument]:
    """Yield the documents of one file with what ``action`` says of them: collections as Sigma had them before 2.0."""
    template: Mapping[str, Any] = {}
    previous: Mapping[str, Any] = {}
    for document in documents:
        if not isinstance(document.value, dict):
            faults.append(document.fault((), "must be names and values, as a rule has"))
            continue
        own = {key: value for key, value in document.value.items() if key != "action"}
        action = document.value.get("action")
        if action == "global":
            template = own
        elif action == "reset":
            template = {}
        elif action == "repeat":
            previous = _merged(previous, own)
            yield replace(document, value=previous)
        elif action is not None:
            faults.append(document.fault(("action",), "must be global, reset or repeat"))
        elif template.keys() and not own.keys() & {"correlation", "filter"}:
            previous = _merged(template, own)
            yield replace(document, value=previous)
        else:
            previous = own
            yield document


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    both = {**one, **other}
    for key in one.keys() & other.keys():
        if isinstance(one[key], dict) and isinstance(other[key], dict):
            both[key] = _merged(one[key], other[key])
    return both


_SECTIONS: Final = ("detection", "correlation", "filter")


def _read(
    document: RuleDocument, placeholders: Placeholders, faults: list[RuleFault]
) -> Rule | Correlation | RuleFilter | None:
    if "correlation" in document.value:
        return read_correlation(document, faults)
    if "filter" in document.value:
        return read_filter(document, placeholders, faults)
    if not document.value.keys() & set(_SECTIONS):
        faults.append(document.fault((), f"is no rule: it has none of {', '.join(_SECTIONS)}"))
        return None
    return read_rule(document, placeholders, faults)
