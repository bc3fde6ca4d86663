"""Small baselines for exports, and what exports say: the comments at their head, and the rest."""

from __future__ import annotations

from typing import Any

import yaml

from schemas.baseline import Baseline, Element, ordered

__all__ = ["PRINCIPAL", "comments_of", "learned", "manifest_of"]

PRINCIPAL = "container:prod/shop/web/web"


def learned(never: dict[str, list[Element]] | None = None, /, **elements: list[Element]) -> Baseline:
    """Return version 3 of a baseline of the web shop's front."""
    return Baseline(PRINCIPAL, 3, ordered(elements), ordered(never or {}))


def comments_of(text: str) -> list[str]:
    """Return the comment lines at the head, without their mark."""
    lines = text.split("\n")
    end = next(number for number, line in enumerate(lines) if not line.startswith("# "))
    return [line.removeprefix("# ") for line in lines[:end]]


def manifest_of(text: str) -> Any:
    """Return the one YAML document of an export, which has no comment behind its head."""
    (manifest,) = yaml.safe_load_all(text)
    return manifest
