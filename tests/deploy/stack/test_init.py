from __future__ import annotations

from deploy import stack


def test_exports_are_sorted_and_there() -> None:
    assert sorted(stack.__all__) == stack.__all__
    assert all(hasattr(stack, name) for name in stack.__all__)
