"""Inverses, determinants, linear equations and decompositions of the matrices in the last two dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph import shape as shapes
from evergraph.graph.registry import op
from evergraph.graph.tensor import Tensor
from evergraph.ops.shaping import at_least

_TYPES = "{double, float, half, complex64, complex128}"
_HALF_FIRST = "{half, float, double, complex64, complex128}"


def _wide(x: Any) -> Any:
    """NumPy factors no matrices of the narrow floats."""
    return x.astype(np.float32) if x.dtype.itemsize == 2 else x


def _adjoint(xp: Any, x: Any) -> Any:
    return xp.conj(xp.swapaxes(x, -1, -2))


def _square(dims: Any) -> Any:
    """``dims``, known to end in two equal sizes. Raises ValueError where they do not."""
    dims = at_least(dims, 2)
    if dims is None:
        return None
    rows, columns = dims[-2:]
    if rows is not None and columns is not None and rows != columns:
        raise ValueError(f"Dimensions must be equal, but are {rows} and {columns}")
    size = columns if rows is None else rows
    return (*dims[:-2], size, size)


def _check_square(x: Any) -> None:
    if x.ndim < 2:
        _refuse(f"Input must have rank >= 2, got {x.ndim}")
    if x.shape[-1] != x.shape[-2]:
        _refuse(f"Input matrix must be square, got: {shapes.text(x.shape)}")


def _refuse(sentence: str) -> None:
    raise errors.InvalidArgumentError(None, None, sentence)


# ---------------------------------------------------------------------------- inverse, determinants


@op("MatrixInverse", "input: T -> output: T", adjoint=False, T=_TYPES)
class MatrixInverse:
    def shape(c):
        return _square(c.shape(0))

    def compute(xp, input, *, adjoint):
        _check_square(input)
        matrix = _adjoint(xp, input) if adjoint else input
        try:
            return xp.linalg.inv(_wide(matrix)).astype(input.dtype)
        except np.linalg.LinAlgError:
            _refuse("Input is not invertible.")

    def gradient(op, grad):
        from evergraph.ops.matmul import matmul
        from evergraph.ops.unary import negative

        inverse, adjoint = op.outputs[0], op.attrs["adjoint"]
        inner = matmul(grad, inverse, adjoint_a=adjoint, adjoint_b=not adjoint)
        return negative(matmul(inverse, inner, adjoint_a=not adjoint))


def matrix_inverse(input: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """The inverses (or their adjoints). Running it raises InvalidArgumentError where there is none."""
    return MatrixInverse(input, adjoint=adjoint, name=name)


def _of_matrices(c: Any) -> Any:
    dims = _square(c.shape(0))
    return None if dims is None else dims[:-2]


def _spread(grad: Any, like: Tensor, x: Tensor) -> Tensor:
    """A number for each matrix, times the matrix' inverse adjoint."""
    from evergraph.ops import array
    from evergraph.ops.arithmetic import multiply
    from evergraph.ops.concatenation import concat

    inverse = matrix_inverse(x, adjoint=True)
    factors = array.reshape(grad, concat([array.shape(like), [1, 1]], 0))
    return multiply(factors, inverse)


@op("MatrixDeterminant", "input: T -> output: T", T=_HALF_FIRST)
class MatrixDeterminant:
    shape = _of_matrices

    def compute(xp, input):
        _check_square(input)
        return xp.asarray(xp.linalg.det(_wide(input))).astype(input.dtype)

    def gradient(op, grad):
        from evergraph.ops.arithmetic import multiply

        c = op.outputs[0]
        return _spread(multiply(grad, c), c, op.inputs[0])


def matrix_determinant(input: Any, name: str | None = None) -> Tensor:
    """The determinants."""
    return MatrixDeterminant(input, name=name)


