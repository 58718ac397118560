"""Boxes cut out of images.

A box is ``[y1, x1, y2, x2]``. Source of the formulas: TensorFlow's core/kernels/image/crop_and_resize_op.cc.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from evergraph import errors
from evergraph.graph import shape as shapes
from evergraph.graph.registry import op
from evergraph.graph.tensor import Tensor

_IMAGES = "{uint8, uint16, int8, int16, int32, int64, half, float, double}"


def _refuse(sentence: str) -> None:
    raise errors.InvalidArgumentError(None, None, sentence)


class _Sampling(NamedTuple):
    """Along one axis, for every box: where the crop's pixels lie in the image; low, high, part, inside."""

    low: Any
    high: Any
    part: Any
    inside: Any
    place: Any

    @classmethod
    def of(cls, start: Any, end: Any, crop: int, size: int) -> _Sampling:
        last = np.float32(size - 1)
        if crop > 1:
            step = (end - start) * last / np.float32(crop - 1)
            place = start[:, None] * last + np.arange(crop, dtype=np.float32) * step[:, None]
        else:
            place = (np.float32(0.5) * (start + end) * last)[:, None]
        inside = (place >= 0) & (place <= last)
        safe = np.where(inside, place, 0)
        floor = np.floor(safe)
        return cls(
            floor.astype(np.int64), np.ceil(safe).astype(np.int64), safe - floor, inside, safe
        )


def _samplings(
    boxes: Any, box_ind: Any, crop: tuple[int, int], image: tuple[int, ...]
) -> list[_Sampling]:
    if boxes.ndim != 2 or boxes.shape[1] != 4 or box_ind.shape != boxes.shape[:1]:
        _refuse(
            f"boxes must have shape [n,4] and box_index [n], got {shapes.text(boxes.shape)} and "
            f"{shapes.text(box_ind.shape)}"
        )
    if boxes.size and not ((box_ind >= 0) & (box_ind < image[0])).all():
        raise errors.OutOfRangeError(None, None, "box_index has values outside [0, batch_size)")
    return [
        _Sampling.of(boxes[:, i].astype(np.float32), boxes[:, i + 2].astype(np.float32), n, size)
        for i, (n, size) in enumerate(zip(crop, image[1:3], strict=True))
    ]


def _cropped(c):
    image, boxes = shapes.with_rank(c.shape(0), 4), shapes.with_rank(c.shape(1), 2)
    count = shapes.merge(boxes[:1], shapes.with_rank(c.shape(2), 1))
    size = c.value(3)
    crop = (None, None) if size is None else (int(size[0]), int(size[1]))
    return (*(count or (None,)), *crop, image[3])


@op(
    "CropAndResize",
    "image: T, boxes: float, box_ind: int32, crop_size: int32 -> crops: float",
    T=_IMAGES,
    method="{'bilinear', 'nearest'} = 'bilinear'",
    extrapolation_value=0.0,
    static="crop_size",
)
class CropAndResize:
    shape = _cropped

    def compute(xp, image, boxes, box_ind, crop_size, *, method, extrapolation_value):
        if image.ndim != 4:
            _refuse(f"input image must be 4-D, got shape {shapes.text(image.shape)}")
        height, width = (int(n) for n in crop_size)
        if height <= 0 or width <= 0:
            _refuse(f"crop dimensions must be positive, got [{height},{width}]")
        rows, columns = _samplings(boxes, box_ind, (height, width), image.shape)
        batch = box_ind[:, None, None]

        def pixels(y, x):
            return image[batch, y[:, :, None], x[:, None, :]].astype(np.float32)

        if method == "nearest":
            # Halves go up: C's roundf, not Python's.
            found = pixels(*(np.floor(s.place + 0.5).astype(np.int64) for s in (rows, columns)))
        else:
            across, down = columns.part[:, None, :, None], rows.part[:, :, None, None]
            top, right = pixels(rows.low, columns.low), pixels(rows.low, columns.high)
            over = top + (right - top) * across
            top, right = pixels(rows.high, columns.low), pixels(rows.high, columns.high)
            under = top + (right - top) * across
            found = over + (under - over) * down
        inside = rows.inside[:, :, None] & columns.inside[:, None, :]
        return np.where(inside[..., None], found, np.float32(extrapolation_value)).astype(
            np.float32
        )

    def gradient(op, grad):
        from evergraph.ops import array

        image, boxes, box_ind, _ = op.inputs
        size = image.dims if image.dims and None not in image.dims else array.shape(image)
        kinds = ("float16", "float32", "float64")
        to_image = None
        if image.dtype.name in kinds:
            to_image = CropAndResizeGradImage(
                grad, boxes, box_ind, size, T=image.dtype, method=op.attrs["method"]
            )
        return [to_image, CropAndResizeGradBoxes(grad, image, boxes, box_ind), None, None]


