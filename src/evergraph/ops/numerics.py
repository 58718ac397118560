"""Numbers that are none: where they are, and stopping at them."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.registry import op
from evergraph.graph.scopes import colocate_with, control_dependencies, name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops import shape_rules
from evergraph.ops.shaping import renamed
from evergraph.ops.types import FLOATS


@op("IsNan", "x: T -> y: bool", T=FLOATS)
class IsNan:
    shape = shape_rules.unchanged
    compute = np.isnan


def is_nan(x: Any, name: str | None = None) -> Tensor:
    """Where ``x`` is NaN."""
    return IsNan(x, name=name)


@op("IsInf", "x: T -> y: bool", T=FLOATS)
class IsInf:
    shape = shape_rules.unchanged
    compute = np.isinf


def is_inf(x: Any, name: str | None = None) -> Tensor:
    """Where ``x`` is infinite."""
    return IsInf(x, name=name)


@op("IsFinite", "x: T -> y: bool", T=FLOATS)
class IsFinite:
    shape = shape_rules.unchanged
    compute = np.isfinite


def is_finite(x: Any, name: str | None = None) -> Tensor:
    """Where ``x`` is neither infinite nor NaN."""
    return IsFinite(x, name=name)


def _gradient_is_checked(op, grad):
    where = f"values detected in gradient. {op.attrs['message']}"
    return check_numerics(grad, f"Not a number (NaN) or infinity (Inf) {where}")


@op("CheckNumerics", "tensor: T -> output: T", T=FLOATS, message="string", stateful=True)
class CheckNumerics:
    shape = shape_rules.unchanged

    def compute(ctx, tensor, *, message):
        if not np.isfinite(tensor).all():
            found = [
                name for name, test in (("Inf", np.isinf), ("NaN", np.isnan)) if test(tensor).any()
            ]
            raise errors.InvalidArgumentError(
                None, None, f"{message} : Tensor had {' and '.join(found)} values"
            )
        return tensor

    gradient = _gradient_is_checked


@op("CheckNumericsV2", "tensor: T -> output: T", T=FLOATS, message="string", stateful=True)
class CheckNumericsV2:
    """As CheckNumerics; its message tells the infinities apart."""

    shape = shape_rules.unchanged

    def compute(ctx, tensor, *, message):
        if not np.isfinite(tensor).all():
            tests = (("-Inf", np.isneginf), ("+Inf", np.isposinf), ("NaN", np.isnan))
            wide = tensor.astype(np.float64)
            found = [name for name, test in tests if test(wide).any()]
            *first, last = found
            kinds = f"{', '.join(first)}{',' * (len(first) > 1)} and {last}" if first else last
            raise errors.InvalidArgumentError(None, None, f"{message} : Tensor had {kinds} values")
        return tensor

    gradient = _gradient_is_checked


def check_numerics(tensor: Any, message: str, name: str | None = None) -> Tensor:
    """``tensor``; a run in which it holds NaN or an infinity fails with ``message``."""
    return CheckNumerics(tensor, message=message, name=name)


def verify_tensor_all_finite(
    t: Any = None,
    msg: str | None = None,
    name: str | None = None,
    x: Any = None,
    message: str | None = None,
) -> Tensor:
    """``t``; a run in which it holds NaN or an infinity fails with ``msg``.

    ``x`` and ``message`` are other names of the first two. Raises ValueError where both are given.
    """
    from evergraph.ops.grouping import with_dependencies

    x = renamed("x", x, "t", t)
    message = renamed("message", message, "msg", msg)
    with name_scope(name, "VerifyFinite", [x]):
        x = convert_to_tensor(x, name="x")
        with colocate_with(x):
            checked = CheckNumerics(x, message=message)
            return with_dependencies([checked], x)


def add_check_numerics_ops() -> Any:
    """An operation that checks every floating point tensor of the graph, in the order of making.

    Raises ValueError in a graph with control flow.
    """
    from evergraph.ops.grouping import group

    checks: list[Any] = []
    for node in get_default_graph().get_operations():
        for output in node.outputs:
            if output.dtype not in (dtypes.float16, dtypes.float32, dtypes.float64):
                continue
            if node._get_control_flow_context() is not None:
                raise ValueError(
                    "`tf.add_check_numerics_ops() is not compatible with TensorFlow control flow "
                    "operations such as `tf.cond()` or `tf.while_loop()`."
                )
            with control_dependencies(checks):
                checks = [check_numerics(output, message=output.name)]
    return group(*checks)
