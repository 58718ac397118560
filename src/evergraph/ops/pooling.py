"""Pooling: the greatest or the mean of each window, and the gradients that are ops of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph import shape as shapes
from evergraph.graph.registry import op
from evergraph.graph.scopes import name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops import array, shape_rules, windows
from evergraph.ops.narrow_floats import wide_dtype, widened
from evergraph.ops.windows import Axis

_POOLED = (
    "{half, bfloat16, float, double, int32, int64, uint8, int16, int8, uint16, qint8} = DT_FLOAT"
)
_REAL = "{float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64}"
_FLOATS = "{half, bfloat16, float, double}"
_FORMAT_3D = "{'NDHWC', 'NCDHW'} = 'NDHWC'"
_FORMAT_VECT = "{'NHWC', 'NCHW', 'NCHW_VECT_C'} = 'NHWC'"
_FORMAT_2D = "{'NHWC', 'NCHW'} = 'NHWC'"


def _axes(
    image: Sequence[int],
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    data_format: str,
    explicit: Sequence[int] = (),
) -> list[Axis]:
    """The windows along each spatial axis of an image of shape ``image`` (channels last)."""
    channel = windows.channel_axis(data_format)
    if ksize[0] != 1 or strides[0] != 1:
        raise errors.UnimplementedError(
            None, None, "Pooling is not yet supported on the batch dimension."
        )
    if ksize[channel] != 1 or strides[channel] != 1:
        raise errors.UnimplementedError(None, None, "Pooling over channels is not supported")
    window = windows.spatial(ksize, data_format)
    undilated = [1] * len(strides)
    return windows.axes(image, window, strides, undilated, padding, explicit, data_format)


def _pooled_shape(c):
    data_format = c["data_format"] if "data_format" in c.op.attrs else "NHWC"
    return _pooled_dims(c, c["ksize"], c["strides"], data_format)


def _pooled_dims(c, ksize, strides, data_format):
    dims = c.shape(0)
    explicit = c["explicit_paddings"] if "explicit_paddings" in c.op.attrs else ()
    sizes = windows.spatial(ksize, data_format)
    return windows.output_dims(
        dims,
        sizes,
        windows.spatial(strides, data_format),
        [1] * len(sizes),
        c["padding"],
        windows.explicit_pairs(explicit, data_format),
        None if dims is None else dims[windows.channel_axis(data_format)],
        data_format,
    )


def _least(dtype: Any) -> Any:
    return np.iinfo(dtype).min if dtype.kind in "iu" else -np.inf


def _greatest(xp: Any, image: Any, axes: Sequence[Axis]) -> Any:
    """The greatest value of each window; padding counts as less than anything."""
    if any(one.before or one.after for one in axes):
        image = windows.pad(xp, image, axes, _least(image.dtype))
    result = None
    for _, part in windows.positions(axes):
        result = image[part] if result is None else xp.maximum(result, image[part])
    return result


def _max_pool(xp, x, ksize, strides, padding, data_format, explicit=()):
    image = windows.channels_last(xp, x, data_format)
    axes = _axes(image.shape, ksize, strides, padding, data_format, explicit)
    pooled = windows.channels_back(xp, _greatest(xp, image, axes), data_format)
    return np.array(pooled) if xp is np else pooled


def _spread_to_greatest(x, y, grad, ksize, strides, padding, data_format, explicit=()):
    """``grad`` at the place of the greatest value of each window: of several the first one, in volumes all of them."""
    image, pooled, grad = (windows.channels_last(np, value, data_format) for value in (x, y, grad))
    axes = _axes(image.shape, ksize, strides, padding, data_format, explicit)
    padded = windows.pad(np, image, axes, _least(image.dtype))
    wide = wide_dtype(grad.dtype)
    result = np.zeros(padded.shape, wide)
    open_windows = np.ones(pooled.shape, bool)
    for _, part in windows.positions(axes):
        here = open_windows & (padded[part] == pooled)
        result[part] += np.where(here, grad, 0)
        if grad.ndim == 4:
            open_windows &= ~here
    inner = windows.unpad(result, axes, image.shape[1:-1]).astype(grad.dtype)
    return windows.channels_back(np, inner, data_format)


def _pick_from_greatest(x, y, grad, ksize, strides, padding, data_format):
    """The value of ``grad`` (an image) at the place of the greatest value of each window."""
    image, pooled, grad = (windows.channels_last(np, value, data_format) for value in (x, y, grad))
    axes = _axes(image.shape, ksize, strides, padding, data_format)
    padded = windows.pad(np, image, axes, _least(image.dtype))
    padded_grad = windows.pad(np, grad, axes)
    result = np.zeros(pooled.shape, grad.dtype)
    open_windows = np.ones(pooled.shape, bool)
    for _, part in windows.positions(axes):
        here = open_windows & (padded[part] == pooled)
        result = np.where(here, padded_grad[part], result)
        open_windows &= ~here
    return windows.channels_back(np, result, data_format)


def _counts(xp: Any, sizes: Sequence[int], axes: Sequence[Axis]) -> Any:
    """How many pixels of the image (not of its padding) each window covers: [1, rows, columns, 1]."""
    total: Any = np.ones((1,) * (len(axes) + 2))
    for i, (one, size) in enumerate(zip(axes, sizes, strict=True)):
        starts = np.arange(one.outputs) * one.stride - one.before
        inside = np.minimum(starts + one.size, size) - np.maximum(starts, 0)
        total = total * np.maximum(inside, 1).reshape(
            [-1 if j == i + 1 else 1 for j in range(len(axes) + 2)]
        )
    return total


def _avg_pool(xp, x, ksize, strides, padding, data_format):
    image = windows.channels_last(xp, x, data_format)
    axes = _axes(image.shape, ksize, strides, padding, data_format)
    dtype = image.dtype
    wide = widened(image)
    padded = windows.pad(xp, wide, axes)
    total = None
    for _, part in windows.positions(axes):
        total = padded[part] if total is None else total + padded[part]
    mean = (total / _counts(xp, image.shape[1:-1], axes).astype(wide.dtype)).astype(dtype)
    return windows.channels_back(xp, mean, data_format)


def _spread_evenly(xp, sizes, grad, ksize, strides, padding, data_format):
    """``grad`` shared out among the pixels of each window."""
    sizes = [int(size) for size in sizes]
    if data_format[1] == "C":
        sizes = [sizes[0], *sizes[2:], sizes[1]]
    grad = windows.channels_last(xp, grad, data_format)
    axes = _axes(sizes, ksize, strides, padding, data_format)
    dtype = grad.dtype
    wide = widened(grad)
    share = wide / _counts(xp, sizes[1:-1], axes).astype(wide.dtype)
    spread = [size + one.before + one.after for size, one in zip(sizes[1:-1], axes, strict=True)]
    result = xp.zeros((sizes[0], *spread, sizes[-1]), wide.dtype)
    for _, part in windows.positions(axes):
        if xp is np:
            result[part] += share
        else:
            result = result.at[part].add(share)
    inner = windows.unpad(result, axes, sizes[1:-1]).astype(dtype)
    return windows.channels_back(xp, inner, data_format)


def _attributes(op: Any, *, explicit: bool = False) -> dict[str, Any]:
    names = ["ksize", "strides", "padding", "data_format"]
    if explicit:
        names.append("explicit_paddings")
    return {name: op.attrs[name] for name in names}


@op(
    "MaxPool",
    "input: T -> output: T",
    T=_POOLED,
    ksize="list(int) >= 4",
    strides="list(int) >= 4",
    padding="{'SAME', 'VALID', 'EXPLICIT'}",
    explicit_paddings="list(int) = []",
    data_format=_FORMAT_VECT,
)
class MaxPool:
    shape = _pooled_shape

    def compute(xp, input, *, ksize, strides, padding, explicit_paddings, data_format):
        return _max_pool(xp, input, ksize, strides, padding, data_format, explicit_paddings)

    def gradient(op, grad):
        return MaxPoolGrad(op.inputs[0], op.outputs[0], grad, **_attributes(op, explicit=True))


@op(
    "MaxPoolV2",
    "input: T, ksize: int32, strides: int32 -> output: T",
    T=_POOLED,
    padding="{'SAME', 'VALID'}",
    data_format=_FORMAT_VECT,
    static="ksize, strides",
)
class MaxPoolV2:
    def shape(c):
        ksize, strides = c.value(1), c.value(2)
        if ksize is None or strides is None:
            return None
        return _pooled_dims(c, ksize.tolist(), strides.tolist(), c["data_format"])

    def compute(xp, input, ksize, strides, *, padding, data_format):
        return _max_pool(xp, input, ksize.tolist(), strides.tolist(), padding, data_format)

    def gradient(op, grad):
        x, ksize, strides = op.inputs
        attrs = {name: op.attrs[name] for name in ("padding", "data_format")}
        return MaxPoolGradV2(x, op.outputs[0], grad, ksize, strides, **attrs), None, None


@op(
    "MaxPoolGradV2",
    "orig_input: T, orig_output: T, grad: T, ksize: int32, strides: int32 -> output: T",
    padding="{'SAME', 'VALID'}",
    data_format=_FORMAT_2D,
    T=_REAL + " = DT_FLOAT",
    static="ksize, strides",
)
class MaxPoolGradV2:
    def shape(c):
        return shapes.with_rank(c.shape(0), 4)

    def compute(xp, orig_input, orig_output, grad, ksize, strides, *, padding, data_format):
        return _spread_to_greatest(
            orig_input,
            orig_output,
            grad,
            ksize.tolist(),
            strides.tolist(),
            padding,
            data_format,
        )


@op(
    "MaxPoolGrad",
    "orig_input: T, orig_output: T, grad: T -> output: T",
    ksize="list(int) >= 4",
    strides="list(int) >= 4",
    padding="{'SAME', 'VALID', 'EXPLICIT'}",
    explicit_paddings="list(int) = []",
    data_format=_FORMAT_2D,
    T=_REAL + " = DT_FLOAT",
)
class MaxPoolGrad:
    def shape(c):
        return shapes.with_rank(c.shape(0), 4)

    def compute(
        xp,
        orig_input,
        orig_output,
        grad,
        *,
        ksize,
        strides,
        padding,
        explicit_paddings,
        data_format,
    ):
        return _spread_to_greatest(
            orig_input, orig_output, grad, ksize, strides, padding, data_format, explicit_paddings
        )

    def gradient(op, grad):
        x, y, _ = op.inputs
        second = MaxPoolGradGrad(x, y, grad, **_attributes(op))
        return array.zeros_like(x), array.zeros_like(y), second


@op(
    "MaxPoolGradGrad",
    "orig_input: T, orig_output: T, grad: T -> output: T",
    ksize="list(int) >= 4",
    strides="list(int) >= 4",
    padding="{'SAME', 'VALID'}",
    data_format=_FORMAT_2D,
    T=_REAL,
)
class MaxPoolGradGrad:
    def shape(c):
        return shapes.with_rank(c.shape(1), 4)

    def compute(xp, orig_input, orig_output, grad, *, ksize, strides, padding, data_format):
        return _pick_from_greatest(
            orig_input, orig_output, grad, ksize, strides, padding, data_format
        )

    def gradient(op, grad):
        x, y, _ = op.inputs
        first = MaxPoolGrad(x, y, grad, **_attributes(op))
        return array.zeros_like(x), array.zeros_like(y), first


@op(
    "MaxPoolWithArgmax",
    "input: T -> output: T, argmax: Targmax",
    ksize="list(int) >= 4",
    strides="list(int) >= 4",
    Targmax="{int32, int64} = DT_INT64",
    padding="{'SAME', 'VALID'}",
    include_batch_in_index=False,
    T=_REAL,
)
class MaxPoolWithArgmax:
    def shape(c):
        return [_pooled_shape(c)] * 2

    def compute(xp, input, *, ksize, strides, Targmax, padding, include_batch_in_index):
        axes = _axes(input.shape, ksize, strides, padding, "NHWC")
        pooled = _greatest(np, input, axes)
        places = np.arange(input.size, dtype=np.int64).reshape(input.shape)
        if not include_batch_in_index:
            places %= max(1, input.size // max(1, len(input)))
        padded = windows.pad(np, input, axes, _least(input.dtype))
        padded_places = windows.pad(np, places, axes)
        found = np.zeros(pooled.shape, np.int64)
        open_windows = np.ones(pooled.shape, bool)
        for _, part in windows.positions(axes):
            here = open_windows & (padded[part] == pooled)
            found = np.where(here, padded_places[part], found)
            open_windows &= ~here
        return np.array(pooled), found.astype(Targmax.as_numpy_dtype)

    def gradient(op, grad, unused):
        names = ("ksize", "strides", "padding", "include_batch_in_index")
        attrs = {name: op.attrs[name] for name in names}
        return MaxPoolGradWithArgmax(op.inputs[0], grad, op.outputs[1], **attrs)


@op(
    "MaxPoolGradWithArgmax",
    "input: T, grad: T, argmax: Targmax -> output: T",
    ksize="list(int) >= 4",
    strides="list(int) >= 4",
    padding="{'SAME', 'VALID'}",
    include_batch_in_index=False,
    Targmax="{int32, int64}",
    T=_REAL,
)
class MaxPoolGradWithArgmax:
    """``grad`` summed up at the places that ``argmax`` says."""

    shape = shape_rules.unchanged

    def compute(xp, input, grad, argmax, *, include_batch_in_index):
        wide = wide_dtype(grad.dtype)
        result = np.zeros(input.size, wide)
        places = argmax.astype(np.int64)
        if not include_batch_in_index and len(input):
            each = input.size // len(input)
            places = places + each * np.arange(len(input)).reshape(-1, 1, 1, 1)
        if places.size and not (places.min() >= 0 and places.max() < input.size):
            raise errors.InvalidArgumentError(
                None,
                None,
                f"argmax holds {argmax.max()}, the image has {input.size} elements",
            )
        np.add.at(result, places.ravel(), grad.ravel())
        return result.reshape(input.shape).astype(input.dtype)


@op(
    "AvgPool",
    "value: T -> output: T",
    ksize="list(int) >= 4",
    strides="list(int) >= 4",
    padding="{'SAME', 'VALID'}",
    data_format=_FORMAT_2D,
    T=_FLOATS,
)
class AvgPool:
    shape = _pooled_shape

    def compute(xp, value, *, ksize, strides, padding, data_format):
        return _avg_pool(xp, value, ksize, strides, padding, data_format)

    def gradient(op, grad):
        return AvgPoolGrad(array.shape(op.inputs[0]), grad, **_attributes(op))


def _shape_from_sizes(c):
    dims = c.value_as_shape(0)
    return (None,) * len(c["ksize"]) if dims is None else dims


@op(
    "AvgPoolGrad",
    "orig_input_shape: int32, grad: T -> output: T",
    ksize="list(int) >= 4",
    strides="list(int) >= 4",
    padding="{'SAME', 'VALID'}",
    data_format=_FORMAT_2D,
    T=_FLOATS,
    static="orig_input_shape",
)
class AvgPoolGrad:
    shape = _shape_from_sizes

    def compute(xp, orig_input_shape, grad, *, ksize, strides, padding, data_format):
        return _spread_evenly(xp, orig_input_shape, grad, ksize, strides, padding, data_format)

    def gradient(op, grad):
        return None, AvgPool(grad, **_attributes(op))


@op(
    "MaxPool3D",
    "input: T -> output: T",
    ksize="list(int) >= 5",
    strides="list(int) >= 5",
    padding="{'SAME', 'VALID'}",
    data_format=_FORMAT_3D,
    T="{half, bfloat16, float}",
)
class MaxPool3D:
    shape = _pooled_shape

    def compute(xp, input, *, ksize, strides, padding, data_format):
        return _max_pool(xp, input, ksize, strides, padding, data_format)

    def gradient(op, grad):
        return MaxPool3DGrad(op.inputs[0], op.outputs[0], grad, **_attributes(op))


@op(
    "MaxPool3DGrad",
    "orig_input: TInput, orig_output: TInput, grad: T -> output: T",
    ksize="list(int) >= 5",
    strides="list(int) >= 5",
    padding="{'SAME', 'VALID'}",
    data_format=_FORMAT_3D,
    T="{half, bfloat16, float} = DT_FLOAT",
    TInput="{half, bfloat16, float} = DT_FLOAT",
)
class MaxPool3DGrad:
    def shape(c):
        return shapes.with_rank(c.shape(0), 5)

    def compute(xp, orig_input, orig_output, grad, *, ksize, strides, padding, data_format):
        return _spread_to_greatest(
            orig_input, orig_output, grad, ksize, strides, padding, data_format
        )

    def gradient(op, grad):
        x, y, _ = op.inputs
        second = MaxPool3DGradGrad(x, y, grad, **_attributes(op))
        return array.zeros_like(x), array.zeros_like(y), second


@op(
    "MaxPool3DGradGrad",
    "orig_input: T, orig_output: T, grad: T -> output: T",
    ksize="list(int) >= 5",
    strides="list(int) >= 5",
    padding="{'SAME', 'VALID'}",
    data_format=_FORMAT_3D,
    T=_REAL,
)
class MaxPool3DGradGrad:
    def shape(c):
        return shapes.with_rank(c.shape(1), 5)

    def compute(xp, orig_input, orig_output, grad, *, ksize, strides, padding, data_format):
        return _pick_from_greatest(
            orig_input, orig_output, grad, ksize, strides, padding, data_format
        )

    def gradient(op, grad):
        x, y, _ = op.inputs
        first = MaxPool3DGrad(x, y, grad, **_attributes(op))
        return array.zeros_like(x), array.zeros_like(y), first


@op(
    "AvgPool3D",
    "input: T -> output: T",
    ksize="list(int) >= 5",
    strides="list(int) >= 5",
    padding="{'SAME', 'VALID'}",
    data_format=_FORMAT_3D,
    T=_FLOATS,
)
class AvgPool3D:
    shape = _pooled_shape

    def compute(xp, input, *, ksize, strides, padding, data_format):
        return _avg_pool(xp, input, ksize, strides, padding, data_format)

    def gradient(op, grad):
        return AvgPool3DGrad(array.shape(op.inputs[0]), grad, **_attributes(op))


@op(
    "AvgPool3DGrad",
    "orig_input_shape: int32, grad: T -> output: T",
    ksize="list(int) >= 5",
    strides="list(int) >= 5",
    padding="{'SAME', 'VALID'}",
    data_format=_FORMAT_3D,
    T=_FLOATS,
    static="orig_input_shape",
)
class AvgPool3DGrad:
    shape = _shape_from_sizes

    def compute(xp, orig_input_shape, grad, *, ksize, strides, padding, data_format):
        return _spread_evenly(xp, orig_input_shape, grad, ksize, strides, padding, data_format)

    def gradient(op, grad):
        return None, AvgPool3D(grad, **_attributes(op))


def _pool(
    declaration: Any,
    default_name: str,
    value: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str,
    name: str | None,
) -> Tensor:
    with name_scope(name, default_name, [value]) as scope:
        result: Tensor = declaration(
            value,
            ksize=windows.for_format(ksize, data_format, "ksize"),
            strides=windows.for_format(strides, data_format, "strides"),
            padding=padding,
            data_format=data_format,
            name=scope,
        )
        return result


def max_pool(
    value: Any = None,
    ksize: Any = None,
    strides: Any = None,
    padding: Any = None,
    data_format: str = "NHWC",
    name: str | None = None,
    input: Any = None,
) -> Tensor:
    """The greatest value of each window of ``ksize`` (one number for each dimension), ``strides`` apart."""
    value = input if input is not None else value
    return _pool(MaxPool, "MaxPool", value, ksize, strides, padding, data_format, name)


def avg_pool(
    value: Any = None,
    ksize: Any = None,
    strides: Any = None,
    padding: Any = None,
    data_format: str = "NHWC",
    name: str | None = None,
    input: Any = None,
) -> Tensor:
    """The mean of each window; padding does not count."""
    value = input if input is not None else value
    return _pool(AvgPool, "AvgPool", value, ksize, strides, padding, data_format, name)


def max_pool3d(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NDHWC",
    name: str | None = None,
) -> Tensor:
    """The greatest value of each window of a volume."""
    return _pool(MaxPool3D, "MaxPool3D", input, ksize, strides, padding, data_format, name)


def avg_pool3d(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NDHWC",
    name: str | None = None,
) -> Tensor:
    """The mean of each window of a volume."""
    return _pool(AvgPool3D, "AvgPool3D", input, ksize, strides, padding, data_format, name)


def max_pool_with_argmax(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    Targmax: Any = None,
    name: str | None = None,
    output_dtype: Any = None,
    include_batch_in_index: bool = False,
) -> Any:
    """(greatest values, where they are in the flattened image)."""
    if data_format != "NHWC":
        raise ValueError(
            f"`data_format` values other than 'NHWC' are not supported. Received: {data_format}"
        )
    return MaxPoolWithArgmax(
        input,
        ksize=windows.for_format(ksize, data_format, "ksize"),
        strides=windows.for_format(strides, data_format, "strides"),
        Targmax=Targmax if Targmax is not None else output_dtype or "int64",
        padding=padding,
        include_batch_in_index=include_batch_in_index,
        name=name,
    )
