"""Which classes of data a record touches, as policies say where such data lies.

An access is a file that is opened, a secret that is asked for, someone who reaches into a workload or asks the API for it, and a
connection to it, seen from either side. What a workload does within itself is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.matching import names, paths
from schemas.policy import Policy
from schemas.vocabulary.data import DataClass
from streams.judge.predicates import DATA_CLASS, files_of
from streams.judge.record import Record, Subject, is_request, reach_of

__all__ = ["DataClasses"]

_LABELS: Final = ("data", "tidewaiter.io/data")
_WORKLOADS: Final = frozenset(
    {
        "cronjobs",
        "daemonsets",
        "deployments",
        "jobs",
        "pods",
        "replicasets",
        "replicationcontrollers",
        "statefulsets",
    }
)

_Touches = Callable[[Record], bool]


@dataclass(frozen=True, slots=True)
class DataClasses:
    """The classes of data of a policy set, and what touches each; the same class in several policies is one."""

    tests: tuple[tuple[str, _Touches], ...]

    @classmethod
    def of(cls, policies: Iterable[Policy]) -> DataClasses:
        """Compile what policies say of data."""
        written = [(name, where) for policy in policies for name, where in (policy.data or {}).items()]
        return cls(tuple((name, _touches(name, where)) for name, where in sorted(written, key=lambda one: one[0])))

    def of_record(self, record: Record) -> tuple[str, ...]:
        """Return the names of the classes that a record touches, sorted."""
        return tuple(dict.fromkeys(name for name, touches in self.tests if touches(record)))

    @staticmethod
    def subject(name: str, record: Record) -> Subject:
        """Return what clauses on data are asked about."""
        return "access.data", {**record, DATA_CLASS: name}


def _touches(name: str, where: DataClass) -> _Touches:
    """Compile where data of a class lies; what is not said is not asked, for every event that is looked at comes by here."""
    label = names((*(where.labels or ()), *(f"{key}={name}" for key in _LABELS)))
    tests: list[_Touches] = [lambda record: any(map(label, _labels(record)))]
    if where.paths:
        path = paths(where.paths)
        tests.append(lambda record: any(map(path, _files(record))))
    if where.workloads:
        workload = names(where.workloads)
        tests.append(lambda record: any(map(workload, _workloads(record))))
    if where.secrets:
        secret = names(where.secrets)
        tests.append(lambda record: "secret.path" in record and secret(record["secret.path"]))
    return lambda record: any(test(record) for test in tests)


def _files(record: Record) -> Sequence[str]:
    return files_of(record) if "file.path" in record and record.get("event.action") != "exec" else ()


def _workloads(record: Record) -> list[str]:
    """Return the workloads that are touched, ``NAMESPACE/NAME``."""
    if is_request(record):
        asked = record.get("orchestrator.resource.type") in _WORKLOADS and "orchestrator.resource.name" in record
        return [f"{record.get('orchestrator.namespace', '')}/{record['orchestrator.resource.name']}"] if asked else []
    if record.get("network.direction") == "egress":
        return [record["peer.workload"].partition("/")[2]] if "peer.workload" in record else []
    own = _is_reached(record) and "workload.name" in record
    return [f"{record.get('workload.namespace', '')}/{record['workload.name']}"] if own else []


def _labels(record: Record) -> Sequence[str]:
    if is_request(record):
        return record.get("target.labels") or ()
    return record.get("workload.labels") or () if _is_reached(record) else ()


def _is_reached(record: Record) -> bool:
    return reach_of(record) is not None or record.get("network.direction") == "ingress"
