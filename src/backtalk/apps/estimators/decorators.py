"""scikit-learn's decorators of methods. It has no types: here a method keeps those that it is written with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from sklearn.base import _fit_context
from sklearn.utils import metaestimators

Method = TypeVar("Method", bound=Callable[..., Any])


def fit_context(method: Method) -> Method:
    """Of a method that fits: the parameters are checked before, by ``_parameter_constraints``."""
    decorated: Any = _fit_context(prefer_skip_nested_validation=True)(method)
    return decorated


def available_if(condition: Callable[[Any], bool]) -> Callable[[Method], Method]:
    """The estimator has the method if the condition holds of it."""
    decorate: Any = metaestimators.available_if(condition)
    return decorate
