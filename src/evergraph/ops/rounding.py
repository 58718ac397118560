"""Rounding to whole numbers. The slope is 0 nearly everywhere: there is no gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.tensor import Tensor
from evergraph.ops import shape_rules
from evergraph.ops.types import FLOATS


def _constant_almost_everywhere(op, grad):
    return None


@op("Floor", "x: T -> y: T", T=FLOATS)
class Floor:
    shape = shape_rules.unchanged
    compute = np.floor
    gradient = _constant_almost_everywhere


def floor(x: Any, name: str | None = None) -> Tensor:
    """The greatest whole number not above ``x``."""
    return Floor(x, name=name)


@op("Ceil", "x: T -> y: T", T=FLOATS)
class Ceil:
    shape = shape_rules.unchanged
    compute = np.ceil
    gradient = _constant_almost_everywhere


def ceil(x: Any, name: str | None = None) -> Tensor:
    """The least whole number not below ``x``."""
    return Ceil(x, name=name)


@op("Rint", "x: T -> y: T", T=FLOATS)
class Rint:
    shape = shape_rules.unchanged
    compute = np.rint
    gradient = _constant_almost_everywhere


def rint(x: Any, name: str | None = None) -> Tensor:
    """The nearest whole number; of two, the even one."""
    return Rint(x, name=name)


@op(
    "Round",
    "x: T -> y: T",
    T="{bfloat16, half, float, double, int8, int16, int32, int64, complex64, complex128}",
)
class Round:
    shape = shape_rules.unchanged

    def compute(xp, x):
        return xp.positive(x) if x.dtype.kind == "i" else xp.rint(x)

    gradient = _constant_almost_everywhere


def round(x: Any, name: str | None = None) -> Tensor:
    """The nearest whole number, of two the even one; integers are returned as they are."""
    x = convert_to_tensor(x, name="x")
    return x if x.dtype.is_integer else Round(x, name=name)
