"""Depthwise convolutions: every channel with filters of its own ([rows, columns, in, multiplier])."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph import shape as shapes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops import array, windows
from evergraph.ops.convolution import conv2d, padding_attributes
from evergraph.ops.narrow_floats import widened
from evergraph.ops.shaping import renamed

_FLOATS = "{half, bfloat16, float, double}"
_ATTRS = {
    "strides": "list(int)",
    "padding": "{'SAME', 'VALID', 'EXPLICIT'}",
    "explicit_paddings": "list(int) = []",
    "data_format": "{'NHWC', 'NCHW'} = 'NHWC'",
    "dilations": "list(int) = [1, 1, 1, 1]",
}


def _split_multiplier(x: Any, channels: int) -> Any:
    """[..., channels * multiplier] as [..., channels, multiplier]."""
    return x.reshape((*x.shape[:-1], channels, -1))


def _geometry(op: Any) -> dict[str, Any]:
    return {name: op.attrs[name] for name in _ATTRS}


@op("DepthwiseConv2dNative", "input: T, filter: T -> output: T", T=_FLOATS, **_ATTRS)
class DepthwiseConv2dNative:
    def shape(c):
        kernel = shapes.with_rank(c.shape(1), 4)
        data_format = c["data_format"]
        dims = c.shape(0)
        channels = None if dims is None else dims[windows.channel_axis(data_format)]
        if None not in (channels, kernel[2]) and channels != kernel[2]:
            raise ValueError(f"Dimensions must be equal, but are {channels} and {kernel[2]}")
        depth = kernel[2] if channels is None else channels
        return windows.output_dims(
            dims,
            kernel[:2],
            windows.spatial(c["strides"], data_format),
            windows.spatial(c["dilations"], data_format),
            c["padding"],
            windows.explicit_pairs(c["explicit_paddings"], data_format),
            None if None in (depth, kernel[3]) else depth * kernel[3],
            data_format,
        )

    def compute(xp, input, filter, *, strides, padding, explicit_paddings, data_format, dilations):
        image = windows.channels_last(xp, input, data_format)
        channels = image.shape[-1]
        if channels != filter.shape[2]:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"input and filter must have the same depth: {channels} vs {filter.shape[2]}",
            )
        axes = windows.axes(
            image.shape,
            filter.shape[:2],
            strides,
            dilations,
            padding,
            explicit_paddings,
            data_format,
        )
        wide, kernel = widened(image), widened(filter)
        padded = windows.pad(xp, wide, axes)
        total = sum(
            padded[part][..., None] * kernel[place] for place, part in windows.positions(axes)
        )
        result = total.reshape((*total.shape[:-2], -1)).astype(image.dtype)
        return windows.channels_back(xp, result, data_format)

    def gradient(op, grad):
        x, kernel = op.inputs
        return (
            DepthwiseConv2dNativeBackpropInput(array.shape(x), kernel, grad, **_geometry(op)),
            DepthwiseConv2dNativeBackpropFilter(x, array.shape(kernel), grad, **_geometry(op)),
        )


@op(
    "DepthwiseConv2dNativeBackpropInput",
    "input_sizes: int32, filter: T, out_backprop: T -> output: T",
    T=_FLOATS,
    static="input_sizes",
    **_ATTRS,
)
class DepthwiseConv2dNativeBackpropInput:
    def shape(c):
        sizes = c.value_as_shape(0)
        return (None,) * 4 if sizes is None else sizes

    def compute(
        xp, input_sizes, filter, out_backprop,
        *, strides, padding, explicit_paddings, data_format, dilations,
    ):  # fmt: skip
        sizes = [int(size) for size in input_sizes]
        if data_format == "NCHW":
            sizes = [sizes[0], *sizes[2:], sizes[1]]
        axes = windows.axes(
            sizes, filter.shape[:2], strides, dilations, padding, explicit_paddings, data_format
        )
        dtype = out_backprop.dtype
        grad = widened(windows.channels_last(xp, out_backprop, data_format))
        kernel = widened(filter)
        grad = _split_multiplier(grad, sizes[-1])
        spread = [
            size + one.before + one.after for size, one in zip(sizes[1:-1], axes, strict=True)
        ]
        result = xp.zeros((sizes[0], *spread, sizes[-1]), grad.dtype)
        for place, part in windows.positions(axes):
            share = (grad * kernel[place]).sum(-1)
            if xp is np:
                result[part] += share
            else:
                result = result.at[part].add(share)
        inner = windows.unpad(result, axes, sizes[1:-1]).astype(dtype)
        return windows.channels_back(xp, inner, data_format)

    def gradient(op, grad):
        _, kernel, out = op.inputs
        return (
            None,
            DepthwiseConv2dNativeBackpropFilter(grad, array.shape(kernel), out, **_geometry(op)),
            DepthwiseConv2dNative(grad, kernel, **_geometry(op)),
        )


@op(
    "DepthwiseConv2dNativeBackpropFilter",
    "input: T, filter_sizes: int32, out_backprop: T -> output: T",
    T=_FLOATS,
    static="filter_sizes",
    **_ATTRS,
)
class DepthwiseConv2dNativeBackpropFilter:
    def shape(c):
        sizes = c.value_as_shape(1)
        return (None,) * 4 if sizes is None else sizes

    def compute(
        xp, input, filter_sizes, out_backprop,
        *, strides, padding, explicit_paddings, data_format, dilations,
    ):  # fmt: skip
        sizes = [int(size) for size in filter_sizes]
        image = windows.channels_last(xp, input, data_format)
        axes = windows.axes(
            image.shape, sizes[:2], strides, dilations, padding, explicit_paddings, data_format
        )
        wide = widened(image)
        grad = widened(windows.channels_last(xp, out_backprop, data_format))
        grad = _split_multiplier(grad, image.shape[-1])
        padded = windows.pad(xp, wide, axes)
        parts = [
            (padded[part][..., None] * grad).sum((0, 1, 2)) for _, part in windows.positions(axes)
        ]
        return xp.stack(parts).reshape(tuple(sizes)).astype(image.dtype)

    def gradient(op, grad):
        x, _, out = op.inputs
        return (
            DepthwiseConv2dNativeBackpropInput(array.shape(x), grad, out, **_geometry(op)),
            None,
            DepthwiseConv2dNative(x, grad, **_geometry(op)),
        )


def depthwise_conv2d_native(
    input: Any,
    filter: Any,
    strides: Any,
    padding: str,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """The convolution of every channel with its own filters."""
    result: Tensor = DepthwiseConv2dNative(
        input,
        filter,
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilations=dilations,
        name=name,
    )
    return result


def depthwise_conv2d(
    input: Any,
    filter: Any = None,
    strides: Any = None,
    padding: Any = None,
    rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Tensor:
    """The convolution of every channel with its own filters, ``rate`` (two numbers) apart."""
    from evergraph.ops.dilated import with_space_to_batch

    rate = renamed("dilations", dilations, "rate", rate)
    with name_scope(name, "depthwise", [input, filter]) as scope:
        input = convert_to_tensor(input, name="tensor_in")
        kernel = convert_to_tensor(filter, name="filter_in")
        return with_space_to_batch(
            input,
            [1, 1] if rate is None else rate,
            padding,
            lambda x, scheme: _plain(x, kernel, strides, scheme, data_format, scope),
            array.shape(kernel),
            data_format,
        )


def _plain(
    input: Tensor, kernel: Tensor, strides: Any, padding: Any, data_format: Any, name: str
) -> Tensor:
    data_format = data_format or "NHWC"
    scheme, explicit = padding_attributes(padding, data_format)
    result: Tensor = DepthwiseConv2dNative(
        input,
        kernel,
        strides=strides,
        padding=scheme,
        explicit_paddings=explicit,
        data_format=data_format,
        name=name,
    )
    return result


def separable_conv2d(
    input: Any,
    depthwise_filter: Any,
    pointwise_filter: Any,
    strides: Any,
    padding: Any,
    rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Tensor:
    """A depthwise convolution followed by one that mixes channels ([1, 1, in * multiplier, out])."""
    from evergraph.ops.dilated import with_space_to_batch

    rate = renamed("dilations", dilations, "rate", rate)
    with name_scope(name, "separable_conv2d", [input, depthwise_filter, pointwise_filter]) as scope:
        input = convert_to_tensor(input, name="tensor_in")
        kernel = convert_to_tensor(depthwise_filter, name="depthwise_filter")
        pointwise = convert_to_tensor(pointwise_filter, name="pointwise_filter")
        middle = with_space_to_batch(
            input,
            [1, 1] if rate is None else rate,
            padding,
            lambda x, scheme: _plain(x, kernel, strides, scheme, data_format, "depthwise"),
            array.shape(kernel),
            data_format,
        )
        return conv2d(middle, pointwise, [1, 1, 1, 1], "VALID", data_format=data_format, name=scope)
