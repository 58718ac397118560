"""Fused batch normalization: mean 0 and variance 1 for each channel, then a scale and an offset.

With ``is_training`` the moments are those of the batch (and are handed out, the variance with Bessel's correction),
otherwise those given. Floats of two bytes are normalized in float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph import shape as shapes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.tensor import Tensor
from evergraph.ops import array, windows
from evergraph.ops.casts import cast
from evergraph.ops.constant import constant

_FORMAT_2D = "{'NHWC', 'NCHW'} = 'NHWC'"
_FORMAT_ANY = "{'NHWC', 'NCHW', 'NDHWC', 'NCDHW'} = 'NHWC'"
_WIDE = np.float32
_SIZES = ("scale", "offset", "mean", "variance")


def _channel_dims(c, x, vectors, data_format):
    """(the shape of the images, with what the vectors know of their channels; the number of channels)."""
    dims = shapes.with_rank(x, len(data_format))
    place = windows.channel_axis(data_format) % len(dims)
    channels = (dims[place],)
    for vector in vectors:
        channels = shapes.merge(channels, shapes.with_rank(vector, 1))
    return (*dims[:place], *channels, *dims[place + 1 :]), channels


def _forward_shape(c):
    training, factor = c["is_training"], c["exponential_avg_factor"]
    count = 2 if training and factor == 1.0 else 4
    dims, channels = _channel_dims(
        c, c.shape(0), [c.shape(i) for i in range(1, 1 + count)], c["data_format"]
    )
    # V3's last output is for the gradient on the same device, which alone knows its shape.
    return [dims, *[channels] * 4, *[None] * (c.output_count - 5)]


def _backward_shape(c):
    data_format = c["data_format"]
    first = shapes.merge(c.shape(0), c.shape(1))
    dims, channels = _channel_dims(c, first, [c.shape(i) for i in (2, 3, 4)], data_format)
    return [dims, channels, channels, (0,), (0,)]


def _check(x, vectors, data_format, training):
    rank = len(data_format)
    if x.ndim != rank:
        raise errors.InvalidArgumentError(
            None, None, f"input must be {rank}-dimensional: {shapes.text(x.shape)}"
        )
    channels = x.shape[windows.channel_axis(data_format)]
    for name, vector in zip(_SIZES, vectors, strict=True):
        if vector.ndim != 1:
            raise errors.InvalidArgumentError(
                None, None, f"{name} must be 1-dimensional: {shapes.text(vector.shape)}"
            )
        optional = training and name in ("mean", "variance")
        if len(vector) != channels and not (optional and len(vector) == 0):
            raise errors.InvalidArgumentError(
                None,
                None,
                f"{name} must have the same number of elements as the channels of x, "
                f"got {len(vector)} and {channels}",
            )


def _moments(xp, image):
    """(mean, variance over the elements, number of elements) for each channel of an image (channels last)."""
    axes = tuple(range(image.ndim - 1))
    count = max(1, image.size // max(1, image.shape[-1]))
    mean = xp.sum(image, axis=axes, dtype=image.dtype) / image.dtype.type(count)
    variance = xp.sum(xp.square(image - mean), axis=axes) / image.dtype.type(count)
    return mean, variance, count


def _normalize(
    xp, x, scale, offset, mean, variance,
    *, epsilon, exponential_avg_factor, data_format, is_training,
):  # fmt: skip
    _check(x, (scale, offset, mean, variance), data_format, is_training)
    kind = scale.dtype
    image = windows.channels_last(xp, x, data_format).astype(_WIDE)
    if is_training and not x.size:
        used_mean = used_variance = xp.full(scale.shape, np.nan, kind)
        return x, used_mean, used_variance, used_mean, used_variance
    if not is_training:
        used_mean, used_variance = mean.astype(_WIDE), variance.astype(_WIDE)
        # TensorFlow leaves the last two as they come from the allocator.
        nothing = xp.zeros_like(mean)
        given = (mean, variance, nothing, nothing)
    else:
        used_mean, used_variance, count = _moments(xp, image)
        unbiased = used_variance * _WIDE(count / max(1, count - 1))
        new_mean, new_variance = used_mean, unbiased
        if exponential_avg_factor != 1.0:
            factor = _WIDE(exponential_avg_factor)
            rest = _WIDE(1) - factor
            new_mean = rest * mean.astype(_WIDE) + factor * used_mean
            new_variance = rest * variance.astype(_WIDE) + factor * unbiased
        given = tuple(
            value.astype(kind) for value in (new_mean, new_variance, used_mean, used_variance)
        )
    factor = scale.astype(_WIDE) / xp.sqrt(used_variance + _WIDE(epsilon))
    result = ((image - used_mean) * factor + offset.astype(_WIDE)).astype(x.dtype)
    return windows.channels_back(xp, result, data_format), *given


def _differentiate(
    xp, y_backprop, x, scale, first, second, epsilon, data_format, is_training, kind
):
    """The gradients of x, scale and offset; ``first`` and ``second`` are mean and variance."""
    if not is_training and data_format[1] == "C":
        raise errors.InvalidArgumentError(
            None, None, f"The gradient of fixed moments needs channels last, not {data_format}"
        )
    grad = windows.channels_last(xp, y_backprop, data_format).astype(_WIDE)
    image = windows.channels_last(xp, x, data_format).astype(_WIDE)
    axes = tuple(range(image.ndim - 1))
    wide_scale = scale.astype(_WIDE)
    centred = image - first.astype(_WIDE)
    inverse = 1 / xp.sqrt(second.astype(_WIDE) + _WIDE(epsilon))
    offset_grad = xp.sum(grad, axis=axes)
    scale_grad = xp.sum(grad * centred, axis=axes) * inverse
    if is_training:
        count = _WIDE(max(1, image.size // max(1, image.shape[-1])))
        along = centred * (inverse * scale_grad / count)
        image_grad = (grad - offset_grad / count - along) * (wide_scale * inverse)
    else:
        image_grad = grad * (wide_scale * inverse)
    back = windows.channels_back(xp, image_grad.astype(x.dtype), data_format)
    none = xp.zeros(0, kind)
    return back, scale_grad.astype(kind), offset_grad.astype(kind), none, none


def _gradient(backward):
    """The gradient function of a fused batch norm, whose own gradient op is ``backward()``."""

    def gradient(op, grad, *unused):
        x, scale, _, mean, variance = op.inputs
        data_format, training = op.attrs["data_format"], op.attrs["is_training"]
        back = None
        if training:
            mean, variance = op.outputs[3], op.outputs[4]
        elif data_format[1] == "C":
            rank = len(data_format)
            forth = [0, *range(2, rank), 1]
            back = [0, rank - 1, *range(1, rank - 1)]
            x, grad = _transposed(x, forth), _transposed(grad, forth)
            data_format = "NHWC" if rank == 4 else "NDHWC"
        reserved = op.outputs[5:6]
        dx, dscale, doffset, *_ = backward()(
            grad, x, scale, mean, variance, *reserved,
            epsilon=op.attrs["epsilon"], data_format=data_format, is_training=training,
        )  # fmt: skip
        return dx if back is None else _transposed(dx, back), dscale, doffset, None, None

    return gradient


def _transposed(x: Tensor, order: list[int]) -> Tensor:
    from evergraph.ops.transposing import transpose

    return transpose(x, order)


@op(
    "FusedBatchNorm",
    "x: T, scale: T, offset: T, mean: T, variance: T -> y: T, batch_mean: T, batch_variance: T, "
    "reserve_space_1: T, reserve_space_2: T",
    T="{float}",
    epsilon=0.0001,
    exponential_avg_factor=1.0,
    data_format=_FORMAT_2D,
    is_training=True,
)
class FusedBatchNorm:
    shape = _forward_shape
    compute = _normalize
    gradient = _gradient(lambda: FusedBatchNormGrad)


@op(
    "FusedBatchNormV2",
    "x: T, scale: U, offset: U, mean: U, variance: U -> y: T, batch_mean: U, batch_variance: U, "
    "reserve_space_1: U, reserve_space_2: U",
    T="{half, bfloat16, float}",
    U="{float}",
    epsilon=0.0001,
    exponential_avg_factor=1.0,
    data_format=_FORMAT_2D,
    is_training=True,
)
class FusedBatchNormV2:
    shape = _forward_shape
    compute = _normalize
    gradient = _gradient(lambda: FusedBatchNormGradV2)


@op(
    "FusedBatchNormV3",
    "x: T, scale: U, offset: U, mean: U, variance: U -> y: T, batch_mean: U, batch_variance: U, "
    "reserve_space_1: U, reserve_space_2: U, reserve_space_3: U",
    T="{half, bfloat16, float}",
    U="{bfloat16, float}",
    epsilon=0.0001,
    exponential_avg_factor=1.0,
    data_format=_FORMAT_ANY,
    is_training=True,
)
class FusedBatchNormV3:
    shape = _forward_shape

    def compute(
        xp, x, scale, offset, mean, variance,
        *, epsilon, exponential_avg_factor, data_format, is_training,
    ):  # fmt: skip
        five = _normalize(
            xp, x, scale, offset, mean, variance,
            epsilon=epsilon, exponential_avg_factor=exponential_avg_factor,
            data_format=data_format, is_training=is_training,
        )  # fmt: skip
        return *five, xp.zeros((), scale.dtype)

    gradient = _gradient(lambda: FusedBatchNormGradV3)


def _second_gradient(op, *grads):
    """The gradient of the gradient, of the formulas that the kernel computes."""
    from evergraph.ops.gradients import gradients

    y_backprop, x, scale, mean, variance = op.inputs[:5]
    outputs = _composed(
        y_backprop, x, scale, mean, variance,
        op.attrs["epsilon"], op.attrs["data_format"], op.attrs["is_training"],
    )  # fmt: skip
    pairs = [(y, g) for y, g in zip(outputs, grads[:3], strict=True) if g is not None]
    found = gradients([y for y, _ in pairs], [y_backprop, x, scale], [g for _, g in pairs])
    return [*found, *[None] * (len(op.inputs) - 3)]


def _composed(grad_y, x, scale, pop_mean, pop_var, epsilon, data_format, is_training):
    """What FusedBatchNormGrad computes, made of ops that have gradients."""
    from evergraph.ops.arithmetic import squared_difference
    from evergraph.ops.reductions import reduce_mean, reduce_sum
    from evergraph.ops.unary import reciprocal, rsqrt

    kind = x.dtype.base_dtype
    x, grad_y = cast(x, np.float32), cast(grad_y, np.float32)
    first = data_format[1] == "C"
    axes = [0, *range(2, len(data_format))] if first else list(range(len(data_format) - 1))
    if first:
        shape = [1, array.size(scale), *[1] * (len(data_format) - 2)]
        scale = array.reshape(scale, shape)
        if not is_training:
            pop_mean, pop_var = array.reshape(pop_mean, shape), array.reshape(pop_var, shape)
    if not is_training:
        inverse = rsqrt(pop_var + epsilon)
        grad_scale = reduce_sum(grad_y * (x - pop_mean) * inverse, axis=axes)
        return cast(grad_y * scale * inverse, kind), grad_scale, reduce_sum(grad_y, axis=axes)
    mean_grad_y = reduce_mean(grad_y, axes, keepdims=first)
    mean_x = reduce_mean(x, axes, keepdims=first)
    spread = squared_difference(x, array.stop_gradient(mean_x))
    var_x = reduce_mean(spread, axes, keepdims=first)
    x_offset = x - mean_x
    mean = reduce_mean(grad_y * x_offset, axis=axes, keepdims=first)
    along = reciprocal(var_x + epsilon) * mean * x_offset
    grad_x = scale * rsqrt(var_x + epsilon) * (grad_y - mean_grad_y - along)
    grad_scale = rsqrt(var_x + epsilon) * reduce_sum(grad_y * x_offset, axis=axes, keepdims=first)
    if first:
        grad_scale = array.squeeze(grad_scale)
    return cast(grad_x, kind), grad_scale, reduce_sum(grad_y, axis=axes)


@op(
    "FusedBatchNormGrad",
    "y_backprop: T, x: T, scale: T, reserve_space_1: T, reserve_space_2: T -> x_backprop: T, "
    "scale_backprop: T, offset_backprop: T, reserve_space_3: T, reserve_space_4: T",
    T="{float}",
    epsilon=0.0001,
    data_format=_FORMAT_2D,
    is_training=True,
)
class FusedBatchNormGrad:
    shape = _backward_shape

    def compute(xp, y_backprop, x, scale, first, second, *, epsilon, data_format, is_training):
        return _differentiate(
            xp, y_backprop, x, scale, first, second, epsilon, data_format, is_training, _WIDE
        )

    gradient = _second_gradient


@op(
    "FusedBatchNormGradV2",
    "y_backprop: T, x: T, scale: float, reserve_space_1: U, reserve_space_2: U -> x_backprop: T, "
    "scale_backprop: U, offset_backprop: U, reserve_space_3: U, reserve_space_4: U",
    T="{half, bfloat16, float}",
    U="{float}",
    epsilon=0.0001,
    data_format=_FORMAT_2D,
    is_training=True,
)
class FusedBatchNormGradV2:
    shape = _backward_shape

    def compute(xp, y_backprop, x, scale, first, second, *, epsilon, data_format, is_training):
        return _differentiate(
            xp, y_backprop, x, scale, first, second, epsilon, data_format, is_training, _WIDE
        )

    gradient = _second_gradient


@op(
    "FusedBatchNormGradV3",
    "y_backprop: T, x: T, scale: float, reserve_space_1: U, reserve_space_2: U, "
    "reserve_space_3: U -> x_backprop: T, scale_backprop: U, offset_backprop: U, "
    "reserve_space_4: U, reserve_space_5: U",
    T="{half, bfloat16, float}",
    U="{float}",
    epsilon=0.0001,
    data_format=_FORMAT_ANY,
    is_training=True,
)
class FusedBatchNormGradV3:
    shape = _backward_shape

    def compute(
        xp, y_backprop, x, scale, first, second, third, *, epsilon, data_format, is_training
    ):
        return _differentiate(
            xp, y_backprop, x, scale, first, second, epsilon, data_format, is_training, _WIDE
        )

    gradient = _second_gradient


def fused_batch_norm(
    x: Any,
    scale: Any,
    offset: Any,
    mean: Any = None,
    variance: Any = None,
    epsilon: float = 0.001,
    data_format: str = "NHWC",
    is_training: bool = True,
    name: str | None = None,
    exponential_avg_factor: float = 1.0,
) -> tuple[Tensor, Tensor, Tensor]:
    """(normalized x, mean, variance) of images [batch, rows, columns, channels].

    Raises ValueError where ``mean`` and ``variance`` are needed (not training, or averaging) and missing.
    """
    if (not is_training or exponential_avg_factor != 1.0) and (mean is None or variance is None):
        raise ValueError(
            "Both `mean` and `variance` must be a 1D tensor when `is_training` is False or "
            "`exponential_avg_factor` != 1.0. "
            f"Received: `mean` {mean!r} and `variance` {variance!r}"
        )
    x = convert_to_tensor(x, name="input")
    scale = convert_to_tensor(scale, name="scale")
    offset = convert_to_tensor(offset, name="offset")
    mean = constant([]) if mean is None else mean
    variance = constant([]) if variance is None else variance
    y, running_mean, running_variance, *_ = FusedBatchNormV3(
        x, scale, offset, mean, variance,
        epsilon=epsilon, exponential_avg_factor=exponential_avg_factor,
        data_format=data_format, is_training=is_training, name=name,
    )  # fmt: skip
    return y, running_mean, running_variance
