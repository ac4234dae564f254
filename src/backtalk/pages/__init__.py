"""HTML pages that need no other file.

axes.py    the axes, colours and frame of every plot
plots.py   curves, bars and matrices as SVG
charts.py  lines over numbers, and values with their intervals
picture.py a plot that stands alone, to paste anywhere; contours.py: filled contours in it
page.py    the page around them: its style, cards, tables; view.py: a result as a notebook shows it
"""
