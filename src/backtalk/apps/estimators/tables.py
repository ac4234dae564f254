"""TableClassifier and TableRegressor: tables as they are, by scikit-learn's interface."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state, compute_sample_weight
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from ...core.network import Network
from ...errors import InputError, InputTypeError, quoted
from ..tables.decisions import interval_of, said_of_decisions
from ..tables.in_memory import learn
from ..tables.metrics import gives_shares
from ..tables.model import Model
from ..tables.options import Options
from ..tables.prepare import LEAST_ROWS
from ..tables.results import Finished
from ..tables.target import CLASSIFICATION, REGRESSION
from ..tables.verdict import OUT_OF_FOLD
from .decorators import available_if
from .frames import beside, fitted_frame, free_name, later_frame, words_in
from .labels import classes_of, group_names, names_of, numbers_of, values_of

DEFAULTS: dict[str, Any] = {each.name: each.default for each in fields(Options)}
LARGEST_SEED = 2**32 - 1


def gives_probabilities(model: Any) -> bool:
    """Whether it has ``predict_proba``: scikit-learn asks, before ``fit`` as well."""
    if hasattr(model, "model_") and not gives_shares(model.model_.members[0]):
        raise AttributeError("predict_proba is not available: the output function gives no distribution.")
    return True


@dataclass(eq=False, repr=False, kw_only=True)
class TableEstimator(BaseEstimator):
    """The base of the two: its fields are the parameters, each an option of ``backtalk train``, with its default."""

    task: ClassVar[str]

    members: Any = DEFAULTS["members"]
    hidden: Any = DEFAULTS["hidden"]
    activation: str | None = DEFAULTS["activation"]
    loss: str | None = DEFAULTS["loss"]
    output: str | None = DEFAULTS["output"]
    epochs: int | None = DEFAULTS["epochs"]
    batch_size: int | None = DEFAULTS["batch_size"]
    optimizer: str | None = DEFAULTS["optimizer"]
    schedule: str | None = DEFAULTS["schedule"]
    dropout: Any = DEFAULTS["dropout"]
    l2_penalty: float | None = DEFAULTS["l2_penalty"]
    clip_norm: float | None = DEFAULTS["clip_norm"]
    metric: str | None = DEFAULTS["metric"]
    patience: int | None = DEFAULTS["patience"]
    validation: float | None = DEFAULTS["validation"]
    split: str | None = DEFAULTS["split"]
    types: Mapping[str, str] | None = None
    ignore: Any = ()
    missing: Any = ()
    engine: str = DEFAULTS["engine"]
    time_limit: Any = DEFAULTS["time_limit"]
    random_state: Any = DEFAULTS["seed"]

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Learn y from the columns of X.

        ``X``: a data frame of polars, pandas or pyarrow, or an array; with words, dates and missing cells as they are.
        ``y``: one value for each row. ``sample_weight``: how much each row counts, 0 or more. ``groups``: rows of the
        same group are in one fold.
        """
        values = values_of(y)
        frame = fitted_frame(self, X)
        if frame.height < LEAST_ROWS:
            raise InputError(f"X has n_samples={frame.height} rows, expected {LEAST_ROWS} or more.")
        names, columns = list(frame.columns), {}
        target = free_name("y", names)
        columns[target] = beside(frame, self._cells(values), "y").alias(target)
        options = self._options(target)
        weight = self._weights_of(values, sample_weight)
        if weight is not None:
            options["weight"] = name = free_name("sample_weight", [*names, *columns])
            weight = _check_sample_weight(weight, frame, dtype=np.float64, ensure_non_negative=True)
            columns[name] = pl.Series(name, weight)
        if groups is not None:
            if self.split is not None:
                raise InputError(f"groups are given, but split is {quoted(self.split)}: expected one of them.")
            name = free_name("groups", [*names, *columns])
            columns[name] = beside(frame, group_names(groups), "groups").alias(name)
            options["split"] = f"group={name}"
        learned = learn(frame.with_columns(**columns), Options(**options))
        self._keep(learned, names, frame.height)
        return self

    def _cells(self, values: np.ndarray) -> Any:
        """The target's cells, of y."""
        raise NotImplementedError

    def _weights_of(self, values: np.ndarray, sample_weight: Any) -> Any:
        """The weights of the rows, if they do not count alike."""
        return sample_weight

    def _keep(self, learned: Finished, names: list[str], rows: int) -> None:
        self.model_: Model = learned.model
        self._names = names
        self.said_: list[str] = [*learned.ready.said, *said_of_decisions(learned.model.target, learned.run.options)]
        self.out_of_fold_: np.ndarray | None = self._all_rows(learned, rows)

    def _all_rows(self, learned: Finished, rows: int) -> np.ndarray | None:
        """What was predicted of each row by the network that did not see it; NaN for rows that all saw."""
        if OUT_OF_FOLD not in learned.outputs:
            return None
        found = self._in_order(learned.outputs[OUT_OF_FOLD])
        all_rows = np.full((rows, *found.shape[1:]), np.nan, found.dtype)
        all_rows[learned.ready.training_rows[learned.ready.judged]] = found
        return all_rows

    def _in_order(self, output: np.ndarray) -> np.ndarray:
        """The numbers that are predicted, or those of each class in the order of ``classes_``."""
        raise NotImplementedError

    def _options(self, target: str) -> dict[str, Any]:
        """The options of ``backtalk train``."""
        given = {each.name: getattr(self, each.name) for each in fields(self) if each.name in DEFAULTS}
        hidden = given["hidden"]
        if isinstance(hidden, str):
            raise InputTypeError(f"hidden is {quoted(hidden)}, expected whole numbers, such as (64, 32).")
        if self.types is not None and not isinstance(self.types, Mapping):
            raise InputTypeError(f"types is {quoted(self.types)}, expected a mapping of a column's name to its type.")
        given |= {
            "target": target,
            "task": self.task,
            "hidden": None if hidden is None else tuple(int(size) for size in np.atleast_1d(hidden)),
            "dropout": tuple(self.dropout) if np.ndim(self.dropout) else self.dropout,
            "types": dict(self.types or {}),
            "ignore": words_in("ignore", self.ignore),
            "missing": words_in("missing", self.missing),
            "test": 0.0,
            "seed": self._seed(),
        }
        return given

    def _seed(self) -> int:
        """``random_state`` as the seed of a run."""
        state = self.random_state
        if isinstance(state, int | np.integer) and not isinstance(state, bool):
            return int(state)
        return int(check_random_state(state).randint(LARGEST_SEED, dtype=np.uint32))

    @property
    def network_(self) -> Network:
        """The mean of the members, as one network."""
        return self.model_.network

    def inputs(self, X: Any) -> np.ndarray:
        """The inputs (rows, n_0) of ``network_``, float32, for rows of X."""
        check_is_fitted(self)
        frame, preprocessing = later_frame(self, X, self._names), self.model_.preprocessing
        encoded, said = preprocessing.transform(frame)
        for sentence in said:
            warnings.warn(sentence, stacklevel=4)
        return encoded

    def _output(self, X: Any) -> np.ndarray:
        inputs = self.inputs(X)  # first: it refuses an estimator that was not fitted
        return self.model_.output_of(inputs)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        tags.target_tags.required = True
        return tags


