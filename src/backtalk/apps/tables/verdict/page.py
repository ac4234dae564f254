"""The verdict in report.html."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from .remark import WELL

STYLE = """
.verdict { --tone: #b26a00; border-left: 4px solid var(--tone); padding-left: 14px; margin: 18px 0 0;
  overflow-wrap: anywhere } .verdict.well { --tone: #1f8a5b }
.verdict b { font-weight: 600; font-size: 17px } .verdict span { display: block } .verdict span::before {
  content: "→ "; color: var(--tone) }
@media (prefers-color-scheme: dark) { .verdict { --tone: #f0b24d } .verdict.well { --tone: #5fd3a0 } }
"""


def verdict_html(verdict: Sequence[Mapping[str, Any]]) -> str:
    """Each remark, as ``metrics.json`` holds it, with what to do."""
    return "".join(map(_remark, verdict))


def _remark(remark: Mapping[str, Any]) -> str:
    kind = "verdict well" if remark["name"] == WELL else "verdict"
    advice = f"<span>{html.escape(remark['advice'])}</span>" if remark["advice"] else ""
    return f"<p class='{kind}'><b>{html.escape(remark['sentence'])}</b>{advice}</p>"
