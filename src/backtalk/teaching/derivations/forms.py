"""``write``: what is explained, in one of the forms that there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from ...errors import InputError, unknown_name
from .article import write_article
from .document import Document
from .markdown import write_markdown
from .page import write_page
from .plain import write_plain
from .slides import write_slides

WRITERS: dict[str, Callable[[Document], str]] = {
    "text": write_plain,
    "markdown": write_markdown,
    "latex": write_article,
    "slides": write_slides,
    "html": write_page,
}


class Explained(Protocol):
    """What can be written: it says what stands on paper, and does not know how that is written."""

    def document(self, paths: Any = None, *, about: str = "") -> Document: ...


def write(explained: Explained, form: str, paths: Any = None, *, about: str = "", theme: str = "light") -> str:
    """A derivation as text, markdown, latex (an article), slides (Beamer) or html (a page).

    ``paths`` and ``about``: as for :meth:`backtalk.Derivation.to_markdown`. ``theme``: of slides, as for
    :meth:`backtalk.Derivation.to_slides`.

    Raises :class:`~backtalk.errors.UnknownNameError` for another form, and :class:`~backtalk.errors.InputError` for a
    theme if it is not slides.

    >>> from backtalk import Network, explain
    >>> derivation = explain(Network([[[2.0]]], [[0.5]], loss="squared_error"), [3.0], [1.5], "W[1,1,1]")
    >>> write(derivation, "text") == str(derivation)
    True
    """
    if form not in WRITERS:
        raise unknown_name("form", form, WRITERS)
    document = explained.document(paths, about=about)
    if form == "slides":
        return write_slides(document, theme)
    if theme != "light":
        raise InputError(f"theme is {theme!r}, which {form} does not have: leave it out, or write slides.")
    return WRITERS[form](document)