@op(
    "CropAndResizeGradImage",
    "grads: float, boxes: float, box_ind: int32, image_size: int32 -> output: T",
    T="{float, half, double}",
    method="{'bilinear', 'nearest'} = 'bilinear'",
    static="image_size",
)
class CropAndResizeGradImage:
    def shape(c):
        return shapes.with_rank(c.value_as_shape(3), 4)

    def compute(xp, grads, boxes, box_ind, image_size, *, T, method):
        size = tuple(int(n) for n in image_size)
        rows, columns = _samplings(boxes, box_ind, grads.shape[1:3], size)
        total = np.zeros(size, np.float64)
        inside = (rows.inside[:, :, None] & columns.inside[:, None, :])[..., None]
        share = np.where(inside, grads, 0)
        batch = box_ind[:, None, None]
        if method == "nearest":
            y, x = (np.floor(s.place + 0.5).astype(np.int64) for s in (rows, columns))
            np.add.at(total, (batch, y[:, :, None], x[:, None, :]), share)
            return total.astype(T.as_numpy_dtype)
        down, across = rows.part[:, :, None, None], columns.part[:, None, :, None]
        for y, vertical in ((rows.low, 1 - down), (rows.high, down)):
            for x, horizontal in ((columns.low, 1 - across), (columns.high, across)):
                place = (batch, y[:, :, None], x[:, None, :])
                np.add.at(total, place, share * vertical * horizontal)
        return total.astype(T.as_numpy_dtype)


@op(
    "CropAndResizeGradBoxes",
    "grads: float, image: T, boxes: float, box_ind: int32 -> output: float",
    T=_IMAGES,
    method="{'bilinear'} = 'bilinear'",
)
class CropAndResizeGradBoxes:
    def shape(c):
        return c.shape(2)

    def compute(xp, grads, image, boxes, box_ind):
        height, width = grads.shape[1:3]
        rows, columns = _samplings(boxes, box_ind, (height, width), image.shape)
        batch = box_ind[:, None, None]

        def pixels(y, x):
            return image[batch, y[:, :, None], x[:, None, :]].astype(np.float64)

        top, right = pixels(rows.low, columns.low), pixels(rows.low, columns.high)
        bottom, corner = pixels(rows.high, columns.low), pixels(rows.high, columns.high)
        down, across = rows.part[:, :, None, None], columns.part[:, None, :, None]
        inside = (rows.inside[:, :, None] & columns.inside[:, None, :])[..., None]
        share = np.where(inside, grads, 0)
        by_y = ((1 - across) * (bottom - top) + across * (corner - right)) * share
        by_x = ((1 - down) * (right - top) + down * (corner - bottom)) * share
        # A single row or column lies in the middle of its box: each edge moves it half as far.
        y = (
            np.arange(height)[:, None, None] / (height - 1)
            if height > 1
            else np.full((1, 1, 1), 0.5)
        )
        x = np.arange(width)[:, None] / (width - 1) if width > 1 else np.full((1, 1), 0.5)
        last_y, last_x = image.shape[1] - 1, image.shape[2] - 1
        parts = [
            by_y * last_y * (1 - y),
            by_x * last_x * (1 - x),
            by_y * last_y * y,
            by_x * last_x * x,
        ]
        return np.stack([part.sum((1, 2, 3)) for part in parts], 1).astype(np.float32)


def crop_and_resize(
    image: Any,
    boxes: Any,
    box_ind: Any = None,
    crop_size: Any = None,
    method: str = "bilinear",
    extrapolation_value: float = 0,
    name: str | None = None,
    box_indices: Any = None,
) -> Tensor:
    """Each box (in coordinates from 0 to 1) of image ``box_ind``, at ``crop_size``; ``extrapolation_value`` outside."""
    from evergraph.ops.shaping import renamed

    return CropAndResize(
        image,
        boxes,
        renamed("box_indices", box_indices, "box_ind", box_ind),
        crop_size,
        method=method,
        extrapolation_value=extrapolation_value,
        name=name,
    )
