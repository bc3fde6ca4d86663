"""A baseline as a YAML document for git, and back, exactly.

One element is one line, in the one order of elements, so a change of a baseline is a small diff::

    principal: container:prod/shop/web/web
    version: 3
    hash: 4b9b2d4d6f4a7a0a4b0e3c2f5d6e7a81
    author: alice@shop.example
    approved: '2026-06-01T09:30:00Z'
    reason: release 14
    partial: []
    releases: []
    elements:
      exec:
        - [/usr/sbin/nginx]
      egress:
        - ['workload:prod/shop/database', '5432', tcp]
    never:
      exec:
        - [/bin/busybox, sh]

The document of a version in force is not edited: its hash would not fit. An edited one is a proposal, which is read where the
caller says so and becomes another version once it is approved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final

from schemas.baseline import DIMENSIONS, Baseline, Element, Elements, ordered
from schemas.documents import Place, YamlDocument, path_text, read_documents
from schemas.errors import PolicyErrors, PolicyFault
from streams.baseline.exports.yamltext import dump_flow, dump_yaml

__all__ = ["read_baseline", "write_baseline"]

_TEXTS: Final = ("principal", "hash", "author", "approved", "reason")
_LISTS: Final = ("partial", "releases")
_SETS: Final = ("elements", "never")
_KEYS: Final = ("principal", "version", "hash", "author", "approved", "reason", *_LISTS, *_SETS)
_NEEDED: Final = ("principal", "version", "elements")
_MANY: Final = 1 << 16
_WORDS: Final[Mapping[str, tuple[int, int, str]]] = {
    "exec": (1, 2, "path and, where it differs, the name it is called by"),
    "args": (1, _MANY, "path and arguments"),
    "hash": (2, 2, "path and SHA-256"),
    "file": (2, 2, "path and access"),
    "egress": (3, 3, "peer, port and transport"),
    "ingress": (3, 3, "peer, port and transport"),
    "dns": (1, 1, "name"),
    "resource": (2, 2, "metric and band"),
    "settings": (2, 2, "setting and value"),
    "image": (2, 2, "what is done with it and repository"),
    "api": (3, 3, "verb, resource and namespace"),
    "secret": (2, 2, "verb and namespace/name"),
}
_REST: Final = "**"


def write_baseline(baseline: Baseline) -> str:
    """Return the document of a baseline; equal baselines have equal documents."""
    header = {
        "principal": baseline.principal,
        "version": baseline.version,
        "hash": baseline.hash,
        "author": baseline.author,
        "approved": baseline.approved,
        "reason": baseline.reason,
        "partial": list(baseline.partial),
        "releases": list(baseline.releases),
    }
    return dump_yaml(header) + "".join((*_written("elements", baseline.elements), *_written("never", baseline.never)))


def _written(name: str, elements: Elements) -> Iterator[str]:
    yield f"{name}:\n" if elements else f"{name}: {{}}\n"
    for dimension, found in elements.items():
        yield f"  {dimension}:\n" if found else f"  {dimension}: []\n"
        yield from (f"    - {dump_flow(element)}\n" for element in found)


def read_baseline(file: str, text: str, *, edited: bool = False) -> Baseline:
    """Return the baseline of a document; raise ``PolicyErrors`` with all its faults, each with file, line and path.

    A hash that does not fit the content is a fault, and one that is missing too, unless ``edited`` says that the content may
    have been changed: then the baseline returned is a proposal, whose own hash is another than the written one.
    """
    documents, faults = read_documents(file, text)
    if not documents and not faults:
        faults.append(PolicyFault(file, 1, "document", "is empty; write a baseline or remove the file"))
    faults.extend(_more(file, documents[1:]))
    if not documents:
        raise PolicyErrors(faults)
    reading = _Reading(file, documents[0])
    reading.check(edited=edited)
    faults.extend((*documents[0].faults, *reading.faults))
    if faults:
        raise PolicyErrors(faults)
    return _checked(reading, edited=edited)


def _more(file: str, documents: list[YamlDocument]) -> Iterator[PolicyFault]:
    for document in documents:
        yield PolicyFault(file, document.line(()), "document", "is another document; write one baseline a file")


def _checked(reading: _Reading, *, edited: bool) -> Baseline:
    baseline, written = _baseline(reading.value), reading.value.get("hash")
    if not edited and written != baseline.hash:
        message = (
            f"is `{written}`, but the content has the hash {baseline.hash}: it was edited. "
            "An edited baseline is a proposal; take the document of the version in force, or have this one approved"
        )
        raise PolicyErrors([reading.fault(("hash",), message)])
    return baseline


def _baseline(value: Mapping[str, Any]) -> Baseline:
    return Baseline(
        principal=value["principal"],
        version=value["version"],
        elements=_elements(value["elements"]),
        never=_elements(value.get("never", {})),
        releases=tuple(value.get("releases", ())),
        partial=tuple(value.get("partial", ())),
        author=value.get("author", ""),
        approved=value.get("approved", ""),
        reason=value.get("reason", ""),
    )


def _elements(value: Mapping[str, list[list[str]]]) -> Elements:
    return ordered({name: [tuple(element) for element in found] for name, found in value.items()})


class _Reading:
    """One document being checked: all that is wrong with it, beside what its YAML says already."""

    def __init__(self, file: str, document: YamlDocument) -> None:
        self.value: Any = document.value
        self.faults: list[PolicyFault] = []
        self._file = file
        self._document = document
        self._known = {(fault.line, fault.path) for fault in document.faults}

    def fault(self, place: Place, message: str) -> PolicyFault:
        return PolicyFault(self._file, self._document.line(place), path_text(place), message)

    def check(self, *, edited: bool) -> None:
        """Collect what is wrong; what the YAML has a fault for is not said twice."""
        found = [self.fault(place, message) for place, message in self._problems(edited=edited)]
        self.faults = [fault for fault in found if (fault.line, fault.path) not in self._known]

    def _problems(self, *, edited: bool) -> Iterator[tuple[Place, str]]:
        if not isinstance(self.value, dict):
            yield (), f"must be keys and values, not {type(self.value).__name__}"
            return
        for key in self.value:
            if key not in _KEYS:
                yield (key,), f"is not known here; {_nearest(key, _KEYS)}"
        for key in (*_NEEDED, *(() if edited else ("hash",))):
            if key not in self.value:
                yield (key,), "is missing"
        yield from self._header()
        for key in _SETS:
            if key in self.value:
                yield from _set_problems((key,), self.value[key])

    def _header(self) -> Iterator[tuple[Place, str]]:
        for key in _TEXTS:
            if key in self.value:
                yield from _text_problems((key,), self.value[key])
        for key in _LISTS:
            if key in self.value:
                yield from _list_problems((key,), self.value[key])
        version = self.value.get("version", 0)
        if isinstance(version, bool) or not isinstance(version, int) or version < 0:
            yield ("version",), f"must be a whole number from 0 on, not `{version}`"
        if self.value.get("principal") == "":
            yield ("principal",), "is empty; name whose baseline this is"


def _nearest(wrong: str, known: tuple[str, ...]) -> str:
    close = get_close_matches(wrong, known, n=1)
    hint = f"did you mean `{close[0]}`? Known: " if close else "known: "
    return f"{hint}{', '.join(known)}"


def _text_problems(place: Place, value: Any) -> Iterator[tuple[Place, str]]:
    if isinstance(value, dict | list):
        yield place, f"must be text, not {type(value).__name__}"
    elif not isinstance(value, str):
        yield place, f"must be text; YAML reads this as {type(value).__name__}, so put it in quotes"


def _list_problems(place: Place, value: Any) -> Iterator[tuple[Place, str]]:
    if not isinstance(value, list):
        yield place, f"must be a list, not {type(value).__name__}"
        return
    for number, item in enumerate(value):
        yield from _text_problems((*place, number), item)


def _set_problems(place: Place, value: Any) -> Iterator[tuple[Place, str]]:
    if not isinstance(value, dict):
        yield place, f"must be dimensions and their elements, not {type(value).__name__}"
        return
    for dimension, found in value.items():
        if dimension not in DIMENSIONS:
            yield (*place, dimension), f"is no dimension; {_nearest(dimension, DIMENSIONS)}"
        elif not isinstance(found, list):
            yield (*place, dimension), f"must be a list of elements, not {type(found).__name__}"
        else:
            yield from _dimension_problems((*place, dimension), dimension, found)


def _dimension_problems(place: Place, dimension: str, found: list[Any]) -> Iterator[tuple[Place, str]]:
    first: dict[Element, int] = {}
    for number, element in enumerate(found):
        problems = [*_list_problems((*place, number), element)]
        yield from problems
        if problems:
            continue
        yield from _count_problems((*place, number), dimension, element)
        known = first.setdefault(tuple(element), number)
        if known != number:
            yield (*place, number), f"stands here twice, first as [{known}]; drop one"


def _count_problems(place: Place, dimension: str, element: list[str]) -> Iterator[tuple[Place, str]]:
    """Yield what is wrong with the number of words; ``**`` as the last stands for any number."""
    least, most, words = _WORDS[dimension]
    count = len(element)
    if element and element[-1] == _REST:
        least, count = 0, count - 1
    if not least <= count <= most:
        yield place, f"has {len(element)} words; an element of `{dimension}` has {words}"
