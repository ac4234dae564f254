"""One self-contained page: its style, its cards, and the tables and lists in them. All text is escaped here."""

from __future__ import annotations

import html
from collections.abc import Collection, Mapping, Sequence
from typing import Any

NUMBER = " class='n'"
WRITTEN_OUT = 1e15  # from here on a number is written with a power of ten
STYLE = """
:root { color-scheme: light dark; --ink: #1d2430; --quiet: #667085; --line: #e3e6eb; --paper: #fff; --card: #f7f8fa }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaee; --quiet: #98a1b0; --line: #343b47; --paper: #15191f; --card: #1c222b } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 0 auto;
  max-width: 1180px; padding: 28px 24px 60px }
h1 { font-size: 24px; margin: 0 0 2px } h2 { font-size: 16px; margin: 0 0 8px }
.quiet { color: var(--quiet); margin: 0 } .card .quiet { font-size: 13px; margin-bottom: 8px }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(440px, 100%), 1fr)); gap: 16px;
  margin-top: 18px }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px 18px;
  overflow-x: auto }
.numbers { display: flex; flex-wrap: wrap; gap: 10px 34px; margin: 20px 0 4px }
.numbers b { display: block; font-size: 26px; font-weight: 600; color: var(--ink); font-variant-numeric: tabular-nums }
.numbers span { color: var(--quiet); font-size: 13px }
.settings { margin-top: 12px; font-size: 13px; color: var(--quiet) }
.settings span { display: inline-block; margin-right: 18px; max-width: 100%; overflow-wrap: anywhere }
.settings b { font-weight: 500; color: var(--ink) }
details summary { cursor: pointer; color: var(--quiet) }
pre { margin: 0; font-size: 13px; overflow-x: auto }
.wide { grid-column: 1 / -1 }
.part { scroll-margin-top: 12px; margin-top: 40px } .part > h2 { font-size: 20px; margin: 0 0 2px }
.part > .cards { margin-top: 12px } h3 { font-size: 14px; font-weight: 600; margin: 14px 0 6px;
  overflow-wrap: anywhere }
nav { display: flex; flex-wrap: wrap; gap: 6px 18px; margin: 14px 0 0; font-size: 14px }
nav a { color: inherit; text-decoration-color: var(--line); text-underline-offset: 4px }
.scroll { overflow-x: auto } .small { display: grid; gap: 4px 26px;
  grid-template-columns: repeat(auto-fit, minmax(min(320px, 100%), 1fr)) }
.small svg.plot text { font-size: 17px } .small svg polyline { stroke-width: 2.6 }
.card p.after { margin: 10px 0 0 }
pre.code { background: var(--paper); border: 1px solid var(--line); border-radius: 6px; padding: 10px 12px;
  font: 13px/1.55 ui-monospace, monospace }
@media (max-width: 520px) { body { padding: 18px 14px 40px } .card { padding: 13px } }
"""
PARTS = """
svg { width: 100%; display: block }
svg text { font-size: 11.5px; fill: var(--quiet); font-variant-numeric: tabular-nums }
svg text.name { fill: var(--ink) } svg text.on { fill: #fff } svg polyline { fill: none; stroke-width: 1.8 }
svg .grid { stroke: var(--line) } svg .mark { stroke: var(--quiet); stroke-dasharray: 4 4; stroke-width: 1.2 }
.legend span { display: inline-block; margin-right: 16px; font-size: 13px }
.legend i { display: inline-block; width: 18px; height: 3px; border-radius: 2px; margin-right: 6px;
  vertical-align: middle }
ul { margin: 0; padding-left: 18px; overflow-wrap: anywhere } p.after + ul { font-size: 13px }
table { border-collapse: collapse; width: 100%; font-size: 14px } td, th { text-align: left; padding: 5px 14px 5px 0;
  border-bottom: 1px solid var(--line); vertical-align: top }
td { overflow-wrap: break-word } th { color: var(--quiet); font-weight: 500 }
table.one-line { white-space: nowrap } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
.n + td:not(.n), .n + th:not(.n) { padding-left: 12px }
.meters { display: grid; grid-template-columns: minmax(0, max-content) minmax(60px, 1fr) max-content; gap: 7px 12px;
  align-items: center; font-size: 13px; margin-top: 8px } .meters .text { text-align: right; color: var(--quiet);
  font-variant-numeric: tabular-nums } .meters .name { overflow-wrap: anywhere }
.ranges { gap: 9px 12px; grid-template-columns: minmax(0, max-content) minmax(40%, 1fr) max-content }
.range { position: relative; height: 14px }
.range i { position: absolute; top: 0; bottom: 0 } .range .bar { background: #3f6fd8; opacity: .75; border-radius: 2px;
  top: 2px; bottom: 2px } .range .zero { width: 1px; background: var(--quiet) }
.range .span { top: 6px; bottom: 6px; background: var(--ink) } .range .span::before, .range .span::after { content: "";
  position: absolute; top: -3px; bottom: -3px; width: 1px; background: var(--ink) } .range .span::after { right: 0 }
svg .spot { fill: var(--ink) }
.track { display: flex; height: 12px; border-radius: 3px; overflow: hidden; background: var(--line) }
.track i { height: 100%; min-width: 0 }
@media (max-width: 520px) { svg.plot text { font-size: 15px } td, th { padding-right: 10px }
  td:last-child, th:last-child { padding-right: 2px } }
"""


