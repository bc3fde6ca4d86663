"""From documents to rules, correlations and filters, each by itself; what they say of each other comes later."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, cast, get_args

from sigma.correlations import (
    CorrelationConditionAND,
    CorrelationConditionItem,
    CorrelationConditionNOT,
    SigmaCorrelationTimespan,
    SigmaExtendedCorrelationCondition,
    SigmaRuleReference,
)

from streams.rules.condition import Condition
from streams.rules.correlation import (
    Alias,
    Bound,
    BoundOperator,
    Correlation,
    CorrelationType,
    Needs,
    NeedsAll,
    NeedsAny,
    NeedsNo,
)
from streams.rules.detection import FOREIGN_ERRORS, read_condition
from streams.rules.documents import Place, RuleDocument
from streams.rules.fault import RuleFault
from streams.rules.metadata import Metadata, read_logsource, read_metadata
from streams.rules.placeholders import Placeholders
from streams.rules.rule import LogSource, Rule

__all__ = ["RuleFilter", "read_correlation", "read_filter", "read_rule"]

_TYPES: Final = get_args(CorrelationType)
_OPERATORS: Final = get_args(BoundOperator)
_OF_VALUES: Final = frozenset(name for name in _TYPES if name.startswith("value_"))
_TEMPORAL: Final = frozenset(("temporal", "temporal_ordered"))
_KEYS: Final = frozenset(("type", "rules", "group-by", "timespan", "condition", "aliases", "generate"))
_MAX_EXPRESSION: Final = 2_000
_MAX_BRACKETS: Final = 20
_MAX_TIMESPAN: Final = re.compile(r"[0-9]{1,9}[a-zA-Z]")
_MAX_PERCENTILE: Final = 100


@dataclass(frozen=True, slots=True)
class RuleFilter:
    """What is to be asked besides of the rules it names (``None``: of all of its logsource)."""

    rules: tuple[str, ...] | None
    logsource: LogSource
    condition: Condition
    document: RuleDocument


def read_rule(document: RuleDocument, placeholders: Placeholders, faults: list[RuleFault]) -> Rule | None:
    """Return the rule of a document, or nothing and why in ``faults``."""
    before = len(faults)
    metadata = read_metadata(document, faults)
    logsource = read_logsource(document, faults)
    condition = read_condition(document, "detection", placeholders, faults)
    if len(faults) > before or condition is None:
        return None
    return Rule(
        **metadata.described(),
        level=metadata.level or "medium",
        file=document.file,
        line=document.line(()),
        logsource=logsource,
        condition=condition,
    )


def read_filter(document: RuleDocument, placeholders: Placeholders, faults: list[RuleFault]) -> RuleFilter | None:
    """Return the filter of a document, or nothing and why in ``faults``."""
    before = len(faults)
    read_metadata(document, faults)
    logsource = read_logsource(document, faults)
    condition = read_condition(document, "filter", placeholders, faults, others=("rules",))
    rules = _filtered(document, faults)
    if len(faults) > before or condition is None:
        return None
    return RuleFilter(rules, logsource, condition, document)


def _filtered(document: RuleDocument, faults: list[RuleFault]) -> tuple[str, ...] | None:
    section = document.value.get("filter")
    written = section.get("rules") if isinstance(section, dict) else None
    if isinstance(section, dict) and "rules" not in section:
        faults.append(document.fault(("filter",), "names no rules; write their ids, or `any`"))
    if isinstance(written, str):
        return None if written.lower() == "any" else (written,)
    if isinstance(written, list) and all(isinstance(entry, str) for entry in written):
        return tuple(written) or None
    if written is not None:
        faults.append(document.fault(("filter", "rules"), "must be `any`, or ids or names of rules"))
    return None


def read_correlation(document: RuleDocument, faults: list[RuleFault]) -> Correlation | None:
    """Return the correlation of a document, its references as they are written, or nothing and why in ``faults``."""
    before = len(faults)
    metadata = read_metadata(document, faults)
    section = document.value.get("correlation")
    if not isinstance(section, dict):
        faults.append(document.fault(("correlation",), "must be names and values"))
        return None
    try:
        read = _Reader(document, section, faults).read(metadata)
    except FOREIGN_ERRORS as error:
        faults.append(document.fault(("correlation",), f"is not readable: {error or type(error).__name__}"))
        return None
    return read if len(faults) == before else None


class _Reader:
    """Reads the section ``correlation`` of one document."""

    def __init__(self, document: RuleDocument, section: dict[str, Any], faults: list[RuleFault]) -> None:
        self._document = document
        self._section = section
        self._faults = faults

    def read(self, metadata: Metadata) -> Correlation:
        for key in self._section.keys() - _KEYS:
            self._fault((key,), f"is not known here; known: {', '.join(sorted(_KEYS))}")
        kind = self._type()
        needs, bounds = self._condition(kind)
        rules = self._names("rules") or tuple(dict.fromkeys(_named(needs)))
        if not rules:
            self._fault(("rules",), "names no rules to count")
        if kind in _TEMPORAL and needs is None and not bounds:
            bounds = (Bound("gte", len(rules)),)
        field, percentile = self._counted(kind)
        return Correlation(
            **metadata.described(),
            level=metadata.level or "",
            file=self._document.file,
            line=self._document.line(()),
            type=kind,
            rules=rules,
            group_by=self._names("group-by"),
            timespan_seconds=self._timespan(),
            bounds=bounds,
            needs=needs,
            field=field,
            percentile=percentile,
            aliases=tuple(self._aliases()),
            generate=self._generate(),
        )

    def _fault(self, place: Place, message: str) -> None:
        where = ("correlation", *place)
        self._faults.append(self._document.fault(where, message))

    def _type(self) -> CorrelationType:
        written = self._section.get("type")
        kind = written.lower() if isinstance(written, str) else ""
        if kind not in _TYPES:
            self._fault(("type",), f"must be one of {', '.join(_TYPES)}")
            return "event_count"
        return cast("CorrelationType", kind)

    def _names(self, key: str) -> tuple[str, ...]:
        written = self._section.get(key)
        listed = written if isinstance(written, list) else [] if written is None else [written]
        if not all(isinstance(entry, str) and entry for entry in listed):
            self._fault((key,), "must be a name or a list of names")
            return ()
        return tuple(dict.fromkeys(listed))

    def _timespan(self) -> int:
        written = self._section.get("timespan")
        if isinstance(written, str) and _MAX_TIMESPAN.fullmatch(written):
            try:
                return int(SigmaCorrelationTimespan(written).seconds)
            except FOREIGN_ERRORS:
                pass
        self._fault(("timespan",), "must be a number and a unit, such as 90s, 5m, 1h or 1d")
        return 1

    def _generate(self) -> bool:
        written = self._section.get("generate", self._document.value.get("generate", False))
        if not isinstance(written, bool):
            self._fault(("generate",), "must be true or false")
        return written is True

    def _condition(self, kind: CorrelationType) -> tuple[Needs | None, tuple[Bound, ...]]:
        written = self._section.get("condition")
        if isinstance(written, str) and kind in _TEMPORAL:
            return self._expression(written), ()
        if isinstance(written, dict):
            return None, tuple(self._bounds(kind, written))
        if written is not None or kind not in _TEMPORAL:
            self._fault(("condition",), "must be a comparison such as `gte: 10`")
        return None, ()

    def _bounds(self, kind: CorrelationType, written: dict[str, Any]) -> Iterator[Bound]:
        known = {*_OPERATORS, *(("field",) if kind in _OF_VALUES else ())}
        known |= {"percentile"} if kind == "value_percentile" else set()
        for key, value in written.items():
            if key not in known:
                self._fault(("condition", key), f"is not known here; known: {', '.join(sorted(known))}")
            elif key in _OPERATORS and (isinstance(value, bool) or not isinstance(value, int | float)):
                self._fault(("condition", key), "must be a number")
            elif key in _OPERATORS:
                yield Bound(cast("BoundOperator", key), value)
        if not known & written.keys() & set(_OPERATORS):
            self._fault(("condition",), f"compares with nothing; say one of {', '.join(_OPERATORS)}")

    def _expression(self, written: str) -> Needs | None:
        if len(written) > _MAX_EXPRESSION or written.count("(") > _MAX_BRACKETS:
            self._fault(("condition",), "is too long or nested too deeply to be read")
            return None
        try:
            return _needs(SigmaExtendedCorrelationCondition(written).parsed)
        except FOREIGN_ERRORS as error:
            self._fault(("condition",), f"is not readable: {error}")
            return None

    def _counted(self, kind: CorrelationType) -> tuple[tuple[str, ...], int | None]:
        condition = self._section.get("condition")
        if kind not in _OF_VALUES or not isinstance(condition, dict):
            return (), None
        field, percentile = condition.get("field"), condition.get("percentile")
        fields = field if isinstance(field, list) else [field]
        if not fields or not all(isinstance(name, str) and name for name in fields):
            self._fault(("condition",), "must name the `field` whose values count")
            fields = []
        if kind != "value_percentile":
            return tuple(fields), None
        if not isinstance(percentile, int) or isinstance(percentile, bool) or not 0 <= percentile <= _MAX_PERCENTILE:
            self._fault(("condition",), "must say which `percentile`, from 0 to 100")
            return tuple(fields), None
        return tuple(fields), percentile

    def _aliases(self) -> Iterator[Alias]:
        written = self._section.get("aliases")
        if written is not None and not isinstance(written, dict):
            self._fault(("aliases",), "must be names, each with the field of each rule")
            return
        for name, mapping in (written or {}).items():
            if not isinstance(mapping, dict) or not all(isinstance(field, str) and field for field in mapping.values()):
                self._fault(("aliases", name), "must name a field for each rule")
                continue
            yield from (Alias(name, rule, field) for rule, field in mapping.items())


def _named(needs: Needs | None) -> Iterator[str]:
    if isinstance(needs, str):
        yield needs
    elif isinstance(needs, NeedsNo):
        yield from _named(needs.part)
    elif needs is not None:
        for part in needs.parts:
            yield from _named(part)


def _needs(item: CorrelationConditionItem | SigmaRuleReference) -> Needs:
    if isinstance(item, SigmaRuleReference):
        return item.reference
    parts = tuple(_needs(part) for part in item.args)
    if isinstance(item, CorrelationConditionNOT):
        return NeedsNo(parts[0])
    return NeedsAll(parts) if isinstance(item, CorrelationConditionAND) else NeedsAny(parts)
