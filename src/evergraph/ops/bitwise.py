"""The bits of integers (``tf.bitwise``)."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph.graph.registry import op
from evergraph.graph.tensor import Tensor
from evergraph.ops import shape_rules

_INTEGERS = "{int8, int16, int32, int64, uint8, uint16, uint32, uint64}"


@op("BitwiseAnd", "x: T, y: T -> z: T", T=_INTEGERS, commutative=True)
class BitwiseAnd:
    shape = shape_rules.broadcast
    compute = np.bitwise_and
    gradient = None


def bitwise_and(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The bits that are set in both, broadcast."""
    return BitwiseAnd(x, y, name=name)


@op("BitwiseOr", "x: T, y: T -> z: T", T=_INTEGERS, commutative=True)
class BitwiseOr:
    shape = shape_rules.broadcast
    compute = np.bitwise_or
    gradient = None


def bitwise_or(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The bits that are set in either, broadcast."""
    return BitwiseOr(x, y, name=name)


@op("BitwiseXor", "x: T, y: T -> z: T", T=_INTEGERS, commutative=True)
class BitwiseXor:
    shape = shape_rules.broadcast
    compute = np.bitwise_xor
    gradient = None


def bitwise_xor(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The bits that are set in one and not in the other, broadcast."""
    return BitwiseXor(x, y, name=name)


@op("Invert", "x: T -> y: T", T=_INTEGERS)
class Invert:
    shape = shape_rules.unchanged
    compute = np.invert
    gradient = None


def invert(x: Any, name: str | None = None) -> Tensor:
    """Every bit flipped."""
    return Invert(x, name=name)


def _distance(xp, x, y):
    """How far to shift: TensorFlow takes what is out of range for the nearest that is not."""
    return xp.clip(y, 0, 8 * x.dtype.itemsize - 1)


@op("LeftShift", "x: T, y: T -> z: T", T=_INTEGERS)
class LeftShift:
    shape = shape_rules.broadcast

    def compute(xp, x, y):
        return xp.left_shift(x, _distance(xp, x, y))

    gradient = None


def left_shift(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x`` with its bits moved up by ``y`` places, broadcast."""
    return LeftShift(x, y, name=name)


@op("RightShift", "x: T, y: T -> z: T", T=_INTEGERS)
class RightShift:
    shape = shape_rules.broadcast

    def compute(xp, x, y):
        return xp.right_shift(x, _distance(xp, x, y))

    gradient = None


def right_shift(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x`` with its bits moved down by ``y`` places, broadcast; the sign stays."""
    return RightShift(x, y, name=name)


@op("PopulationCount", "x: T -> y: uint8", T=_INTEGERS)
class PopulationCount:
    shape = shape_rules.unchanged

    def compute(xp, x):
        # NumPy counts the bits of the absolute value; wanted are those of the two's complement.
        bits = x.astype(f"u{x.dtype.itemsize}")
        return xp.bitwise_count(bits).astype(xp.uint8)

    gradient = None


def population_count(x: Any, name: str | None = None) -> Tensor:
    """How many bits are set."""
    return PopulationCount(x, name=name)
