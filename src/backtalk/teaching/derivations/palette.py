"""The colours of what stands alone: slides, articles, and steps as SVG."""

from __future__ import annotations

from collections.abc import Mapping

Palette = Mapping[str, str]  # from what it is for to six hexadecimal digits
LIGHT: Palette = {"paper": "FFFFFF", "ink": "1D2430", "quiet": "667085", "faint": "D5DAE1", "accent": "1F5FBF"}
DARK: Palette = {"paper": "15191F", "ink": "E8EAEE", "quiet": "A3ACBA", "faint": "3D4653", "accent": "8DB0FF"}
PALETTES = {"light": LIGHT, "dark": DARK}
