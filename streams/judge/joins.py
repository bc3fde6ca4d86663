"""Which shared facts a record is decided with, and who has to be decided anew when they change.

The image of an entity is joined to all that the entity does. What a request reaches, and the secret that it asks for, is joined to that
request. Rows and verdicts do not carry any of it: they name what was joined, and the record of the subject has the facts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from schemas.codec import Event
from schemas.shared import IMAGE, SECRET, TOLD_DATASET, digests_of, is_shared, source_of, workload_subject
from streams.judge.memo import Context
from streams.judge.shared import SharedFacts

__all__ = ["Joins"]

_WORKLOADS: Final = frozenset(
    {
        "pods",
        "deployments",
        "daemonsets",
        "statefulsets",
        "replicasets",
        "replicationcontrollers",
        "jobs",
        "cronjobs",
        "podtemplates",
    }
)
_OF_ITSELF: Final = frozenset({("create", ""), ("update", "status"), ("patch", "status")})
"""Requests that say themselves how a workload is, or what it reports: nobody reaches into one by them."""


@dataclass(slots=True)
class Joins:
    """The joins of one partition; ``shared`` is the same for all partitions of a judge."""

    shared: SharedFacts = field(default_factory=SharedFacts)
    _asked: dict[str, set[str]] = field(default_factory=dict)

    def of(self, fields: Event, context: Context) -> Event:
        """Return the shared facts that a record is decided with: by its activity and its context alone."""
        if is_shared(context.principal):
            return self._of_itself(fields, context)
        found = self._asked_of_image(context)
        for subject in _subjects(fields):
            self._ask(context, (subject,))
            found = found | self.shared.of_subject(subject)
        return found

    def _of_itself(self, fields: Event, context: Context) -> Event:
        """Return what others say of an image or a secret of which somebody says something; the judge itself says all there is.

        No memo holds what is said, so nobody has to be noted.
        """
        if fields.get("event.dataset") == TOLD_DATASET:
            return {}
        known = {**context.deciding, **fields}
        if context.principal.startswith(IMAGE):
            known.setdefault("container.image.id", context.principal.removeprefix(IMAGE))
        return self.shared.of_others(context.principal, known, source_of(fields))

    def of_image(self, context: Context) -> Event:
        """Return the shared facts of the image of a context, for who decides nothing by them."""
        return self.shared.of_image(context.deciding) if any(digests_of(context.deciding)) else {}

    def _asked_of_image(self, context: Context) -> Event:
        configuration, manifests = digests_of(context.deciding)
        self._ask(context, (configuration, *manifests) if configuration else manifests)
        return self.of_image(context)

    def _ask(self, context: Context, names: Iterable[str]) -> None:
        for name in names:
            self._asked.setdefault(name, set()).add(context.hash)

    def concerned(self, names: Iterable[str]) -> set[str]:
        """Return the hashes of contexts that have asked for any of these names; whoever asks again is noted again."""
        return {context for name in names for context in self._asked.pop(name, ())}


def _subjects(fields: Event) -> Iterable[str]:
    if "secret.path" in fields:
        yield SECRET + fields["secret.path"]
    if _reaches(fields):
        cluster, namespace = (fields.get(f"orchestrator.{part}", "") for part in ("cluster.name", "namespace"))
        yield workload_subject(cluster, namespace, fields["orchestrator.resource.name"])


def _reaches(fields: Event) -> bool:
    verb = fields.get("kubernetes.audit.verb")
    if not verb or not fields.get("orchestrator.resource.name"):
        return False
    done = (verb, fields.get("kubernetes.audit.subresource", ""))
    return fields.get("orchestrator.resource.type") in _WORKLOADS and done not in _OF_ITSELF
