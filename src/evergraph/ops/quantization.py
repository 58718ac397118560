"""Simulated quantization: numbers rounded to what a few bits could tell apart.

Source of the formulas: TensorFlow's core/kernels/fake_quant_ops_functor.h.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph import shape as shapes
from evergraph.graph.registry import op
from evergraph.graph.tensor import Tensor
from evergraph.ops.shape_rules import unchanged

_GRADIENTS = "backprops_wrt_input: float, backprop_wrt_min: float, backprop_wrt_max: float"


def _nudged(
    xp: Any, low: Any, high: Any, num_bits: int, narrow_range: bool
) -> tuple[Any, Any, Any]:
    """The range moved so that zero is one of the steps; the step."""
    first, last = np.float32(1 if narrow_range else 0), np.float32(2**num_bits - 1)
    step = (high - low) / (last - first)
    zero = first - low / step
    # Halves go up: C's roundf, not Python's.
    zero = xp.where(
        zero < first, first, xp.where(zero > last, last, xp.floor(zero + np.float32(0.5)))
    )
    return (first - zero) * step, (last - zero) * step, step


def _quantized(xp: Any, x: Any, low: Any, high: Any, num_bits: int, narrow_range: bool) -> Any:
    _check_bits(num_bits)
    low, high = xp.asarray(low, np.float32), xp.asarray(high, np.float32)
    start, end, step = _nudged(xp, low, high, num_bits, narrow_range)
    whole = xp.floor((xp.clip(x, start, end) - start) * (1 / step) + np.float32(0.5))
    result = whole * step + start
    # An empty range: nothing but zero.
    return xp.where((low == 0) & (high == 0), np.float32(0), result).astype(np.float32)


def _check_bits(num_bits: int) -> None:
    if not 2 <= num_bits <= 16:
        raise errors.InvalidArgumentError(
            None, None, f"num_bits must be between 2 and 16, inclusive, got {num_bits}"
        )


def _gradients(
    xp: Any, grad: Any, x: Any, low: Any, high: Any, num_bits: int, narrow_range: bool
) -> Any:
    """``grad`` where ``x`` lies within the range, below it, and above it."""
    _check_bits(num_bits)
    low, high = xp.asarray(low, np.float32), xp.asarray(high, np.float32)
    start, end, _ = _nudged(xp, low, high, num_bits, narrow_range)
    empty = (low == 0) & (high == 0)
    below, above = (x < start) & ~empty, (x > end) & ~empty
    zero = np.float32(0)
    return (
        xp.where(below | above, zero, grad),
        xp.where(below, grad, zero),
        xp.where(above, grad, zero),
    )


def _options(op: Any, *names: str) -> dict[str, Any]:
    return {name: op.attrs[name] for name in ("num_bits", "narrow_range", *names)}


@op(
    "FakeQuantWithMinMaxArgs",
    "inputs: float -> outputs: float",
    min=-6.0,
    max=6.0,
    num_bits=8,
    narrow_range=False,
)
class FakeQuantWithMinMaxArgs:
    shape = unchanged

    def compute(xp, inputs, *, min, max, num_bits, narrow_range):
        return _quantized(xp, inputs, min, max, num_bits, narrow_range)

    def gradient(op, grad):
        return FakeQuantWithMinMaxArgsGradient(grad, op.inputs[0], **_options(op, "min", "max"))


@op(
    "FakeQuantWithMinMaxArgsGradient",
    "gradients: float, inputs: float -> backprops: float",
    min=-6.0,
    max=6.0,
    num_bits=8,
    narrow_range=False,
)
class FakeQuantWithMinMaxArgsGradient:
    shape = unchanged

    def compute(xp, gradients, inputs, *, min, max, num_bits, narrow_range):
        return _gradients(xp, gradients, inputs, min, max, num_bits, narrow_range)[0]


def _with_range(rank: int) -> Any:
    def rule(c):
        first = 1 if c.op.type.endswith("Gradient") else 0
        dims = c.shape(0)
        edges = [shapes.with_rank(c.shape(i), rank) for i in (first + 1, first + 2)]
        if not rank:
            return [dims] if not first else [dims, (), ()]
        size = shapes.merge(edges[0], edges[1])
        if dims is not None:
            if not dims:
                raise ValueError("Shape must be at least rank 1 but is rank 0")
            size = shapes.merge(size, dims[-1:])
            dims = (*dims[:-1], *size)
        return [dims] if not first else [dims, size, size]

    return rule


@op(
    "FakeQuantWithMinMaxVars",
    "inputs: float, min: float, max: float -> outputs: float",
    num_bits=8,
    narrow_range=False,
)
class FakeQuantWithMinMaxVars:
    shape = _with_range(0)

    def compute(xp, inputs, min, max, *, num_bits, narrow_range):
        return _quantized(xp, inputs, min, max, num_bits, narrow_range)

    def gradient(op, grad):
        return list(FakeQuantWithMinMaxVarsGradient(grad, *op.inputs, **_options(op)))


@op(
    "FakeQuantWithMinMaxVarsGradient",
    f"gradients: float, inputs: float, min: float, max: float -> {_GRADIENTS}",
    num_bits=8,
    narrow_range=False,
)
class FakeQuantWithMinMaxVarsGradient:
    shape = _with_range(0)

    def compute(xp, gradients, inputs, min, max, *, num_bits, narrow_range):
        inside, below, above = _gradients(xp, gradients, inputs, min, max, num_bits, narrow_range)
        return inside, below.sum(dtype=np.float32), above.sum(dtype=np.float32)


@op(
    "FakeQuantWithMinMaxVarsPerChannel",
    "inputs: float, min: float, max: float -> outputs: float",
    num_bits=8,
    narrow_range=False,
)
class FakeQuantWithMinMaxVarsPerChannel:
    shape = _with_range(1)

    def compute(xp, inputs, min, max, *, num_bits, narrow_range):
        return _quantized(xp, inputs, min, max, num_bits, narrow_range)

    def gradient(op, grad):
        return list(FakeQuantWithMinMaxVarsPerChannelGradient(grad, *op.inputs, **_options(op)))


@op(
    "FakeQuantWithMinMaxVarsPerChannelGradient",
    f"gradients: float, inputs: float, min: float, max: float -> {_GRADIENTS}",
    num_bits=8,
    narrow_range=False,
)
class FakeQuantWithMinMaxVarsPerChannelGradient:
    shape = _with_range(1)

    def compute(xp, gradients, inputs, min, max, *, num_bits, narrow_range):
        inside, *edges = _gradients(xp, gradients, inputs, min, max, num_bits, narrow_range)
        axes = tuple(range(inputs.ndim - 1))
        below, above = (edge.sum(axes, dtype=np.float32) for edge in edges)
        return inside, below, above


def fake_quant_with_min_max_args(
    inputs: Any,
    min: float = -6,
    max: float = 6,
    num_bits: int = 8,
    narrow_range: bool = False,
    name: str | None = None,
) -> Tensor:
    """``inputs`` rounded to ``2 ** num_bits`` steps between ``min`` and ``max``."""
    return FakeQuantWithMinMaxArgs(
        inputs, min=min, max=max, num_bits=num_bits, narrow_range=narrow_range, name=name
    )


def fake_quant_with_min_max_vars(
    inputs: Any,
    min: Any,
    max: Any,
    num_bits: int = 8,
    narrow_range: bool = False,
    name: str | None = None,
) -> Tensor:
    """``inputs`` rounded to ``2 ** num_bits`` steps between the scalars ``min`` and ``max``."""
    return FakeQuantWithMinMaxVars(
        inputs, min, max, num_bits=num_bits, narrow_range=narrow_range, name=name
    )


def fake_quant_with_min_max_vars_per_channel(
    inputs: Any,
    min: Any,
    max: Any,
    num_bits: int = 8,
    narrow_range: bool = False,
    name: str | None = None,
) -> Tensor:
    """As ``fake_quant_with_min_max_vars``, with a range for each channel (the last dimension)."""
    return FakeQuantWithMinMaxVarsPerChannel(
        inputs, min, max, num_bits=num_bits, narrow_range=narrow_range, name=name
    )
