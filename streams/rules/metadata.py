"""What rules, correlations and filters say of themselves: title, level, tags and the rest, checked by pySigma."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any, Final, cast

from sigma import exceptions
from sigma.rule import SigmaRule

from streams.rules.detection import FOREIGN_ERRORS
from streams.rules.documents import RuleDocument
from streams.rules.fault import RuleFault
from streams.rules.rule import Described, Level, LogSource

__all__ = ["Metadata", "read_logsource", "read_metadata"]

_TECHNIQUE: Final = re.compile(r"attack\.(t[0-9]{4}(?:\.[0-9]{3})?)", re.IGNORECASE)

_KEYS: Final[dict[type[exceptions.SigmaError], str]] = {
    exceptions.SigmaAuthorError: "author",
    exceptions.SigmaDateError: "date",
    exceptions.SigmaDescriptionError: "description",
    exceptions.SigmaFalsePositivesError: "falsepositives",
    exceptions.SigmaFieldsError: "fields",
    exceptions.SigmaLevelError: "level",
    exceptions.SigmaLicenseError: "license",
    exceptions.SigmaModifiedError: "modified",
    exceptions.SigmaNameError: "name",
    exceptions.SigmaReferencesError: "references",
    exceptions.SigmaRelatedError: "related",
    exceptions.SigmaScopeError: "scope",
    exceptions.SigmaStatusError: "status",
    exceptions.SigmaTagError: "tags",
    exceptions.SigmaTaxonomyError: "taxonomy",
    exceptions.SigmaTitleError: "title",
    exceptions.SigmaTypeError: "name",
    exceptions.SigmaValueError: "tags",
}
"""The key that each of pySigma's errors speaks of, which they do not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata(Described):
    """What stands above the detection."""

    level: Level | None

    def described(self) -> dict[str, Any]:
        """Return what a rule or a correlation takes over as it is."""
        return {part.name: getattr(self, part.name) for part in fields(Described)}


def read_metadata(document: RuleDocument, faults: list[RuleFault]) -> Metadata:
    """Return what a document says of itself; add what is wrong to ``faults``.

    An id should be a UUID, says the specification; any other word that names the rule is taken as well.
    """
    value: dict[str, Any] = document.value
    faults.extend(_own_faults(document))
    try:
        _, errors = SigmaRule.from_dict_common_params(
            {key: entry for key, entry in value.items() if key != "id"}, collect_errors=True
        )
    except FOREIGN_ERRORS as error:
        faults.append(document.fault((), f"is not readable: {error or type(error).__name__}"))
        errors = []
    for problem in errors:
        key = _KEYS.get(type(problem), "")
        faults.append(document.fault((key,) if key in value else (), str(problem)))
    tags = tuple(_texts(value.get("tags")))
    techniques = dict.fromkeys(found[1].upper() for tag in tags if (found := _TECHNIQUE.fullmatch(tag)))
    level = value.get("level")
    return Metadata(
        id=_text(value.get("id")),
        title=" ".join(_text(value.get("title")).split()),
        name=_text(value.get("name")),
        level=cast("Level", level.lower()) if isinstance(level, str) else None,
        description=_text(value.get("description")),
        author=_text(value.get("author")),
        status=_text(value.get("status")),
        tags=tags,
        techniques=tuple(techniques),
        falsepositives=tuple(_texts(value.get("falsepositives"))),
        references=tuple(_texts(value.get("references"))),
        remedy=_text(value.get("remedy")),
    )


def _own_faults(document: RuleDocument) -> Iterator[RuleFault]:
    identity, remedy = document.value.get("id"), document.value.get("remedy")
    if "id" in document.value and (isinstance(identity, bool) or not _text(identity).strip()):
        yield document.fault(("id",), "must be a word, better a UUID")
    if remedy is not None and not isinstance(remedy, str):
        yield document.fault(("remedy",), "must be text")


def read_logsource(document: RuleDocument, faults: list[RuleFault]) -> LogSource:
    """Return where the events of a rule or a filter come from; add what is wrong to ``faults``."""
    value = document.value.get("logsource")
    if not isinstance(value, dict):
        said = "is missing" if value is None else "must be names and values"
        faults.append(document.fault(("logsource",) if "logsource" in document.value else (), f"logsource {said}"))
        return LogSource()
    parts = ("category", "product", "service")
    wrong = [key for key in parts if value.get(key) is not None and not isinstance(value[key], str)]
    faults.extend(document.fault(("logsource", key), "must be text") for key in wrong)
    source = LogSource(_text(value.get("category")), _text(value.get("product")), _text(value.get("service")))
    if source == LogSource():
        faults.append(document.fault(("logsource",), "says neither category nor product nor service"))
    return source


def _text(value: Any) -> str:
    return str(value).strip() if isinstance(value, str | int | float) else ""


def _texts(value: Any) -> Iterable[str]:
    return [_text(entry) for entry in value if _text(entry)] if isinstance(value, list) else []
