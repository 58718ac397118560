"""Logic of booleans, element by element."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph.graph.registry import op
from evergraph.graph.tensor import Tensor
from evergraph.ops import shape_rules


@op("LogicalAnd", "x: bool, y: bool -> z: bool", commutative=True)
class LogicalAnd:
    shape = shape_rules.broadcast
    compute = np.logical_and
    gradient = None


def logical_and(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Where both ``x`` and ``y`` are true, broadcast."""
    return LogicalAnd(x, y, name=name)


@op("LogicalOr", "x: bool, y: bool -> z: bool", commutative=True)
class LogicalOr:
    shape = shape_rules.broadcast
    compute = np.logical_or
    gradient = None


def logical_or(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Where ``x`` or ``y`` is true, broadcast."""
    return LogicalOr(x, y, name=name)


@op("LogicalNot", "x: bool -> y: bool")
class LogicalNot:
    shape = shape_rules.unchanged
    compute = np.logical_not
    gradient = None


def logical_not(x: Any, name: str | None = None) -> Tensor:
    """Where ``x`` is false."""
    return LogicalNot(x, name=name)


def logical_xor(x: Any, y: Any, name: str | None = "LogicalXor") -> Tensor:
    """Where one of ``x`` and ``y`` is true, but not both: ``(x | y) & ~(x & y)``."""
    return LogicalAnd(LogicalOr(x, y), LogicalNot(LogicalAnd(x, y)), name=name)
