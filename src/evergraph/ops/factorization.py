"""Matrices as products of simpler ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph.graph.registry import op
from evergraph.ops.casts import cast
from evergraph.ops.complex_numbers import real
from evergraph.ops.diagonals import matrix_band_part
from evergraph.ops.linear_algebra import matrix_triangular_solve
from evergraph.ops.matmul import matmul
from evergraph.ops.matrix_bands import matrix_diag, matrix_diag_part
from evergraph.ops.transposing import matrix_transpose


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

    def gradient(op, dq, dr):
        from evergraph.ops.concatenation import concat

        (a,), (q, r) = op.inputs, op.outputs
        if r.dims is None or None in r.dims[-2:]:
            raise NotImplementedError(
                "QrGrad not implemented with dynamic shapes. The shape of the input must be known."
            )
        (_, inner), columns = q.dims[-2:], r.dims[-1]
        if op.attrs["full_matrices"] and inner > columns:
            raise NotImplementedError(
                "QrGrad not implemented when nrows > ncols and full_matrices is true."
            )
        if inner >= columns:
            return _tall_gradient(q, r, dq, dr)
        # The columns beyond the square part are q times those of r.
        beyond, dv = a[..., inner:], dr[..., inner:]
        dx = _tall_gradient(
            q, r[..., :inner], dq + matmul(beyond, dv, adjoint_b=True), dr[..., :inner]
        )
        return concat([dx, matmul(q, dv)], axis=-1)


def _adjoint(x: Any) -> Any:
    return matrix_transpose(x, conjugate=True)


def _by_inverse(x: Any, r: Any) -> Any:
    """``x @ adjoint(inverse(r))`` for an upper triangle ``r``."""
    return _adjoint(matrix_triangular_solve(r, _adjoint(x), lower=False, adjoint=False))


def _tall_gradient(q: Any, r: Any, dq: Any, dr: Any) -> Any:
    """The gradient for at least as many rows as columns (Walter and Lehmann 2012)."""
    qdq = matmul(q, dq, adjoint_a=True)
    rdr = matmul(r, dr, adjoint_b=True)
    skew = qdq - _adjoint(qdq) + (rdr - _adjoint(rdr))
    lower = matrix_band_part(skew, -1, 0)
    result = matmul(q, dr + _by_inverse(lower, r)) + _by_inverse(dq - matmul(q, qdq), r)
    if not q.dtype.is_complex:
        return result
    m = rdr - _adjoint(qdq)
    diagonal = matrix_diag(matrix_diag_part(m))
    turned = diagonal - cast(real(diagonal), q.dtype)
    return result + _by_inverse(matmul(q, _adjoint(turned)), r)


def qr(input: Any, full_matrices: bool = False, name: str | None = None) -> Any:
    """The matrices ``q`` (orthogonal) and ``r`` (upper triangular) of ``input``, [..., M, N]:
    ``input = q @ r``.

    ``q`` has min(M, N) columns, or M with ``full_matrices``.
    """
    return Qr(input, full_matrices=full_matrices, name=name)
