"""Convolutions over any number of dimensions, with holes in the window: tf.nn.convolution, conv1d, with_space_to_batch.

Windows with holes become windows without by laying the pixels of one residue class side by side (SpaceToBatchND), and
back again afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from evergraph.formats import dtypes
from evergraph.graph.constant_value import constant_value
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.scopes import name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.concatenation import concat
from evergraph.ops.convolution import Conv2D, Conv3D, padding_attributes
from evergraph.ops.shaping import renamed
from evergraph.ops.space_batch import (
    batch_to_space_nd,
    required_space_to_batch_paddings,
    space_to_batch_nd,
)
from evergraph.ops.stacking import stack
from evergraph.ops.windows import per_dimension

Operation = Callable[[Tensor, str], Tensor]


def _first(data_format: str | None) -> bool:
    return data_format is not None and data_format.startswith("NC")


def with_space_to_batch(
    input: Tensor,
    dilation_rate: Any,
    padding: Any,
    op: Operation,
    filter_shape: Any = None,
    data_format: str | None = None,
) -> Tensor:
    """``op(input, padding)`` as if its window had holes: its pixels ``dilation_rate`` apart.

    ``filter_shape`` begins with the window's sizes and is needed for padding SAME. Raises ValueError where it is
    missing, or a rate is less than 1.
    """
    rates = convert_to_tensor(dilation_rate, dtypes.int32, name="dilation_rate")
    known = constant_value(rates)
    if known is not None and (known < 1).any():
        raise ValueError(f"`dilation_rate` must be positive. Received: dilation_rate={known}")
    if known is not None and (known == 1).all():
        return op(input, padding)
    count = rates.shape.num_elements()
    if count is None:
        raise ValueError(f"`dilation_rate.shape` must be fully defined. Received: {rates}")
    base = _base_paddings(
        padding, filter_shape, count, rates if known is None else known, data_format
    )
    first = 2 if _first(data_format) else 1
    places = range(first, first + count)
    sizes: Any = None if input.dims is None else [input.dims[place] for place in places]
    if sizes is None or None in sizes:
        shape = array.shape(input)
        sizes = stack([shape[place] for place in places])
    paddings, crops = required_space_to_batch_paddings(
        input_shape=sizes, base_paddings=base, block_shape=rates
    )
    rates, paddings, crops = (
        _with_channels(value, fill, first)
        for value, fill in ((rates, 1), (paddings, 0), (crops, 0))
    )
    result = op(space_to_batch_nd(input, rates, paddings), "VALID")
    return batch_to_space_nd(result, rates, crops)


def _base_paddings(
    padding: Any, filter_shape: Any, count: int, rates: Any, data_format: str | None
) -> Any:
    """[before, after] of each spatial dimension, for a window with its holes."""
    if isinstance(padding, (list, tuple)):
        pairs = np.array(padding, np.int32).reshape(-1, 2)
        return pairs[2:] if _first(data_format) else pairs[1:-1]
    if padding == "VALID":
        return np.zeros([count, 2], np.int32)
    if padding != "SAME":
        raise ValueError(f"`padding` must be one of 'SAME' or 'VALID'. Received: padding={padding}")
    if filter_shape is None:
        raise ValueError("`filter_shape` must be specified for `padding='SAME'`.")
    sizes = convert_to_tensor(filter_shape, name="filter_shape")
    known = constant_value(sizes)
    extra = ((sizes if known is None else known)[:count] - 1) * rates
    before = extra // 2
    after = extra - before
    return stack([[before[i], after[i]] for i in range(count)])


def _with_channels(values: Tensor, fill: int, first: int) -> Any:
    """``values`` of the spatial dimensions, preceded by ``fill`` for the channels where these come first."""
    known = constant_value(values)
    parts: list[Any] = [] if known is None else [known]
    if first > 1:
        inner: list[Any] = values.shape.as_list()[1:]
        before = np.full([first - 1, *inner], fill, values.dtype.as_numpy_dtype)
        parts = [before, *(parts or [values])]
    elif known is None:
        return values
    return np.concatenate(parts) if known is not None else concat(parts, 0)


def convolution(
    input: Any,
    filter: Any = None,
    padding: Any = "VALID",
    strides: Any = None,
    dilation_rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    filters: Any = None,
    dilations: Any = None,
) -> Tensor:
    """The convolution over 1 to 3 dimensions; which it is, the rank of ``filter`` ([*window, in, out]) says.

    ``strides`` and ``dilation_rate``: a number for each spatial dimension. Raises ValueError where ranks are unknown or
    do not fit.
    """
    filter = renamed("filters", filters, "filter", filter)
    dilation_rate = renamed("dilations", dilations, "dilation_rate", dilation_rate)
    if not hasattr(filter, "dtype"):
        filter = convert_to_tensor(filter, name="filters")
    if not hasattr(input, "dtype"):
        input = convert_to_tensor(input, name="input")
    ranks = filter.shape.ndims, input.shape.ndims
    rank = ranks[0] if ranks[0] is not None else ranks[1]
    if rank is None:
        raise ValueError(
            "One of `input.shape.rank` or `filters.shape.rank` must be known. "
            f"Received: input.shape={input.shape} and filters.shape={filter.shape}"
        )
    count = rank - 2
    if count not in (1, 2, 3):
        raise ValueError(f"A convolution is over 1, 2 or 3 dimensions, not {count}")
    first = _first(data_format)
    spread = per_dimension(dilation_rate, count, first, "dilations")
    steps = per_dimension(strides, count, first, "strides")
    with name_scope(name, None if name else "convolution", [input, filter]) as scope:
        if all(rate == 1 for rate in spread):
            return _plain(count, input, filter, steps, padding, data_format, scope)
        spatial = slice(2, None) if first else slice(1, -1)
        if any(step != 1 for step in steps[spatial]):
            raise ValueError(
                f"`strides > 1` not supported in conjunction with `dilations > 1`. "
                f"Received: strides={steps} and dilations={spread}"
            )
        return with_space_to_batch(
            convert_to_tensor(input, name="input"),
            spread[spatial],
            padding,
            lambda x, scheme: _plain(count, x, filter, steps, scheme, data_format, scope),
            filter.shape,
            data_format,
        )


def _plain(
    count: int,
    input: Any,
    kernel: Any,
    strides: Sequence[int],
    padding: Any,
    data_format: str | None,
    name: str,
) -> Tensor:
    """A convolution over ``count`` dimensions of a window without holes."""
    if count == 1:
        return conv1d(input, kernel, strides, padding, data_format=data_format, name=name)
    data_format = data_format or {2: "NHWC", 3: "NDHWC"}[count]
    if count == 3:
        volume: Tensor = Conv3D(
            input, kernel, strides=strides, padding=padding, data_format=data_format, name=name
        )
        return volume
    scheme, explicit = padding_attributes(padding, data_format)
    image: Tensor = Conv2D(
        input,
        kernel,
        strides=strides,
        padding=scheme,
        explicit_paddings=explicit,
        data_format=data_format,
        name=name,
    )
    return image


def conv1d(
    value: Any = None,
    filters: Any = None,
    stride: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool | None = None,
    data_format: str | None = None,
    name: str | None = None,
    input: Any = None,
    dilations: Any = None,
) -> Tensor:
    """The convolution of sequences [batch, steps, channels] with ``filters`` ([width, in, out]).

    Raises ValueError for a ``data_format`` that is none of sequences.
    """
    value = renamed("input", input, "value", value)
    with name_scope(name, "conv1d", [value, filters]) as scope:
        if data_format in (None, "NHWC", "NWC"):
            layout, place = "NHWC", -3
        elif data_format in ("NCHW", "NCW"):
            layout, place = "NCHW", -2
        else:
            raise ValueError(f"`data_format` must be 'NWC' or 'NCW'. Received: {data_format}")
        first = layout == "NCHW"
        strides = [1, *per_dimension(stride, 1, first, "stride")]
        spread = [1, *per_dimension(dilations, 1, first, "dilations")]
        value = array.expand_dims(value, place)
        kernel = array.expand_dims(filters, 0)
        result = Conv2D(
            value,
            kernel,
            strides=strides,
            padding=padding,
            use_cudnn_on_gpu=True if use_cudnn_on_gpu is None else use_cudnn_on_gpu,
            data_format=layout,
            dilations=spread,
            name=scope,
        )
        return array.squeeze(result, [place])


def atrous_conv2d(
    value: Any, filters: Any, rate: int, padding: str, name: str | None = None
) -> Tensor:
    """The convolution of images with a window that has holes, its pixels ``rate`` apart."""
    return convolution(
        value, filters, padding=padding, dilation_rate=np.broadcast_to(rate, (2,)), name=name
    )
