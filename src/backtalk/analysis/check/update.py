"""Calls a student's update rule, step after step, in the container and with the state that it wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from ...core.arrays import is_array, to_numpy
from ...core.optimizers import Optimizer
from ...errors import BacktalkError, InputError, InputTypeError
from .calls import arguments_of

NAMES = ("W1", "b1", "W2", "b2")
WHOLE = {name: meaning for meaning, names in {
    "parameters": "parameters params thetas",
    "gradients": "gradients grads grad gradient derivatives",
    "t": "t step iteration iter count",
    "state": "state states optimizerstate memory",
    "moment": "v s m u r velocity velocities cache accumulator squares moment moments vdw sdw",
    "learning_rate": "learningrate lr alpha eta rate stepsize",
    "momentum": "momentum mu beta gamma rho",
    "beta_1": "beta1 b1 beta",
    "beta_2": "beta2 b2",
    "epsilon": "epsilon eps",
    "weight_decay": "weightdecay lambd lam wd decay reg l2",
}.items() for name in names.split()}  # fmt: skip
SINGLE = {"w": "parameters", "param": "parameters", "parameter": "parameters", "p": "parameters", "x": "parameters",
          "var": "parameters", "theta": "parameters", "dw": "gradients", "dx": "gradients", "g": "gradients",
          "dtheta": "gradients", "dparam": "gradients", "config": "config"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Form:
    """How parameters are handed over: 'list', 'dictionary', with gradients as 'dW1' or as 'W1', or one by one.

    ``fresh``: what the state is before the first step, None or an empty dictionary.
    """

    container: str
    prefix: str = "d"
    fresh: Callable[[], Any] = field(default=lambda: None)


@dataclass(slots=True)
class Run:
    """The parameters after each step, and what the rule did to its arguments."""

    path: list[list[np.ndarray]] = field(default_factory=list)
    changes_gradients: bool = False
    changes_parameters: bool = False


def meaning_of(name: str, optimizer: Optimizer) -> str | None:
    """What an argument holds, by its name: an entry of the tables, or a number of the optimizer's own."""
    plain = name.lower().replace("_", "")
    own = {each.name.replace("_", ""): each.name for each in fields(optimizer)}
    if plain in own:
        return own[plain]
    meaning = WHOLE.get(plain) or SINGLE.get(plain)
    if plain == "beta" and "beta_1" in own.values():
        meaning = "beta_1"
    if meaning == "momentum" and "momentum" not in own.values():
        meaning = next((name for name in ("rho", "beta_1") if name in own.values()), None)
    return meaning


def numbers_taken(update: Callable[..., Any], optimizer: Optimizer) -> set[str]:
    """The optimizer's numbers that the rule is handed as arguments."""
    names = {each.name for each in fields(optimizer)}
    meanings = {meaning_of(name, optimizer) for name in arguments_of(update) or ()}
    return names & {meaning for meaning in meanings if meaning}


def run_update(
    update: Callable[..., Any], optimizer: Optimizer, start: list[np.ndarray], gradients: list[list[np.ndarray]]
) -> Run:
    """The rule's own path from ``start``, by the first form in which it runs.

    Raises what the rule raises in its likeliest form, with a note that says what it was given.
    """
    errors: list[tuple[int, Exception]] = []
    for form in _forms(update):
        steps = Run()
        try:
            with np.errstate(all="ignore"):
                for _ in _walk(update, optimizer, form, start, gradients, steps):
                    pass
            return steps
        except Exception as error:  # a form that is not theirs may raise anything
            errors.append((len(steps.path) * 2 + isinstance(error, BacktalkError), error))
    error = max(errors, key=lambda pair: pair[0])[1]
    if not isinstance(error, BacktalkError):
        error.add_note(
            "This was raised in update, which was given parameters and gradients as lists and as dictionaries."
        )
    raise error


def _forms(update: Callable[..., Any]) -> list[Form]:
    names = {name.lower().replace("_", "") for name in arguments_of(update) or ()}
    if names & set(SINGLE):
        return [Form("single"), Form("single", fresh=dict)]
    return [Form(container, prefix, fresh)
            for container, prefix in (("list", ""), ("dictionary", "d"), ("dictionary", ""))
            for fresh in (lambda: None, dict)]  # fmt: skip


def _walk(
    update: Callable[..., Any],
    optimizer: Optimizer,
    form: Form,
    start: list[np.ndarray],
    gradients: list[list[np.ndarray]],
    run: Run,
) -> Iterator[None]:
    """Step after step; the parameters after each are added to the run."""
    single = form.container == "single"
    groups = [[k] for k in range(len(start))] if single else [list(range(len(start)))]
    callers = [Caller(update, optimizer, form, [start[k] for k in group], group) for group in groups]
    theta = [array.copy() for array in start]
    for t, gradient in enumerate(gradients, 1):
        for caller, group in zip(callers, groups, strict=True):
            new = caller.call([theta[k] for k in group], [gradient[k] for k in group], t, run)
            for k, array in zip(group, new, strict=True):
                theta[k] = array
        run.path.append([array.copy() for array in theta])
        yield