@dataclass(eq=False, repr=False, kw_only=True)
class TableClassifier(ClassifierMixin, TableEstimator):
    """Learns classes from a table as it is: what ``backtalk train`` does, in memory, by scikit-learn's interface.

    X is a data frame of polars, pandas or pyarrow, or an array, with numbers, words, dates, truth values and missing
    cells; nothing has to be encoded or scaled. y are any labels. Columns of a data frame are found by their names, also
    in another order; a column that was not in training is ignored, with a warning, and so is a word never seen.

    The parameters are the options of ``backtalk train``, with the same defaults, so that the same table gives the same
    networks, to the bit: members, hidden, activation, loss, output, epochs, batch_size, optimizer, schedule, dropout,
    l2_penalty, clip_norm, metric, patience, validation, split, types, ignore, missing, engine, time_limit.
    ``random_state``: the seed.
    ``class_weight``: ``"balanced"``, or a mapping of class to weight, which multiplies ``sample_weight``.
    ``threshold``: from which probability on a row is of the second of two classes, or ``"auto"``.

    Attributes after ``fit``: ``classes_``, ``n_features_in_``, ``feature_names_in_`` of a data frame; ``network_``, the
    mean of the members, for all that takes a network, whose inputs ``inputs`` gives; ``model_``, with the
    ``members``; ``out_of_fold_``, for each row the probabilities by the network that did not see it (None without
    folds); ``said_``: what there is to say of the table.

    >>> import polars as pl
    >>> X = pl.DataFrame({"size": [k * k for k in range(40)], "colour": ["red", None, "blue", "red"] * 10})
    >>> y = ["small"] * 20 + ["large"] * 20
    >>> model = TableClassifier(epochs=30).fit(X, y)
    >>> model.predict(X[[0, 39]]).tolist(), model.classes_.tolist()
    (['small', 'large'], ['large', 'small'])
    >>> model.predict_proba(X).shape, model.out_of_fold_.shape, model.score(X, y) > 0.9
    ((40, 2), (40, 2), True)
    """

    task = CLASSIFICATION
    class_weight: Any = DEFAULTS["class_weight"]
    threshold: Any = DEFAULTS["threshold"]

    def _cells(self, values: np.ndarray) -> list[str]:
        self.classes_: np.ndarray
        self.classes_, places = classes_of(values)
        self._class_names = names_of(self.classes_, words_in("missing", self.missing))
        return [self._class_names[place] for place in places]

    def _options(self, target: str) -> dict[str, Any]:
        given = super()._options(target)
        return given | {"class_weight": None} if isinstance(self.class_weight, Mapping) else given

    def _weights_of(self, values: np.ndarray, sample_weight: Any) -> Any:
        if not isinstance(self.class_weight, Mapping):
            return sample_weight
        weight = compute_sample_weight(dict(self.class_weight), values)
        return weight if sample_weight is None else weight * np.asarray(sample_weight)

    def _in_order(self, output: np.ndarray) -> np.ndarray:
        return output[:, self._places]

    @property
    def _places(self) -> np.ndarray:
        """The place of each of ``classes_`` among the network's outputs."""
        return self.model_.target.encode(pl.Series(self._class_names))

    def predict(self, X: Any) -> np.ndarray:
        """The class of each row, one of ``classes_``: the most likely one, or by the threshold."""
        output = self._output(X)
        return self.classes_[np.argsort(self._places)[self.model_.target.labels_of(output)]]

    @available_if(gives_probabilities)
    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, shape (rows, classes), in the order of ``classes_``."""
        output = self._output(X)
        return self._in_order(output)

    @available_if(gives_probabilities)
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """The logarithm of ``predict_proba``."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))


