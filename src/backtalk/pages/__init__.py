"""HTML pages that need no other file.

plots.py  curves, bars and matrices as SVG
page.py   the page around them: its style, cards, tables; view.py: a result as a notebook shows it
"""
