"""``tf.linalg``: matrices."""

from __future__ import annotations

from evergraph.tf1.lazy import namespace

_TABLE = {
    "evergraph.ops.clip": "global_norm",
    "evergraph.ops.diagonals": (
        "band_part=matrix_band_part eye tensor_diag=diag tensor_diag_part=diag_part"
    ),
    "evergraph.ops.matmul": "matmul matvec",
    "evergraph.ops.matrix_bands": (
        "diag=matrix_diag diag_part=matrix_diag_part set_diag=matrix_set_diag"
    ),
    "evergraph.ops.transposing": "matrix_transpose transpose=matrix_transpose",
    "evergraph.ops.factorization": "qr",
    "evergraph.ops.linear_algebra": (
        "cholesky cholesky_solve det=matrix_determinant eigh=self_adjoint_eig "
        "eigvalsh=self_adjoint_eigvals inv=matrix_inverse solve=matrix_solve svd "
        "triangular_solve=matrix_triangular_solve"
    ),
    "evergraph.ops.moments": "l2_normalize",
    "evergraph.ops.tensordot": "tensordot",
}

__getattr__, __dir__ = namespace(__name__, "tf.linalg", _TABLE)
