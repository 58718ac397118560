"""The array functions that nearly every family builds with, under one name."""

from __future__ import annotations

from evergraph.ops.filling import fill, ones, ones_like, zeros, zeros_like
from evergraph.ops.passing import (
    identity,
    identity_n,
    no_op,
    placeholder,
    placeholder_with_default,
    stop_gradient,
)
from evergraph.ops.shaping import expand_dims, rank, reshape, shape, shape_n, size, squeeze

__all__ = [
    "expand_dims",
    "fill",
    "identity",
    "identity_n",
    "no_op",
    "ones",
    "ones_like",
    "placeholder",
    "placeholder_with_default",
    "rank",
    "reshape",
    "shape",
    "shape_n",
    "size",
    "squeeze",
    "stop_gradient",
    "zeros",
    "zeros_like",
]
