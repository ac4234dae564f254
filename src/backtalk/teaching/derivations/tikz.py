"""The picture of a network in TikZ, for articles and slides."""

from __future__ import annotations

from .latex import write_latex
from .palette import Palette
from .picture import NOW, WAY, Picture

KINDS = {NOW: "now", WAY: "way", 0: "off"}
STYLE = r"""
\tikzset{unit/.style={circle,inner sep=0pt,minimum size=7pt,draw=quiet,fill=paper,line width=.5pt},
  unit off/.style={unit}, unit way/.style={unit,draw=accent,line width=.8pt},
  unit now/.style={unit,draw=accent,fill=accent},
  inside/.style={circle,inner sep=0pt,draw=accent,fill=paper,line width=.8pt},
  edge off/.style={draw=faint,line width=.4pt}, edge way/.style={draw=accent!55,line width=.6pt,densely dotted},
  edge now/.style={draw=accent,line width=1.1pt}}
"""


def define_colours(palette: Palette) -> str:
    """The names of the colours that the pictures and the text take."""
    return "".join(f"\\definecolor{{{name}}}{{HTML}}{{{value}}}\n" for name, value in palette.items())


def draw_tikz(picture: Picture, width: float, height: float) -> str:
    """A tikzpicture at most ``width`` × ``height`` cm large; names are set in the size of the text around it."""
    columns = picture.columns
    general = columns[0].name is None  # a rule about any functions: its names stand inside the circles
    apart = min(1.75, (width - 0.7) / (len(columns) - 1))
    row = min(0.95 if general else 0.62, (height - (0.4 if general else 0.75)) / max(1, picture.tallest - 1))

    def at(c: int, place: float) -> str:
        return f"({apart * c:.2f},{-row * place:.2f})"

    size = f"minimum size={min(7.0, 0.8 * 28.45 * row):.1f}pt"
    lines = [r"\begin{tikzpicture}[baseline=(current bounding box.north),font=\small]"]
    for c, k, m, light in picture.drawn_edges:
        ends = at(c, picture.row(c, k)), at(c + 1, picture.row(c + 1, m))
        lines.append(rf"\draw[edge {KINDS[light]}] {ends[0]} -- {ends[1]};")
    for c, column in enumerate(columns):
        for place, node in enumerate(column.nodes):
            where = at(c, picture.row(c, place))
            name = f"${write_latex(node.label)}$" if node.label else ""
            if node.dots:
                lines.append(rf"\node[inner sep=0pt,text=quiet] at {where} {{$\scriptstyle\vdots$}};")
            elif general:
                lines.append(
                    rf"\node[inside,minimum size={min(20.0, 0.85 * 28.45 * row):.1f}pt] at {where} {{{name}}};"
                )
            else:
                # above a unit below others there is no room
                side = "above" if place == 0 else "left"
                label = f",label={{[inner sep=1pt,text=accent,fill=paper]{side}:{{{name}}}}}" if name else ""
                lines.append(rf"\node[unit {KINDS[node.light]},{size}{label}] at {where} {{}};")
        if column.name:
            below = f"({apart * c:.2f},{-row * (picture.tallest - 1) - 0.47:.2f})"
            lines.append(rf"\node[inner sep=0pt,text=quiet] at {below} {{${write_latex(column.name)}$}};")
    return "\n".join([*lines, r"\end{tikzpicture}"])