class Caller:
    """One rule with its state: for all parameters, or for one of them."""

    update: Callable[..., Any]
    optimizer: Optimizer
    form: Form
    names: list[str]
    by_name: bool
    arguments: dict[str, str]
    count: int
    moments: dict[str, Any]
    state: Any
    config: dict[str, float]

    def __init__(
        self, update: Callable[..., Any], optimizer: Optimizer, form: Form, start: list[np.ndarray], group: list[int]
    ) -> None:
        self.update, self.optimizer, self.form, self.names = update, optimizer, form, [NAMES[k] for k in group]
        given = arguments_of(update)
        meanings = {name: meaning_of(name, optimizer) for name in given or ()}
        required = [name for name, must in (given or {}).items() if must]
        self.by_name = bool(given) and all(meanings[name] for name in required)
        self.arguments = {name: meaning for name, meaning in meanings.items() if meaning}
        self.count = len(required) if given else 4
        if not self.by_name and not 2 <= self.count <= 4:
            raise InputError(
                f"update takes {', '.join(given or ())}, which does not say what they hold: name them parameters, "
                "gradients, state, t, learning_rate and so on."
            )
        self.moments = {name: self._pack([0 * array for array in start], form.prefix)
                        for name, meaning in self.arguments.items() if meaning == "moment"}  # fmt: skip
        self.state = form.fresh()
        self.config = {"learning_rate": optimizer.learning_rate} | {
            name.replace("_1", "1").replace("_2", "2"): getattr(optimizer, name)
            for name in (each.name for each in fields(optimizer))
        }

    def call(self, theta: list[np.ndarray], gradient: list[np.ndarray], t: int, run: Run) -> list[np.ndarray]:
        """The next parameters; the state is kept for the next call."""
        given, grads = self._pack(theta, ""), self._pack(gradient, self.form.prefix)
        values: dict[str, Any] = {each.name: getattr(self.optimizer, each.name) for each in fields(self.optimizer)}
        values |= {"parameters": given, "gradients": grads, "t": t, "state": self.state, "config": self.config}
        if self.by_name:
            chosen = {name: self.moments[name] if name in self.moments else values.get(meaning)
                      for name, meaning in self.arguments.items()}  # fmt: skip
            for name, value in chosen.items():
                if value is None and self.arguments[name] != "state":
                    raise InputError(f"update takes {name}, which {self.optimizer} does not have.")
            returned = self.update(**chosen)
        else:
            returned = self.update(*(given, grads, self.state, t)[: self.count])
        new = self._receive(returned, given, theta)
        kept = zip(self._unpack(grads, self.form.prefix), gradient, strict=True)
        run.changes_gradients |= any(not np.array_equal(a, b) for a, b in kept)
        held = self._unpack(given, "")
        in_place = returned is None or any(np.shares_memory(a, b) for a, b in zip(held, new, strict=True))
        before = all(np.array_equal(a, b) for a, b in zip(held, theta, strict=True))
        run.changes_parameters |= not in_place and not before
        return [array.copy() for array in new]

    def _receive(self, returned: Any, given: Any, theta: list[np.ndarray]) -> list[np.ndarray]:
        """The parameters in what was returned; the state in it is kept."""
        if returned is None:
            new = self._unpack(given, "")
            if all(np.array_equal(a, b) for a, b in zip(new, theta, strict=True)):
                raise InputError(
                    "update returned None and changed nothing in place, expected the new parameters, or a pair "
                    "(parameters, state)."
                )
            return new
        parameters, rest = returned, ()
        alone = is_array(returned) if self.form.container == "single" else self._is_whole(returned)
        if isinstance(returned, tuple | list) and not alone:
            if not returned:
                raise InputError("update returned nothing in a list, expected the new parameters.")
            parameters, rest = returned[0], tuple(returned[1:])
        for name, value in zip(self.moments, rest, strict=False):
            self.moments[name] = value
        if rest and not self.moments:
            self.state = self.config = rest[0]
        return self._checked(self._unpack(parameters, ""), theta)

    def _is_whole(self, returned: Any) -> bool:
        if isinstance(returned, tuple | list):
            return len(returned) == len(self.names) and not isinstance(returned[0], tuple | list | Mapping)
        return isinstance(returned, Mapping)

    def _checked(self, new: list[Any], theta: list[np.ndarray]) -> list[np.ndarray]:
        arrays = []
        for name, array, before in zip(self.names, new, theta, strict=True):
            try:
                values = np.asarray(to_numpy(array), dtype=np.float64)
            except (TypeError, ValueError):
                raise InputTypeError(f"update returned {name} that holds no numbers.") from None
            if values.shape != before.shape:
                raise InputError(f"update returned {name} with shape {values.shape}, expected {before.shape}.")
            arrays.append(values)
        return arrays

    def _pack(self, arrays: Sequence[np.ndarray], prefix: str) -> Any:
        copies = [array.copy() for array in arrays]
        if self.form.container == "dictionary":
            return {prefix + name: array for name, array in zip(self.names, copies, strict=True)}
        return copies if self.form.container == "list" else copies[0]

    def _unpack(self, held: Any, prefix: str) -> list[Any]:
        if self.form.container == "single":
            return [held]
        if self.form.container == "list":
            if not isinstance(held, tuple | list) or len(held) != len(self.names):
                raise InputTypeError(
                    f"update returned a {type(held).__name__}, expected a list of {len(self.names)} arrays."
                )
            return list(held)
        if not isinstance(held, Mapping) or any(prefix + name not in held for name in self.names):
            raise InputTypeError(
                f"update returned a {type(held).__name__}, expected a dictionary {', '.join(self.names)}."
            )
        return [held[prefix + name] for name in self.names]