@op("LogMatrixDeterminant", "input: T -> sign: T, log_abs_determinant: T", T=_HALF_FIRST)
class LogMatrixDeterminant:
    def shape(c):
        return [_of_matrices(c)] * 2

    def compute(xp, input):
        _check_square(input)
        sign, size = xp.linalg.slogdet(_wide(input))
        return xp.asarray(sign).astype(input.dtype), xp.asarray(size).astype(input.dtype)

    def gradient(op, unused, grad):
        return _spread(grad, op.outputs[1], op.inputs[0])


def log_matrix_determinant(input: Any, name: str | None = None) -> Any:
    """The signs of the determinants, and the logarithms of their absolute values."""
    return LogMatrixDeterminant(input, name=name)


# ------------------------------------------------------------------------------------ equations


def _solved(c: Any) -> Any:
    matrix, rhs = _square(c.shape(0)), at_least(c.shape(1), 2)
    if matrix is None or rhs is None:
        return None
    if matrix[-1] is not None and rhs[-2] is not None and matrix[-1] != rhs[-2]:
        raise ValueError(f"Dimensions must be equal, but are {matrix[-1]} and {rhs[-2]}")
    batch = (
        shapes.broadcast(matrix[:-2], rhs[:-2])
        if c.op.type == "MatrixTriangularSolve"
        else shapes.merge(matrix[:-2], rhs[:-2])
    )
    size = rhs[-2] if matrix[-1] is None else matrix[-1]
    return None if batch is None else (*batch, size, rhs[-1])


def _solve(xp: Any, matrix: Any, rhs: Any) -> Any:
    _check_square(matrix)
    if rhs.ndim < 2 or matrix.shape[-1] != rhs.shape[-2]:
        _refuse(
            "Input matrix and rhs are incompatible: "
            f"{shapes.text(matrix.shape)} and {shapes.text(rhs.shape)}"
        )
    try:
        return xp.linalg.solve(_wide(matrix), _wide(rhs)).astype(rhs.dtype)
    except np.linalg.LinAlgError:
        _refuse("Input matrix is not invertible.")


def _solution_gradient(op: Any, solve: Any, grad: Any) -> tuple[Tensor, Tensor]:
    from evergraph.ops.matmul import matmul
    from evergraph.ops.unary import negative

    adjoint = op.attrs["adjoint"]
    solution = op.outputs[0]
    to_rhs = solve(op.inputs[0], grad, adjoint=not adjoint)
    pair = (solution, to_rhs) if adjoint else (to_rhs, solution)
    return negative(matmul(*pair, adjoint_b=True)), to_rhs


@op("MatrixSolve", "matrix: T, rhs: T -> output: T", adjoint=False, T=_TYPES)
class MatrixSolve:
    shape = _solved

    def compute(xp, matrix, rhs, *, adjoint):
        return _solve(xp, _adjoint(xp, matrix) if adjoint else matrix, rhs)

    def gradient(op, grad):
        return _solution_gradient(op, matrix_solve, grad)


