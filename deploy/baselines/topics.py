"""Baselines and what was seen, read from their topics as they stand now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

from deploy.baselines.standing import Standing
from deploy.kafka import partitions_of, read_all, read_partition
from deploy.pipeline import policies_in_force
from schemas.baseline import Profile
from schemas.errors import ConfigurationError, Invalid
from schemas.policyset import PolicySet
from schemas.settings import Settings
from schemas.topics import partition_of
from streams.baseline.rules import LearnRules
from streams.baseline.seen import Seen, is_gap
from streams.judge.memo import principal_of_row

__all__ = ["policies", "read_profiles", "read_standings"]


def policies(settings: Settings) -> PolicySet:
    """Return the policies in force, which say how is learned and who may decide; the set that says nothing where there are none."""
    return policies_in_force(settings) or PolicySet.empty()


def read_profiles(settings: Settings) -> dict[str, Profile]:
    """Return the profiles of all principals by their names, in order."""
    partitions_of(settings.kafka, "baselines")
    stored = {key.decode(): value for (_, key), value in read_all(settings.kafka, "baselines").items() if key and value}
    return {principal: _profile(principal, stored[principal]) for principal in sorted(stored)}


def _profile(principal: str, record: bytes) -> Profile:
    try:
        return Profile.decode(record)
    except Invalid as error:
        raise ConfigurationError(
            f"the baseline of {principal} cannot be read: {error}; run the version of Tidewaiter that wrote it"
        ) from error


def read_standings(settings: Settings, rules: LearnRules, profiles: Iterable[Profile]) -> Iterator[Standing]:
    """Yield where principals stand, one partition of ``activities`` after the other, so that only one is held."""
    count = partitions_of(settings.kafka, "activities")
    by_partition: dict[int, list[Profile]] = {}
    for profile in profiles:
        by_partition.setdefault(partition_of(profile.principal.encode(), count), []).append(profile)
    for number, asked in by_partition.items():
        seen = _seen(settings, number, {profile.principal for profile in asked})
        yield from (Standing.of(profile, seen, rules) for profile in asked)


def _seen(settings: Settings, partition: int, principals: set[str]) -> Seen:
    """Return what rows of one partition tell of some principals, and the gaps; what is no row is a dead letter of ``correlate``."""
    seen, asked = Seen(), {principal.encode() for principal in principals}
    for key, value in read_partition(settings.kafka, "activities", partition):
        if principal_of_row(key) in asked or is_gap(value):
            with suppress(Invalid):
                seen.take(key, value)
    return seen
