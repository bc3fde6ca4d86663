"""The state of one partition of principals: what was seen of each, where its baseline stands, and what follows."""

from __future__ import annotations

from typing import Final

from schemas.baseline import Element, Profile
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
        self._written: dict[str, Profile] = {}

    def adopt(self, policies: PolicySet) -> None:
        """Take a changed policy set: what was not enough may be enough now."""
        self._rules = LearnRules.of(policies)
        self._due |= dict.fromkeys(self._seen.learned, 0)

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
            self._profiles[principal] = Profile(principal, reason="first met", since=since)
            self._due[principal] = appended_ms
        elif profile.baseline is None or self._is_beyond(principal, row):
            self._due.setdefault(principal, appended_ms + _SETTLE_MS)

    def _is_beyond(self, principal: str, row: Row | None) -> bool:
        """Return whether a row may change the difference."""
        compiled = self._compiled.get(principal)
        if row is None or compiled is None:
            return True
        one = Learned(principal, {b"": row})
        return bool(one.difference(compiled.baseline, compiled.known))

    def take_decision(self, key: bytes, value: bytes, offset: int, appended_ms: int) -> list[Record]:
        """Carry a decision out; raise ``Invalid`` for one that is not signed by an enrolled person, or cannot be carried out."""
        decision = Decision.decode(value)
        if decision.principal != key.decode():
            raise Invalid(f"a decision about {decision.principal[:200]} with another key")
        profile = self._profiles.get(decision.principal, Profile(decision.principal))
        if offset <= profile.decided:
            return []
        public_key = self._rules.people.get(decision.author)
        if public_key is None:
            raise Invalid(f"{decision.author[:64]} is not enrolled; put the public key under `people` in a policy")
        if not decision.is_signed_by(public_key):
            raise Invalid(f"the signature is not that of {decision.author[:64]}")
        changed = decided(profile, decision, offset, timestamp(appended_ms * _MILLISECOND))
        self._due[decision.principal] = appended_ms
        return [self._record(self._put(changed))]

    def tick(self, now_ms: int) -> list[Record]:
        """Return the profiles that have moved."""
        due = [principal for principal, at_ms in self._due.items() if at_ms <= now_ms]
        return [record for principal in due if (record := self._look(principal, now_ms))]

    def _look(self, principal: str, now_ms: int) -> Record | None:
        del self._due[principal]
        moved = self._put(self._moved(self._profiles[principal], now_ms))
        return self._record(moved) if moved != self._written.get(principal) else None

    def _moved(self, profile: Profile, now_ms: int) -> Profile:
        time, principal = timestamp(now_ms * _MILLISECOND), profile.principal
        learned = self._seen.of(principal)
        policy, learn = self._rules.rule_of(principal, self._seen.facts_of(principal))
        new = sorted(
            {row.release for row in learned.rows.values()} - set(profile.baseline.releases if profile.baseline else ())
        )
        if profile.baseline is not None and learn.release == "learn" and any(new):
            profile = relearns(profile, policy, new, time)
        if profile.baseline is None:
            return self._learning(profile, learned, policy, learn, now_ms)
        kept = self._without_expired(profile, learned, policy, learn, time)
        compiled = self._compiled_of(kept)
        return differs(kept, learned.difference(compiled.baseline, compiled.known), time)

    def _learning(self, profile: Profile, learned: Learned, policy: str, learn: Learn, now_ms: int) -> Profile:
        if profile.state == "review" and learn.approve == "review":
            return profile
        time = timestamp(now_ms * _MILLISECOND)
        waited = (parse_time(time) - parse_time(profile.since)) / _HOUR_NANOSECONDS
        if lacking(learned.extent(), learn, waited):
            if waited < learn.hours:  # whatever else lacks comes with rows
                remaining_ms = int((learn.hours - waited) * _HOUR_MS) + 1
                self._due[profile.principal] = now_ms + min(remaining_ms, _WAIT_MS)
            return profile
        candidate = learned.candidate(profile.never, self._rules.protected, self._seen.gaps)
        if learn.approve == "automatic":
            return approved(profile, policy, learn, candidate, time)
        return in_review(profile, policy, candidate, time)

    def _without_expired(self, profile: Profile, learned: Learned, policy: str, learn: Learn, time: str) -> Profile:
        """Return the profile without elements that were not seen for long, asked again every hour."""
        if learn.expire_days is None or profile.baseline is None:
            return profile
        self._due[profile.principal] = parse_time(time) // _MILLISECOND + _HOUR_MS
        compiled, seen = self._compiled_of(profile), dict[tuple[str, Element], str]()
        for row in learned.learnable():
            for name, element in row.elements:
                cover = compiled.known[name].find(element) if name in compiled.known else None
                if cover is not None:
                    seen[name, cover] = max(seen.get((name, cover), ""), row.last)
        clock = max((parse_time(moment) for moment in seen.values()), default=0)
        oldest = clock - learn.expire_days * _DAY_NANOSECONDS
        gone = {
            name: [one for one in found if (name, one) in seen and parse_time(seen[name, one]) < oldest]
            for name, found in profile.baseline.elements.items()
        }
        return expired(profile, policy, gone, learn.expire_days, time)

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
