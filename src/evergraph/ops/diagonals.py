"""Diagonals: of tensors (Diag), of matrices (MatrixDiag), bands of them, the identity matrix."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from evergraph.formats import dtypes
from evergraph.graph import shape as shapes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import name_scope
from evergraph.graph.shape import Dims
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.concatenation import concat
from evergraph.ops.diagonal_bands import Band, diagonals_of, refuse, with_diagonals
from evergraph.ops.shape_rules import unchanged, unknown
from evergraph.ops.shaping import at_least

_DIAG_TYPES = "{bfloat16, half, float, double, int32, int64, complex64, complex128}"
_MAIN = Band(0, 0)
_LEFT = "LEFT_LEFT"


def blank_of(dtype: Any) -> Any:
    """The element that stands where there is none."""
    return b"" if dtype.kind == "O" else np.zeros((), dtype)


# ------------------------------------------------------------------------------ tensors as matrices


@op("Diag", "diagonal: T -> output: T", T=_DIAG_TYPES)
class Diag:
    def shape(c):
        dims = at_least(c.shape(0), 1)
        return None if dims is None else dims + dims

    def compute(xp, diagonal):
        if not diagonal.ndim:
            refuse("Input must be at least rank 1, got 0")
        return xp.diag(diagonal.ravel()).reshape(diagonal.shape * 2)

    def gradient(op, grad):
        return DiagPart(grad)


@op("DiagPart", "input: T -> diagonal: T", T=_DIAG_TYPES)
class DiagPart:
    def shape(c):
        dims = c.shape(0)
        if dims is None:
            return None
        _check_halves(len(dims))
        return shapes.merge(dims[: len(dims) // 2], dims[len(dims) // 2 :])

    def compute(xp, input):
        rank = input.ndim
        _check_halves(rank)
        half = input.shape[: rank // 2]
        if half != input.shape[rank // 2 :]:
            refuse(f"Invalid shape {shapes.text(input.shape)}: both halves must be the same")
        size = int(np.prod(half))
        return xp.array(xp.diag(input.reshape(size, size))).reshape(half)

    def gradient(op, grad):
        return Diag(grad)


def _check_halves(rank: int) -> None:
    if rank % 2 or not rank:
        refuse(f"Input must have even and non-zero rank, input rank is {rank}")


def diag(diagonal: Any, name: str | None = None) -> Tensor:
    """[d1, ..., dk] as the diagonal of zeros [d1, ..., dk, d1, ..., dk]."""
    return Diag(diagonal, name=name)


def diag_part(input: Any, name: str | None = None) -> Tensor:
    """The diagonal [d1, ..., dk] of a tensor [d1, ..., dk, d1, ..., dk]."""
    return DiagPart(input, name=name)


# -------------------------------------------------------------------------------- the main diagonal


def _square(c: Any) -> Dims:
    dims = at_least(c.shape(0), 1)
    return None if dims is None else (*dims, dims[-1])


def _main_diagonal(c: Any) -> Dims:
    dims = at_least(c.shape(0), 2)
    return None if dims is None else (*dims[:-2], least(dims[-2], dims[-1]))


def least(one: int | None, other: int | None) -> int | None:
    """The smaller of two sizes, as far as it is known."""
    if one is None or other is None:
        return 0 if 0 in (one, other) else None
    return min(one, other)


def _set_main(c: Any) -> Dims:
    dims, diagonal = at_least(c.shape(0), 2), at_least(c.shape(1), 1)
    if dims is not None:
        diagonal = shapes.with_rank(diagonal, len(dims) - 1)
        shapes.merge((least(dims[-2], dims[-1]),), diagonal[-1:])
    if diagonal is None:
        return dims
    return shapes.merge(dims, (*diagonal[:-1], None, None))


def _make_main(xp: Any, diagonal: Any) -> Any:
    if not diagonal.ndim:
        refuse("input must be at least 1-dim, received shape: []")
    size = diagonal.shape[-1]
    whole = xp.full((*diagonal.shape, size), blank_of(diagonal.dtype), diagonal.dtype)
    return with_diagonals(xp, whole, diagonal, _MAIN, _LEFT)


def _take_main(xp: Any, input: Any) -> Any:
    return diagonals_of(xp, input, _MAIN, blank_of(input.dtype), _LEFT)


@op("MatrixDiag", "diagonal: T -> output: T", T="type")
class MatrixDiag:
    shape = _square

    def compute(xp, diagonal):
        return _make_main(xp, diagonal)

    def gradient(op, grad):
        from evergraph.ops.matrix_bands import matrix_diag_part

        return matrix_diag_part(grad)


@op("MatrixDiagPart", "input: T -> diagonal: T", T="type")
class MatrixDiagPart:
    shape = _main_diagonal

    def compute(xp, input):
        return _take_main(xp, input)

    def gradient(op, grad):
        from evergraph.ops.matrix_bands import matrix_diag, matrix_set_diag

        size = op.inputs[0].shape[-2:]
        if size.is_fully_defined() and size[0] == size[1]:
            return matrix_diag(grad)
        return matrix_set_diag(array.zeros_like(op.inputs[0]), grad)


@op("MatrixSetDiag", "input: T, diagonal: T -> output: T", T="type")
class MatrixSetDiag:
    shape = _set_main

    def compute(xp, input, diagonal):
        if input.ndim < 2:
            refuse(f"input must be at least 2-dim, received shape: {shapes.text(input.shape)}")
        return with_diagonals(xp, xp.array(input), diagonal, _MAIN, _LEFT)

    def gradient(op, grad):
        from evergraph.ops.matrix_bands import matrix_diag_part, matrix_set_diag

        zeros = array.zeros(_diagonal_shape(op, grad), dtype=grad.dtype)
        return matrix_set_diag(grad, zeros), matrix_diag_part(grad)


def _diagonal_shape(op: Any, grad: Any) -> Any:
    """The shape of the main diagonals of ``grad``: known, or worked out in the run."""
    from evergraph.graph.scopes import colocate_with
    from evergraph.ops.reductions import reduce_min
    from evergraph.ops.slicing import slice_

    dims = op.inputs[0].shape.merge_with(grad.shape)
    batch = dims[:-2].merge_with(op.inputs[1].shape[:-1])
    size = dims[-2:]
    if batch.is_fully_defined() and size.is_fully_defined():
        return [*batch.as_list(), min(size.as_list())]
    with colocate_with(grad):
        sizes = array.shape(grad)
        rank: Any = array.rank(grad)
        leading = slice_(sizes, [0], [rank - 2])
        shortest = reduce_min(slice_(sizes, [rank - 2], [2]))
        return concat([leading, [shortest]], 0)


# Deprecated at GraphDef version 14.
@op("BatchMatrixDiag", "diagonal: T -> output: T", T="type")
class BatchMatrixDiag:
    shape = unknown

    def compute(xp, diagonal):
        return _make_main(xp, diagonal)


# Deprecated at GraphDef version 14.
@op("BatchMatrixDiagPart", "input: T -> diagonal: T", T="type")
class BatchMatrixDiagPart:
    shape = unknown

    def compute(xp, input):
        return _take_main(xp, input)


# Deprecated at GraphDef version 14.
@op("BatchMatrixSetDiag", "input: T, diagonal: T -> output: T", T="type")
class BatchMatrixSetDiag:
    shape = unknown

    def compute(xp, input, diagonal):
        return with_diagonals(xp, xp.array(input), diagonal, _MAIN, _LEFT)


# --------------------------------------------------------------------------------- what is in a band


def _band_part(xp: Any, input: Any, num_lower: Any, num_upper: Any) -> Any:
    if input.ndim < 2:
        refuse(f"input must be at least 2-dim, received shape: {shapes.text(input.shape)}")
    rows, cols = input.shape[-2:]
    for name, number, most in (("num_lower", num_lower, rows), ("num_upper", num_upper, cols)):
        if number.ndim:
            refuse(f"{name} must be scalar, got shape {shapes.text(number.shape)}")
        if xp is np and number > most:
            refuse(
                f"{name} must be negative or less or equal to the size of the matrix ({most}) "
                f"got: {int(number)}"
            )
    below = xp.arange(rows)[:, None] - xp.arange(cols)
    inside = ((num_lower < 0) | (below <= num_lower)) & ((num_upper < 0) | (-below <= num_upper))
    return xp.where(inside, input, blank_of(input.dtype))


@op(
    "MatrixBandPart", "input: T, num_lower: Tindex, num_upper: Tindex -> band: T", T="type",
    Tindex="{int32, int64} = DT_INT64",
)  # fmt: skip
class MatrixBandPart:
    shape = unchanged

    def compute(xp, input, num_lower, num_upper):
        return _band_part(xp, input, num_lower, num_upper)

    def gradient(op, grad):
        return MatrixBandPart(grad, op.inputs[1], op.inputs[2]), None, None


# Deprecated at GraphDef version 14.
@op("BatchMatrixBandPart", "input: T, num_lower: int64, num_upper: int64 -> band: T", T="type")
class BatchMatrixBandPart:
    shape = unknown

    def compute(xp, input, num_lower, num_upper):
        return _band_part(xp, input, num_lower, num_upper)


def matrix_band_part(input: Any, num_lower: Any, num_upper: Any, name: str | None = None) -> Tensor:
    """``input`` [..., m, n] with zeros outside a band around the main diagonal.

    The band has ``num_lower`` diagonals below and ``num_upper`` above it; negative: all of them.
    """
    return MatrixBandPart(input, num_lower, num_upper, name=name)


def eye(
    num_rows: Any,
    num_columns: Any = None,
    batch_shape: Any = None,
    dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Tensor:
    """Identity matrices: ones on the main diagonal, [*batch_shape, num_rows, num_columns].

    Raises TypeError for sizes that are neither whole numbers nor Tensors.
    """
    from evergraph.ops.arithmetic import minimum
    from evergraph.ops.matrix_bands import matrix_diag, matrix_set_diag

    with name_scope(name, "eye", [num_rows, num_columns, batch_shape]):
        square = num_columns is None
        batch = [] if batch_shape is None else batch_shape
        columns = num_rows if num_columns is None else num_columns
        known = not isinstance(num_rows, Tensor) and not isinstance(columns, Tensor)
        size: Any
        if known:
            if not all(isinstance(n, numbers.Integral) for n in (num_rows, columns)):
                raise TypeError(
                    "Arguments `num_rows` and `num_columns` must be positive integer values. "
                    f"Received: num_rows={num_rows}, num_columns={columns}"
                )
            square = num_rows == columns
            size = min(num_rows, columns)
        else:
            size = minimum(num_rows, columns)
        if known and not isinstance(batch, Tensor):
            batch = list(batch)
            diagonal_shape: Any = [*batch, size]
            shape: Any = [*batch, num_rows, columns]
        else:
            batch = convert_to_tensor(batch, name="shape", dtype=dtypes.int32)
            diagonal_shape = concat((batch, [size]), axis=0)
            shape = None if square else concat((batch, [num_rows, columns]), axis=0)
        ones = array.ones(diagonal_shape, dtype=dtype)
        if square:
            return matrix_diag(ones)
        return matrix_set_diag(array.zeros(shape, dtype=dtype), ones)
