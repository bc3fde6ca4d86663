"""The detection of a rule: from what YAML says to a tree of tests, with every fault at its line.

pySigma reads the items, their modifiers and the conditions. Three things are done here, before it is asked: regular
expressions (RE2 is to read them as they are written), ``expand``, and values whose type a modifier has to change.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, cast

from sigma.conditions import (
    ConditionAND,
    ConditionIdentifier,
    ConditionItem,
    ConditionNOT,
    ConditionOR,
    ConditionSelector,
    SigmaCondition,
)
from sigma.rule import SigmaDetectionItem, SigmaDetections
from sigma.types import (
    Placeholder,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaString,
    SigmaTimestampPart,
    SigmaType,
    SpecialChars,
)

from streams.rules.condition import (
    ALL,
    ONE,
    And,
    Compare,
    Condition,
    Exists,
    Flag,
    Network,
    Not,
    Null,
    Number,
    Operator,
    Or,
    Predicate,
    Reference,
    Regex,
    Test,
    Text,
    TimePart,
    TimeUnit,
    Truth,
    Wildcard,
)
from streams.rules.documents import Place, RuleDocument
from streams.rules.fault import RuleFault
from streams.rules.patterns import fault_in_regex
from streams.rules.placeholders import Placeholders, expand

__all__ = ["FOREIGN_ERRORS", "joined", "read_condition"]

FOREIGN_ERRORS: Final = (
    ArithmeticError,
    AttributeError,
    LookupError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,  # SigmaError is one
)
"""What pySigma lets out for odd input: a rule that makes it stumble is refused like one that it refuses."""

_MAX_CONDITION: Final = 10_000
_MAX_BRACKETS: Final = 20
_MAX_VALUES: Final = 20_000

_FLAGS: Final[dict[str, Flag]] = {
    "i": "i",
    "ignorecase": "i",
    "m": "m",
    "multiline": "m",
    "s": "s",
    "dotall": "s",
}
_ALIASES: Final = {"utf16le": "wide"}
_OF_TEXT: Final = frozenset(
    ("base64", "base64offset", "cased", "cidr", "contains", "endswith", "expand", "fieldref", "startswith", "utf16")
).union(("utf16be", "wide", "windash"))
_OF_NUMBERS: Final = frozenset(("day", "gt", "gte", "hour", "lt", "lte", "minute", "month", "week", "year"))
_AFFIXES: Final = {"contains": ("", ""), "startswith": ("^(?:", ")"), "endswith": ("(?:", ")$")}
_DECIMAL: Final = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")
_QUANTIFIED: Final = re.compile(r"\b(\d+)\s+of\b")


class _RefusedError(ValueError):
    """A value cannot be read; the message says why."""


def read_condition(
    document: RuleDocument,
    section: str,
    placeholders: Placeholders,
    faults: list[RuleFault],
    *,
    others: Iterable[str] = (),
) -> Condition | None:
    """Return what the section ``detection`` (or ``filter``) asks for; add what is wrong to ``faults``.

    ``others`` are keys of the section that name no detection.
    """
    named = document.value.get(section)
    if not isinstance(named, dict):
        said = "is missing" if named is None else "must be names and what they look for"
        faults.append(document.fault((section,) if section in document.value else (), f"{section} {said}"))
        return None
    before = len(faults)
    reader = _Reader(document, placeholders, faults)
    found = {
        name: reader.detection(value, (section, name))
        for name, value in named.items()
        if name not in ("condition", *others)
    }
    if not found and len(faults) == before:
        faults.append(document.fault((section,), "names nothing to look for"))
    conditions = _conditions(document, section, named.get("condition"), faults)
    trees = [_tree(text, place, found, document, faults) for text, place in conditions]
    complete = [tree for tree in trees if tree is not None]
    return joined(Or, complete) if len(faults) == before and complete else None


def joined(kind: type[And | Or], parts: list[Condition]) -> Condition:
    """Return the parts as one; a part of the same kind gives its own parts, one alone stands for itself."""
    flat: list[Condition] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, kind) else (part,))
    unique = list(dict.fromkeys(flat))
    return unique[0] if len(unique) == 1 else kind(tuple(unique))


def _conditions(
    document: RuleDocument, section: str, written: Any, faults: list[RuleFault]
) -> Iterator[tuple[str, Place]]:
    place: Place = (section, "condition")
    if written is None:
        faults.append(document.fault(place, "is missing; say how the names are to be combined"))
        return
    listed = written if isinstance(written, list) else [written]
    if not listed:
        faults.append(document.fault(place, "is empty; say how the names are to be combined"))
    for number, text in enumerate(listed):
        where = (*place, number) if isinstance(written, list) else place
        if isinstance(text, str) and text.strip():
            yield text, where
        else:
            faults.append(document.fault(where, "must be text such as `selection and not filter`"))


def _tree(
    text: str, place: Place, found: dict[str, Condition | None], document: RuleDocument, faults: list[RuleFault]
) -> Condition | None:
    if len(text) > _MAX_CONDITION or text.count("(") > _MAX_BRACKETS:
        faults.append(document.fault(place, "is too long or nested too deeply to be read"))
        return None
    if counted := next((found[1] for found in _QUANTIFIED.finditer(text) if found[1] != "1"), None):
        faults.append(document.fault(place, f"`{counted} of` is not in the specification; write `1 of` or `all of`"))
        return None
    try:
        parsed = SigmaCondition(text, cast("SigmaDetections", None)).parse(postprocess=False)
        return _combined(cast("ConditionItem", parsed), found)
    except FOREIGN_ERRORS as error:
        faults.append(document.fault(place, f"is not readable: {_message(error)}"))
        return None


def _message(error: Exception) -> str:
    return str(error).strip() or type(error).__name__


def _combined(item: ConditionItem, found: dict[str, Condition | None]) -> Condition:
    if isinstance(item, ConditionIdentifier):
        return _named(item.identifier, found)
    if isinstance(item, ConditionSelector):
        names = _selected(item.pattern, found)
        if not names:
            raise _RefusedError(f"`{item.args[0]} of {item.pattern}` fits none of the names")
        kind = And if item.cond_class is ConditionAND else Or
        return joined(kind, [_named(name, found) for name in names])
    parts = [_combined(cast("ConditionItem", part), found) for part in item.args]
    if isinstance(item, ConditionNOT):
        return Not(parts[0])
    if isinstance(item, ConditionAND | ConditionOR):
        return joined(And if isinstance(item, ConditionAND) else Or, parts)
    raise _RefusedError(f"has {type(item).__name__} in it, which is not known here")


def _named(name: str, found: dict[str, Condition | None]) -> Condition:
    if name not in found:
        raise _RefusedError(f"`{name}` is not among the names {', '.join(found)}")
    return found[name] or Or(())  # a detection with faults of its own: the rule is refused for them


def _selected(pattern: str, found: dict[str, Condition | None]) -> list[str]:
    if pattern == "them":
        pattern = "*"
    form = re.compile(".*".join(re.escape(part) for part in re.split(r"\*+", pattern)), re.DOTALL)
    return [name for name in found if form.fullmatch(name) and (pattern.startswith("_") or not name.startswith("_"))]


class _Reader:
    """Reads the detections of one section."""

    def __init__(self, document: RuleDocument, placeholders: Placeholders, faults: list[RuleFault]) -> None:
        self._document = document
        self._placeholders = placeholders
        self._faults = faults

    def detection(self, value: Any, place: Place) -> Condition | None:
        """Return what one name stands for: a map (all of it), a list (any of it) or a value (a keyword)."""
        if isinstance(value, dict):
            items = [self._item(key, entry, (*place, key)) for key, entry in value.items()]
            return self._all_read(And, items, place)
        if isinstance(value, list) and any(isinstance(entry, dict | list) for entry in value):
            parts = [self.detection(entry, (*place, number)) for number, entry in enumerate(value)]
            return self._all_read(Or, parts, place)
        return self._item("", value, place)

    def _all_read(self, kind: type[And | Or], parts: list[Condition | None], place: Place) -> Condition | None:
        if not parts:
            self._faults.append(self._document.fault(place, "is empty; say what to look for"))
        read = [part for part in parts if part is not None]
        return joined(kind, read) if read and len(read) == len(parts) else None

    def _item(self, key: str, value: Any, place: Place) -> Condition | None:
        values = value if isinstance(value, list) else [value]
        name, *modifiers = key.split("|")
        try:
            if len(values) > _MAX_VALUES:
                raise _RefusedError(f"has {len(values)} values; at most {_MAX_VALUES} are read")
            if any(isinstance(entry, dict | list) for entry in values):
                raise _RefusedError("must be a value or a list of values")
            return _item(name, [_ALIASES.get(modifier, modifier) for modifier in modifiers], values, self._placeholders)
        except FOREIGN_ERRORS as error:
            self._faults.append(self._document.fault(place, _message(error)))
            return None


def _item(name: str, modifiers: list[str], values: list[Any], placeholders: Placeholders) -> Condition:
    """Return what one field (or, without a name, any value of the record) must be."""
    if not values:
        if not name:
            raise _RefusedError("is empty; say what to look for")
        values = [None]  # the specification's tools read a field without a value so
    if not name and None in values:
        raise _RefusedError("null must be the value of a field")
    joining = And if "all" in modifiers else Or
    negated = "neq" in modifiers
    remaining = [modifier for modifier in modifiers if modifier not in ("all", "neq")]
    read = _regexes if "re" in remaining else _values
    parts = [read(name, remaining, value, placeholders) for value in values]
    condition = joined(joining, parts)
    return Not(condition) if negated else condition


def _alternatives(value: Any, modifiers: list[str], placeholders: Placeholders) -> tuple[list[Any], list[str]]:
    if "expand" not in modifiers:
        return [value], modifiers
    if not isinstance(value, str):
        raise _RefusedError("`expand` is for text")
    return list(expand(value, placeholders)), [modifier for modifier in modifiers if modifier != "expand"]


def _regexes(name: str, modifiers: list[str], value: Any, placeholders: Placeholders) -> Condition:
    patterns, modifiers = _alternatives(value, modifiers, placeholders)
    flags = frozenset(_FLAGS[modifier] for modifier in modifiers if modifier in _FLAGS)
    affixes = [modifier for modifier in modifiers if modifier in _AFFIXES]
    unknown = [
        word for word in modifiers if word not in _FLAGS and word not in _AFFIXES and word not in ("re", "cased")
    ]
    if unknown or len(affixes) > 1:
        raise _RefusedError(f"`re` cannot be combined with {', '.join(f'`{word}`' for word in unknown or affixes)}")
    before, after = _AFFIXES[affixes[0]] if affixes else ("", "")
    return joined(Or, [_regex(name, f"{before}{_pattern(entry)}{after}", flags) for entry in patterns])


def _pattern(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _RefusedError("`re` needs a pattern")
    return str(value)


def _regex(name: str, pattern: str, flags: frozenset[Flag]) -> Condition:
    if fault := fault_in_regex(pattern, flags):
        raise _RefusedError(fault)
    return Test(name or None, Regex(pattern, flags))


def _values(name: str, modifiers: list[str], value: Any, placeholders: Placeholders) -> Condition:
    values, modifiers = _alternatives(value, modifiers, placeholders)
    return joined(Or, [_value(name, modifiers, entry) for entry in values])


def _value(name: str, modifiers: list[str], value: Any) -> Condition:
    item = SigmaDetectionItem.from_mapping("|".join((name, *modifiers)), _typed(value, modifiers))
    return joined(Or, [_test(name or None, modifiers, entry) for entry in item.value])


def _typed(value: Any, modifiers: list[str]) -> Any:
    """Return a value as the type that its modifiers are for: YAML makes numbers of ``contains: 8080``."""
    if isinstance(value, int | float) and not isinstance(value, bool) and not _OF_TEXT.isdisjoint(modifiers):
        return str(value)
    if isinstance(value, str) and not _OF_NUMBERS.isdisjoint(modifiers) and _DECIMAL.fullmatch(value):
        return float(value) if "." in value else int(value)
    return value


def _test(field: str | None, modifiers: list[str], value: SigmaType) -> Condition:
    if isinstance(value, SigmaExpansion):
        return joined(Or, [_test(field, modifiers, entry) for entry in value.values])
    if field is None:
        return _keyword(modifiers, value)
    read = next((read for kind, read in _PREDICATES.items() if isinstance(value, kind)), None)
    if read is None:
        raise _RefusedError(f"has a value of the kind {type(value).__name__}, which is not known here")
    predicate = read(value)
    if isinstance(predicate, Reference) and "cased" in modifiers:
        predicate = Reference(predicate.field, predicate.begins, predicate.ends, cased=True)
    return Test(field, predicate)


def _keyword(modifiers: list[str], value: SigmaType) -> Condition:
    """Return the test of a value without a field: it stands somewhere in a text of the record, unless modifiers say where."""
    if isinstance(value, SigmaNumber | SigmaBool) and not isinstance(value, SigmaTimestampPart):
        value = SigmaString(str(value).lower())
    if not isinstance(value, SigmaString):
        raise _RefusedError(f"`{'|'.join(modifiers)}` needs a field")
    text = _text(value)
    if not {"contains", "startswith", "endswith"} & set(modifiers):
        text = Text((ALL, *text.parts, ALL), text.cased)
    return Test(None, _normal(text))


def _text(value: SigmaString) -> Text:
    return _normal(Text(tuple(_part(part) for part in value.s), isinstance(value, SigmaCasedString)))


def _part(part: str | SpecialChars | Placeholder) -> str | Wildcard:
    if isinstance(part, Placeholder):
        raise _RefusedError(f"has the placeholder %{part.name}% without `expand`")
    if isinstance(part, SpecialChars):
        return ALL if part is SpecialChars.WILDCARD_MULTI else ONE
    return part


def _normal(text: Text) -> Text:
    """Return the same text with neighbouring pieces joined and repeated ``*`` written once."""
    parts: list[str | Wildcard] = []
    for part in text.parts:
        last = parts[-1] if parts else None
        if isinstance(part, str) and isinstance(last, str):
            parts[-1] = last + part
        elif part != "" and not (part == ALL and last == ALL):
            parts.append(part)
    return Text(tuple(parts), text.cased)


def _number(value: SigmaNumber) -> Predicate:
    return Number(value.number)


def _time_part(value: SigmaTimestampPart) -> Predicate:
    return TimePart(cast("TimeUnit", value.timestamp_part.name.lower()), int(value.number))


def _compare(value: SigmaCompareExpression) -> Predicate:
    return Compare(cast("Operator", value.op.name.lower()), value.number.number)


def _reference(value: SigmaFieldReference) -> Predicate:
    return Reference(value.field, value.starts_with, value.ends_with)


_PREDICATES: Final[dict[type[SigmaType], Callable[[Any], Predicate]]] = {
    SigmaTimestampPart: _time_part,  # before SigmaNumber, which it is too
    SigmaNumber: _number,
    SigmaString: _text,
    SigmaBool: lambda value: Truth(value.boolean),
    SigmaNull: lambda _: Null(),
    SigmaExists: lambda value: Exists(value.exists),
    SigmaCIDRExpression: lambda value: Network(value.network),
    SigmaCompareExpression: _compare,
    SigmaFieldReference: _reference,
}
