from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from deploy.stack import errors
from deploy.stack.errors import ChildCrashed, JavaMissing, MavenMissing, PreconditionsFailed
from schemas.errors import StackError


@pytest.mark.parametrize(
    "error",
    [
        PreconditionsFailed((JavaMissing("no java"), MavenMissing("no maven"))),
        ChildCrashed("kafka", "was killed by SIGKILL", "last", Path("/one.log")),
        JavaMissing("no java"),
    ],
)
def test_errors_survive_pickling(error: StackError) -> None:
    # our own bytes of a moment ago
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert type(copy) is type(error)
    assert str(copy) == str(error)


def test_the_preconditions_have_a_line_each() -> None:
    error = PreconditionsFailed((JavaMissing("no java"), MavenMissing("no maven")))
    assert str(error) == "no java\nno maven"


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    classes = [getattr(errors, name) for name in errors.__all__]
    assert all(issubclass(each, StackError) for each in classes)
    assert [each.__name__ for each in classes if each.__name__ not in (errors.__doc__ or "")] == []
