"""Values that are not finite."""

from __future__ import annotations

from ....core.network import Network
from ..finding import Finding
from ..measure import Measurements, NonFinite
from .words import counted, finding, listed

IN_NETWORK = {
    "W": "Take a network from before the step that broke it (DivergedError.network), and train with a smaller "
    "learning rate.",
    "a": "Numbers this large come from inputs that are not scaled or from weights that grew: scale the columns of X, "
    "use a smaller learning rate, or l2_penalty, and try float64 to see how large they get.",
    "loss": "The output is finite but its loss is not: scale the targets, and use a smaller learning rate.",
    "gradient": "The loss is finite but its gradient is not: scale the inputs and the targets, and use clip_norm or a "
    "smaller learning rate.",
}


def find_non_finite(network: Network, measured: Measurements) -> list[Finding]:
    """The first place in the order of computing, and X and y both where both are broken."""
    del network
    places = measured.non_finite
    from_data = [place for place in places if place.layer is None]
    shown = from_data or list(places[:1])
    return [found for place in shown for found in _said(place, measured, len(places))]


def _said(place: NonFinite, measured: Measurements, quantities: int) -> list[Finding]:
    names = [measured.columns.name(column) for column in place.columns]
    where = f"layer {place.layer}"
    if place.quantity == "X":
        title = "X holds values that are not finite"
        said = (
            f"X is {place.value} at row {place.example}, {measured.columns.name(place.unit or 0)}; "
            f"{counted(place.examples, 'row')} of {measured.examples} have such a value, in {listed(names)}. "
            "Every statistic that these rows take part in is not finite either."
        )
        advice = "Leave these rows out, or fill the values in (the column's mean, and one more column that says where)."
    elif place.quantity == "y":
        title = "y holds values that are not finite"
        said = (
            f"y is not finite at row {place.example}, and at {counted(place.examples, 'row')} of {measured.examples} "
            "in all. Their loss, and with it the mean loss and every gradient of the set, is not finite."
        )
        advice = "Leave these rows out: a target cannot be filled in."
    else:
        example = "" if place.example is None else f" of example {place.example}"
        unit = "" if place.unit is None else f"[{place.unit}]"
        title = f"{place.quantity} is no longer finite in {where}"
        said = (
            f"The first value that is not finite, in the order of computing, is {place.quantity}{unit}{example} in "
            f"{where}: {place.value}."
        )
        if place.example is not None:
            said += f" {counted(place.examples, 'example')} of {measured.examples} have such a value there."
        word = place.quantity.split()[0]
        advice = IN_NETWORK[{"b": "W", "h": "a"}.get(word, word)]
    numbers = {
        "quantity": place.quantity,
        "value": place.value,
        "example": place.example,
        "unit": place.unit,
        "examples": place.examples,
        "quantities": quantities,
    }
    units = () if place.layer is None else place.columns
    examples = place.rows
    return finding(
        "non_finite_data" if place.layer is None else "non_finite", max(place.examples, 1), title, said, advice,
        numbers=numbers | ({"columns": ", ".join(names)} if place.quantity == "X" else {}),
        layer=place.layer if place.layer is not None else (0 if place.quantity == "X" else None),
        units=units or (place.columns if place.quantity == "X" else ()), examples=examples,
    )  # fmt: skip
