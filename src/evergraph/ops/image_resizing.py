"""Images of another size: bilinear, bicubic, nearest, by area. ``images`` is ``[batch, height, width, channels]``.

Each way of resizing is separable: for one axis, which input pixels an output pixel looks at and with which
weights. Sources of the formulas: TensorFlow's core/util/image_resizer_state.h and core/kernels/image/resize_*.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from evergraph import errors
from evergraph.graph import shape as shapes
from evergraph.graph.registry import op
from evergraph.graph.tensor import Tensor

_IMAGES = "{int8, uint8, int16, uint16, int32, int64, half, float, double, bfloat16}"
_TABLE_SIZE = 1 << 10


class _Axis(NamedTuple):
    """One axis of a resize: its size before and after, and how positions correspond."""

    before: int
    after: int
    align_corners: bool
    half_pixel_centers: bool

    @property
    def scale(self) -> Any:
        if self.align_corners and self.after > 1:
            return np.float32((self.before - 1) / np.float32(self.after - 1))
        return np.float32(self.before) / np.float32(self.after)

    def positions(self) -> Any:
        """Where the output pixels lie among the input pixels."""
        out = np.arange(self.after, dtype=np.float32)
        if self.half_pixel_centers:
            return (out + np.float32(0.5)) * self.scale - np.float32(0.5)
        return out * self.scale


def _axes(images: Any, size: Any, align_corners: bool, half_pixel_centers: bool) -> list[_Axis]:
    if align_corners and half_pixel_centers:
        raise errors.InvalidArgumentError(
            None, None, "If half_pixel_centers is True, align_corners must be False."
        )
    if images.ndim != 4:
        raise errors.InvalidArgumentError(
            None, None, f"input must be 4-dimensional {shapes.text(images.shape)}"
        )
    if np.shape(size) != (2,):
        raise errors.InvalidArgumentError(
            None, None, f"shape_t must have two elements {shapes.text(np.shape(size))}"
        )
    if not all(int(n) > 0 for n in size):
        raise errors.InvalidArgumentError(
            None, None, f"output dimensions must be positive, got {[int(n) for n in size]}"
        )
    if not images.shape[1] or not images.shape[2]:
        raise errors.InvalidArgumentError(None, None, "input image must be of non-zero size")
    return [
        _Axis(images.shape[i + 1], int(size[i]), align_corners, half_pixel_centers) for i in (0, 1)
    ]


def _resized(c):
    dims = shapes.with_rank(c.shape(0), 4)
    if (given := c.shape(1)) is not None and len(given) != 1:
        raise ValueError(f"Shape must be rank 1 but is rank {len(given)}")
    size = c.value(1)
    if size is None:
        return dims[0], None, None, dims[3]
    if len(size) != 2:
        raise ValueError(f"Dimension must be 2 but is {len(size)}")
    return dims[0], int(size[0]), int(size[1]), dims[3]


def _grown(c):
    """The gradient of an image has the image's size, the gradient's batch."""
    if c.shape(0) is None or c.shape(1) is None:
        return None
    grads, image = shapes.with_rank(c.shape(0), 4), shapes.with_rank(c.shape(1), 4)
    return grads[0], image[1], image[2], grads[3]


def _matrix(axis: _Axis, indices: Any, weights: Any) -> Any:
    """``[after, before]``: how much of each input pixel is in each output pixel."""
    matrix = np.zeros((axis.after, axis.before), weights.dtype)
    np.add.at(matrix, (np.arange(axis.after)[:, None], indices), weights)
    return matrix


def _spread(grads: Any, rows: Any, columns: Any) -> Any:
    """What of ``grads`` comes to each input pixel, given the two axes' matrices."""
    return np.einsum("bhwc,hy,wx->byxc", grads, rows, columns, optimize=True)


# ----------------------------------------------------------------------------------------- bilinear


def _linear(axis: _Axis) -> tuple[Any, Any, Any]:
    """For each output pixel the two input pixels around it, and how far it is on the way."""
    place = axis.positions()
    floor = np.floor(place)
    low = np.maximum(floor, 0).astype(np.int64)
    high = np.minimum(floor + 1, axis.before - 1).astype(np.int64)
    return np.minimum(low, axis.before - 1), high, (place - floor).astype(np.float32)


