"""Values that are not finite."""

from __future__ import annotations

from ....core.network import Network
from ..finding import Finding, finding
from ..measure import Measurements, NonFinite
from ..words import counted, listed

SMALLER = (
    "Take a network from before the step that broke it (DivergedError.network), and train with a smaller learning rate."
)
SCALED = (
    "Numbers this large come from inputs that are not scaled or from weights that grew: scale the columns of X, "
    "use a smaller learning rate, or l2_penalty, and try float64 to see how large they get."
)
CLIPPED = (
    "The loss is finite but its gradient is not: scale the inputs and the targets, and use clip_norm or a "
    "smaller learning rate."
)
IN_NETWORK = {
    "W": SMALLER, "b": SMALLER, "a": SCALED, "h": SCALED,
    "loss": "The output is finite but its loss is not: scale the targets, and use a smaller learning rate.",
    "gradient of a": CLIPPED, "gradient of W": CLIPPED, "gradient of b": CLIPPED,
}  # fmt: skip


def find_non_finite(_: Network, measured: Measurements) -> list[Finding]:
    """The first place in the order of computing, and X and y both if both are broken."""
    places = measured.non_finite
    of_data = {place.quantity: place for place in places if place.layer is None}
    found = [*_in_X(of_data["X"], measured)] if "X" in of_data else []
    found += _in_y(of_data["y"], measured) if "y" in of_data else []
    return found if of_data or not places else _in_network(places[0], measured)


def _in_X(place: NonFinite, measured: Measurements) -> list[Finding]:
    names = listed(map(measured.columns.name, place.columns))
    return finding(
        "non_finite_data", place.examples, "X holds values that are not finite",
        f"X is {place.value} at row {_called(place, measured)}, {measured.columns.name(place.unit or 0)}; "
        f"{counted(place.examples, 'row')} of {measured.examples} have such a value, in {names}. "
        "Every statistic that these rows take part in is not finite either.",
        "Leave these rows out, or fill the values in (the column's mean, and one more column that says where).",
        numbers=_numbers(place, measured) | {"columns": ", ".join(map(measured.columns.name, place.columns))},
        layer=0, units=place.columns, examples=measured.rows[list(place.rows)],
    )  # fmt: skip


def _in_y(place: NonFinite, measured: Measurements) -> list[Finding]:
    return finding(
        "non_finite_data", place.examples, "y holds values that are not finite",
        f"y is not finite at row {_called(place, measured)}, and at {counted(place.examples, 'row')} of "
        f"{measured.examples} in all. Their loss, and with it the mean loss and every gradient of the set, is not "
        "finite.",
        "Leave these rows out: a target cannot be filled in.",
        numbers=_numbers(place, measured), examples=measured.rows[list(place.rows)],
    )  # fmt: skip


def _in_network(place: NonFinite, measured: Measurements) -> list[Finding]:
    row = _called(place, measured)
    example = "" if row is None else f" of example {row}"
    unit = "" if place.unit is None else f"[{place.unit + 1}]"
    said = (
        f"The first value that is not finite, in the order of computing, is {place.quantity}{unit}{example} in "
        f"layer {place.layer}: {place.value}."
    )
    if row is not None:
        said += f" {counted(place.examples, 'example')} of {measured.examples} have such a value there."
    return finding(
        "non_finite", max(place.examples, 1), f"{place.quantity} is no longer finite in layer {place.layer}", said,
        IN_NETWORK[place.quantity], numbers=_numbers(place, measured), layer=place.layer, units=place.columns,
        examples=measured.rows[list(place.rows)],
    )  # fmt: skip


def _called(place: NonFinite, measured: Measurements) -> int | None:
    """How sentences call its first example, None if it has none."""
    return None if place.example is None else measured.number(place.example)


def _numbers(place: NonFinite, measured: Measurements) -> dict[str, float | int | str | None]:
    return {
        "quantity": place.quantity,
        "value": place.value,
        "example": None if place.example is None else int(measured.rows[place.example]),
        "unit": place.unit,
        "examples": place.examples,
        "quantities": len(measured.non_finite),
    }
