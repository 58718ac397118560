"""Running sums, products and log-sums along one axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph.registry import op
from evergraph.graph.tensor import Tensor
from evergraph.ops.shape_rules import unchanged
from evergraph.ops.types import FLOATS, INDEX_DEFAULT_INT32, NUMERIC


def _running(
    xp: Any, x: Any, axis: Any, exclusive: bool, reverse: bool, run: Callable[..., Any], first: Any
) -> Any:
    """``run`` along ``axis``; ``first`` is what an exclusive one begins with."""
    axis = int(axis)
    if not -x.ndim <= axis < x.ndim:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"ScanOp: Expected scan axis in the range [{-x.ndim}, {x.ndim}), but got {axis}",
        )
    given = xp.flip(x, axis) if reverse else x
    if exclusive:
        before = [slice(None)] * x.ndim
        before[axis] = slice(0, max(0, x.shape[axis] - 1))
        shape = list(x.shape)
        shape[axis] = min(1, x.shape[axis])
        given = xp.concatenate([xp.full(shape, first, x.dtype), given[tuple(before)]], axis)
    result = run(given, axis)
    return xp.flip(result, axis) if reverse else result


def _options(op: Any) -> dict[str, bool]:
    return {"exclusive": op.attrs["exclusive"], "reverse": op.attrs["reverse"]}


@op(
    "Cumsum",
    "x: T, axis: Tidx -> out: T",
    exclusive=False,
    reverse=False,
    T=NUMERIC,
    Tidx=INDEX_DEFAULT_INT32,
    static="axis",
)
class Cumsum:
    shape = unchanged

    def compute(xp, x, axis, *, exclusive, reverse):
        return _running(
            xp, x, axis, exclusive, reverse, lambda y, i: xp.cumsum(y, i, dtype=x.dtype), 0
        )

    def gradient(op, grad):
        axis, options = op.inputs[1], _options(op)
        options["reverse"] = not options["reverse"]
        return cumsum(grad, axis, **options), None


@op(
    "Cumprod",
    "x: T, axis: Tidx -> out: T",
    exclusive=False,
    reverse=False,
    T=NUMERIC,
    Tidx=INDEX_DEFAULT_INT32,
    static="axis",
)
class Cumprod:
    shape = unchanged

    def compute(xp, x, axis, *, exclusive, reverse):
        return _running(
            xp, x, axis, exclusive, reverse, lambda y, i: xp.cumprod(y, i, dtype=x.dtype), 1
        )

    def gradient(op, grad):
        from evergraph.ops.arithmetic import multiply
        from evergraph.ops.division import truediv

        x, axis = op.inputs
        options = _options(op)
        product = cumprod(x, axis, **options)
        options["reverse"] = not options["reverse"]
        return truediv(cumsum(multiply(product, grad), axis, **options), x), None


@op(
    "CumulativeLogsumexp",
    "x: T, axis: Tidx -> out: T",
    exclusive=False,
    reverse=False,
    T=FLOATS,
    Tidx=INDEX_DEFAULT_INT32,
    static="axis",
)
class CumulativeLogsumexp:
    shape = unchanged

    def compute(xp, x, axis, *, exclusive, reverse):
        def run(y, i):
            if xp is np:
                return np.logaddexp.accumulate(y, i)
            import jax

            return jax.lax.associative_scan(xp.logaddexp, y, axis=i)

        wide = x.astype(np.float32) if x.dtype.itemsize == 2 else x
        return _running(xp, wide, axis, exclusive, reverse, run, -np.inf).astype(x.dtype)


def _build(
    make: Any, x: Any, axis: Any, exclusive: bool, reverse: bool, name: str | None
) -> Tensor:
    from evergraph.graph.conversion import convert_to_tensor
    from evergraph.graph.scopes import name_scope

    with name_scope(name, make.name, [x]) as scope:
        x = convert_to_tensor(x, name="x")
        return make(x, axis, exclusive=exclusive, reverse=reverse, name=scope)


def cumsum(
    x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None
) -> Tensor:
    """The sums of the elements so far along ``axis``; ``exclusive``: without the element itself."""
    return _build(Cumsum, x, axis, exclusive, reverse, name)


def cumprod(
    x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None
) -> Tensor:
    """The products of the elements so far along ``axis``; ``exclusive``: without the element itself."""
    return _build(Cumprod, x, axis, exclusive, reverse, name)


def cumulative_logsumexp(
    x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None
) -> Tensor:
    """The logarithms of the sums of exponentials so far along ``axis``."""
    return _build(CumulativeLogsumexp, x, axis, exclusive, reverse, name)
