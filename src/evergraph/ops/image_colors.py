"""Colors and contrast of images: the last dimension is a pixel's channels."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph import shape as shapes
from evergraph.graph.registry import op
from evergraph.graph.tensor import Tensor
from evergraph.ops.shaping import at_least

_COLOR_FLOATS = "{half, bfloat16, float, double} = DT_FLOAT"


def _wide(images: Any) -> Any:
    """The narrow floats are computed as float32."""
    return images if images.dtype.itemsize > 2 else images.astype(np.float32)


def _colored(c):
    dims = at_least(c.shape(0), 1)
    if dims is not None and dims[-1] not in (None, 3):
        raise ValueError(f"Dimension must be 3 but is {dims[-1]}")
    return None if dims is None else (*dims[:-1], 3)


def _adjusted(c):
    shapes.with_rank(c.shape(1), 0)
    return at_least(c.shape(0), 3)


def _check_colors(images: Any, kind: Any = errors.InvalidArgumentError) -> None:
    if not images.ndim or images.shape[-1] != 3:
        raise kind(
            None,
            None,
            f"input must have 3 channels but instead has shape {shapes.text(images.shape)}",
        )


def _to_hsv(xp: Any, rgb: Any) -> tuple[Any, Any, Any]:
    """Hue (in turns), saturation, value."""
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    value = rgb.max(-1)
    spread = value - rgb.min(-1)
    saturation = xp.where(value > 0, spread / xp.where(value > 0, value, 1), 0)
    scale = 1 / (6 * xp.where(spread > 0, spread, 1))
    hue = xp.where(
        red == value,
        scale * (green - blue),
        xp.where(
            green == value, scale * (blue - red) + 2.0 / 6.0, scale * (red - green) + 4.0 / 6.0
        ),
    )
    hue = xp.where(spread > 0, hue, 0)
    return xp.where(hue < 0, hue + 1, hue), saturation, value


def _shares(xp: Any, hue: Any) -> list[Any]:
    """Where each channel lies between the smallest and the largest, for a hue."""
    turn = hue * 6
    channels = (xp.abs(turn - 3) - 1, 2 - xp.abs(turn - 2), 2 - xp.abs(turn - 4))
    return [xp.clip(one, 0, 1) for one in channels]


def _to_rgb(xp: Any, hue: Any, saturation: Any, value: Any) -> Any:
    return xp.stack(
        [(1 - saturation + saturation * share) * value for share in _shares(xp, hue)], -1
    )


@op("RGBToHSV", "images: T -> output: T", T=_COLOR_FLOATS)
class RGBToHSV:
    shape = _colored

    def compute(xp, images):
        _check_colors(images, errors.FailedPreconditionError)
        return xp.stack(_to_hsv(xp, _wide(images)), -1).astype(images.dtype)


def rgb_to_hsv(images: Any, name: str | None = None) -> Tensor:
    """Red, green, blue (in [0, 1]) as hue, saturation, value."""
    return RGBToHSV(images, name=name)


@op("HSVToRGB", "images: T -> output: T", T=_COLOR_FLOATS)
class HSVToRGB:
    shape = _colored

    def compute(xp, images):
        _check_colors(images, errors.FailedPreconditionError)
        hsv = _wide(images)
        return _to_rgb(xp, hsv[..., 0], hsv[..., 1], hsv[..., 2]).astype(images.dtype)

    gradient = None


def hsv_to_rgb(images: Any, name: str | None = None) -> Tensor:
    """The reverse of ``rgb_to_hsv``."""
    return HSVToRGB(images, name=name)


def _check_images(images: Any) -> None:
    if images.ndim < 3:
        raise errors.InvalidArgumentError(
            None, None, f"input must be at least 3-D, got shape {shapes.text(images.shape)}"
        )


@op("AdjustContrastv2", "images: T, contrast_factor: float -> output: T", T="{half, float} = DT_FLOAT")  # fmt: skip
class AdjustContrastv2:
    shape = _adjusted

    def compute(xp, images, contrast_factor):
        _check_images(images)
        if not images.size:
            return images
        wide = _wide(images)
        mean = wide.mean((-3, -2), keepdims=True, dtype=np.float64).astype(wide.dtype)
        return ((wide - mean) * contrast_factor + mean).astype(images.dtype)


# Deprecated at GraphDef version 2.
@op(
    "AdjustContrast",
    "images: T, contrast_factor: float, min_value: float, max_value: float -> output: float",
    T="{uint8, int8, int16, int32, int64, float, double}",
)
class AdjustContrast:
    shape = _adjusted

    def compute(xp, images, contrast_factor, min_value, max_value):
        _check_images(images)
        wide = images.astype(np.float32)
        mean = wide.mean((-3, -2), keepdims=True, dtype=np.float64).astype(np.float32)
        return xp.clip((wide - mean) * contrast_factor + mean, min_value, max_value).astype(
            np.float32
        )


@op("AdjustHue", "images: T, delta: float -> output: T", T="{half, float} = DT_FLOAT")
class AdjustHue:
    shape = _adjusted

    def compute(xp, images, delta):
        _check_images(images)
        _check_colors(images)
        wide = _wide(images)
        hue, _, top = _to_hsv(xp, wide)
        # From the extremes themselves: saturation says nothing of colors below zero.
        low = wide.min(-1)
        shares = _shares(xp, (hue + delta) % 1)
        return xp.stack([low + share * (top - low) for share in shares], -1).astype(images.dtype)


@op("AdjustSaturation", "images: T, scale: float -> output: T", T="{half, float} = DT_FLOAT")
class AdjustSaturation:
    shape = _adjusted

    def compute(xp, images, scale):
        _check_images(images)
        _check_colors(images)
        hue, saturation, value = _to_hsv(xp, _wide(images))
        return _to_rgb(xp, hue, xp.clip(saturation * scale, 0, 1), value).astype(images.dtype)
