"""Turn a formula such as ``fact('queues-operations-per-message') * uploads`` into a sum of products, as data.

Python and the browser compute the same sum from it; nobody writes a formula twice.
"""

import ast
import math
from collections.abc import Mapping
from fractions import Fraction

from model.costs.units import value
from model.facts import Fact

Terms = tuple[tuple[Fraction, tuple[str, ...]], ...]


def quantity(terms: Terms, volumes: Mapping[str, int]) -> Fraction:
    """Return the sum of the products."""
    return sum((factor * math.prod(volumes[name] for name in names) for factor, names in terms), Fraction(0))


def terms(formula: str, volumes: set[str], facts: Mapping[str, Fact]) -> Terms:
    """Return a formula, such as ``fact('queues-operations-per-message') * uploads``, as a sum of products.

    Raises:
        ValueError: it holds more than volumes, numbers, facts, ``+``, ``-``, ``*`` and division by a number.
    """

    def walk(node: ast.expr) -> dict[tuple[str, ...], Fraction]:
        match node:
            case ast.Constant(int() as number):
                return {(): Fraction(number)}
            case ast.Name(name) if name in volumes:
                return {(name,): Fraction(1)}
            case ast.Name(name):
                raise ValueError(f"{name!r} is no volume of this file: add it under volumes, or correct it")
            case ast.Call(ast.Name("fact"), [ast.Constant(str() as name)]):
                if name not in facts:
                    raise ValueError(f"unknown fact {name!r}: add it under docs/data/facts, or correct it")
                return {(): value(facts[name])}
            case ast.BinOp(left, ast.Div(), right) if walk(right).keys() == {()}:
                if not walk(right)[()]:
                    raise ValueError("it divides by zero")
                return {names: factor / walk(right)[()] for names, factor in walk(left).items()}
            case ast.BinOp(left, ast.Add() | ast.Sub() as sign, right):
                total = walk(left)
                for names, factor in walk(right).items():
                    total[names] = total.get(names, Fraction(0)) + (factor if isinstance(sign, ast.Add) else -factor)
                return total
            case ast.BinOp(left, ast.Mult(), right):
                total = {}
                for a, x in walk(left).items():
                    for b, y in walk(right).items():
                        names = tuple(sorted(a + b))
                        total[names] = total.get(names, Fraction(0)) + x * y
                return total
        raise ValueError(
            f"{ast.unparse(node)!r} is not understood: use volumes, numbers, fact('id'), + - * and / by a number"
        )

    return tuple(
        (factor, names) for names, factor in sorted(walk(ast.parse(formula, mode="eval").body).items()) if factor
    )
