"""Local response normalization, the sum of squares, and the batch norm op of TensorFlow's first versions."""

from __future__ import annotations

from typing import Any

from evergraph import errors
from evergraph.graph import shape as shapes
from evergraph.graph.registry import op
from evergraph.graph.tensor import Tensor
from evergraph.ops import shape_rules
from evergraph.ops.narrow_floats import widened
from evergraph.ops.types import NUMERIC

_LRN = {
    "depth_radius": 5,
    "bias": 1.0,
    "alpha": 1.0,
    "beta": 0.5,
    "T": "{half, bfloat16, float} = DT_FLOAT",
}


def _image(c):
    return shapes.with_rank(c.shape(0), 4)


def _image_merged(c):
    dims = None
    for i in range(3):
        dims = shapes.merge(dims, c.shape(i))
    return shapes.with_rank(dims, 4)


def _check_image(x):
    if x.ndim != 4:
        raise errors.InvalidArgumentError(
            None, None, f"in must be 4-dimensional: {shapes.text(x.shape)}"
        )


def _neighbours(xp, x, radius):
    """For each channel, the sum over the channels at most ``radius`` away."""
    depth = x.shape[-1]
    radius = min(radius, depth)
    padded = xp.pad(x, [(0, 0)] * (x.ndim - 1) + [(radius, radius)])
    return sum(padded[..., i : i + depth] for i in range(2 * radius + 1))


@op("LRN", "input: T -> output: T", **_LRN)
class LRN:
    """``input / (bias + alpha * (squares of neighbouring channels)) ** beta``."""

    shape = _image

    def compute(xp, input, *, depth_radius, bias, alpha, beta):
        _check_image(input)
        x = widened(input)
        kind = x.dtype.type
        norm = kind(bias) + kind(alpha) * _neighbours(xp, x * x, depth_radius)
        return (x * norm ** kind(-beta)).astype(input.dtype)

    def gradient(op, grad):
        names = ("depth_radius", "bias", "alpha", "beta")
        attrs = {name: op.attrs[name] for name in names}
        return LRNGrad(grad, op.inputs[0], op.outputs[0], **attrs)


@op("LRNGrad", "input_grads: T, input_image: T, output_image: T -> output: T", **_LRN)
class LRNGrad:
    shape = _image_merged

    def compute(xp, input_grads, input_image, output_image, *, depth_radius, bias, alpha, beta):
        _check_image(input_grads)
        grads, x, y = widened(input_grads), widened(input_image), widened(output_image)
        kind = x.dtype.type
        norm = kind(bias) + kind(alpha) * _neighbours(xp, x * x, depth_radius)
        through = _neighbours(xp, grads * y / norm, depth_radius)
        result = grads * norm ** kind(-beta) - kind(2 * alpha * beta) * x * through
        return result.astype(input_image.dtype)


@op("L2Loss", "t: T -> output: T", T="{half, bfloat16, float, double}")
class L2Loss:
    """Half the sum of squares."""

    shape = shape_rules.scalar

    def compute(xp, t):
        wide = widened(t)
        total = xp.sum(xp.square(wide), dtype=wide.dtype) * wide.dtype.type(0.5)
        return total.astype(t.dtype)

    def gradient(op, grad):
        return op.inputs[0] * grad


_GLOBAL = {
    "T": NUMERIC,
    "variance_epsilon": "float",
    "scale_after_normalization": "bool",
}


def _normalized_shape(c):
    dims = shapes.with_rank(c.shape(0), 4)
    channels = dims[3:]
    for i in range(1, 5):
        channels = shapes.merge(channels, shapes.with_rank(c.shape(i), 1))
    return (*dims[:3], *channels)


def _normalized_gradient_shape(c):
    dims = shapes.with_rank(shapes.merge(c.shape(0), c.shape(4)), 4)
    channels = dims[3:]
    for i in range(1, 4):
        channels = shapes.merge(channels, shapes.with_rank(c.shape(i), 1))
    return [(*dims[:3], *channels), *[channels] * 4]


@op(
    "BatchNormWithGlobalNormalization",
    "t: T, m: T, v: T, beta: T, gamma: T -> result: T",
    **_GLOBAL,
)
class BatchNormWithGlobalNormalization:
    """``(t - m) / sqrt(v + epsilon)``, times ``gamma`` where asked for, plus ``beta``.

    TensorFlow refuses to build it since GraphDef version 9; files from before hold it.
    """

    shape = _normalized_shape

    def compute(xp, t, m, v, beta, gamma, *, variance_epsilon, scale_after_normalization):
        factor = 1 / xp.sqrt(v + v.dtype.type(variance_epsilon))
        if scale_after_normalization:
            factor = factor * gamma
        return ((t - m) * factor + beta).astype(t.dtype)

    def gradient(op, grad):
        t, m, v, _, gamma = op.inputs
        dx, dm, dv, db, dg = BatchNormWithGlobalNormalizationGrad(
            t,
            m,
            v,
            gamma,
            grad,
            variance_epsilon=op.attrs["variance_epsilon"],
            scale_after_normalization=op.attrs["scale_after_normalization"],
        )
        return dx, dm, dv, db, dg


@op(
    "BatchNormWithGlobalNormalizationGrad",
    "t: T, m: T, v: T, gamma: T, backprop: T -> dx: T, dm: T, dv: T, db: T, dg: T",
    **_GLOBAL,
)
class BatchNormWithGlobalNormalizationGrad:
    shape = _normalized_gradient_shape

    def compute(xp, t, m, v, gamma, backprop, *, variance_epsilon, scale_after_normalization):
        shifted = v + v.dtype.type(variance_epsilon)
        inverse = 1 / xp.sqrt(shifted)
        axes = tuple(range(t.ndim - 1))
        along = xp.sum(backprop * (t - m), axis=axes)
        total = xp.sum(backprop, axis=axes)
        scale = gamma if scale_after_normalization else xp.ones_like(gamma)
        results = (
            backprop * (inverse * scale),
            -total * (inverse * scale),
            along * scale * (inverse / shifted) * v.dtype.type(-0.5),
            total,
            along * inverse if scale_after_normalization else xp.zeros_like(gamma),
        )
        return tuple(value.astype(t.dtype) for value in results)


def local_response_normalization(
    input: Any,
    depth_radius: int = 5,
    bias: float = 1,
    alpha: float = 1,
    beta: float = 0.5,
    name: str | None = None,
) -> Tensor:
    """Each value of an image divided by a power of the squares in the channels near its own."""
    result: Tensor = LRN(
        input, depth_radius=depth_radius, bias=bias, alpha=alpha, beta=beta, name=name
    )
    return result


def l2_loss(t: Any, name: str | None = None) -> Tensor:
    """``sum(t ** 2) / 2``."""
    result: Tensor = L2Loss(t, name=name)
    return result


lrn = local_response_normalization
