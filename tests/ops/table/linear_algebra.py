"""Inverses, determinants, equations, decompositions."""

from __future__ import annotations

import numpy as np

from tests.ops.rows import Input, bad, case, grid, row, value


def regular(*shape: int) -> Input:
    """Matrices far from singular."""
    inner = grid(*shape)

    def make(random, dtype):  # type: ignore[no-untyped-def]
        return (inner.make(random, dtype) + 4 * np.eye(shape[-1])).astype(dtype.as_numpy_dtype)

    return Input(make)


def definite(*shape: int) -> Input:
    """Self-adjoint matrices with positive eigenvalues."""
    inner = grid(*shape)

    def make(random, dtype):  # type: ignore[no-untyped-def]
        x = inner.make(random, dtype)
        x = x.astype(np.result_type(x.dtype, np.float32))
        whole = x @ np.conj(np.swapaxes(x, -1, -2)) + 4 * np.eye(shape[-1])
        return whole.astype(dtype.as_numpy_dtype)

    return Input(make)


SINGULAR = value([[1, 2], [2, 4]])
NARROW = {"T": {"half": "TensorFlow has no kernel for CPUs"}}
# Factors multiply what rounding leaves.
LOOSE = {"float": 2e-5, "complex64": 4e-5, "double": 1e-11, "complex128": 1e-11, "bfloat16": 0.05}

row("MatrixInverse", case(regular(2, 3, 3)), case(regular(3, 3), adjoint=True),
    bad("InvalidArgumentError", SINGULAR), bad("InvalidArgumentError", grid(2, 3)),
    exclude=NARROW, tolerance=LOOSE)  # fmt: skip
row("MatrixDeterminant", case(regular(2, 3, 3)), case(regular(1, 1)),
    bad("InvalidArgumentError", grid(2, 3)), exclude=NARROW, tolerance=LOOSE)  # fmt: skip
row("LogMatrixDeterminant", case(regular(2, 3, 3)), exclude=NARROW, tolerance=LOOSE)
row(
    "MatrixSolve",
    case(regular(2, 3, 3), grid(2, 3, 2)),
    case(regular(3, 3), grid(3, 1), adjoint=True),
    bad("InvalidArgumentError", SINGULAR, grid(2, 1)),
    bad("InvalidArgumentError", grid(2, 2), grid(3, 1)),
    exclude=NARROW,
    tolerance=LOOSE,
)
row(
    "MatrixTriangularSolve",
    case(regular(2, 3, 3), grid(2, 3, 2)),
    case(regular(3, 3), grid(2, 3, 1), lower=False, adjoint=True),
    exclude=NARROW,
    tolerance=LOOSE,
)
row(
    "MatrixSolveLs",
    case(grid(2, 4, 3), grid(2, 4, 2), value(0.5)),
    case(grid(2, 4), grid(2, 1), value(0.25)),
    exclude=NARROW,
    tolerance={"float": 1e-3, "complex64": 1e-3, "double": 1e-9, "complex128": 1e-9},
    no_gradient="evergraph has none",
)
row("Cholesky", case(definite(2, 3, 3)), exclude=NARROW, tolerance=LOOSE)