@op(
    "ResizeBilinear",
    "images: T, size: int32 -> resized_images: float",
    T="{int8, uint8, int16, uint16, int32, int64, bfloat16, half, float, double, bfloat16}",
    align_corners=False,
    half_pixel_centers=False,
    static="size",
)
class ResizeBilinear:
    shape = _resized

    def compute(xp, images, size, *, align_corners, half_pixel_centers):
        vertical, horizontal = _axes(images, size, align_corners, half_pixel_centers)
        pixels = images.astype(np.float32)
        top, bottom, down = _linear(vertical)
        left, right, across = _linear(horizontal)
        across = across[:, None]
        upper, lower = pixels[:, top], pixels[:, bottom]
        over = upper[:, :, left] + (upper[:, :, right] - upper[:, :, left]) * across
        under = lower[:, :, left] + (lower[:, :, right] - lower[:, :, left]) * across
        return over + (under - over) * down[:, None, None]

    def gradient(op, grad):
        if op.inputs[0].dtype.name not in ("float32", "float64", "float16", "bfloat16"):
            return None, None
        back = ResizeBilinearGrad(grad, op.inputs[0], **_options(op))
        return back, None


def _options(op: Any) -> dict[str, Any]:
    return {key: op.attrs[key] for key in ("align_corners", "half_pixel_centers")}


@op(
    "ResizeBilinearGrad",
    "grads: float, original_image: T -> output: T",
    T="{float, bfloat16, half, double}",
    align_corners=False,
    half_pixel_centers=False,
)
class ResizeBilinearGrad:
    shape = _grown

    def compute(xp, grads, original_image, *, align_corners, half_pixel_centers):
        matrices = []
        for axis in _axes(original_image, grads.shape[1:3], align_corners, half_pixel_centers):
            low, high, part = _linear(axis)
            weights = np.stack([1 - part, part], 1)
            matrices.append(_matrix(axis, np.stack([low, high], 1), weights))
        wide = np.float64 if original_image.dtype == np.float64 else np.float32
        return _spread(grads.astype(wide), *matrices).astype(original_image.dtype)


# ------------------------------------------------------------------------------------------ nearest


def _nearest(axis: _Axis) -> Any:
    out = np.arange(axis.after, dtype=np.float32)
    place = (out + np.float32(0.5) if axis.half_pixel_centers else out) * axis.scale
    # Halves go up: C's roundf, not Python's.
    whole = np.floor(place + np.float32(0.5)) if axis.align_corners else np.floor(place)
    return np.clip(whole, 0, axis.before - 1).astype(np.int64)


@op(
    "ResizeNearestNeighbor",
    "images: T, size: int32 -> resized_images: T",
    T=_IMAGES,
    align_corners=False,
    half_pixel_centers=False,
    static="size",
)
class ResizeNearestNeighbor:
    shape = _resized

    def compute(xp, images, size, *, align_corners, half_pixel_centers):
        vertical, horizontal = _axes(images, size, align_corners, half_pixel_centers)
        return images[:, _nearest(vertical)][:, :, _nearest(horizontal)]

    def gradient(op, grad):
        from evergraph.ops import array

        image = op.inputs[0]
        if image.dims is not None and None not in image.dims[1:3]:
            size = list(image.dims[1:3])
        else:
            size = array.shape(image)[1:3]
        return ResizeNearestNeighborGrad(grad, size, **_options(op)), None


@op(
    "ResizeNearestNeighborGrad",
    "grads: T, size: int32 -> output: T",
    T="{uint8, int8, int32, half, float, double, bfloat16}",
    align_corners=False,
    half_pixel_centers=False,
    static="size",
)
class ResizeNearestNeighborGrad:
    shape = _resized

    def compute(xp, grads, size, *, align_corners, half_pixel_centers):
        image = np.empty((grads.shape[0], int(size[0]), int(size[1]), grads.shape[3]), grads.dtype)
        vertical, horizontal = _axes(image, grads.shape[1:3], align_corners, half_pixel_centers)
        wide = np.float32 if grads.dtype.itemsize == 2 else grads.dtype
        total = np.zeros(image.shape, wide)
        rows, columns = _nearest(vertical)[:, None], _nearest(horizontal)[None, :]
        np.add.at(total, (slice(None), rows, columns), grads.astype(wide))
        return total.astype(grads.dtype)


# ------------------------------------------------------------------------------------------ bicubic


def _cubic_table(a: float) -> Any:
    """The cubic kernel between 0 and 1 (first row) and between 1 and 2, at steps of 1/1024."""
    x = np.arange(_TABLE_SIZE + 1, dtype=np.float64) / _TABLE_SIZE
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    x = x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.stack([near, far]).astype(np.float32)


def _cubic(axis: _Axis) -> tuple[Any, Any]:
    """For each output pixel four input pixels and their weights."""
    place = axis.positions()
    floor = np.floor(place)
    step = np.rint((place - floor) * np.float32(_TABLE_SIZE)).astype(np.int64)
    table = _cubic_table(-0.5 if axis.half_pixel_centers else -0.75)
    rest = _TABLE_SIZE - step
    weights = np.stack([table[1, step], table[0, step], table[0, rest], table[1, rest]], 1)
    indices = floor.astype(np.int64)[:, None] + np.arange(-1, 3)
    bounded = np.clip(indices, 0, axis.before - 1)
    if axis.half_pixel_centers:
        # What lies outside the image does not count; the others share its weight.
        weights = np.where(bounded == indices, weights, np.float32(0))
        total = weights.sum(1, keepdims=True)
        weights = np.where(
            np.abs(total) >= 1000 * np.finfo(np.float32).tiny, weights / total, weights
        )
    return bounded, weights


