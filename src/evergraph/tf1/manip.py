"""``tf.manip``: moving elements."""

from __future__ import annotations

from evergraph.tf1.lazy import namespace

_TABLE = {
    "evergraph.ops.picking_nd": "gather_nd",
    "evergraph.ops.scattering": "scatter_nd",
    "evergraph.ops.shaping": "reshape",
    "evergraph.ops.space_batch": "batch_to_space_nd space_to_batch_nd",
    "evergraph.ops.tiling": "tile",
    "evergraph.ops.transposing": "reverse roll",
}

__getattr__, __dir__ = namespace(__name__, "tf.manip", _TABLE)
