"""What rules of one set say of each other: doubled ids, filters, and the rules that correlations count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from streams.rules.condition import And
from streams.rules.correlation import Correlation, Needs, NeedsAll, NeedsNo
from streams.rules.detection import joined
from streams.rules.documents import RuleDocument
from streams.rules.fault import RuleFault
from streams.rules.read import RuleFilter
from streams.rules.rule import LogSource, Rule

__all__ = ["Found", "filtered", "resolved", "told_apart", "with_reported"]


@dataclass(frozen=True, slots=True)
class Found:
    """A rule or a correlation, and the document that it stands in."""

    item: Rule | Correlation
    document: RuleDocument

    def references(self) -> Iterator[tuple[str, str]]:
        """Yield the words by which it may be referred to, and the key that each stands under."""
        yield from ((word, key) for word, key in ((self.item.id.lower(), "id"), (self.item.name, "name")) if word)


def told_apart(found: list[Found], faults: list[RuleFault]) -> list[Found]:
    """Return those whose id and name nobody before them has."""
    first: dict[str, Found] = {}
    kept: list[Found] = []
    for entry in found:
        doubled = [(word, key) for word, key in entry.references() if word in first]
        for word, key in doubled:
            known = first[word].item
            said = f"is that of another rule, at {known.file}:{known.line}; give it one of its own"
            faults.append(entry.document.fault((key,), said))
        if not doubled:
            first.update((word, entry) for word, _ in entry.references())
            kept.append(entry)
    return kept


def filtered(found: list[Found], filters: list[RuleFilter], faults: list[RuleFault]) -> list[Found]:
    """Return the rules, each asking besides what the filters that fit it ask; a filter that fits none is a fault."""
    for asked in filters:
        fits = [number for number, entry in enumerate(found) if _fits(asked, entry)]
        if not fits:
            faults.append(
                asked.document.fault(("filter",), "fits none of these rules (by id or name, and by logsource)")
            )
        for number in fits:
            entry = found[number]
            if isinstance(entry.item, Rule):
                condition = joined(And, [entry.item.condition, asked.condition])
                found[number] = replace(entry, item=replace(entry.item, condition=condition))
    return found


def _fits(asked: RuleFilter, entry: Found) -> bool:
    if not isinstance(entry.item, Rule) or not _covers(asked.logsource, entry.item.logsource):
        return False
    wanted = None if asked.rules is None else {word for name in asked.rules for word in (name, name.lower())}
    return wanted is None or any(word in wanted for word, _ in entry.references())


def _covers(general: LogSource, special: LogSource) -> bool:
    pairs = (
        (general.category, special.category),
        (general.product, special.product),
        (general.service, special.service),
    )
    return all(not asked or asked == said for asked, said in pairs)


def resolved(found: list[Found], faults: list[RuleFault]) -> list[Found]:
    """Return all but the correlations that refer to nothing, or to themselves; references become labels."""
    while True:
        labels = {word: entry.item.label for entry in found for word, _ in entry.references()}
        wrong = {id(entry): _dangling(entry, labels) for entry in found if isinstance(entry.item, Correlation)}
        kept = [entry for entry in found if not wrong.get(id(entry))]
        if len(kept) == len(found):
            kept = _without_circles([_labelled(entry, labels) for entry in found], faults)
            if len(kept) == len(found):
                return kept
        faults.extend(fault for listed in wrong.values() for fault in listed)
        found = kept


def _label(word: str, labels: Mapping[str, str]) -> str | None:
    return labels.get(word) or labels.get(word.lower())


def _dangling(entry: Found, labels: Mapping[str, str]) -> list[RuleFault]:
    item = entry.item
    if not isinstance(item, Correlation):
        return []
    missing = [name for name in item.rules if _label(name, labels) is None]
    said = "is no id or name of a rule that is loaded"
    faults = [entry.document.fault(("correlation", "rules"), f"`{name}` {said}") for name in missing]
    counted = {_label(name, labels) for name in item.rules}
    for alias in item.aliases:
        if alias.rule not in item.rules and _label(alias.rule, labels) not in counted:
            place = ("correlation", "aliases", alias.name, alias.rule)
            faults.append(entry.document.fault(place, f"`{alias.rule}` is not among the rules that are counted"))
    faults.extend(_unnamed(entry, item))
    return faults


def _unnamed(entry: Found, item: Correlation) -> Iterator[RuleFault]:
    named = frozenset(_names(item.needs))
    place = ("correlation", "condition")
    if item.needs is not None:
        for name in sorted(named - frozenset(item.rules)):
            yield entry.document.fault(place, f"`{name}` is not among the rules that are counted")
        for name in sorted(frozenset(item.rules) - named):
            yield entry.document.fault(place, f"does not speak of `{name}`, which is counted")


def _names(needs: Needs | None) -> Iterator[str]:
    if isinstance(needs, str):
        yield needs
    elif isinstance(needs, NeedsNo):
        yield from _names(needs.part)
    elif needs is not None:
        for part in needs.parts:
            yield from _names(part)


def _labelled(entry: Found, labels: Mapping[str, str]) -> Found:
    item = entry.item
    if not isinstance(item, Correlation):
        return entry

    def label(word: str) -> str:
        return _label(word, labels) or word

    return replace(
        entry,
        item=replace(
            item,
            rules=tuple(dict.fromkeys(map(label, item.rules))),
            aliases=tuple(replace(alias, rule=label(alias.rule)) for alias in item.aliases),
            needs=None if item.needs is None else _relabelled(item.needs, labels),
        ),
    )


def _relabelled(needs: Needs, labels: Mapping[str, str]) -> Needs:
    if isinstance(needs, str):
        return _label(needs, labels) or needs
    if isinstance(needs, NeedsNo):
        return NeedsNo(_relabelled(needs.part, labels))
    parts = tuple(_relabelled(part, labels) for part in needs.parts)
    return NeedsAll(parts) if isinstance(needs, NeedsAll) else type(needs)(parts)


def _without_circles(found: list[Found], faults: list[RuleFault]) -> list[Found]:
    uses = {entry.item.label: entry.item.rules for entry in found if isinstance(entry.item, Correlation)}
    circular = {label for label in uses if _reaches(label, label, uses)}
    inside = [entry for entry in found if isinstance(entry.item, Correlation) and entry.item.label in circular]
    said = "count this correlation itself, by way of others"
    faults.extend(entry.document.fault(("correlation", "rules"), said) for entry in inside)
    return [entry for entry in found if entry not in inside]


def _reaches(start: str, goal: str, uses: Mapping[str, tuple[str, ...]]) -> bool:
    seen: set[str] = set()
    waiting = list(uses.get(start, ()))
    while waiting:
        label = waiting.pop()
        if label == goal:
            return True
        if label not in seen:
            seen.add(label)
            waiting.extend(uses.get(label, ()))
    return False


def with_reported(found: list[Found]) -> list[Found]:
    """Return all of them; those that are only counted by correlations without ``generate`` are not reported themselves."""
    correlations = [entry.item for entry in found if isinstance(entry.item, Correlation)]
    counted = {label for item in correlations for label in item.rules}
    generated = {label for item in correlations if item.generate for label in item.rules}
    silent = counted - generated
    return [
        replace(entry, item=replace(entry.item, reported=False)) if entry.item.label in silent else entry
        for entry in found
    ]