@op(
    "ResizeBicubic",
    "images: T, size: int32 -> resized_images: float",
    T=_IMAGES,
    align_corners=False,
    half_pixel_centers=False,
    static="size",
)
class ResizeBicubic:
    shape = _resized

    def compute(xp, images, size, *, align_corners, half_pixel_centers):
        vertical, horizontal = _axes(images, size, align_corners, half_pixel_centers)
        pixels = images.astype(np.float32)
        rows, weights = _cubic(vertical)
        pixels = sum(pixels[:, rows[:, k]] * weights[:, k, None, None] for k in range(4))
        columns, weights = _cubic(horizontal)
        return sum(pixels[:, :, columns[:, k]] * weights[:, k, None] for k in range(4))

    def gradient(op, grad):
        if op.inputs[0].dtype.name not in ("float32", "float64"):
            return None, None
        return ResizeBicubicGrad(grad, op.inputs[0], **_options(op)), None


@op(
    "ResizeBicubicGrad",
    "grads: float, original_image: T -> output: T",
    T="{float, double}",
    align_corners=False,
    half_pixel_centers=False,
)
class ResizeBicubicGrad:
    shape = _grown

    def compute(xp, grads, original_image, *, align_corners, half_pixel_centers):
        axes = _axes(original_image, grads.shape[1:3], align_corners, half_pixel_centers)
        matrices = [_matrix(axis, *_cubic(axis)) for axis in axes]
        return _spread(grads.astype(original_image.dtype), *matrices).astype(original_image.dtype)


# --------------------------------------------------------------------------------------------- area


def _shares(axis: _Axis) -> Any:
    """``[after, before]``: how much of each input pixel lies within each output pixel."""
    starts = np.arange(axis.after, dtype=np.float32) * axis.scale
    ends = (np.arange(axis.after, dtype=np.float32) + 1) * axis.scale
    matrix = np.zeros((axis.after, axis.before), np.float32)
    for row, (start, end) in enumerate(zip(starts, ends, strict=True)):
        for pixel in range(int(np.floor(start)), int(np.ceil(end))):
            if pixel < start:
                share = axis.scale if pixel + 1 > end else pixel + 1 - start
            else:
                share = end - pixel if pixel + 1 > end else 1.0
            matrix[row, min(pixel, axis.before - 1)] += share
    return matrix


@op(
    "ResizeArea",
    "images: T, size: int32 -> resized_images: float",
    T=_IMAGES,
    align_corners=False,
    static="size",
)
class ResizeArea:
    shape = _resized

    def compute(xp, images, size, *, align_corners):
        vertical, horizontal = _axes(images, size, align_corners, False)
        rows, columns = _shares(vertical), _shares(horizontal)
        total = np.einsum(
            "byxc,hy,wx->bhwc", images.astype(np.float32), rows, columns, optimize=True
        )
        return (total * (1 / (vertical.scale * horizontal.scale))).astype(np.float32)


# --------------------------------------------------------------------------------- building functions


def resize_bilinear(
    images: Any,
    size: Any,
    align_corners: bool = False,
    name: str | None = None,
    half_pixel_centers: bool = False,
) -> Tensor:
    """``images`` at ``size`` (height, width), as float32; between pixels, weighted by distance."""
    return ResizeBilinear(
        images, size, align_corners=align_corners, half_pixel_centers=half_pixel_centers, name=name
    )


def resize_nearest_neighbor(
    images: Any,
    size: Any,
    align_corners: bool = False,
    name: str | None = None,
    half_pixel_centers: bool = False,
) -> Tensor:
    """``images`` at ``size`` (height, width): each pixel is the nearest one."""
    return ResizeNearestNeighbor(
        images, size, align_corners=align_corners, half_pixel_centers=half_pixel_centers, name=name
    )


def resize_bicubic(
    images: Any,
    size: Any,
    align_corners: bool = False,
    name: str | None = None,
    half_pixel_centers: bool = False,
) -> Tensor:
    """``images`` at ``size`` (height, width), as float32, by cubic interpolation of 4 x 4 pixels."""
    return ResizeBicubic(
        images, size, align_corners=align_corners, half_pixel_centers=half_pixel_centers, name=name
    )


def resize_area(
    images: Any, size: Any, align_corners: bool = False, name: str | None = None
) -> Tensor:
    """``images`` at ``size`` (height, width), as float32: the mean of what a pixel covers."""
    return ResizeArea(images, size, align_corners=align_corners, name=name)