@dataclass(eq=False, repr=False, kw_only=True)
class TableRegressor(RegressorMixin, TableEstimator):
    """Learns a number from a table as it is: what ``backtalk train`` does, in memory, by scikit-learn's interface.

    X, the parameters and the attributes are those of :class:`TableClassifier`, without the classes; ``out_of_fold_``
    holds numbers in the unit of y. y are finite numbers, one for each row. ``quantiles``: their levels, such as
    ``(0.1, 0.5, 0.9)``; ``interval``: how sure it is that y lies between the ends that :meth:`predict_interval` gives,
    0.9 by default.

    >>> import polars as pl
    >>> X = pl.DataFrame({"size": [k * k for k in range(40)], "kind": ["flat", "house"] * 20})
    >>> y = [3.0 * k + 50 * (k % 2) for k in range(40)]
    >>> model = TableRegressor(members=3, epochs=50).fit(X, y)
    >>> model.predict(X).shape, model.score(X, y) > 0.5
    ((40,), True)
    >>> model.predict_interval(X).shape
    (40, 2)
    """

    task = REGRESSION
    quantiles: Any = DEFAULTS["quantiles"]
    interval: float | None = DEFAULTS["interval"]

    def _options(self, target: str) -> dict[str, Any]:
        return super()._options(target) | {"quantiles": tuple(np.atleast_1d(self.quantiles).tolist())}

    def _cells(self, values: np.ndarray) -> np.ndarray:
        return numbers_of(values)

    def _in_order(self, output: np.ndarray) -> np.ndarray:
        return self.model_.target.decode(output)

    def predict(self, X: Any) -> np.ndarray:
        """The number of each row, in the unit of y."""
        output = self._output(X)
        return self._in_order(output)

    def predict_interval(self, X: Any) -> np.ndarray:
        """The ends between which y lies with the probability ``interval``, shape (rows, 2).

        They follow from the rows that their network did not see (conformal prediction). Raises
        :class:`~backtalk.errors.InputError` if ``interval`` is 0, or if too few rows were held out.
        """
        output = self._output(X)
        ends = interval_of(self.model_.members[0], self.model_.target, output)
        if ends is None:
            raise InputError(
                "interval: there is none, since 0 was asked for, or too few rows were held out to learn it."
            )
        return np.column_stack(ends)

    def predict_quantiles(self, X: Any) -> np.ndarray:
        """Of each row the quantiles that were asked for, in their order, shape (rows, quantiles)."""
        output = self._output(X)
        if np.size(self.quantiles) == 0:
            raise InputError("quantiles is (), expected levels such as (0.1, 0.5, 0.9): set them, and fit.")
        return self.model_.target.quantiles(output)
