"""The audit log of a Kubernetes API server: as its file, as its webhook posts it, and as EKS, AKS and GKE wrap it.

A line is one event, a list of them, or a wrapping. Each request gives one event, keyed by who asked: that of the stage
``ResponseComplete``, and of a long request (exec, watch …) that of ``ResponseStarted``, after which its end is left out.
``RequestReceived`` is left out; ``Panic`` is kept. A write that changes a secret's content also gives a facts event of the
secret (``secret:CLUSTER/NAMESPACE/NAME``; see ``secrets.py``). What a line contains beside good events becomes dead letters of its own.

Copies of audit logs may lack what an API server always says: an event without a stage is a whole request, and one without a
time has its wrapping's, else that of the event before it, else the first of 1970.

Input::

    {"kind": "Event", "stage": "ResponseStarted", "verb": "create", "auditID": "ca1e…", "user": {"username": "alice"},
     "objectRef": {"resource": "pods", "subresource": "exec", "namespace": "shop", "name": "web-7998647bdf-phvq7"}, …}

Output::

    {"entity.id": "user:prod/alice", "event.action": "pods/exec-create", "orchestrator.resource.name": "web", …}

Shape: https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

from producers.formats.kubernetes_audit.event import event_of
from producers.formats.kubernetes_audit.secrets import Secrets
from producers.formats.kubernetes_audit.unwrap import Wrapped, unwrap
from producers.formats.outline import Outline
from producers.formats.values import text_of
from producers.types import FormatOptions, Position, Record, Result
from schemas.codec import Event, loads
from schemas.errors import Drop, Invalid

__all__ = ["KubernetesAuditFormat"]

_RECEIVED: Final = "stage RequestReceived"
_REPORTED: Final = "end of a request that was reported at its start"
_FINAL: Final = (None, "ResponseComplete", "Panic")
_TIMES: Final = ("requestReceivedTimestamp", "stageTimestamp", "timestamp")
_NO_TIME: Final = "1970-01-01T00:00:00Z"
_MAX_STARTED: Final = 100_000


_OUTLINE: Final = Outline(
    frozenset(
        b"Event EventList Request RequestResponse Metadata kind apiVersion level auditID stage verb user username groups "
        b"objectRef resource subresource namespace name apiGroup requestURI requestObject responseObject responseStatus code "
        b"metadata data stringData spec annotations items records logEvents message properties log protoPayload methodName "
        b"get list watch create update patch delete deletecollection secrets configmaps pods exec attach portforward "
        b"RequestReceived ResponseStarted ResponseComplete Panic requestReceivedTimestamp stageTimestamp timestamp".split()
    ),
    ids=frozenset({b"auditID", b"requestReceivedTimestamp", b"stageTimestamp", b"timestamp"}),
)


class KubernetesAuditFormat:
    """Audit events to events; it holds no record back.

    Which long requests were already reported is forgotten when it ends or after 100,000 others: their end is then an
    event too. What it remembers of secrets is forgotten when it ends as well: a whole secret that is written for the first
    time after that may be a change of content or not, and nothing is said of it.
    """

    def __init__(self, options: FormatOptions) -> None:
        self._cluster = options.cluster
        self._started: OrderedDict[str, None] = OrderedDict()
        self._secrets = Secrets()
        self._time: str | int = _NO_TIME

    def outline(self, data: bytes) -> bytes:
        """Return what a dead letter may tell of a record: any request may carry a secret, and not only those for secrets."""
        return _OUTLINE.of(data)

    @property
    def held(self) -> Position | None:
        return None

    def flush(self, *, final: bool = False) -> Iterator[Result]:  # noqa: ARG002 - part of the protocol
        yield from ()

    def parse(self, record: Record) -> Iterator[Result]:
        for wrapped in unwrap(loads(record.data)):
            if isinstance(wrapped, Wrapped):
                yield from self._results(wrapped)
            else:
                yield wrapped

    def _results(self, wrapped: Wrapped) -> Iterator[Result]:
        """Yield the event of a request, behind the facts that it tells of a secret."""
        try:
            event = self._event(wrapped)
        except Drop as reason:
            yield reason
        except Invalid as reason:
            yield Invalid(f"{wrapped.place}: {reason}") if wrapped.place else reason
        else:
            facts = self._secrets.facts_of(wrapped.event, event)
            yield from (event,) if facts is None else (facts, event)

    def _event(self, wrapped: Wrapped) -> Event:
        self._choose(wrapped.event)
        event = event_of(self._dated(wrapped), self._cluster or wrapped.cluster)
        self._time = event["@timestamp"]
        return event

    def _dated(self, wrapped: Wrapped) -> Event:
        if any(wrapped.event.get(name) for name in _TIMES):
            return wrapped.event
        return wrapped.event | {_TIMES[0]: wrapped.time or self._time}

    def _choose(self, audit: Event) -> None:
        """Raise ``Drop`` for the stages of a request that another one reports."""
        stage, request = text_of(audit.get("stage")), text_of(audit.get("auditID"))
        if stage == "RequestReceived":
            raise Drop(_RECEIVED)
        if stage == "ResponseStarted":
            self._remember(request)
        elif stage not in _FINAL:
            raise Invalid(f"unknown stage {str(stage)[:32]!r}")
        elif stage == "ResponseComplete" and request in self._started:
            raise Drop(_REPORTED)

    def _remember(self, request: str | None) -> None:
        if request is not None:
            self._started[request] = None
        if len(self._started) > _MAX_STARTED:
            self._started.popitem(last=False)
