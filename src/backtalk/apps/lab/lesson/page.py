"""The page of a lesson: that of the lab, with its style, script and fonts and a recording inside."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from importlib.metadata import version
from pathlib import Path

from ....errors import InputError
from .packing import pack_bytes

STATIC = Path(__file__).parents[1] / "static"
KERNELS = Path(__file__).with_name("kernels.wasm")
MAY_TRAIN = " 'wasm-unsafe-eval'"  # WebAssembly from bytes; no text becomes a script by it
FORMAT = 1  # of the recording; a page reads those up to its own
# What formulas of derivations are written in; the page has more fonts
FONTS = (
    "KaTeX_Main-Regular", "KaTeX_Main-Bold", "KaTeX_Math-Italic", "KaTeX_Caligraphic-Regular", "KaTeX_AMS-Regular",
    "KaTeX_Size1-Regular", "KaTeX_Size2-Regular", "KaTeX_Size3-Regular", "KaTeX_Size4-Regular",
)  # fmt: skip
SCRIPT = re.compile(r'\s*<script type="module"[^>]* src="/static/lab\.js"></script>')
STYLE = re.compile(r'<link rel="stylesheet"[^>]* href="/static/lab\.css">')
FACE = re.compile(r"@font-face\s*{[^}]*}")
ADDRESS = re.compile(r"url\(/static/([\w-]+)\.woff2\)")


def lesson_page(title: str, packed: str, static: Path = STATIC, *, trains: bool = False) -> bytes:
    """One file that a browser opens by itself; ``packed``: the recording as a text in base64.

    ``trains``: with the kernels as WebAssembly. It may load nothing, and runs the lab's script alone: its
    Content-Security-Policy names both by their hashes.
    """
    if not (static / "index.html").exists():
        raise InputError("the page of the lab is not built: run 'npm run build' in web/.")
    page, script, style = ((static / name).read_text(encoding="utf-8") for name in ("index.html", "lab.js", "lab.css"))
    script, style = script.replace("</script", r"<\/script"), _with_fonts(style, static)
    recording = json.dumps({"format": FORMAT, "version": version("backtalk"), "deflated": packed})
    page, scripts = SCRIPT.subn("", page)
    page, styles = STYLE.subn("", page)
    assert (scripts, styles) == (1, 1), "index.html names lab.js and lab.css in another way than this file knows"
    policy = (
        f"default-src 'none'; img-src data:; font-src data:; script-src {_hash(script)}{MAY_TRAIN if trains else ''}; "
        f"style-src {_hash(style)}; base-uri 'none'; form-action 'none'"
    )
    head = (
        f'<meta charset="utf-8">\n    <meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f"    <style>{style}</style>\n"
    )
    kernels = pack_bytes(KERNELS.read_bytes()) if trains else ""
    body = (
        f'    <script type="text/plain" id="kernels">{kernels}</script>\n'
        f'    <script type="application/json" id="lesson">{recording}</script>\n'
        f'    <script type="module">{script}</script>\n  </body>'
    )
    page = re.sub(r"<title>.*?</title>", lambda _: f"<title>{html.escape(title)}</title>", page, count=1)
    page = re.sub(r'<meta charset="utf-8"\s*/?>', lambda _: head, page, count=1)
    return page.replace("</body>", body).encode("utf-8")


def _with_fonts(style: str, static: Path) -> str:
    """The fonts of formulas within the style, and no other."""

    def face(found: re.Match[str]) -> str:
        name = ADDRESS.search(found[0])
        if name is None or name[1] not in FONTS:
            return ""
        font = base64.b64encode((static / f"{name[1]}.woff2").read_bytes()).decode("ascii")
        return ADDRESS.sub(f"url(data:font/woff2;base64,{font})", found[0])

    return FACE.sub(face, style)


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"
