"""What the site needs of its own: pictures for a dark page, formulas, commands, a lesson, and where to begin."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import typer
from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml as tex_to_mathml
from formulas import keep_underscores, parts
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util.docutils import SphinxDirective

from backtalk.apps.cli import app

FIRST_PAGE = "docs/index.html"


class PicturesForADarkPage(SphinxTransform):
    """Beside ``name.png`` stands ``name-dark.png``, which a dark page shows instead."""

    default_priority = 10  # before images are collected

    def apply(self, **_: Any) -> None:
        folder = Path(self.env.doc2path(self.env.docname)).parent
        for image in list(self.document.findall(nodes.image)):
            path = Path(image["uri"])
            dark = path.with_name(f"{path.stem}-dark{path.suffix}")
            if (folder / dark).is_file():
                other = image.deepcopy()
                other["uri"] = str(dark)
                image["classes"].append("only-light")
                other["classes"].append("only-dark")
                image.parent.insert(image.parent.index(image) + 1, other)


class CodeWithoutAnEmptyEnd(SphinxTransform):
    """The empty line that ends an example for doctest is left out."""

    default_priority = 10

    def apply(self, **_: Any) -> None:
        for block in self.document.findall(nodes.literal_block):
            text = block.astext().rstrip()
            block.rawsource = text
            block[:] = [nodes.Text(text)]


class FoldersWithoutLinks(SphinxTransform):
    """The site has no page for a folder of the repository, so its name stands there alone."""

    default_priority = 10

    def apply(self, **_: Any) -> None:
        here = Path(self.env.doc2path(self.env.docname)).parent
        for link in list(self.document.findall(addnodes.pending_xref)):
            if link["reftype"] == "myst" and not link.get("refdomain") and (here / link["reftarget"]).is_dir():
                link.replace_self(link.children)


def keep_formulas(application: Sphinx, name: str, source: list[str]) -> None:
    if application.env.doc2path(name).suffix == ".md":
        source[0] = keep_underscores(source[0])


class Subscripts(SphinxTransform):
    """∇_{W_2}ℒ in running text, of pages and of docstrings; code stays as it is."""

    default_priority = 10
    left_alone = (nodes.literal, nodes.literal_block, nodes.FixedTextElement, nodes.math, nodes.raw)
    left_alone += (addnodes.desc_signature, addnodes.index)

    def apply(self, **_: Any) -> None:
        for text in list(self.document.findall(nodes.Text)):
            above = text.parent
            while above and not isinstance(above, self.left_alone):
                above = above.parent
            if above is None and "_" in text:
                text.parent.replace(text, _with_subscripts(text.astext()))


def _with_subscripts(text: str) -> list[nodes.Node]:
    written: list[nodes.Node] = []
    for before, below in parts(text):
        written.append(nodes.Text(before))
        if below:
            written.append(nodes.subscript("", "", *_with_subscripts(below)))
    return written


def show_inline(writer: Any, node: nodes.math) -> None:
    """A formula as MathML, which a browser shows by itself."""
    writer.body.append(_as_mathml(node, as_block=False))
    raise nodes.SkipNode


def show_block(writer: Any, node: nodes.math_block) -> None:
    writer.body.append(f'<div class="math">{_as_mathml(node, as_block=True)}</div>')
    raise nodes.SkipNode


def _as_mathml(node: nodes.Element, as_block: bool) -> str:
    said = re.sub(r"\\(frac|tfrac|dfrac)(\d)(\d)", r"\\\1{\2}{\3}", node.astext())  # docutils would read 1/2 as 12
    return str(tex_to_mathml(said, as_block=as_block))


def keep_bars(_app: Sphinx, _what: str, _name: str, _object: Any, _options: Any, lines: list[str]) -> None:
    """In a docstring |x| is an absolute value, and no substitution of reStructuredText."""
    parts = "\n".join(lines).split("\n\n")
    for number, part in enumerate(parts):
        if not part.lstrip().startswith(">>>"):
            parts[number] = re.sub(r"(``.*?``)|\|", lambda found: found[1] or r"\|", part, flags=re.DOTALL)
    lines[:] = "\n\n".join(parts).split("\n")


class Commands(SphinxDirective):
    """``.. commands::`` writes every command of ``backtalk``, from the program itself."""

    def run(self) -> list[nodes.Node]:
        group: Any = typer.main.get_command(app)
        return [_command(name, group.commands[name]) for name in group.list_commands(typer.Context(group))]


def _command(name: str, command: Any) -> nodes.section:
    context = typer.Context(command, info_name=f"backtalk {name}")
    usage = command.get_usage(context).removeprefix("Usage: ")
    section = nodes.section(ids=[f"backtalk-{name}"], names=[name])
    section += nodes.title(text=f"backtalk {name}")
    section += nodes.literal_block(usage, usage, language="text")
    section += [nodes.paragraph(text=" ".join(part.split())) for part in command.help.split("\n\n")]
    panels: dict[str, nodes.definition_list] = {}
    for parameter in command.params:
        if record := parameter.get_help_record(context):
            usual = "Arguments" if parameter.param_type_name == "argument" else "Options"
            listed = panels.setdefault(parameter.rich_help_panel or usual, nodes.definition_list(classes=["options"]))
            listed += _option(*record)
    for title, listed in panels.items():
        section += [nodes.rubric(text=title), listed]
    return section


def _option(names: str, meaning: str) -> nodes.definition_list_item:
    term = nodes.term("", "", nodes.literal(text=names))
    return nodes.definition_list_item("", term, nodes.definition("", nodes.paragraph(text=meaning)))


class Lesson(SphinxDirective):
    """``.. lesson:: OPTIONS`` shows a page that ``backtalk lab --export`` records with these options."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        options = shlex.split(self.arguments[0])
        path = Path(self.env.app.outdir, self.env.docname).with_name("recorded.html")
        path.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "backtalk", "lab", "--export", str(path), *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        frame = f'<p><a class="lesson-link" href="{path.name}">Open it in a tab of its own</a></p>'
        frame += f'<iframe class="lesson" src="{path.name}" title="A recorded lesson"></iframe>'
        return [nodes.raw("", frame, format="html")]


def begin_at_the_first_page(application: Sphinx, exception: Exception | None) -> None:
    """The pages stand below docs/, as in the repository; the address of the site leads there."""
    if exception is None and application.builder.name == "html":
        page = '<!doctype html><meta charset="utf-8"><title>backtalk</title>'
        page += '<link rel="icon" href="_static/mark.svg">'
        page += f'<meta http-equiv="refresh" content="0; url={FIRST_PAGE}"><a href="{FIRST_PAGE}">backtalk</a>\n'
        (Path(application.outdir) / "index.html").write_text(page)


def setup(application: Sphinx) -> dict[str, bool]:
    application.add_transform(PicturesForADarkPage)
    application.add_transform(CodeWithoutAnEmptyEnd)
    application.add_transform(FoldersWithoutLinks)
    application.add_transform(Subscripts)
    application.add_html_math_renderer("mathml", (show_inline, None), (show_block, None))
    application.add_directive("commands", Commands)
    application.add_directive("lesson", Lesson)
    application.connect("source-read", keep_formulas)
    application.connect("autodoc-process-docstring", keep_bars)
    application.connect("build-finished", begin_at_the_first_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
