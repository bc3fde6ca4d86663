"""What every export is: a pure function of a baseline and of what a baseline does not hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from schemas.baseline import Baseline

__all__ = ["Export", "Options"]


@dataclass(frozen=True, slots=True)
class Options:
    """What a baseline does not hold, and an export can be told.

    ``labels`` select the pods of the principal, ``peers`` those of other workloads, by ``namespace/name``; where neither says
    any, ``app.kubernetes.io/name`` is taken to be the name of the workload. ``image`` is what ``docker run`` starts.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    peers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    image: str = ""


Export = Callable[[Baseline, Options], str]
"""The text of a policy, ending in a line end; raises ``ConfigurationError`` where the baseline holds nothing to enforce with it.

Equal baselines have equal texts. Comments at its head say what it was made from, what it leaves open and what it leaves out.
"""
