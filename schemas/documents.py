"""YAML documents of people: plain values, with the line of every key kept and every fault collected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml

from schemas.errors import PolicyFault

__all__ = ["Place", "YamlDocument", "path_text", "read_documents"]

Place = tuple[str | int, ...]
"""Keys and positions from the top of a document."""

_CONSTRUCTOR: Final = yaml.constructor.SafeConstructor


class _Loader(yaml.SafeLoader):
    """YAML without aliases: what stands in a policy is what was read there."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # the stubs leave it out
            raise yaml.composer.ComposerError(None, None, "aliases (*name) are not read here; write it out", mark)
        node: yaml.Node | None = super().compose_node(parent, index)
        return node


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """One document: its value, the line of each key and item, and what is wrong in its YAML already."""

    value: Any
    lines: dict[Place, int]
    faults: tuple[PolicyFault, ...]

    def line(self, place: Place) -> int:
        """Return the line of a place, or of the nearest place above it."""
        while place not in self.lines:
            place = place[:-1]
        return self.lines[place]


def path_text(place: Place) -> str:
    """Return a place as ``exec.deny[2].path``; the whole document is ``document``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".") or "document"


def read_documents(file: str, text: str) -> tuple[list[YamlDocument], list[PolicyFault]]:
    """Return the documents of a file that are not empty, and the fault that ended the reading, if one did."""
    documents: list[YamlDocument] = []
    try:
        for node in yaml.compose_all(text, Loader=_Loader):
            document = _Reader(file).read(node)
            if document.value is not None:
                documents.append(document)
    except yaml.YAMLError as error:
        return documents, [_unreadable(file, error)]
    except RecursionError:
        return documents, [PolicyFault(file, 1, "document", "is nested too deeply to be read")]
    return documents, []


def _unreadable(file: str, error: yaml.YAMLError) -> PolicyFault:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    place = f" (column {mark.column + 1})" if mark else ""
    return PolicyFault(file, mark.line + 1 if mark else 1, "document", f"is not readable as YAML: {problem}{place}")


class _Reader:
    """Turns the nodes of one document into values."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._lines: dict[Place, int] = {}
        self._faults: list[PolicyFault] = []

    def read(self, node: yaml.Node) -> YamlDocument:
        value = self._value(node, (), node.start_mark.line + 1)
        return YamlDocument(value, self._lines, tuple(self._faults))

    def _value(self, node: yaml.Node, place: Place, line: int) -> Any:
        self._lines[place] = line
        if isinstance(node, yaml.MappingNode):
            return dict(self._entries(node, place))
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*place, n), item.start_mark.line + 1) for n, item in enumerate(node.value)]
        return self._scalar(node, place)

    def _entries(self, node: yaml.MappingNode, place: Place) -> Iterator[tuple[str, Any]]:
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else ""
            if key_node.tag != "tag:yaml.org,2002:str":
                self._fault(
                    line, (*place, str(key)), "is no key; write a word (in quotes if it is yes, no or a number)"
                )
            elif key in seen:
                self._fault(line, (*place, key), f"stands here twice, first in line {seen[key]}; join them")
            seen[key] = line
            yield key, self._value(value_node, (*place, key), line)

    def _scalar(self, node: yaml.Node, place: Place) -> Any:
        if node.tag == "tag:yaml.org,2002:null" and place:
            self._fault(node.start_mark.line + 1, place, "is empty; write a value or leave the key out")
            return None
        try:
            return _CONSTRUCTOR().construct_object(node)
        except (ValueError, yaml.constructor.ConstructorError):
            self._fault(
                node.start_mark.line + 1, place, f"`{node.value}` is not readable as {node.tag}; put it in quotes"
            )
            return node.value

    def _fault(self, line: int, place: Place, message: str) -> None:
        self._faults.append(PolicyFault(self._file, line, path_text(place), message))
