"""How fast rules are matched, beside rsigma (Rust) in one run on the same rules and the same bytes.

Both read lines of JSON and give what matched. What counts is the CPU time of the whole process, so that a busy machine slows
both; of rsigma, which loads its rules anew every time, the time for one event is taken off. They take turns; a figure is the
median of the rounds.
"""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from deploy.bench.figure import Figure
from deploy.bench.rule_pack import Expressions, activities, line, rule_texts
from schemas.codec import ACTIVITY_MARK, decode, dumps, loads
from schemas.errors import ConfigurationError
from streams.rules.matcher import CompiledRules
from streams.rules.ruleset import load_rules

__all__ = ["EVENTS", "measure_rules"]

EVENTS: Final = 40_000
_RULES: Final = 300
_MANY_RULES: Final = 3_000
_NOVEL: Final = 0.01
"""Share of activities that were not there before, where events repeat as in production."""

_RSIGMA: Final = "cargo install rsigma --version 0.23.0 --locked"

Found = list[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class _Load:
    """Files of events, and the packs that they are matched with."""

    one: Path
    novel: Path
    repeated: Path
    packs: dict[str, Path]


def measure_rules(*, events: int, rounds: int, progress: Callable[[str], None]) -> Iterator[Figure]:
    """Yield how fast the matcher is; raise ``ConfigurationError`` where rsigma is not installed."""
    rsigma = shutil.which("rsigma", path=f"{os.environ.get('PATH', '')}:{Path.home() / '.cargo/bin'}")
    if rsigma is None:
        raise ConfigurationError(f"rsigma is not installed, with which the matcher is compared; run `{_RSIGMA}`")
    with TemporaryDirectory(prefix="tidewaiter-bench-rules-") as directory:
        load = _load(Path(directory), events)
        compiled = {name: CompiledRules.compile(load_rules([pack]), mapped=False) for name, pack in load.packs.items()}
        progress("the same matches as rsigma?")
        yield Figure("rules.matches_different", _differences(rsigma, load, compiled["plain"]), "matches")
        turns = [_turn(rsigma, load, compiled, number, progress) for number in range(rounds)]
        yield from _figures(turns, events)


def _load(directory: Path, events: int) -> _Load:
    packs: dict[str, Path] = {}
    kinds: tuple[tuple[str, int, Expressions], ...] = (
        ("plain", _RULES, "plain"),
        ("many", _MANY_RULES, "plain"),
        ("nasty", _RULES, "nasty"),
    )
    for name, number, expressions in kinds:
        packs[name] = directory / name
        packs[name].mkdir()
        for file, text in rule_texts(number, expressions):
            (packs[name] / file).write_text(text)
    novel = list(activities(events, _RULES))
    pool = novel[: max(1, int(events * _NOVEL))]
    random = Random(1)  # noqa: S311  # which activity comes next
    return _Load(
        _written(directory / "one.ndjson", novel[1:2]),
        _written(directory / "novel.ndjson", novel),
        _written(directory / "repeated.ndjson", [*pool, *random.choices(pool, k=events - len(pool))]),
        packs,
    )


def _written(path: Path, listed: Iterable[bytes]) -> Path:
    path.write_bytes(b"".join(line(position, activity) for position, activity in enumerate(listed)))
    return path


def _turn(
    rsigma: str, load: _Load, compiled: dict[str, CompiledRules], number: int, progress: Callable[[str], None]
) -> dict[str, float]:
    """Return the CPU seconds of each runner."""
    start = _rsigma_seconds(rsigma, load.packs["plain"], load.one)
    seconds = {
        "rsigma novel": _rsigma_seconds(rsigma, load.packs["plain"], load.novel) - start,
        "ours novel": _our_seconds(compiled["plain"], load.novel),
        "many novel": _our_seconds(compiled["many"], load.novel),
        "nasty novel": _our_seconds(compiled["nasty"], load.novel),
        "rsigma repeated": _rsigma_seconds(rsigma, load.packs["plain"], load.repeated) - start,
        "ours repeated": _our_seconds(compiled["plain"], load.repeated, remember=True),
    }
    progress(f"round {number + 1}: " + ", ".join(f"{name} {value:.2f} s" for name, value in seconds.items()))
    return seconds


def _figures(turns: Sequence[dict[str, float]], events: int) -> Iterator[Figure]:
    def ratio(one: str, other: str) -> float:
        return round(median(turn[one] / turn[other] for turn in turns), 3)

    yield Figure("rules.novel.of_rsigma", ratio("rsigma novel", "ours novel"), "ratio")
    yield Figure("rules.repeated.of_rsigma", ratio("rsigma repeated", "ours repeated"), "ratio")
    yield Figure("rules.cost_of_ten_times_the_rules", ratio("many novel", "ours novel"), "ratio")
    yield Figure("rules.cost_of_nasty_expressions", ratio("nasty novel", "ours novel"), "ratio")
    for name in turns[0]:
        rate = events / median(turn[name] for turn in turns)
        yield Figure(f"rules.{name.replace(' ', '.')}", round(rate), "events / CPU second")


def _rsigma(rsigma: str, pack: Path, events: Path, output: Path | None) -> float:
    """Return the CPU seconds of one run of rsigma."""
    command = [rsigma, "engine", "eval", "--quiet", "--no-stats", "-r", str(pack)]
    with events.open("rb") as source, Path(output or os.devnull).open("wb") as sink:
        process = subprocess.Popen(command, stdin=source, stdout=sink, stderr=subprocess.PIPE)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said = process.stderr.read().decode() if process.stderr else ""
    if process.returncode:
        raise ConfigurationError(f"rsigma ends with {process.returncode}: {said.strip()}; run `{_RSIGMA}`")
    return usage.ru_utime + usage.ru_stime


def _rsigma_seconds(rsigma: str, pack: Path, events: Path) -> float:
    return _rsigma(rsigma, pack, events, None)


def _our_seconds(rules: CompiledRules, events: Path, *, remember: bool = False) -> float:
    gc.collect()
    before = time.process_time()
    with events.open("rb") as source, Path(os.devnull).open("wb") as sink:
        found = _remembered(source, rules) if remember else _matched(source, rules)
        sink.writelines(b'{"event":%d,"rule":%s}\n' % (number, dumps(rule)) for number, rule in found)
    return time.process_time() - before


def _matched(lines: Iterable[bytes], rules: CompiledRules) -> Iterator[tuple[int, str]]:
    for number, text in enumerate(lines):
        for match in rules.match(decode(text)):
            yield number, match.rule.label


def _remembered(lines: Iterable[bytes], rules: CompiledRules) -> Iterator[tuple[int, str]]:
    """Yield what matches; what an activity has matched is remembered by its bytes, as the judge does."""
    memo: dict[bytes, tuple[str, ...]] = {}
    for number, text in enumerate(lines):
        activity = text[text.rfind(ACTIVITY_MARK) + 1 :]
        labels = memo.get(activity)
        if labels is None:
            labels = memo[activity] = tuple(match.rule.label for match in rules.match(decode(b"{" + activity)))
        for label in labels:
            yield number, label


def _differences(rsigma: str, load: _Load, rules: CompiledRules) -> int:
    """Return how many matches of all events one of both has and the other has not."""
    output = load.novel.with_suffix(".found")
    _rsigma(rsigma, load.packs["plain"], load.novel, output)
    theirs = sorted(str(loads(text)["rule_id"]) for text in output.read_bytes().splitlines())
    with load.novel.open("rb") as source:
        ours = sorted(rule for _, rule in _matched(source, rules))
    return sum(one != other for one, other in zip(ours, theirs, strict=False)) + abs(len(ours) - len(theirs))
