"""What ``backtalk explain`` derives: one gradient of one example, or one gradient in symbols."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .crashes import spoken

if TYPE_CHECKING:
    from ...core.network import Network
    from ...teaching.derivations import Derivation, Paths, StepDerivation


@dataclass(frozen=True, slots=True)
class Place:
    """Which example of the data: its number among those with a target, from 0; or its row in the table, from 1."""

    number: int
    row: int | None = None

    @property
    def words(self) -> str:
        """How it was asked for."""
        return f"example {self.number}" if self.row is None else f"row {self.row}"


@dataclass(frozen=True, slots=True)
class Example:
    """One row of the data, as the network takes it, and what there is to say of it."""

    network: Network
    number: int
    x: Any
    y: Any
    columns: tuple[str, ...]
    remarks: list[str]


@dataclass(frozen=True, slots=True)
class Made:
    """A derivation, and what there is to say of where it comes from."""

    derivation: Derivation | StepDerivation
    paths: Paths | None
    about: str
    remarks: list[str]
    facts: dict[str, Any]


def with_numbers(
    model: Path,
    data: Any,
    place: Place,
    quantity: str | None,
    target: list[str] | None,
    paths: int | None,
    step: str | None,
    options: Any,
) -> Made:
    """Of one row of the data."""
    from ...teaching.derivations import explain as derive
    from ...teaching.derivations import explain_step
    from ...teaching.derivations import paths as strongest

    chosen = _example_of(model, data, place, target)
    remarks = list(chosen.remarks)
    if quantity is None:
        quantity = _loudest_weight(chosen)
        remarks.append(
            f"quantity is not given: this is {quantity}, the weight with the largest gradient for this example."
        )
    if step is None:
        derivation = derive(chosen.network, chosen.x, chosen.y, quantity, **options)
    else:
        derivation = explain_step(chosen.network, chosen.x, chosen.y, step, quantity)
    found = None if paths is None else strongest(chosen.network, chosen.x, chosen.y, quantity, paths)
    about = f"{model.name} on {Path(str(data)).name}, {place.words}{_column(derivation, chosen.columns)}"
    return Made(derivation, found, about, remarks, {"example": chosen.number, "said": remarks})


def in_symbols(sizes: str, quantity: str | None, options: Any) -> Made:
    """Of a network of which only the layers are known."""
    from ...core.decimals import read_whole
    from ...errors import InputError
    from ...teaching.derivations import explain as derive

    try:
        layers = [read_whole(part) for part in sizes.split(",")]
    except ValueError:
        raise InputError(
            f"is {sizes!r}, expected whole numbers with commas, such as 2,3,2.", argument="sizes"
        ) from None
    derivation = derive(layers, quantity=quantity, **options)
    about = f"layers {sizes.replace(' ', '')}, in symbols"
    return Made(derivation, None, about, [], {"example": None, "said": []})


def _example_of(model: Path, data: Any, place: Place, target: list[str] | None) -> Example:
    """Of a network in a file, or of a run, whose inputs are made of the columns of a table."""
    from ...data.built_in import load_data
    from ...errors import InputError
    from ...interop import load

    if not model.is_dir():
        network, examples = load(model), load_data(data, target or [])
        return Example(network, place.number, *_row(examples.X, examples.y, place.number, data), examples.columns, [])
    from ..tables.use import examples_of, refuse_target

    refuse_target(model, target)
    with spoken(data):
        of_run, (X, y, *_), remarks, rows = examples_of(model, data)
    number = place.number
    if place.row is not None:
        if place.row - 1 not in rows:
            raise InputError(
                f"row {place.row} of {data} has no target that the run knows, and a gradient begins with the loss: "
                "choose another row, or give --row alone."
            )
        number = int((rows == place.row - 1).argmax())
    names = tuple(of_run.preprocessing.inputs)
    return Example(of_run.network, number, *_row(X, y, number, str(data)), names, remarks)


def _row(X: Any, y: Any, row: int, data: str) -> tuple[Any, Any]:
    """One example of the data, checked."""
    import numpy as np

    from ...errors import InputError

    if np.ndim(X) != 2 or np.ndim(y) not in (1, 2) or len(X) != len(y):
        raise InputError(
            f"{data} has X of shape {np.shape(X)} and y of shape {np.shape(y)}, expected a row of both for an example.",
        )
    if not 0 <= row < len(X):
        raise InputError(f"is {row}, but {data} has {len(X)} rows: expected 0 to {len(X) - 1}.", argument="example")
    for name, values in (("x", X[row]), ("y", y[row])):
        if not np.isfinite(np.asarray(values, dtype=np.float64)).all():
            raise InputError(f"example {row} of {data} has values in {name} that are not finite: choose another row.")
    return X[row], y[row]


def _loudest_weight(chosen: Example) -> str:
    """The weight whose gradient has the largest absolute value."""
    import numpy as np

    from ...core.arrays import to_numpy
    from ...engines.passes import gradients

    grads = gradients(chosen.network, chosen.x[None], np.asarray(chosen.y)[None])
    sizes = {i: np.abs(to_numpy(array)) for i, array in grads.W.items()}
    layer = max(sizes, key=lambda i: float(sizes[i].max()))
    j, k = np.unravel_index(sizes[layer].argmax(), sizes[layer].shape)
    return f"W[{layer},{j + 1},{k + 1}]"


def _column(derivation: Derivation | StepDerivation, columns: tuple[str, ...]) -> str:
    """Which column of the data the quantity hears, or is."""
    from ...errors import cut

    asked = derivation.quantity
    at_input = (asked.family == "W" and asked.layer == 1) or (asked.family == "h" and asked.layer == 0)
    if not at_input or not asked.indices or len(columns) != derivation.network.sizes[0]:
        return ""
    k = asked.indices[-1]
    return f"; h[0,{k}] is the column {cut(columns[k - 1])}"
