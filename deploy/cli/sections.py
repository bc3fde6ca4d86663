"""Baselines on a terminal: what is known of a principal, dimension by dimension, and what it did beyond that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from rich.text import Text

from deploy.baselines.tree import Line, lines_of, words_of
from deploy.baselines.view import TITLES, Beyond, Item, Section, View
from deploy.cli.console import out
from schemas.baseline import Baseline, Elements
from schemas.codec import dumps
from streams.baseline.exports.words import shown

__all__ = ["STATE_STYLES", "columns", "minute", "print_json", "show_beyond", "show_view"]

STATE_STYLES: Final = {"learning": "cyan", "review": "yellow", "active": "green", "changed": "bold red"}

_MINUTE: Final = len("2026-06-01T10:02")
_DAY: Final = len("2026-06-01")
_WIDEST: Final = 72
_LABEL: Final = 11


def minute(moment: str) -> str:
    """Return a time to the minute; empty for none."""
    return moment[:_MINUTE].replace("T", " ")


def columns(rows: Sequence[Sequence[Text | str]]) -> None:
    """Print rows with their columns below each other, the last one as long as it is: one line a row, whatever reads it."""
    cells = [[cell if isinstance(cell, Text) else Text(cell) for cell in row] for row in rows]
    widths = [max(cell.cell_len for cell in column) for column in zip(*cells, strict=True)]
    for row in cells:
        line = Text()
        for cell, width in zip(row[:-1], widths, strict=False):
            line.append_text(cell).append(" " * (width - cell.cell_len + 2))
        out.print(line.append_text(row[-1]), soft_wrap=True)


def print_json(value: Any) -> None:
    """Print a value as one line of JSON."""
    out.print_json(dumps(value).decode(), indent=None)


def show_view(view: View) -> None:
    """Print a principal as it stands."""
    for label, value in _heading(view):
        out.print(Text(f"{label:<{_LABEL}}", style="dim").append_text(value), soft_wrap=True)
    for section in view.sections:
        _show_section(section)
    _show_never(view.standing.profile.never)


def _heading(view: View) -> Iterable[tuple[str, Text]]:
    standing, profile, extent = view.standing, view.standing.profile, view.standing.candidate.extent
    yield "principal", Text(shown(profile.principal), style="bold")
    yield (
        "state",
        Text(profile.state, style=STATE_STYLES[profile.state]).append(f": {shown(profile.reason)}", style="not bold"),
    )
    if standing.baseline is not None:
        one = standing.baseline
        yield "version", Text(f"v{one.version}, hash {one.hash}, {one.size} elements")
        yield "approved", Text(f"{minute(one.approved)} by {shown(one.author)}: {shown(one.reason)}")
    if view.is_candidate:
        yield "shown", Text("the candidate: what `tidewaiter baseline approve` would put in force now", style="yellow")
    yield (
        "observed",
        Text(
            f"{extent.observations} times in {extent.replicas} replicas, {minute(extent.first)} to {minute(extent.last)}"
        ),
    )
    yield from (("lacks", Text(one, style="yellow")) for one in view.lacking)
    yield from (("partial", Text(shown(one), style="yellow")) for one in view.shown.partial)
    yield from (("release", Text(shown(one))) for one in view.shown.releases)
    yield "policy", Text(standing.policy)
    yield from _warnings(view)


def _warnings(view: View) -> Iterable[tuple[str, Text]]:
    beyond = sum(len(found) for elements in view.standing.difference.values() for found in elements.values())
    if beyond:
        yield "beyond it", Text(f"{beyond} elements: `tidewaiter baseline diff` shows them", style="bold red")
    if view.standing.forbidden:
        yield (
            "forbidden",
            Text(
                f"{view.standing.forbidden} kinds of activity, by a policy or a sensor: never learned", style="yellow"
            ),
        )
    if view.suspects:
        yield (
            "look at",
            Text(f"{view.suspects} elements that are rare and late, as those of an attack would be", style="bold red"),
        )


def _show_section(section: Section) -> None:
    title = Text(f"\n{section.dimension}", style="bold").append(f"  {TITLES[section.dimension]}", style="not bold")
    if section.note:
        title.append(f"  {section.note}", style="not bold yellow" if section.items else "not bold dim")
    elif not section.items:
        title.append("  none: nothing of the kind was done", style="not bold dim")
    out.print(title, soft_wrap=True)
    _show_lines(lines_of(section.dimension, section.items))


def _show_lines(lines: Sequence[Line], indent: str = "  ") -> None:
    width = min(max((len(line.text) for line in lines), default=0), _WIDEST)
    for line in lines:
        text = Text(indent + line.text)
        if line.item is not None:
            text.append(" " * (width - len(line.text)) + "  ").append_text(_evidence(line.item))
        out.print(text, soft_wrap=True)


def _evidence(item: Item) -> Text:
    one = item.evidence
    if one is None:
        return Text("   not seen", style="dim")
    text = Text(f"{one.count:>6}x  {_span(one.first, one.last)}")
    for mark, holds in (("rare", one.rare), ("late", one.late)):
        if holds:
            text.append(f"  {mark}", style="bold red" if item.is_suspect else "yellow")
    more = f" (+{len(one.ids) - 1})" if len(one.ids) > 1 else ""
    text.append(f"  {one.ids[0]}{more}", style="dim")
    if item.nearest is not None:
        text.append(f"  nearest: {words_of(item.nearest)}", style="dim")
    return text


def _span(first: str, last: str) -> str:
    """Return from when to when, with nothing said twice."""
    begin, end = minute(first), minute(last)
    if begin == end:
        return begin
    return f"{begin} to {end[_DAY + 1 :] if begin[:_DAY] == end[:_DAY] else end}"


def _show_never(never: Elements) -> None:
    found = [(name, element) for name, elements in never.items() for element in elements]
    if found:
        out.print(Text("\nnever", style="bold").append("  taken out by a person for good", style="not bold"))
    for name, element in found:
        out.print(Text(f"  {name} {words_of(element)}"), soft_wrap=True)


def show_beyond(baseline: Baseline, found: Sequence[Beyond]) -> None:
    """Print what was done beyond a version in force, by release."""
    for beyond in found:
        new = "" if beyond.release in baseline.releases else "new "
        release = f", {new}release {shown(beyond.release)}" if beyond.release else ""
        title = Text(shown(baseline.principal), style="bold")
        out.print(
            title.append(f"  {beyond.size} beyond v{baseline.version}{release}", style="not bold"), soft_wrap=True
        )
        for section in beyond.sections:
            _show_section(section)
