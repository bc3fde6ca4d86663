"""The state of one partition of principals: what was seen of each, where its baseline stands, and what follows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from schemas.baseline import Baseline, Element, Profile
from schemas.decision import Decision
from schemas.errors import Invalid
from schemas.event import parse_time, timestamp
from schemas.policy import Learn
from schemas.policyset import PolicySet
from streams.baseline.compiled import CompiledBaseline
from streams.baseline.learned import Learned, Row
from streams.baseline.lifecycle import approved, decided, differs, expired, in_review, lacking, relearns
from streams.baseline.rules import LearnRules
from streams.baseline.seen import Seen
from streams.correlate.types import Record

__all__ = ["BaselineShard"]

_MILLISECOND: Final = 1_000_000
_HOUR_MS: Final = 3_600_000
_HOUR_NANOSECONDS: Final = 3.6e12
_DAY_NANOSECONDS: Final = 24 * 3600 * 1_000_000_000
_WAIT_MS: Final = 60_000
_SETTLE_MS: Final = 500
"""A difference is written this long after its first row, so that what comes with it comes in one record."""


class BaselineShard:
    """Principals of one partition; pure: what it returns follows from what it was given."""

    def __init__(self, partition: int, policies: PolicySet) -> None:
        self._partition = partition
        self._rules = LearnRules.of(policies)
        self._seen = Seen()
        self._profiles: dict[str, Profile] = {}
        self._compiled: dict[str, CompiledBaseline] = {}
        self._due: dict[str, int] = {}
        self._refused: dict[str, int] = {}
        self._written: dict[str, Profile] = {}

    def adopt(self, policies: PolicySet) -> None:
        """Take a changed policy set: what was not enough may be enough now."""
        self._rules = LearnRules.of(policies)
        self._due |= dict.fromkeys(self._profiles, 0)

    def take_profile(self, key: bytes, value: bytes | None) -> None:
        """Take what an earlier worker wrote of a principal."""
        if value is None:
            for table in (self._profiles, self._written, self._due):
                table.pop(key.decode(), None)
            return
        profile = Profile.decode(value)
        self._written[profile.principal] = self._put(profile)
        self._due[profile.principal] = 0

    def take_row(self, key: bytes, value: bytes | None, appended_ms: int) -> None:
        """Take a row; raise ``Invalid`` for what is none."""
        taken = self._seen.take(key, value)
        if taken is not None:
            self._note(*taken, appended_ms)

    def _note(self, principal: str, row: Row | None, appended_ms: int) -> None:
        """Note when a principal is to be looked at: at once if it is new, else when what comes with this row has come."""
        profile = self._profiles.get(principal)
        if profile is None:
            since = timestamp(appended_ms * _MILLISECOND)
            refused = self._refused.pop(principal, -1)
            self._profiles[principal] = Profile(principal, reason="first met", since=since, decided=refused)
            self._look_at(principal, appended_ms)
        elif profile.baseline is None or self._is_beyond(principal, row):
            self._look_at(principal, appended_ms + _SETTLE_MS)

    def _look_at(self, principal: str, due_ms: int) -> None:
        """Look at a principal then, or earlier if that was said before."""
        self._due[principal] = min(self._due.get(principal, due_ms), due_ms)

    def _is_beyond(self, principal: str, row: Row | None) -> bool:
        """Return whether a row may change the difference: also by what a sensor finds fault with now, or does not any more."""
        compiled = self._compiled.get(principal)
        if row is None or compiled is None or any(compiled.is_beyond(*one) for one in row.elements):
            return True
        return bool(row.release) and row.release not in compiled.baseline.releases and self._learns_releases(principal)

    def _learns_releases(self, principal: str) -> bool:
        return self._rules.rule_of(principal, self._seen.facts_of(principal))[1].release == "learn"

    def take_decision(self, key: bytes, value: bytes, offset: int, appended_ms: int) -> list[Record]:
        """Carry a decision out; raise ``Invalid`` for one that is not signed by an enrolled person, or cannot be carried out."""
        decision, time = Decision.decode(value), timestamp(appended_ms * _MILLISECOND)
        if decision.principal.encode() != key:
            raise Invalid(f"a decision about {decision.principal[:200]} with another key")
        profile = self._profiles.get(decision.principal) or Profile(
            decision.principal, reason="not met yet", since=time
        )
        if offset <= profile.decided or decision.digest in profile.heeded:
            return []
        try:
            self._check_author(decision)
            changed = decided(profile, decision, offset, time)
        except Invalid:
            self._pass_over(decision.principal, offset, appended_ms)
            raise
        self._look_at(decision.principal, appended_ms)
        return [self._record(self._put(changed))]

    def _pass_over(self, principal: str, offset: int, appended_ms: int) -> None:
        """Note that a decision was refused: a later worker, with other policies or another version in force, must not carry it out."""
        profile = self._profiles.get(principal)
        if profile is None:
            self._refused[principal] = offset
        else:
            self._profiles[principal] = replace(profile, decided=offset)
            self._look_at(principal, appended_ms)

    def _check_author(self, decision: Decision) -> None:
        public_key = self._rules.people.get(decision.author)
        if public_key is None:
            raise Invalid(f"{decision.author[:64]} is not enrolled; put the public key under `people` in a policy")
        if not decision.is_signed_by(public_key):
            raise Invalid(f"the signature is not that of {decision.author[:64]}")

    def in_force(self, principal: str) -> Baseline | None:
        """Return the version in force of a principal."""
        profile = self._profiles.get(principal)
        return profile.baseline if profile else None

    def rows_of(self, principal: str) -> Iterable[bytes]:
        """Return the keys of what was seen of a principal."""
        return self._seen.of(principal).rows

    def knows(self, principal: str, key: bytes) -> bool:
        """Return whether the version in force knows all that a row adds."""
        profile, row = self._profiles.get(principal), self._seen.of(principal).rows.get(key)
        if profile is None or profile.baseline is None or row is None:
            return False
        return self._compiled_of(profile).knows(row.elements)

    def tick(self, now_ms: int) -> list[Record]:
        """Return the profiles that have moved."""
        due = sorted(principal for principal, at_ms in self._due.items() if at_ms <= now_ms)
        return [record for principal in due if (record := self._look(principal, now_ms))]

    def _look(self, principal: str, now_ms: int) -> Record | None:
        del self._due[principal]
        moved = self._put(self._moved(self._profiles[principal], now_ms))
        return self._record(moved) if moved != self._written.get(principal) else None

    def _moved(self, profile: Profile, now_ms: int) -> Profile:
        time, principal = timestamp(now_ms * _MILLISECOND), profile.principal
        seen = self._seen.of(principal)
        policy, learn = self._rules.rule_of(principal, self._seen.facts_of(principal))
        if profile.baseline is not None and learn.release == "learn":
            profile = _with_releases(profile, profile.baseline, seen.after(profile.begun), policy, time)
        if profile.baseline is None:
            return self._learning(profile, seen.after(profile.begun), policy, learn, now_ms)
        kept = self._without_expired(profile, seen.after(profile.begun), policy, learn, time)
        compiled = self._compiled_of(kept)
        return differs(kept, seen.after(kept.begun).difference(compiled.baseline, compiled.known), time)

    def _learning(self, profile: Profile, learned: Learned, policy: str, learn: Learn, now_ms: int) -> Profile:
        if profile.state == "review" and learn.approve == "review":
            return profile
        time = timestamp(now_ms * _MILLISECOND)
        waited = (parse_time(time) - parse_time(profile.since)) / _HOUR_NANOSECONDS
        if lacking(learned.extent(), learn, waited):
            if waited < learn.hours:  # whatever else lacks comes with rows
                remaining_ms = int((learn.hours - waited) * _HOUR_MS) + 1
                self._look_at(profile.principal, now_ms + min(remaining_ms, _WAIT_MS))
            return profile
        candidate = learned.candidate(profile.never, self._rules.protected, self._seen.gaps)
        if learn.approve == "automatic":
            return approved(profile, policy, learn, candidate, time)
        return in_review(profile, policy, candidate, time)

    def _without_expired(self, profile: Profile, learned: Learned, policy: str, learn: Learn, time: str) -> Profile:
        """Return the profile without elements that were not seen for long, asked again every hour.

        The events' clock stands still while nothing comes, and never goes ahead of the broker's.
        """
        if learn.expire_days is None or profile.baseline is None:
            return profile
        self._look_at(profile.principal, parse_time(time) // _MILLISECOND + _HOUR_MS)
        compiled, seen = self._compiled_of(profile), dict[tuple[str, Element], str]()
        for row in learned.learnable():
            for name, element in row.elements:
                cover = compiled.known[name].find(element) if name in compiled.known else None
                if cover is not None:
                    seen[name, cover] = max(seen.get((name, cover), ""), row.last)
        clock = min(max(seen.values(), default=time), time)
        oldest = timestamp(parse_time(clock) - learn.expire_days * _DAY_NANOSECONDS)
        gone = {
            name: [one for one in found if (name, one) in seen and seen[name, one] < oldest]
            for name, found in profile.baseline.elements.items()
        }
        return expired(profile, policy, gone, learn.expire_days, oldest, time)

    def _compiled_of(self, profile: Profile) -> CompiledBaseline:
        compiled = self._compiled.get(profile.principal)
        if profile.baseline is None:
            raise RuntimeError(f"{profile.principal} has no baseline")
        if compiled is None or compiled.baseline != profile.baseline:
            compiled = self._compiled[profile.principal] = CompiledBaseline.of(profile.baseline)
        return compiled

    def _put(self, profile: Profile) -> Profile:
        self._profiles[profile.principal] = profile
        if profile.baseline is None:
            self._compiled.pop(profile.principal, None)
        return profile

    def _record(self, profile: Profile) -> Record:
        self._written[profile.principal] = profile
        return "baselines", profile.principal.encode(), profile.encode()


def _with_releases(profile: Profile, baseline: Baseline, seen: Learned, policy: str, time: str) -> Profile:
    """Return the profile, learning anew if releases were seen that its version does not know."""
    new = [row for row in seen.rows.values() if row.release and row.release not in baseline.releases]
    if not new:
        return profile
    return relearns(profile, policy, sorted({row.release for row in new}), min(row.first for row in new), time)
