"""What MLPClassifier and MLPRegressor have in common: from X and y to a trained network."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, replace
from itertools import pairwise
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import is_regressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import _check_sample_weight, validate_data

from ...core.activations import Activation, as_activation
from ...core.batch import Batch, checked_y
from ...core.dropout import Dropout
from ...core.network import Network
from ...core.outputs import Output
from ...engines.choose import ENGINES, choose_steps
from ...engines.native.kernels import sharing_threads
from ...engines.native.steps import NativeSteps
from ...engines.steps import StepSettings
from ...errors import DivergedError, InputError, InputTypeError
from ...train import Epoch, Optimizer, Privacy
from ...train.callbacks import Watchers
from ...train.schedules import as_schedule
from ...train.whole_batch import search_of
from .decorators import fit_context
from .epochs import SKLEARN_SCHEDULES, Epochs, Judge, OptimizerState, batch_size_of, training_of
from .fitted import FLOATS, SPARSE, FittedPerceptron, dense
from .held_out import hold_out
from .private import plan_of, require_private, step_settings
from .solvers import searches, solver_of


class NonFiniteError(DivergedError, ValueError):
    """Training diverged: a ``ValueError`` as in scikit-learn, with the last good network and the place."""


def is_stochastic(model: Any) -> bool:
    """Whether it has ``partial_fit``: scikit-learn asks."""
    if searches(model):
        raise AttributeError(
            f"partial_fit is only available for stochastic optimizers. {model.solver} is not stochastic."
        )
    return True


@dataclass(eq=False, repr=False)
class MultilayerPerceptron(FittedPerceptron):
    """The base of the two estimators: its fields are the parameters of their constructors."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [str, "array-like"],
        "solver": [str],  # solver_of looks
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [str],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
        "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
        "clip_norm": [Interval(Real, 0, None, closed="neither"), None],
        "callbacks": [object],  # as_callbacks looks
        "output": [str, Output, Activation, None],
        "engine": [StrOptions(set(ENGINES))],
        "privacy": [Privacy, None],
        **{name: ["boolean"] for name in ("shuffle", "warm_start", "nesterovs_momentum", "early_stopping")},
        **{name: [Interval(Integral, 1, None, closed="left")] for name in ("max_iter", "max_fun")},
        **{name: [Interval(Real, 0, None, closed="left")] for name in ("alpha", "power_t", "tol")},
        **{name: [Interval(Real, 0, None, closed="neither")] for name in ("learning_rate_init", "epsilon")},
        **{name: [Interval(Real, 0, 1, closed="left")] for name in ("validation_fraction", "beta_1", "beta_2")},
    }

    hidden_layer_sizes: Any = (100,)
    activation: Any = "relu"
    _: KW_ONLY
    solver: str = "adam"
    alpha: float = 0.0001
    batch_size: Any = "auto"
    learning_rate: str = "constant"
    learning_rate_init: float = 0.001
    power_t: float = 0.5
    max_iter: int = 200
    shuffle: bool = True
    random_state: Any = None
    tol: float = 1e-4
    verbose: Any = False
    warm_start: bool = False
    momentum: float = 0.9
    nesterovs_momentum: bool = True
    early_stopping: bool = False
    validation_fraction: float = 0.1
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    n_iter_no_change: float = 10
    max_fun: int = 15000
    dropout: Any = 0.0
    clip_norm: float | None = None
    callbacks: Any = None
    engine: str = "auto"
    output: Any = None
    privacy: Privacy | None = None

    def _learn_target(self, y: np.ndarray, incremental: bool) -> None:
        """Learn from y how it is encoded; sets ``n_outputs_``."""
        raise NotImplementedError

    @fit_context
    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, X_val: Any = None, y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:  # fmt: skip
        """Train on X (N, features), dense or sparse, and y.

        A regressor takes y (N,) or (N, outputs) of numbers, a classifier (N,) of any labels or (N, labels) of 0 and 1.
        """
        return self._fit(X, y, sample_weight, self._validation(X_val, y_val, sample_weight_val))

    def _fit(
        self, X: Any, y: Any, sample_weight: Any, validation: tuple[Any, Any, Any] | None, incremental: bool = False
    ) -> Self:
        self._require_parameters()
        if self.privacy is not None:
            require_private(self, validation, incremental)
        first = not hasattr(self, "network_") or (not self.warm_start and not incremental)
        options: dict[str, Any] = {"accept_sparse": SPARSE, "dtype": FLOATS, "y_numeric": is_regressor(self)}
        checked: Any = validate_data(self, X, y, multi_output=True, reset=first, **options)
        X, values = checked
        if values.ndim == 2 and values.shape[1] == 1:
            values = column_or_1d(values, warn=True)
        self._learn_target(values, incremental)
        X, target = dense(X), self._encode(values)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X)
            if (sample_weight < 0).any() or not sample_weight.any():
                raise ValueError("sample_weight must be of 0 or more for every sample, and above 0 for at least one.")
        weight = self._weights_of(y, sample_weight, incremental)
        self._random_state = check_random_state(self.random_state)
        outputs = self._loss()[0].outputs_for(self.n_outputs_)
        sizes = (X.shape[1], *(int(size) for size in np.atleast_1d(self.hidden_layer_sizes)), outputs)
        network = self._initial(sizes, X.dtype) if first else self._continued(sizes, X.dtype)
        if first or not incremental:
            self._begin(first)
        X, target, weight, judge = hold_out(self, X, target, weight, validation)
        try:
            with sharing_threads():  # a search by scikit-learn may run several threads of Python
                if searches(self):
                    self._search(network, X, target, weight, judge)
                else:
                    self._step(network, X, target, weight, judge, incremental)
        except DivergedError as error:
            what = "Solver produced non-finite parameter weights. The input data may contain large values"
            place = {"step": error.step, "quantity": error.quantity, "layer": error.layer}
            message = f"{what} and need to be preprocessed. {error}"
            raise NonFiniteError(message, network=error.network, **place) from None
        return self

    def _require_parameters(self) -> None:
        sizes = np.atleast_1d(np.asarray(self.hidden_layer_sizes, dtype=object))
        if any(not isinstance(size, Integral) or size <= 0 for size in sizes):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {list(sizes)}.")
        if isinstance(self.callbacks, Iterator):
            raise InputTypeError("callbacks is an iterator, which one fit would use up: expected a list.")
        if self.learning_rate not in SKLEARN_SCHEDULES:
            as_schedule(self.learning_rate, "learning_rate")
        if searches(self):
            given = {"dropout": np.any(self.dropout), "clip_norm": self.clip_norm is not None}
            given["learning_rate"] = self.learning_rate not in SKLEARN_SCHEDULES
            for name in filter(given.get, given):
                raise InputError(f"{name} is given, but solver={self.solver!r} cannot use it: leave it out.")

    def _begin(self, first: bool) -> None:
        """Forget what earlier training left, all of it or, with warm_start, all but the curves."""
        self._optimizer = OptimizerState(self.learning_rate_init)
        self.n_iter_: int = 0
        self.privacy_ = None
        if first:
            self.t_ = self._no_improvement_count = 0
            self.validation_loss_curve_: list[float] = []
            if not searches(self):
                self.loss_curve_: list[float] = []
                self.best_loss_: float | None = None if self.early_stopping else np.inf
                self.validation_scores_: list[float] | None = [] if self.early_stopping else None
                self.best_validation_score_: float | None = -np.inf if self.early_stopping else None

    def _initial(self, sizes: tuple[int, ...], dtype: np.dtype) -> Network:
        """The network before training: weights and biases uniform within ±√(6/(inputs + outputs)), 2 for sigmoid."""
        hidden, given = len(sizes) - 2, self.activation
        # as in scikit-learn, the factor of a single activation serves the output layer as well
        names = [given] * (hidden + 1) if isinstance(given, str) else [*given, "identity"]
        if len(names) != hidden + 1:
            raise InputError(f"activation has {len(names) - 1} entries, expected {hidden}: one for each hidden layer.")
        names = ["sigmoid" if name == "logistic" else name for name in names]
        activations = [as_activation(name, "activation") for name in names[:-1]]
        W, b = [], []
        for name, (inputs, outputs) in zip(names, pairwise(sizes), strict=True):
            bound = np.sqrt((2.0 if name == "sigmoid" else 6.0) / (inputs + outputs))
            W.append(self._random_state.uniform(-bound, bound, (inputs, outputs)).astype(dtype).T)
            b.append(self._random_state.uniform(-bound, bound, outputs).astype(dtype))
        head = self._head()
        return Network(W, b, activations, head.loss, output=head.output)

    def _continued(self, sizes: tuple[int, ...], dtype: np.dtype) -> Network:
        network = self.network_
        if network.sizes != sizes:
            raise ValueError(f"the fitted network has sizes {network.sizes}, expected {sizes} to go on with it.")
        return network if network.W[1].dtype == dtype else network.to(np, dtype=dtype)

    def _step(
        self, network: Network, X: np.ndarray, target: np.ndarray, weight: Any, judge: Judge | None, incremental: bool
    ) -> None:
        _, scale = self._loss()
        optimizer = solver_of(self, scale)
        assert isinstance(optimizer, Optimizer)
        kind = choose_steps(self.engine, network, optimizer)
        batch = _batch(network, X, target, weight, kind.takes_labels)
        batch_size = batch_size_of(self, batch.count)
        plan = plan_of(self, network, batch, batch_size)
        settings = StepSettings(
            optimizer=optimizer,
            l2_penalty=float(self.alpha) * scale,
            l2_per_weight=True,
            loss_by_count=True,  # as scikit-learn counts, also if the examples have weights
            clip_norm=None if self.clip_norm is None else float(self.clip_norm) * scale,
            dropout=self._dropout(network) if np.any(self.dropout) else None,
            private=step_settings(plan, scale),
        )
        steps, state = kind(network, settings), self._optimizer
        if incremental and state.stopped:
            return
        if incremental and state.steps is not None:
            steps.restore(network, state.steps)
        watchers = Watchers.of(self.callbacks)
        epochs = Epochs(self, steps, batch, batch_size, state, watchers, judge, plan)
        watchers.begin(self.get_params(deep=False), network)
        epochs.run(incremental)
        best = state.best if self.early_stopping and (not incremental or state.stopped) else None
        self.network_: Network = steps.network if best is None else best
        if plan is not None:
            self.privacy_ = plan.spent(steps.step)
        watchers.end(training_of(self))

    def _dropout(self, network: Network) -> Dropout:
        rates = float(self.dropout) if isinstance(self.dropout, Real) else tuple(self.dropout)
        dropout = Dropout(rates, seed=int(self._random_state.randint(2**31)))
        dropout.levels(network.depth - 1)  # refuses another number of rates
        return dropout

    def _search(self, network: Network, X: np.ndarray, target: np.ndarray, weight: Any, judge: Judge | None) -> None:
        _, scale = self._loss()
        options: Any = solver_of(self, scale)
        by_kernels = choose_steps(self.engine, network, options) is NativeSteps
        watchers, self.loss_curve_ = Watchers.of(self.callbacks), []

        def tell(epoch: Epoch) -> bool:
            epoch = replace(epoch, loss=epoch.loss / scale)
            self.loss_curve_.append(epoch.loss)
            if epoch.validation_loss is not None:
                self.validation_loss_curve_.append(epoch.validation_loss)
            return watchers.after_epoch(epoch)

        watchers.begin(self.get_params(deep=False), network)
        found = search_of(options)(
            network,
            _batch(network, X, target, weight, by_kernels),
            l2_penalty=self.alpha * scale / (len(X) if weight is None else float(np.sum(weight))),
            iterations=self.max_iter,
            options=options,
            by_kernels=by_kernels,
            validation_loss=lambda found: None if judge is None else judge(found)[1],
            tell=tell,
        )
        self.network_, self.n_iter_ = found.network, found.iterations
        self.loss_: float = found.loss / scale
        if not found.converged and not found.stopped:
            warnings.warn(
                f"{options.name} failed to converge after {found.iterations} iteration(s): {found.message}. Increase "
                "max_iter or max_fun, or scale the data.",
                ConvergenceWarning,
                stacklevel=4,
            )
        watchers.end(training_of(self))


def _batch(network: Network, X: np.ndarray, target: np.ndarray, weight: Any, takes_labels: bool) -> Batch:
    y = checked_y(network, target, len(X), takes_labels)
    return Batch(network, X, y, None if weight is None else np.asarray(weight, dtype=X.dtype))
