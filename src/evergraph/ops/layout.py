"""What moves, repeats or surrounds elements, under one name."""

from __future__ import annotations

from evergraph.ops.padding import pad
from evergraph.ops.space_batch import (
    batch_to_space,
    batch_to_space_nd,
    depth_to_space,
    required_space_to_batch_paddings,
    space_to_batch,
    space_to_batch_nd,
    space_to_depth,
)
from evergraph.ops.tiling import (
    broadcast_dynamic_shape,
    broadcast_static_shape,
    broadcast_to,
    meshgrid,
    tile,
)
from evergraph.ops.transposing import (
    invert_permutation,
    matrix_transpose,
    reverse,
    reverse_sequence,
    roll,
    transpose,
)

__all__ = [
    "batch_to_space",
    "batch_to_space_nd",
    "broadcast_dynamic_shape",
    "broadcast_static_shape",
    "broadcast_to",
    "depth_to_space",
    "invert_permutation",
    "matrix_transpose",
    "meshgrid",
    "pad",
    "required_space_to_batch_paddings",
    "reverse",
    "reverse_sequence",
    "roll",
    "space_to_batch",
    "space_to_batch_nd",
    "space_to_depth",
    "tile",
    "transpose",
]