def page(title: str, summary: str, cards: Sequence[str], *, above: str = "", style: str = "") -> str:
    """A page of cards, below a headline; ``above`` and ``cards`` are HTML, ``style`` is CSS, the rest is text."""
    return (
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{html.escape(title)}</title>"
        f"<meta name='viewport' content='width=device-width'><style>{STYLE}{PARTS}{style}</style><body>"
        f"<h1>{html.escape(title)}</h1><p class='quiet'>{html.escape(summary)}</p>"
        f"{above}{_grid(cards)}</body></html>\n"
    )


def part(name: str, title: str, note: str, cards: Sequence[str]) -> str:
    """A part of a page: cards below a title and a note, which are text; ``name``: what a link calls it."""
    below = f"<p class='quiet'>{html.escape(note)}</p>" if note else ""
    return (
        f"<section class='part' id='{html.escape(name)}'><h2>{html.escape(title)}</h2>{below}{_grid(cards)}</section>"
    )


def links(parts: Mapping[str, str]) -> str:
    """Links to parts, by their names, with their titles.

    >>> links({"use": "How to predict"})
    "<nav><a href='#use'>How to predict</a></nav>"
    """
    each = (f"<a href='#{html.escape(name)}'>{html.escape(title)}</a>" for name, title in parts.items())
    return f"<nav>{''.join(each)}</nav>"


def _grid(cards: Sequence[str]) -> str:
    return f"<div class='cards'>{''.join(cards)}</div>" if cards else ""


def code(text: str) -> str:
    """Lines as they are typed."""
    return f"<pre class='code'>{html.escape(text)}</pre>"


def numbers(shown: Mapping[str, str]) -> str:
    """Large numbers in a row, each with its name below."""
    each = (f"<span><b>{html.escape(value)}</b>{html.escape(name)}</span>" for name, value in shown.items())
    return f"<div class='numbers'>{''.join(each)}</div>"


def card(title: str, inside: str, note: str = "", wide: bool = False) -> str:
    """A section with a title and perhaps a note, which are text; ``inside`` is HTML."""
    below = f"<p class='quiet'>{html.escape(note)}</p>" if note else ""
    return f"<section class='card{' wide' if wide else ''}'><h2>{html.escape(title)}</h2>{below}{inside}</section>"


def small(figures: Mapping[str, str]) -> str:
    """Several small figures in one card, each below its title; a figure is HTML."""
    each = (f"<div><h3>{html.escape(title)}</h3>{figure}</div>" for title, figure in figures.items())
    return f"<div class='small'>{''.join(each)}</div>"


def bullets(sentences: Sequence[str]) -> str:
    """A list of sentences."""
    return "<ul>" + "".join(f"<li>{html.escape(sentence)}</li>" for sentence in sentences) + "</ul>"


def table(
    names: Sequence[str],
    rows: Sequence[Sequence[str]],
    numbers: bool | Collection[int] = False,
    one_line: bool = False,
) -> str:
    """Cells as text; ``numbers``: the columns that hold numbers, counted from 0, or whether all but the first do.

    ``one_line``: no cell is broken into lines.
    """
    right = range(1, len(names)) if numbers is True else numbers or ()

    def line(tag: str, cells: Sequence[str]) -> str:
        return "".join(f"<{tag}{NUMBER * (k in right)}>{html.escape(cell)}</{tag}>" for k, cell in enumerate(cells))

    body = "".join(f"<tr>{line('td', row)}</tr>" for row in rows)
    kind = " class='one-line'" if one_line else ""
    return f"<div class='scroll'><table{kind}><tr>{line('th', names)}</tr>{body}</table></div>"


def number_text(value: Any) -> str:
    """A count, or a score with four digits, large ones as people write them; nothing for None.

    >>> number_text(0.5), number_text(1234567.8), number_text(20000), number_text(None)
    ('0.5000', '1,234,568', '20,000', '')
    """
    if value is None or isinstance(value, int):
        return "" if value is None else f"{value:,}"
    size = abs(value)
    if size < 1000 or not size < WRITTEN_OUT:
        return f"{value:#.4g}"
    return f"{value:,.0f}" if size >= 10_000 else f"{value:,.1f}"
