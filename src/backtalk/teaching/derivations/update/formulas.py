"""Formulas of an optimizer, written as in Python: ``m[t] = beta_1 * m[t-1] + (1 - beta_1) * g[t]``, as trees."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..expressions import Apply, Elementwise, Expression, Larger, Negative, Number, Product, Sum, Symbol

FUNCTIONS: dict[str, np.ufunc] = {"sqrt": np.sqrt, "sign": np.sign, "abs": np.abs}
NAMES = {"abs": "absolute"}  # in the formulas


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads formulas for update number ``t``, whose number stands wherever a formula has t.

    ``parameters``: the numbers of names that stand in exponents. ``symbols``: what a name without an index is, if not a
    symbol of its own, such as eta[t] for eta.
    """

    t: int
    parameters: Mapping[str, float]
    symbols: Mapping[str, Symbol]

    def read(self, formula: str) -> tuple[Symbol, Expression]:
        """The left and the right side.

        >>> from backtalk.teaching.derivations.text import write_text
        >>> left, right = Reader(3, {}, {}).read("v[t] = momentum * v[t-1] - eta * g[t]")
        >>> write_text(left), write_text(right)
        ('v[3]', 'μ · v[2] − η · g[3]')
        """
        (statement,) = ast.parse(formula).body
        assert isinstance(statement, ast.Assign)
        left = self._tree(statement.targets[0])
        assert isinstance(left, Symbol)
        return left, self._tree(statement.value)

    def _tree(self, node: ast.AST) -> Any:
        match node:
            case ast.Constant(int() | float() as value):
                return Number(float(value))
            case ast.Name("t"):
                return Number(float(self.t))
            case ast.Name(name):
                return self.symbols.get(name, Symbol(name))
            case ast.Subscript(ast.Name(name), index):
                return Symbol(name, None, (self._index(index),))
            case ast.UnaryOp(ast.USub(), of):
                return Negative(self._tree(of))
            case ast.BinOp(left, ast.Add() | ast.Sub() as sign, right):
                last = self._tree(right)
                return Sum((*self._terms(left), Negative(last) if isinstance(sign, ast.Sub) else last))
            case ast.BinOp(left, ast.Mult(), right):
                return Product((*self._factors(left), *self._factors(right)))
            case ast.BinOp(left, ast.Div(), right):
                return Elementwise(self._tree(left), self._tree(right), divide=True)
            case ast.BinOp(left, ast.Pow(), ast.Constant(2)):
                return Apply("square", self._tree(left), np.square)
            case ast.BinOp(left, ast.Pow(), right):
                return self._power(self._tree(left), self._number(right))
            case ast.Call(ast.Name("max"), [left, right]):
                return Larger(self._tree(left), self._tree(right))
            case ast.Call(ast.Name(name), [of]):
                return Apply(NAMES.get(name, name), self._tree(of), FUNCTIONS[name])
        raise TypeError(f"{ast.unparse(node)} is no part of a formula")  # pyright: ignore[reportArgumentType]

    def _terms(self, node: ast.AST) -> tuple[Expression, ...]:
        tree = self._tree(node)
        return tree.terms if isinstance(node, ast.BinOp) and isinstance(tree, Sum) else (tree,)

    def _factors(self, node: ast.AST) -> tuple[Expression, ...]:
        tree = self._tree(node)
        return tree.factors if isinstance(tree, Product) else (tree,)

    def _index(self, node: ast.expr) -> int:
        return round(self._number(node))

    def _number(self, node: ast.expr) -> float:
        """Of t, numbers and parameters alone."""
        match node:
            case ast.Name("t"):
                return self.t
            case ast.Name(name):
                return self.parameters[name]
            case ast.Constant(int() | float() as value):
                return value
            case ast.BinOp(left, sign, right):
                one, other = self._number(left), self._number(right)
                return {ast.Add: one + other, ast.Sub: one - other, ast.Mult: one * other}[type(sign)]
        raise TypeError(f"{ast.unparse(node)} is no number that t gives")

    def _power(self, of: Expression, exponent: float) -> Expression:
        written = f"{exponent:g}" if exponent < 1e6 and math.isfinite(exponent) else str(exponent)
        return Apply("power", of, lambda value: value**exponent, detail=written)
