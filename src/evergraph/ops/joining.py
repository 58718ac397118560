"""Joining tensors and taking them apart, under one name."""

from __future__ import annotations

from evergraph.ops.concatenation import concat, parallel_stack
from evergraph.ops.splitting import split
from evergraph.ops.stacking import pack, stack, unpack, unstack

__all__ = ["concat", "pack", "parallel_stack", "split", "stack", "unpack", "unstack"]
