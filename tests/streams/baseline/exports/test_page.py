"""The page ``deploy/docs/baseline-export.md`` shows what the exports write."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from schemas.errors import ConfigurationError
from streams.baseline.document import read_baseline, write_baseline
from streams.baseline.exports import EXPORTS, Options

PAGE = Path(__file__).parents[4] / "deploy" / "docs" / "baseline-export.md"
TEXT = PAGE.read_text()
SECTIONS = {part.split("\n", 1)[0]: part for part in re.split(r"^### ", TEXT, flags=re.MULTILINE)[1:]}
(DOCUMENT, *_) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
BASELINE = read_baseline(PAGE.name, DOCUMENT)


def example(name: str) -> str:
    (block,) = re.findall(r"```[a-z]*\n(.*?)```", SECTIONS[name], re.DOTALL)
    return str(block)


def test_the_document_on_the_page_is_as_it_is_written() -> None:
    assert write_baseline(BASELINE) == DOCUMENT


def test_every_export_has_its_section_and_its_line_in_the_table() -> None:
    assert sorted(SECTIONS) == sorted(EXPORTS)
    assert [name for name in EXPORTS if f"| `{name}` |" not in TEXT] == []


@pytest.mark.parametrize("name", sorted(set(EXPORTS) - {"seccomp"}))
def test_the_examples_are_what_the_exports_write(name: str) -> None:
    written = EXPORTS[name](BASELINE, Options())
    for part in re.split(r"^…\n", example(name), flags=re.MULTILINE):
        assert part in written
        written = written[written.index(part) + len(part) :]


def test_the_refusal_of_seccomp_is_the_one_on_the_page() -> None:
    with pytest.raises(ConfigurationError) as caught:
        EXPORTS["seccomp"](BASELINE, Options())
    assert " ".join(example("seccomp").split()) in str(caught.value)


def test_every_kind_of_comment_is_explained() -> None:
    sources = Path(EXPORTS["docker"].__code__.co_filename).parents[1].rglob("*.py")
    text = "".join(path.read_text() for path in sources)
    kinds = set(re.findall(r'"(Open|Left out|Never|Never used|Not observable|Could be|Note|Partial)(?::|")', text))
    assert [kind for kind in sorted(kinds) if f"`{kind}`" not in TEXT] == []
    assert len(kinds) == 8
