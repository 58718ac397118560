"""``tf.image``: pictures."""

from __future__ import annotations

from evergraph.tf1.lazy import namespace

_TABLE = {
    "evergraph.ops.image_boxes": "crop_and_resize",
    "evergraph.ops.image_colors": "hsv_to_rgb rgb_to_hsv",
    "evergraph.ops.image_resizing": (
        "resize_area resize_bicubic resize_bilinear resize_nearest_neighbor"
    ),
}

__getattr__, __dir__ = namespace(__name__, "tf.image", _TABLE)
