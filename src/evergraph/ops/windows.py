"""Windows that slide over the spatial dimensions of an image: where they lie, and how much padding they need.

Formulas of TensorFlow's padding schemes ("Convolution" in its nn guide): VALID gives ``ceil((in - span + 1) / stride)``
windows, SAME ``ceil(in / stride)`` with the smaller half of the padding in front; a window's span is
``(size - 1) * dilation + 1``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph.shape import Dims


@dataclass(frozen=True)
class Axis:
    """The windows along one spatial axis."""

    size: int
    stride: int
    dilation: int
    before: int
    after: int
    outputs: int

    def slice_of(self, position: int) -> slice:
        """In the padded input: what all windows have at ``position`` within them."""
        start = position * self.dilation
        return slice(start, start + (self.outputs - 1) * self.stride + 1, self.stride)


def output_size(
    size: int | None,
    window: int | None,
    stride: int,
    dilation: int,
    padding: str,
    explicit: tuple[int, int],
) -> int | None:
    """How many windows there are along an axis; None where that is not known. Raises ValueError where there
    is no room.
    """
    if padding == "SAME":
        return None if size is None else -(-size // stride)
    if size is None or window is None:
        return None
    span = (window - 1) * dilation + 1
    outputs = (size + sum(explicit) - span + stride) // stride
    if outputs < 0 or (outputs == 0 and size + sum(explicit) < span and size > 0):
        raise ValueError(
            f"Negative dimension size caused by subtracting {span} from {size + sum(explicit)}"
        )
    return outputs


def axis(
    size: int,
    window: int,
    stride: int,
    dilation: int,
    padding: str,
    explicit: tuple[int, int] = (0, 0),
) -> Axis:
    """The windows along an axis of ``size``. Raises InvalidArgumentError where there is no room for one."""
    try:
        outputs = output_size(size, window, stride, dilation, padding, explicit)
    except ValueError as error:
        raise errors.InvalidArgumentError(None, None, str(error)) from None
    assert outputs is not None
    if padding == "SAME":
        missing = max((outputs - 1) * stride + (window - 1) * dilation + 1 - size, 0)
        explicit = (missing // 2, missing - missing // 2)
    return Axis(window, stride, dilation, *explicit, outputs)


def spatial_axes(data_format: str) -> range:
    """Which axes of an image are spatial."""
    rank = 4 if "D" not in data_format[1:3] and len(data_format) == 4 else len(data_format)
    return range(2, rank) if data_format[1] == "C" else range(1, rank - 1)


def spatial(values: Sequence[int], data_format: str) -> list[int]:
    """The entries of a per-dimension attribute for the spatial dimensions."""
    return [values[i] for i in spatial_axes(data_format)]


def explicit_pairs(explicit: Sequence[int], data_format: str) -> list[tuple[int, int]]:
    """``explicit_paddings`` (before, after for every dimension) for the spatial dimensions; zeros where it is empty."""
    places = spatial_axes(data_format)
    if not explicit:
        return [(0, 0)] * len(places)
    return [(explicit[2 * i], explicit[2 * i + 1]) for i in places]


def axes(
    image: Sequence[int],
    window: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    padding: str,
    explicit: Sequence[int],
    data_format: str,
) -> list[Axis]:
    """The windows along each spatial axis of an image of shape ``image`` (channels last).

    ``window`` has a size for each spatial axis; ``strides``, ``dilations`` and ``explicit`` are the op's attributes.
    Raises InvalidArgumentError where there is no room for one window.
    """
    return [
        axis(size, span, stride, dilation, padding, pair)
        for size, span, stride, dilation, pair in zip(
            image[1:-1],
            window,
            spatial(strides, data_format),
            spatial(dilations, data_format),
            explicit_pairs(explicit, data_format),
            strict=True,
        )
    ]


def channels_last(xp: Any, x: Any, data_format: str) -> Any:
    """``x`` with its channels in the last dimension."""
    return xp.moveaxis(x, 1, -1) if data_format[1] == "C" else x


def channels_back(xp: Any, x: Any, data_format: str) -> Any:
    """The inverse of ``channels_last``."""
    if data_format[1] != "C":
        return x
    moved = xp.moveaxis(x, -1, 1)
    return np.ascontiguousarray(moved) if xp is np else moved


def pad(xp: Any, x: Any, axes: Sequence[Axis], value: Any = 0) -> Any:
    """An image (channels last) with the padding that its windows need."""
    if not any(one.before or one.after for one in axes):
        return x
    widths = [(0, 0), *[(max(one.before, 0), max(one.after, 0)) for one in axes], (0, 0)]
    padded = xp.pad(x, widths, constant_values=value)
    # SAME with strides larger than windows leaves pixels over; explicit padding may not be negative.
    return padded


def positions(axes: Sequence[Axis]) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...]]]:
    """Each place within a window, and the part of the padded image that all windows have there."""
    for place in itertools.product(*[range(one.size) for one in axes]):
        inner = tuple(one.slice_of(i) for one, i in zip(axes, place, strict=True))
        yield place, (slice(None), *inner, slice(None))


def unpad(x: Any, axes: Sequence[Axis], sizes: Sequence[int]) -> Any:
    """What lies under the image in an array made for the padded one."""
    inner = tuple(
        slice(one.before, one.before + size) for one, size in zip(axes, sizes, strict=True)
    )
    index = (slice(None), *inner, slice(None))
    return x[index]


def output_dims(
    dims: Dims,
    sizes: Sequence[int | None],
    strides: Sequence[int],
    dilations: Sequence[int],
    padding: str,
    explicit: Sequence[tuple[int, int]],
    channels: int | None,
    data_format: str,
) -> Dims:
    """The static shape of an image after windows have been slid over it."""
    places = spatial_axes(data_format)
    if dims is None:
        dims = (None,) * (len(places) + 2)
    elif len(dims) != len(places) + 2:
        raise ValueError(f"Shape must be rank {len(places) + 2} but is rank {len(dims)}")
    outputs = [
        output_size(dims[place], *rest)
        for place, *rest in zip(
            places, sizes, strides, dilations, [padding] * len(places), explicit, strict=True
        )
    ]
    return (dims[0], channels, *outputs) if data_format[1] == "C" else (dims[0], *outputs, channels)


def channel_axis(data_format: str) -> int:
    """Which axis of an image holds the channels."""
    return 1 if data_format[1] == "C" else -1


def per_dimension(values: Any, count: int, channels_first: bool, what: str) -> list[int]:
    """A number for each dimension, from one, from those of the ``count`` spatial dimensions, or from all.

    Raises ValueError where there are other numbers of them.
    """
    several = [1] if values is None else values
    given: list[Any] = [several] if isinstance(several, (int, np.integer)) else list(several)
    if len(given) == count + 2:
        return [int(value) for value in given]
    if len(given) == 1:
        given = given * count
    if len(given) != count:
        raise ValueError(
            f"{what} should be of length 1, {count} or {count + 2} but was {len(given)}"
        )
    return [1, 1, *given] if channels_first else [1, *given, 1]


def for_format(values: Any, data_format: str, what: str) -> list[int]:
    """``per_dimension`` for images of this ``data_format``."""
    return per_dimension(values, len(data_format) - 2, data_format[1] == "C", what)
