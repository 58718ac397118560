"""Picking, placing and choosing elements, under one name."""

from __future__ import annotations

from evergraph.ops.one_hot import one_hot
from evergraph.ops.partitioning import dynamic_partition, dynamic_stitch, parallel_dynamic_stitch
from evergraph.ops.picking import batch_gather, gather
from evergraph.ops.picking_nd import batch_gather_nd, gather_nd
from evergraph.ops.scattering import (
    scatter_nd,
    sparse_to_dense,
    tensor_scatter_nd_add,
    tensor_scatter_nd_sub,
    tensor_scatter_nd_update,
)
from evergraph.ops.selection import boolean_mask, where, where_v2
from evergraph.ops.uniqueness import listdiff, setdiff1d, sparse_mask, unique, unique_with_counts

__all__ = [
    "batch_gather",
    "batch_gather_nd",
    "boolean_mask",
    "dynamic_partition",
    "dynamic_stitch",
    "gather",
    "gather_nd",
    "listdiff",
    "one_hot",
    "parallel_dynamic_stitch",
    "scatter_nd",
    "setdiff1d",
    "sparse_mask",
    "sparse_to_dense",
    "tensor_scatter_nd_add",
    "tensor_scatter_nd_sub",
    "tensor_scatter_nd_update",
    "unique",
    "unique_with_counts",
    "where",
    "where_v2",
]
