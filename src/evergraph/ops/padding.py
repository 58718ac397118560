"""Padding: with zeros, with a value, with a mirror image."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph import shape as shapes
from evergraph.graph.constant_value import constant_value
from evergraph.graph.registry import op
from evergraph.graph.shape import Dims
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.slicing import slice_
from evergraph.ops.stacking import stack
from evergraph.ops.types import INDEX_DEFAULT_INT32


def _rank(c: Any) -> int | None:
    """The rank that the input and the paddings agree on, where it is known."""
    rows, columns = shapes.with_rank(c.shape(1), 2)
    if columns not in (None, 2):
        raise ValueError(f"Dimension must be 2 but is {columns}")
    dims = c.shape(0)
    if rows is not None:
        shapes.with_rank(dims, rows)
        return rows
    return None if dims is None else len(dims)


def _padded(c: Any) -> Dims:
    rank, paddings = _rank(c), c.value(1)
    if rank is None:
        return None
    if paddings is None:
        return (None,) * rank
    if (paddings < 0).any():
        raise ValueError("Paddings must be non-negative")
    dims = shapes.with_rank(c.shape(0), rank)
    total = paddings.sum(axis=1).tolist()
    return tuple(d if d is None else d + more for d, more in zip(dims, total, strict=True))


def _checked(x: Any, paddings: Any) -> list[list[int]]:
    if paddings.shape != (x.ndim, 2):
        raise errors.InvalidArgumentError(
            None,
            None,
            f"paddings must be a matrix with 2 columns and one row for each of the {x.ndim} "
            f"dimensions of the input, got shape {shapes.text(paddings.shape)}",
        )
    pairs: list[list[int]] = paddings.tolist()
    for before, after in pairs:
        if before < 0 or after < 0:
            raise errors.InvalidArgumentError(
                None, None, f"Paddings must be non-negative: {before} {after}"
            )
    return pairs


def _surround(xp: Any, x: Any, paddings: Any, value: Any) -> Any:
    pairs = _checked(x, paddings)
    if xp is not np:
        return xp.pad(x, pairs, constant_values=value)
    sizes = [n + before + after for n, (before, after) in zip(x.shape, pairs, strict=True)]
    result = np.full(sizes, value, x.dtype) if value is not None else np.zeros(sizes, x.dtype)
    inside: Any = [slice(before, before + n) for n, (before, _) in zip(x.shape, pairs, strict=True)]
    result[tuple(inside)] = x
    return result


def _pad_gradient(op: Any, grad: Any) -> list[Any]:
    x, paddings = op.inputs[:2]
    before = slice_(paddings, [0, 0], stack([array.rank(x), 1]))
    begin = array.reshape(before, [-1])
    part = slice_(grad, begin, array.shape(x, out_type=begin.dtype))
    return [part] + [None] * (len(op.inputs) - 1)


@op(
    "Pad", "input: T, paddings: Tpaddings -> output: T", T="type", Tpaddings=INDEX_DEFAULT_INT32,
    static="paddings",
)  # fmt: skip
class Pad:
    shape = _padded

    def compute(xp, input, paddings):
        blank = b"" if input.dtype == object else None
        return _surround(xp, input, paddings, 0 if xp is not np else blank)

    gradient = _pad_gradient


@op(
    "PadV2", "input: T, paddings: Tpaddings, constant_values: T -> output: T", T="type",
    Tpaddings=INDEX_DEFAULT_INT32, static="paddings",
)  # fmt: skip
class PadV2:
    shape = _padded

    def compute(xp, input, paddings, constant_values):
        if constant_values.ndim:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"constant_values must be a scalar. Found: {shapes.text(constant_values.shape)}",
            )
        return _surround(xp, input, paddings, constant_values)

    gradient = _pad_gradient


# ------------------------------------------------------------------------------------------- mirror

_MODES = "{'REFLECT', 'SYMMETRIC'}"


@op(
    "MirrorPad", "input: T, paddings: Tpaddings -> output: T", T="type",
    Tpaddings=INDEX_DEFAULT_INT32, mode=_MODES, static="paddings",
)  # fmt: skip
class MirrorPad:
    shape = _padded

    def compute(xp, input, paddings, *, mode):
        pairs = _checked(input, paddings)
        _check_mirror(input.shape, pairs, mode)
        return xp.pad(input, pairs, mode.lower())

    def gradient(op, grad):
        return MirrorPadGrad(grad, op.inputs[1], mode=op.attrs["mode"]), None


def _check_mirror(dims: tuple[int, ...], pairs: list[list[int]], mode: str) -> None:
    # REFLECT does not repeat the edge, and so has one element less to give.
    for axis, (size, (before, after)) in enumerate(zip(dims, pairs, strict=True)):
        most = size - 1 if mode == "REFLECT" else size
        if before > most or after > most:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"paddings must be at most {most} for dimension {axis} of size {size} in mode "
                f"{mode}, got {before} and {after}",
            )


@op(
    "MirrorPadGrad", "input: T, paddings: Tpaddings -> output: T", T="type",
    Tpaddings=INDEX_DEFAULT_INT32, mode=_MODES, static="paddings",
)  # fmt: skip
class MirrorPadGrad:
    def shape(c):
        rows, columns = shapes.with_rank(c.shape(1), 2)
        if rows is None:
            return None
        if columns not in (None, 2):
            raise ValueError(f"Dimension must be 2 but is {columns}")
        dims, paddings = shapes.with_rank(c.shape(0), rows), c.value(1)
        if paddings is None:
            return (None,) * rows
        total = paddings.sum(axis=1).tolist()
        return tuple(d if d is None else d - less for d, less in zip(dims, total, strict=True))

    def compute(xp, input, paddings, *, mode):
        pairs = _checked(input, paddings)
        inner = tuple(n - sum(pair) for n, pair in zip(input.shape, pairs, strict=True))
        _check_mirror(inner, pairs, mode)
        for axis, (before, after) in enumerate(pairs):
            input = _folded(xp, input, axis, before, after, mode == "REFLECT")
        return input

    def gradient(op, grad):
        return MirrorPad(grad, op.inputs[1], mode=op.attrs["mode"]), None


def _folded(xp: Any, x: Any, axis: int, before: int, after: int, reflect: bool) -> Any:
    """The sum of the middle of ``x`` along ``axis`` and of its ends, turned inwards over it."""
    x = xp.moveaxis(x, axis, 0)
    size = x.shape[0] - before - after
    edge = 1 if reflect else 0
    last = size - edge
    result = xp.array(x[before : before + size])
    for part, target in (
        (x[:before][::-1], slice(edge, edge + before)),
        (x[before + size :][::-1], slice(last - after, last)),
    ):
        if xp is np:
            result[target] += part
        else:
            result = result.at[target].add(part)
    return xp.moveaxis(result, 0, axis)


# ---------------------------------------------------------------------------------------------- pad


def pad(
    tensor: Any,
    paddings: Any,
    mode: str = "CONSTANT",
    name: str | None = None,
    constant_values: Any = 0,
) -> Tensor:
    """``tensor`` with ``paddings[i]`` (before, after) elements more along dimension i.

    ``mode``: "CONSTANT" (``constant_values``), "REFLECT" (a mirror in the middle of the edge's
    elements) or "SYMMETRIC" (a mirror behind them). Raises ValueError for another one.
    """
    mode = mode.upper()
    if mode == "CONSTANT":
        if _is_zero(constant_values):
            result = Pad(tensor, paddings, name=name)
        else:
            result = PadV2(tensor, paddings, constant_values, name=name)
    elif mode in ("REFLECT", "SYMMETRIC"):
        result = MirrorPad(tensor, paddings, mode=mode, name=name)
    else:
        raise ValueError(
            'Value of argument `mode` expected to be one of "CONSTANT", "REFLECT", or "SYMMETRIC". '
            f"Received `mode` = {mode}"
        )
    dims = result.op.inputs[0].dims
    pairs = _known(paddings)
    if dims is not None and pairs is not None and not shapes.is_fully_defined(result.dims):
        result.set_shape([_longer(size, pair) for size, pair in zip(dims, pairs, strict=False)])
    return result


def _is_zero(value: Any) -> bool:
    return not isinstance(value, Tensor) and np.ndim(value) == 0 and value == np.zeros_like(value)


def _known(paddings: Any) -> Any:
    """The paddings as nested lists, with None for those that are not known yet."""
    if isinstance(paddings, Tensor):
        value = constant_value(paddings)
        if value is None and paddings.op.type == "Pack" and paddings.op.attrs["axis"] == 0:
            return [_known(part) for part in paddings.op.inputs]
        return value
    if isinstance(paddings, (list, tuple)):
        return [_known(part) for part in paddings]
    return paddings


def _longer(size: int | None, pair: Any) -> int | None:
    if size is None or pair is None or any(part is None for part in pair):
        return None
    return size + int(sum(pair))
