"""The local stack: Kafka and Elasticsearch from Maven, and the supervisor of every process on this machine."""

from __future__ import annotations

from deploy.stack.errors import ChildCrashed, ChildNotReady, PreconditionsFailed, StackError
from deploy.stack.progress import Progress, silent
from deploy.stack.settings import StackSettings
from deploy.stack.stack import Stack
from deploy.stack.supervisor import Child, ChildStatus, Supervisor

__all__ = [
    "Child",
    "ChildCrashed",
    "ChildNotReady",
    "ChildStatus",
    "PreconditionsFailed",
    "Progress",
    "Stack",
    "StackError",
    "StackSettings",
    "Supervisor",
    "silent",
]