def matrix_solve(matrix: Any, rhs: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """``x`` with ``matrix @ x = rhs``. Running it raises InvalidArgumentError where there is none."""
    return MatrixSolve(matrix, rhs, adjoint=adjoint, name=name)


@op(
    "MatrixTriangularSolve",
    "matrix: T, rhs: T -> output: T",
    lower=True,
    adjoint=False,
    T="{bfloat16, double, float, half, complex64, complex128}",
)
class MatrixTriangularSolve:
    shape = _solved

    def compute(xp, matrix, rhs, *, lower, adjoint):
        # The other triangle is not looked at.
        wide = _wide(matrix)
        half = xp.tril(wide) if lower else xp.triu(wide)
        return _solve(xp, _adjoint(xp, half) if adjoint else half, rhs)

    def gradient(op, grad):
        from functools import partial

        from evergraph.ops import array
        from evergraph.ops.broadcasting import BroadcastGradientArgs
        from evergraph.ops.diagonals import matrix_band_part
        from evergraph.ops.reductions import reduce_sum

        a, b = op.inputs
        lower = op.attrs["lower"]
        solve = partial(matrix_triangular_solve, lower=lower)
        to_matrix, to_rhs = _solution_gradient(op, solve, grad)
        to_matrix = (
            matrix_band_part(to_matrix, -1, 0) if lower else matrix_band_part(to_matrix, 0, -1)
        )
        known = shapes.is_fully_defined(a.dims) and shapes.is_fully_defined(b.dims)
        if known and a.dims[:-2] == b.dims[:-2]:
            return to_matrix, to_rhs
        a_shape, b_shape = array.shape(a), array.shape(b)
        of_a, of_b = BroadcastGradientArgs(a_shape[:-2], b_shape[:-2])
        return (
            array.reshape(reduce_sum(to_matrix, axis=of_a), a_shape),
            array.reshape(reduce_sum(to_rhs, axis=of_b), b_shape),
        )


def matrix_triangular_solve(
    matrix: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: str | None = None
) -> Tensor:
    """``x`` with ``matrix @ x = rhs``, where only one triangle of ``matrix`` counts."""
    return MatrixTriangularSolve(matrix, rhs, lower=lower, adjoint=adjoint, name=name)


@op("MatrixSolveLs", "matrix: T, rhs: T, l2_regularizer: double -> output: T", T=_TYPES, fast=True)
class MatrixSolveLs:
    def shape(c):
        matrix, rhs = at_least(c.shape(0), 2), at_least(c.shape(1), 2)
        shapes.with_rank(c.shape(2), 0)
        if matrix is None or rhs is None:
            return None
        batch = shapes.merge(matrix[:-2], rhs[:-2])
        shapes.merge((matrix[-2],), (rhs[-2],))
        return None if batch is None else (*batch, matrix[-1], rhs[-1])

    def compute(xp, matrix, rhs, l2_regularizer, *, fast):
        a, b = _wide(matrix), _wide(rhs)
        if not fast:
            return xp.matmul(xp.linalg.pinv(a), b).astype(rhs.dtype)
        adjoint = _adjoint(xp, a)
        rows, columns = a.shape[-2:]
        small = xp.matmul(adjoint, a) if rows >= columns else xp.matmul(a, adjoint)
        small = small + (l2_regularizer * xp.eye(min(rows, columns))).astype(a.dtype)
        if rows >= columns:
            return _solve(xp, small, xp.matmul(adjoint, b)).astype(rhs.dtype)
        return xp.matmul(adjoint, _solve(xp, small, b)).astype(rhs.dtype)


# -------------------------------------------------------------------------------- decompositions


@op("Cholesky", "input: T -> output: T", T=_TYPES)
class Cholesky:
    def shape(c):
        return _square(c.shape(0))

    def compute(xp, input):
        _check_square(input)
        # Only the lower triangle counts.
        try:
            return xp.linalg.cholesky(_wide(input)).astype(input.dtype)
        except np.linalg.LinAlgError:
            return _cholesky_or_nan(input)

    def gradient(op, grad):
        from evergraph.ops.diagonals import eye, matrix_band_part
        from evergraph.ops.matmul import matmul
        from evergraph.ops.matrix_bands import matrix_diag_part, matrix_set_diag
        from evergraph.ops.transposing import matrix_transpose

        lower = op.outputs[0]
        dims = lower.dims
        if dims is None or None in dims:
            from evergraph.ops import array

            size = array.shape(lower)
            identity = eye(size[-1], batch_shape=size[:-2], dtype=lower.dtype)
        else:
            identity = eye(dims[-1], batch_shape=list(dims[:-2]), dtype=lower.dtype)
        inverse = matrix_triangular_solve(lower, identity)
        middle = matmul(lower, grad, adjoint_a=True)
        middle = matrix_set_diag(middle, 0.5 * matrix_diag_part(middle))
        middle = matrix_band_part(middle, -1, 0)
        whole = matmul(matmul(inverse, middle, adjoint_a=True), inverse)
        return (whole + matrix_transpose(whole, conjugate=True)) * 0.5


def _cholesky_or_nan(matrices: Any) -> Any:
    """What TensorFlow gives where some matrices are not positive definite: NaN in their lower triangles."""
    result = np.zeros_like(matrices)
    for place in np.ndindex(matrices.shape[:-2]):
        try:
            result[place] = np.linalg.cholesky(_wide(matrices[place]))
        except np.linalg.LinAlgError:
            result[place] = np.tril(np.full_like(matrices[place], np.nan))
    return result


def cholesky(input: Any, name: str | None = None) -> Tensor:
    """The lower triangles ``l`` with ``l @ adjoint(l) = input``."""
    return Cholesky(input, name=name)


def cholesky_solve(chol: Any, rhs: Any, name: str | None = None) -> Tensor:
    """``x`` with ``l @ adjoint(l) @ x = rhs``, for ``chol``, the triangle ``l`` that ``cholesky`` gives."""
    from evergraph.graph.scopes import name_scope

    with name_scope(name, "cholesky_solve", [chol, rhs]):
        half = matrix_triangular_solve(chol, rhs, adjoint=False, lower=True)
        return matrix_triangular_solve(chol, half, adjoint=True, lower=True)


@op(
    "SelfAdjointEigV2",
    "input: T -> e: T, v: T",
    compute_v=True,
    T=_TYPES,
)
class SelfAdjointEigV2:
    def shape(c):
        dims = _square(c.shape(0))
        e = None if dims is None else dims[:-1]
        return [e, dims if c["compute_v"] else (0,)]

    def compute(xp, input, *, compute_v):
        _check_square(input)
        if not compute_v:
            values = xp.linalg.eigvalsh(_wide(input))
            return values.astype(input.dtype), xp.zeros((0,), input.dtype)
        values, vectors = xp.linalg.eigh(_wide(input))
        return values.astype(input.dtype), vectors.astype(input.dtype)


def self_adjoint_eig(tensor: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The eigenvalues, smallest first, and eigenvectors (columns) of self-adjoint matrices."""
    values, vectors = SelfAdjointEigV2(tensor, compute_v=True, name=name)
    return values, vectors


def self_adjoint_eigvals(tensor: Any, name: str | None = None) -> Tensor:
    """The eigenvalues of self-adjoint matrices, smallest first."""
    values, _ = SelfAdjointEigV2(tensor, compute_v=False, name=name)
    return values


@op(
    "Svd",
    "input: T -> s: T, u: T, v: T",
    compute_uv=True,
    full_matrices=False,
    T=_TYPES,
)
class Svd:
    def shape(c):
        dims = at_least(c.shape(0), 2)
        none = None if c["compute_uv"] else (0,)
        if dims is None:
            return [None, none, none]
        *batch, rows, columns = dims
        inner = None if rows is None or columns is None else min(rows, columns)
        if not c["compute_uv"]:
            return [(*batch, inner), none, none]
        full = c["full_matrices"]
        return [
            (*batch, inner),
            (*batch, rows, rows if full else inner),
            (*batch, columns, columns if full else inner),
        ]

    def compute(xp, input, *, compute_uv, full_matrices):
        if input.ndim < 2:
            _refuse(f"Input must have rank >= 2, got {input.ndim}")
        if not compute_uv:
            values = xp.linalg.svd(_wide(input), compute_uv=False)
            none = xp.zeros((0,), input.dtype)
            return values.astype(input.dtype), none, none
        u, values, v = xp.linalg.svd(_wide(input), full_matrices=full_matrices)
        kind = input.dtype
        return values.astype(kind), u.astype(kind), _adjoint(xp, v).astype(kind)


def svd(
    tensor: Any, full_matrices: bool = False, compute_uv: bool = True, name: str | None = None
) -> Any:
    """The singular values ``s``, largest first, and with ``compute_uv`` also ``u`` and ``v``:
    ``tensor = u @ diag(s) @ adjoint(v)``.
    """
    from evergraph.ops.complex_numbers import real

    s, u, v = Svd(tensor, compute_uv=compute_uv, full_matrices=full_matrices, name=name)
    return (real(s), u, v) if compute_uv else real(s)
