"""The site: every page has its place, every public name its entry, every picture words for those who do not see it."""

from __future__ import annotations

import re
import runpy
from fnmatch import fnmatch
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

import backtalk

HOME = Path(__file__).parents[1]
DOCS = HOME / "docs"
PAGES = [*sorted(DOCS.rglob("*.md")), HOME / "CONTRIBUTING.md", HOME / "CHANGELOG.md"]
FORMULAS = runpy.run_path(str(HOME / "website" / "formulas.py"))
PLACES = re.findall(r"(?:file|glob|root): (\S+)", (HOME / "website" / "toc.yml").read_text())


def test_every_page_has_a_place_in_the_site():
    pages = [*DOCS.rglob("*.md"), *DOCS.rglob("*.rst"), *HOME.glob("examples/notebooks/*.ipynb")]
    names = {str(page.relative_to(HOME).with_suffix("")) for page in pages}
    assert [name for name in sorted(names) if not any(fnmatch(name, place) for place in PLACES)] == []
    assert [place for place in PLACES if "/" in place and "*" not in place and place not in names] == []


def test_every_public_name_has_an_entry_in_the_reference():
    said = "\n".join(page.read_text() for page in DOCS.glob("reference/*.rst"))
    entries = re.findall(r"^\.\. auto\w+:: backtalk\.(\S+)$", said, re.MULTILINE)
    assert sorted(set(backtalk.__all__) - set(entries)) == []
    assert len(set(entries)) == len(entries)


def test_the_index_of_decisions_names_every_note_by_its_title():
    listed = re.findall(r"^- \[(\d+)\]\((\S+)\): (.+)$", (DOCS / "decisions" / "README.md").read_text(), re.MULTILINE)
    notes = sorted(DOCS.glob("decisions/0*.md"))
    titles = [re.sub(r"^# \d+[.:]? ", "", note.read_text().splitlines()[0]) for note in notes]
    assert listed == [(note.name[:4], note.name, title) for note, title in zip(notes, titles, strict=True)]


def test_every_picture_exists_is_small_and_says_in_words_what_it_shows():
    shown = set()
    for page in (HOME / "README.md", *DOCS.rglob("*.md")):
        text = page.read_text()
        for words, path in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", text):
            shown.add((page.parent / path).resolve())
            assert len(words) > 20, (page, path)
        for tag in re.findall(r"<img [^>]*>", text):
            assert re.search(r'alt="[^"]{20,}"', tag), (page, tag)
    assert {path.name for path in shown} >= {"lab.png", "report.png"}
    pictures = sorted(DOCS.glob("images/*.png"))
    assert {picture.name.replace("-dark", "") for picture in pictures} <= {path.name for path in shown}
    assert [picture.name for picture in pictures if picture.stat().st_size > 150_000] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_formula_of_a_page_begins_emphasis(page):
    text = page.read_text()
    emphasized = in_emphasis(FORMULAS["keep_underscores"](text))
    assert [words for words in emphasized if words.startswith("{") or "∇" in words] == []
    assert "\\_" not in "".join(re.findall(r"<code.*?</code>", MarkdownIt().render(FORMULAS["keep_underscores"](text))))


def in_emphasis(text: str) -> list[str]:
    return re.findall(r"<em>(.*?)</em>", MarkdownIt().enable("table").render(text), re.DOTALL)


def test_formulas_get_subscripts_and_code_stays():
    assert in_emphasis("∇_{W_2}ℒ is ∇_{h_1}ℒ") == ["{W_2}ℒ is ∇"]  # as Markdown has it
    assert FORMULAS["keep_underscores"]("`∇_{a}` $∇_{a}$ ∇_{W_2}ℒ, ∇_ŷℒ") == r"`∇_{a}` $∇_{a}$ ∇\_{W_2}ℒ, ∇\_ŷℒ"
    pieces = [("∇", "a_{i+1}"), ("ℒ of w", "n"), (" and sample_weight", "")]
    assert list(FORMULAS["parts"]("∇_{a_{i+1}}ℒ of w_n and sample_weight")) == pieces
