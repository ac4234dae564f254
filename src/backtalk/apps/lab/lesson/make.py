"""A lesson from settings: recorded, packed, and put into its page."""

from __future__ import annotations

from ..datasets import LabData
from ..greeting import greeting
from ..settings import Settings
from .packing import pack_text
from .page import lesson_page
from .recording import EXAMPLES, STEPS, record


def make_lesson(
    settings: Settings,
    data: LabData,
    steps: int = STEPS,
    examples: int = EXAMPLES,
    row: int = 0,
    show: dict[str, str] | None = None,
) -> bytes:
    """A page with the recorded steps, as one file. ``row``: the example that it begins with.

    ``show``: what else the page begins with, ``color`` and ``quantity``, as in an address of the lab.

    >>> from backtalk.apps.lab.datasets import named_data
    >>> page = make_lesson(Settings(layers=(2,), activation=("tanh",)), named_data("moons"), steps=2, examples=1)
    >>> page[:15], len(page) < 900_000
    (b'<!doctype html>', True)
    """
    facts, arrays = record(settings, data, steps, examples, row)
    hello = greeting(settings, data)
    hello["data"] = [{**hello["data"][0], "name": settings.data}]
    start = {**hello["start"], "example": row, **(show or {})}
    title = f"{data.title}: {'-'.join(map(str, facts['setup']['network']['sizes']))} – backtalk lesson"
    packed = pack_text({"hello": {**hello, "start": start}, **facts}, arrays)
    return lesson_page(title, packed, trains="why" not in facts["training"])
