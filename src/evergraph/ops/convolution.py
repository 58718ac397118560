"""Convolutions over two and three dimensions, and the gradients that are ops of their own.

An image is [batch, rows, columns, channels] inside, whatever ``data_format`` says outside; a filter is
[rows, columns, in, out]. With NumPy the windows of a few images at a time become the rows of one matrix, which is
multiplied with the filter; the gradients go through the window position by position.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph import shape as shapes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops import array, windows
from evergraph.ops.narrow_floats import is_narrow
from evergraph.ops.windows import Axis

#: Elements of the matrix of windows that is made at a time.
_MOST_ELEMENTS = 1 << 23
_CONV2D_TYPES = "{half, bfloat16, float, double, int32}"
_FLOATS = "{half, bfloat16, float, double}"
_PADDING = "{'SAME', 'VALID', 'EXPLICIT'}"
_FORMAT_2D = "{'NHWC', 'NCHW'} = 'NHWC'"
_FORMAT_3D = "{'NDHWC', 'NCDHW'} = 'NDHWC'"


def _check(x: Any, kernel: Any) -> None:
    if x.ndim != kernel.ndim:
        raise errors.InvalidArgumentError(
            None, None, f"input must be {kernel.ndim}-dimensional: {shapes.text(x.shape)}"
        )
    if kernel.shape[-2] == 0 or x.shape[-1] % kernel.shape[-2]:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"input depth must be evenly divisible by filter depth: {x.shape[-1]} vs {kernel.shape[-2]}",
        )


def _convolve(xp: Any, x: Any, kernel: Any, axes: Sequence[Axis]) -> Any:
    """The convolution of an image (channels last); groups where the image has more channels than the filter takes."""
    dtype = x.dtype
    if is_narrow(x.dtype):
        x, kernel = x.astype(np.float32), kernel.astype(np.float32)
    groups = x.shape[-1] // kernel.shape[-2]
    if groups > 1:
        parts = zip(xp.split(x, groups, axis=-1), xp.split(kernel, groups, axis=-1), strict=True)
        result = xp.concatenate([_convolve_group(xp, a, b, axes) for a, b in parts], axis=-1)
    else:
        result = _convolve_group(xp, x, kernel, axes)
    return result.astype(dtype)


def _convolve_group(xp: Any, x: Any, kernel: Any, axes: Sequence[Axis]) -> Any:
    padded = windows.pad(xp, x, axes)
    outputs = tuple(one.outputs for one in axes)
    channels, filters = kernel.shape[-2:]
    if xp is not np:
        return sum(padded[part] @ kernel[place] for place, part in windows.positions(axes))
    result = np.empty((len(x), *outputs, filters), x.dtype)
    places = list(windows.positions(axes))
    matrix = kernel.reshape(-1, filters)
    if len(places) == 1:
        part = padded[places[0][1]]
        np.matmul(part.reshape(-1, channels), matrix, out=result.reshape(-1, filters))
        return result
    row = len(places) * channels
    step = max(1, _MOST_ELEMENTS // max(1, math.prod(outputs) * row))
    buffer = np.empty((min(step, len(x)), *outputs, len(places), channels), x.dtype)
    for start in range(0, len(x), step):
        images = padded[start : start + step]
        columns = buffer[: len(images)]
        for i, (_, part) in enumerate(places):
            columns[..., i, :] = images[part]
        target = result[start : start + step]
        np.matmul(columns.reshape(-1, row), matrix, out=target.reshape(-1, filters))
    return result


def _backprop_input(
    xp: Any, sizes: Sequence[int], kernel: Any, grad: Any, axes: Sequence[Axis]
) -> Any:
    """The gradient of the image; ``sizes`` is its shape, channels last."""
    dtype = grad.dtype
    if is_narrow(grad.dtype):
        kernel, grad = kernel.astype(np.float32), grad.astype(np.float32)
    groups = sizes[-1] // kernel.shape[-2]
    if groups > 1:
        each = (*sizes[:-1], kernel.shape[-2])
        parts = zip(xp.split(kernel, groups, axis=-1), xp.split(grad, groups, axis=-1), strict=True)
        whole = xp.concatenate([_backprop_input(xp, each, a, b, axes) for a, b in parts], axis=-1)
        return whole.astype(dtype)
    spread = [size + one.before + one.after for size, one in zip(sizes[1:-1], axes, strict=True)]
    padded = xp.zeros((sizes[0], *spread, sizes[-1]), grad.dtype)
    for place, part in windows.positions(axes):
        share = grad @ kernel[place].T
        if xp is np:
            padded[part] += share
        else:
            padded = padded.at[part].add(share)
    return windows.unpad(padded, axes, sizes[1:-1]).astype(dtype)


def _backprop_filter(xp: Any, x: Any, sizes: Sequence[int], grad: Any, axes: Sequence[Axis]) -> Any:
    """The gradient of the filter; ``sizes`` is its shape."""
    dtype = x.dtype
    if is_narrow(x.dtype):
        x, grad = x.astype(np.float32), grad.astype(np.float32)
    groups = x.shape[-1] // sizes[-2]
    if groups > 1:
        each = (*sizes[:-1], sizes[-1] // groups)
        parts = zip(xp.split(x, groups, axis=-1), xp.split(grad, groups, axis=-1), strict=True)
        whole = xp.concatenate([_backprop_filter(xp, a, each, b, axes) for a, b in parts], axis=-1)
        return whole.astype(dtype)
    padded = windows.pad(xp, x, axes)
    rows = grad.reshape(-1, sizes[-1])
    products = [padded[part].reshape(-1, sizes[-2]).T @ rows for _, part in windows.positions(axes)]
    return xp.stack(products).reshape(tuple(sizes)).astype(dtype)


def _image_dims(c, kernel_argument):
    kernel = shapes.with_rank(c.shape(kernel_argument), len(c["strides"]))
    data_format = c["data_format"]
    dims = c.shape(0)
    channel = None if dims is None else dims[windows.channel_axis(data_format)]
    if channel is not None and kernel[-2] is not None and (kernel[-2] == 0 or channel % kernel[-2]):
        raise ValueError(
            f"Depth of input ({channel}) is not a multiple of input depth of filter ({kernel[-2]})"
        )
    explicit = c["explicit_paddings"] if "explicit_paddings" in c.op.attrs else ()
    return windows.output_dims(
        dims,
        kernel[:-2],
        windows.spatial(c["strides"], data_format),
        windows.spatial(c["dilations"], data_format),
        c["padding"],
        windows.explicit_pairs(explicit, data_format),
        kernel[-1],
        data_format,
    )


def _sizes_shape(c):
    rank = len(c["strides"])
    sizes = c.value_as_shape(0)
    return (None,) * rank if sizes is None else sizes


def _filter_sizes_shape(c):
    rank = len(c["strides"])
    sizes = c.value_as_shape(1)
    return (None,) * rank if sizes is None else sizes


def _forward(xp, x, kernel, strides, padding, explicit, data_format, dilations):
    image = windows.channels_last(xp, x, data_format)
    _check(image, kernel)
    axes = windows.axes(
        image.shape, kernel.shape[:-2], strides, dilations, padding, explicit, data_format
    )
    return windows.channels_back(xp, _convolve(xp, image, kernel, axes), data_format)


def _to_image(xp, sizes, kernel, grad, strides, padding, explicit, data_format, dilations):
    sizes = [int(size) for size in sizes]
    if data_format[1] == "C":
        sizes = [sizes[0], *sizes[2:], sizes[1]]
    axes = windows.axes(
        sizes, kernel.shape[:-2], strides, dilations, padding, explicit, data_format
    )
    grad = windows.channels_last(xp, grad, data_format)
    expected = (sizes[0], *[one.outputs for one in axes], kernel.shape[-1])
    if tuple(grad.shape) != expected:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"out_backprop has shape {shapes.text(grad.shape)}, the convolution of an input of shape "
            f"{shapes.text(tuple(sizes))} gives {shapes.text(expected)}",
        )
    return windows.channels_back(xp, _backprop_input(xp, sizes, kernel, grad, axes), data_format)


def _to_filter(xp, x, sizes, grad, strides, padding, explicit, data_format, dilations):
    sizes = [int(size) for size in sizes]
    image = windows.channels_last(xp, x, data_format)
    axes = windows.axes(image.shape, sizes[:-2], strides, dilations, padding, explicit, data_format)
    return _backprop_filter(xp, image, sizes, windows.channels_last(xp, grad, data_format), axes)


_CONV_2D = {
    "strides": "list(int)",
    "use_cudnn_on_gpu": True,
    "padding": _PADDING,
    "explicit_paddings": "list(int) = []",
    "data_format": _FORMAT_2D,
    "dilations": "list(int) = [1, 1, 1, 1]",
}
_CONV_3D = {
    "strides": "list(int) >= 5",
    "padding": "{'SAME', 'VALID'}",
    "data_format": _FORMAT_3D,
    "dilations": "list(int) = [1, 1, 1, 1, 1]",
}


def _geometry(op: Any) -> dict[str, Any]:
    names = (
        "strides",
        "use_cudnn_on_gpu",
        "padding",
        "explicit_paddings",
        "data_format",
        "dilations",
    )
    return {name: op.attrs[name] for name in names if name in op.attrs}


@op("Conv2D", "input: T, filter: T -> output: T", T=_CONV2D_TYPES, **_CONV_2D)
class Conv2D:
    def shape(c):
        return _image_dims(c, 1)

    def compute(xp, input, filter, *, strides, padding, explicit_paddings, data_format, dilations):
        return _forward(
            xp, input, filter, strides, padding, explicit_paddings, data_format, dilations
        )

    def gradient(op, grad):
        x, kernel = op.inputs
        x_shape, kernel_shape = array.shape_n([x, kernel])
        return (
            Conv2DBackpropInput(x_shape, kernel, grad, **_geometry(op)),
            Conv2DBackpropFilter(x, kernel_shape, grad, **_geometry(op)),
        )


@op(
    "Conv2DBackpropInput",
    "input_sizes: int32, filter: T, out_backprop: T -> output: T",
    T=_CONV2D_TYPES,
    static="input_sizes",
    **_CONV_2D,
)
class Conv2DBackpropInput:
    def shape(c):
        # The batch is that of the gradient, whatever the sizes say.
        batch = shapes.with_rank(c.shape(2), 4)[:1]
        return (*batch, *_sizes_shape(c)[1:])

    def compute(
        xp, input_sizes, filter, out_backprop,
        *, strides, padding, explicit_paddings, data_format, dilations,
    ):  # fmt: skip
        return _to_image(
            xp,
            input_sizes,
            filter,
            out_backprop,
            strides,
            padding,
            explicit_paddings,
            data_format,
            dilations,
        )

    def gradient(op, grad):
        _, kernel, out = op.inputs
        return (
            None,
            Conv2DBackpropFilter(grad, array.shape(kernel), out, **_geometry(op)),
            Conv2D(grad, kernel, **_geometry(op)),
        )


@op(
    "Conv2DBackpropFilter",
    "input: T, filter_sizes: int32, out_backprop: T -> output: T",
    T=_FLOATS,
    static="filter_sizes",
    **_CONV_2D,
)
class Conv2DBackpropFilter:
    shape = _filter_sizes_shape

    def compute(
        xp, input, filter_sizes, out_backprop,
        *, strides, padding, explicit_paddings, data_format, dilations,
    ):  # fmt: skip
        return _to_filter(
            xp,
            input,
            filter_sizes,
            out_backprop,
            strides,
            padding,
            explicit_paddings,
            data_format,
            dilations,
        )

    def gradient(op, grad):
        x, _, out = op.inputs
        return (
            Conv2DBackpropInput(array.shape(x), grad, out, **_geometry(op)),
            None,
            Conv2D(x, grad, **_geometry(op)),
        )


@op("Conv3D", "input: T, filter: T -> output: T", T=_FLOATS, **_CONV_3D)
class Conv3D:
    def shape(c):
        return _image_dims(c, 1)

    def compute(xp, input, filter, *, strides, padding, data_format, dilations):
        return _forward(xp, input, filter, strides, padding, (), data_format, dilations)

    def gradient(op, grad):
        x, kernel = op.inputs
        x_shape, kernel_shape = array.shape_n([x, kernel])
        return (
            Conv3DBackpropInputV2(x_shape, kernel, grad, **_geometry(op)),
            Conv3DBackpropFilterV2(x, kernel_shape, grad, **_geometry(op)),
        )


@op(
    "Conv3DBackpropInputV2",
    "input_sizes: Tshape, filter: T, out_backprop: T -> output: T",
    T=_FLOATS,
    **_CONV_3D,
    Tshape="{int32, int64} = DT_INT32",
    static="input_sizes",
)
class Conv3DBackpropInputV2:
    shape = _sizes_shape

    def compute(xp, input_sizes, filter, out_backprop, *, strides, padding, data_format, dilations):
        return _to_image(
            xp, input_sizes, filter, out_backprop, strides, padding, (), data_format, dilations
        )

    def gradient(op, grad):
        _, kernel, out = op.inputs
        return (
            None,
            Conv3DBackpropFilterV2(grad, array.shape(kernel), out, **_geometry(op)),
            Conv3D(grad, kernel, **_geometry(op)),
        )


@op(
    "Conv3DBackpropFilterV2",
    "input: T, filter_sizes: int32, out_backprop: T -> output: T",
    T=_FLOATS,
    **_CONV_3D,
    static="filter_sizes",
)
class Conv3DBackpropFilterV2:
    shape = _filter_sizes_shape

    def compute(xp, input, filter_sizes, out_backprop, *, strides, padding, data_format, dilations):
        return _to_filter(
            xp, input, filter_sizes, out_backprop, strides, padding, (), data_format, dilations
        )

    def gradient(op, grad):
        x, _, out = op.inputs
        return (
            Conv3DBackpropInputV2(array.shape(x), grad, out, **_geometry(op)),
            None,
            Conv3D(x, grad, **_geometry(op)),
        )


def padding_attributes(padding: Any, data_format: str) -> tuple[str, list[int]]:
    """The attributes for a padding scheme, or a list of [before, after] for every dimension."""
    if isinstance(padding, (list, tuple)):
        if len(padding) != len(data_format):
            raise ValueError(
                f"Explicit padding must have {len(data_format)} entries, got {padding}"
            )
        return "EXPLICIT", [int(edge) for pair in padding for edge in pair]
    return padding.upper() if isinstance(padding, str) else padding, []


def conv2d(
    input: Any,
    filter: Any = None,
    strides: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool = True,
    data_format: str | None = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
    filters: Any = None,
) -> Tensor:
    """The convolution of images with ``filter`` ([rows, columns, in, out]).

    ``strides`` and ``dilations``: one for each dimension, or for rows and columns, or one for both. ``padding``:
    ``"SAME"``, ``"VALID"`` or a list of pairs. Raises ValueError or TypeError for arguments of another form.
    """
    data_format = data_format or "NHWC"
    scheme, explicit = padding_attributes(padding, data_format)
    result: Tensor = Conv2D(
        input,
        filters if filters is not None else filter,
        strides=windows.for_format(strides, data_format, "strides"),
        use_cudnn_on_gpu=use_cudnn_on_gpu,
        padding=scheme,
        explicit_paddings=explicit,
        data_format=data_format,
        dilations=windows.for_format(dilations, data_format, "dilations"),
        name=name,
    )
    return result


def conv2d_backprop_input(
    input_sizes: Any,
    filter: Any = None,
    out_backprop: Any = None,
    strides: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
    filters: Any = None,
) -> Tensor:
    """The gradient of a convolution with respect to its images, whose shape is ``input_sizes``."""
    scheme, explicit = padding_attributes(padding, data_format)
    result: Tensor = Conv2DBackpropInput(
        input_sizes,
        filters if filters is not None else filter,
        out_backprop,
        strides=strides,
        padding=scheme,
        use_cudnn_on_gpu=use_cudnn_on_gpu,
        explicit_paddings=explicit,
        data_format=data_format,
        dilations=dilations,
        name=name,
    )
    return result


def conv2d_backprop_filter(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """The gradient of a convolution with respect to its filter, whose shape is ``filter_sizes``."""
    scheme, explicit = padding_attributes(padding, data_format)
    result: Tensor = Conv2DBackpropFilter(
        input,
        filter_sizes,
        out_backprop,
        strides=strides,
        padding=scheme,
        use_cudnn_on_gpu=use_cudnn_on_gpu,
        explicit_paddings=explicit,
        data_format=data_format,
        dilations=dilations,
        name=name,
    )
    return result


def conv2d_transpose(
    value: Any = None,
    filter: Any = None,
    output_shape: Any = None,
    strides: Any = None,
    padding: str = "SAME",
    data_format: str = "NHWC",
    name: str | None = None,
    input: Any = None,
    filters: Any = None,
    dilations: Any = None,
) -> Tensor:
    """The transpose of a convolution (its gradient as an op of its own); ``filter`` is [rows, columns, out, in]."""
    value = input if input is not None else value
    kernel = filters if filters is not None else filter
    with name_scope(name, "conv2d_transpose", [value, kernel, output_shape]) as scope:
        return conv2d_backprop_input(
            output_shape,
            convert_to_tensor(kernel),
            value,
            strides=windows.for_format(strides, data_format, "strides"),
            padding=padding,
            data_format=data_format,
            dilations=windows.for_format(
                1 if dilations is None else dilations, data_format, "dilations"
            ),
            name=scope,
        )


def conv3d(
    input: Any,
    filter: Any = None,
    strides: Any = None,
    padding: Any = None,
    data_format: str = "NDHWC",
    dilations: Any = (1, 1, 1, 1, 1),
    name: str | None = None,
    filters: Any = None,
) -> Tensor:
    """The convolution of volumes with ``filter`` ([depth, rows, columns, in, out])."""
    result: Tensor = Conv3D(
        input,
        filters if filters is not None else filter,
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilations=dilations,
        name=name,
    )
    return result


def conv3d_transpose(
    value: Any,
    filter: Any = None,
    output_shape: Any = None,
    strides: Any = None,
    padding: str = "SAME",
    data_format: str = "NDHWC",
    name: str | None = None,
    input: Any = None,
    filters: Any = None,
    dilations: Any = None,
) -> Tensor:
    """The transpose of a convolution of volumes; ``filter`` is [depth, rows, columns, out, in]."""
    value = input if input is not None else value
    kernel = filters if filters is not None else filter
    with name_scope(name, "conv3d_transpose", [value, kernel, output_shape]) as scope:
        result: Tensor = Conv3DBackpropInputV2(
            output_shape,
            convert_to_tensor(kernel),
            value,
            strides=windows.for_format(strides, data_format, "strides"),
            padding=padding,
            data_format=data_format,
            dilations=windows.for_format(
                1 if dilations is None else dilations, data_format, "dilations"
            ),
            name=scope,
        )
        return result
