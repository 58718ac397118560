"""Matrices as products of simpler ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph.graph.registry import op


@op(
    "Qr",
    "input: T -> q: T, r: T",
    full_matrices=False,
    T="{double, float, half, complex64, complex128}",
)
class Qr:
    def shape(c):
        dims = c.shape(0)
        if dims is None:
            return [None, None]
        if len(dims) < 2:
            raise ValueError(f"Shape must be at least rank 2 but is rank {len(dims)}")
        *batch, rows, columns = dims
        if c["full_matrices"]:
            inner = rows
        elif rows is None or columns is None:
            inner = None
        else:
            inner = min(rows, columns)
        return [(*batch, rows, inner), (*batch, inner, columns)]

    def compute(xp, input, *, full_matrices):
        # NumPy has no factorization of the narrow type.
        wide = input.astype(np.float32) if input.dtype == np.float16 else input
        q, r = xp.linalg.qr(wide, mode="complete" if full_matrices else "reduced")
        return q.astype(input.dtype), r.astype(input.dtype)


def qr(input: Any, full_matrices: bool = False, name: str | None = None) -> Any:
    """The matrices ``q`` (orthogonal) and ``r`` (upper triangular) of ``input``, [..., M, N]:
    ``input = q @ r``.

    ``q`` has min(M, N) columns, or M with ``full_matrices``.
    """
    return Qr(input, full_matrices=full_matrices, name=name)
