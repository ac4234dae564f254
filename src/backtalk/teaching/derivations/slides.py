"""A derivation as slides in LaTeX's Beamer, 16:9: one new thing an overlay."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from .article import words
from .beamer import Theme, as_theme
from .document import Document, Equation, Passage, Section, Statement
from .expressions import Expression, Grid, Number
from .latex import APART, LatexWriter, aligned_row, write_latex
from .layout import FractionRuler, Line, lines
from .tikz import draw_tikz
from .view import View

ROOM = 69  # letters of a line
BESIDE, NAMES = 52, 36  # letters of a line beside the picture; of a row of quantities
SIZES = {"\\large": 1.09, "": 1.0, "\\small": 0.91}
NEW = r"\new{"  # what is uncovered by an overlay of its own begins so, until the overlays are numbered


@dataclass(frozen=True, slots=True)
class Shown:
    """A sentence and the lines of its equation that fit on a slide, in a size."""

    reason: str
    size: str
    lines: tuple[Line, ...]

    @property
    def height(self) -> float:
        """In lines of text."""
        said = 1.1 * math.ceil(len(self.reason) / 95) if self.reason else 0.0
        return said + 0.35 + SIZES[self.size] * sum(map(_height, self.lines))


class SlideRuler(FractionRuler):
    """As wide as a formula is on a slide, where the columns of a matrix stand closer."""

    gap = "  "


class SlideWriter(LatexWriter):
    """LaTeX in which each factor of a chain, and each row that is stacked, is something new."""

    dots: ClassVar[tuple[str, str, str]] = (r"\cdots", r"\smash{\vdots}", r"\smash{\ddots}")

    def array(self, part: Number | Grid) -> str:
        if isinstance(part, Number) or part.shape[0] == 1:
            return super().array(part)
        between = APART if APART in (written := super().array(part)) else r" \\ "
        first, *others = written.split(between)
        *middle, last = others
        end = last.index(r" \end{bmatrix}")
        rows = [*(f"{NEW}{row}}}" for row in middle), f"{NEW}{last[:end]}}}{last[end:]}"]
        return between.join([first, *rows])

    def pieces(self, part: Expression) -> list[str]:
        found = super().pieces(part)
        if len(found) < 2 or not all(r"\underbrace" in piece for piece in found):
            return found
        return [found[0], *(f"{NEW}{piece}}}" for piece in found[1:])]


def write_slides(document: Document, theme: str = "light") -> str:
    """A slide for each step, one new thing an overlay, more if it is too tall; and the whole chain on the last one."""
    chosen = as_theme(theme)
    document = replace(document, view=replace(document.view, digits=document.view.on_slides))
    parts = [chosen.begin + r"\begin{document}", _title(document, chosen)]
    for talk in document.talks:
        parts.append(rf"\renewcommand{{\whereweare}}{{{_where(document, talk)}}}")
        for step in talk.passages:
            parts += _frames(words(talk.title), step, document.view, chosen)
    parts.append(r"\renewcommand{\whereweare}{}")
    parts += _chain(document, chosen)
    if document.paths is not None:
        parts += _paths(document.paths, document.view, chosen)
    return "\n\n".join([*parts, r"\end{document}"]) + "\n"


def _where(document: Document, section: Section) -> str:
    """The stops of the roadmap, with the one where we are."""
    if not document.roadmap:
        return ""
    stops = (
        rf"{{\color{{accent}}\bfseries {stop}}}" if k == section.stop else stop
        for k, stop in enumerate(document.roadmap, 1)
    )
    return r"\ \ $\to$\ \ ".join(stops)


def _title(document: Document, theme: Theme) -> str:
    title, about = words(document.title), words(document.about)
    equation, _ = _written(document.result, document.view, "\\large", SlideWriter)
    left = (
        theme.height - 6.5 - 1.1 * math.ceil(len(document.note) / 95) - SIZES["\\large"] * sum(map(_height, equation))
    )
    width, height = theme.picture
    picture = ""
    if document.picture is not None and left > 2:  # a tall vector leaves no room
        drawn = draw_tikz(document.picture, width, min(height, 0.48 * left))
        picture = rf"\begin{{center}}{drawn}\end{{center}}"
    return _frame(
        "",
        rf"\begin{{center}}{{\LARGE\bfseries\color{{accent}}{title}\par}}\medskip{{\color{{quiet}}{about}\par}}"
        rf"\end{{center}}\vfill{{\large{_displayed(equation)}}}\vfill{picture}\vfill\reason{{{words(document.note)}}}"
        r"\vspace{1em}",
    )


def _frames(talk: str, step: Passage, view: View, theme: Theme) -> Iterator[str]:
    """The slides of one step: each = comes after the one before, each sentence with what it introduces."""
    beside = step.picture is not None
    first_reason = step.statements[0].reason
    top = max(theme.below_picture, 1.4 + 1.05 * math.ceil(len(first_reason) / BESIDE)) if beside else 1.4
    room = theme.height - top - (0 if beside else 1.1 * math.ceil(len(first_reason) / 95))
    parts = _balanced(lambda filled: list(_by_height(step.statements, view, room, filled)), room)
    for k, part in enumerate(parts):
        title = words(step.title) + (f" ({k + 1} of {len(parts)})" if len(parts) > 1 else "")
        reason, inside = (words(part[0].reason) if k == 0 else "", "")
        for number, shown in enumerate(part):
            if shown.reason and (number or k):  # on a slide that goes on, it is there before its formula
                inside += f"\\said{{{NEW if number else '{'}{words(shown.reason)}}}}}\n"
            elif number:
                inside += "\\par\\vspace{-\\baselineskip}\n"
            inside += f"{{{shown.size}{_displayed(shown.lines, first=number == 0)}}}\n"
        if step.picture is not None:
            head = f"\\drawn{{{title}}}{{{reason}}}{{{draw_tikz(step.picture, *theme.picture)}}}\n"
        else:
            head, inside = f"\\step{{{title}}}\n", f"{inside}\\vfill\\reason{{{reason}}}\n"
        yield _frame(talk, f"{head}\\vfill\\vspace*{{-\\baselineskip}}\n{inside}\\vfill\\vspace{{0.8em}}")


def _by_height(statements: Sequence[Statement], view: View, room: float, filled: float) -> Iterator[list[Shown]]:
    """What stands on each slide of a step: in sizes for all the room, of which so much is filled."""
    part: list[Shown] = []
    used = 0.0
    for k, statement in enumerate(statements):
        reason = statement.reason if k else ""
        size, found = _sized(statement.equation, view, room, list(SIZES)[len(statements) > 1 :])
        for some in _split(found, filled / SIZES[size], found[0].left):
            shown = Shown(reason or (statement.reason if k == 0 and not part else ""), size, tuple(some))
            height = shown.height - (0 if reason or not shown.reason else 1.1 * math.ceil(len(shown.reason) / 95))
            if part and used + height > filled:
                yield part
                part, used = [], 0.0
            part.append(shown)
            used += height
            reason = ""
    yield part


def _balanced(fill: Callable[[float], list[Any]], room: float) -> list[Any]:
    """What ``fill`` puts on slides with so much room: as few as need be, and none much emptier than the others."""
    pages = fill(room)
    for part in (0.9, 0.8, 0.7, 0.6, 0.5) if len(pages) > 1 else ():
        evener = fill(part * room)
        if len(evener) > len(pages):
            break
        pages = evener
    return pages


def _split(found: Sequence[Line], room: float, left: str) -> Iterator[list[Line]]:
    """Lines of one equation, in parts that fit; each part begins with its left side."""
    part: list[Line] = []
    for line in found:
        if part and sum(map(_height, part)) + _height(line) > room:
            yield part
            part = []
        if not part and line is not found[0]:
            begin = line.right if line.equals else rf"\cdots {line.right}"
            line = Line(left, True, begin)
        part.append(line)
    yield part


def _sized(equation: Equation, view: View, room: float, sizes: Sequence[str]) -> tuple[str, list[Line]]:
    """The largest size in which an equation needs the fewest lines and fits a slide; and its lines."""
    layouts = {size: _written(equation, view, size, SlideWriter) for size in sizes}
    fitting = {size: found for size, (found, _) in layouts.items() if sum(map(_height, found)) * SIZES[size] <= room}

    def loss_of(size: str) -> tuple[int, int, int]:
        """How many entries are left out for the size, how many lines were broken, and how few digits are left."""
        found, shown = layouts[size]
        return -shown.most, len(found), -shown.digits

    best = min(fitting or layouts, key=loss_of)
    return best, layouts[best][0]


def _written(equation: Equation, view: View, size: str, kind: type[LatexWriter]) -> tuple[list[Line], View]:
    """The lines of an equation in a size, and what is shown in them."""
    writer = kind(view)
    found = lines(equation.left, equation.rights, writer, ROOM / SIZES[size], SlideRuler)
    return found, writer.view


def _displayed(found: Sequence[Line], *, first: bool = True) -> str:
    """Lines of an equation, each an overlay of its own but for the very first."""
    rows = []
    for k, line in enumerate(found):
        row = aligned_row(line)
        cells = row.split("&", 1)
        if (k == 0 and first) or NEW in row.split(r"\begin")[0]:
            rows.append(row)
        else:
            rows.append("&".join(f"{NEW}{cell}}}" if cell.strip() else cell for cell in cells))
    return "\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}"


def _chain(document: Document, theme: Theme) -> Iterator[str]:
    """Each gradient on the way with its formula, the last one that was derived for it."""
    talks = [talk for talk in document.talks if talk.stop or not document.roadmap][-3:]
    last: dict[str, Equation] = {}
    for equation in (each.equation for talk in talks for step in talk.passages for each in step.statements):
        if equation.rights and isinstance(equation.rights[-1], Number):
            left = write_latex(equation.left)
            last.pop(left, None)
            last[left] = equation
    found = [_of_chain(equation, document.view) for equation in last.values()]

    def fill(room: float) -> list[list[str]]:
        pages: list[list[str]] = [[]]
        used = 0.0
        for row, height in found:
            if pages[-1] and used + height > room:
                pages.append([])
                used = 0.0
            pages[-1].append(row)
            used += height
        return pages

    head, above = "", 2.0
    if document.picture is not None:
        head, above = f"\\drawn{{}}{{}}{{{draw_tikz(document.picture, *theme.picture)}}}\n", theme.below_picture
    pages = _balanced(fill, theme.height - above)
    for k, rows in enumerate(pages if last else []):
        title = "The whole chain" + (f" ({k + 1} of {len(pages)})" if len(pages) > 1 else "")
        some = " \\\\\n".join(rows)
        yield _frame(title, f"{head}\\vfill\\begin{{align*}}\n{some}\n\\end{{align*}}\\vfill")


def _of_chain(equation: Equation, view: View) -> tuple[str, float]:
    writer = LatexWriter(view)
    line = Line(writer.write(equation.left), True, writer.write(equation.formula or equation.rights[0]))
    value = equation.rights[-1]
    end = f"&&= {writer.write(value)}" if isinstance(value, Number) and isinstance(value.value, float) else ""
    return f"{aligned_row(line)} {end}", _height(line)


def _paths(paths: Section, view: View, theme: Theme) -> Iterator[str]:
    """A slide for each path, more if its product is too tall."""
    for path in paths.passages:
        summary = words(paths.summary) if path.number == 1 else ""
        route, share = words(path.title), f"{words(path.reason)}. {summary}"
        above = max(theme.below_picture, 1.4 + 1.25 * math.ceil(len(path.title) / NAMES) + 1.05 * len(share) / BESIDE)
        picture = "" if path.picture is None else draw_tikz(path.picture, *theme.picture)
        found, _ = _written(path.equation, view, "\\small", LatexWriter)
        for part in _split(found, theme.height - above, ""):
            rows = " \\\\\n".join(map(aligned_row, part))
            formula = f"{{\\small\\begin{{align*}}\n{rows}\n\\end{{align*}}}}"
            yield _frame(paths.title, f"\\drawn{{{route}}}{{{share}}}{{{picture}}}\n\\vfill {formula}\\vfill")


def _height(line: Line) -> float:
    """Of a line of a formula, in lines of text."""
    both = line.left + line.right
    tall = 2.3 if any(command in both for command in (r"\frac", r"\sum")) else 1.5
    braced = r"\underbrace" in line.right
    for piece in line.right.split(r"\underbrace") if braced else [line.right]:
        for matrix in piece.split(r"\end{bmatrix}")[:-1]:
            rows = matrix.count(r"\\") + 1
            tall = max(tall, rows * (1.95 if APART in matrix else 1.8 if r"\frac" in matrix else 1.05) + 0.45)
    return tall + (1.4 + (2.0 if r"\substack" in line.right else 0.0) if braced else 0.0)


def _frame(title: str, inside: str) -> str:
    """A slide whose overlays are numbered."""
    count = 1

    def numbered(_: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return rf"\uncover<{count}->{{"

    inside = re.sub(re.escape(NEW), numbered, inside)
    # \relax: what begins with a brace would be the slide's subtitle
    return f"\\begin{{frame}}[t]{{{title}}}\n\\relax\n{inside}\n\\lastline\n\\end{{frame}}"
