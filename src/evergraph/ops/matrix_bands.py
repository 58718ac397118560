"""Any diagonals of matrices: MatrixDiag and its kin in their second and third version."""

from __future__ import annotations

from typing import Any

from evergraph.graph import shape as shapes
from evergraph.graph.registry import op
from evergraph.graph.shape import Dims
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.concatenation import concat
from evergraph.ops.diagonal_bands import Band, diagonals_of, matrix_size, refuse, with_diagonals
from evergraph.ops.shaping import at_least

_ALIGN = "{'LEFT_RIGHT', 'RIGHT_LEFT', 'LEFT_LEFT', 'RIGHT_RIGHT'} = 'RIGHT_LEFT'"
# Without the attribute, diagonals lie to the left.
_V2 = "LEFT_LEFT"


def _band(c: Any, i: int) -> Band | None:
    """The band that argument ``i`` means, where it is known."""
    if (dims := c.shape(i)) is not None and len(dims) > 1:
        raise ValueError(f"Shape must be at most rank 1 but is rank {len(dims)}")
    value = c.value(i)
    return None if value is None else Band.read(value)


def _scalars(c: Any, *places: int) -> None:
    for i in places:
        shapes.with_rank(c.shape(i), 0)


# --------------------------------------------------------------------------------------- MatrixDiag


def _made(c: Any) -> Dims:
    dims = at_least(c.shape(0), 1)
    _scalars(c, 2, 3, 4)
    band = _band(c, 1)
    if dims is None or band is None:
        return None
    if band.number > 1:
        at_least(dims, 2)
        if dims[-2] not in (None, band.number):
            raise ValueError(
                "The number of rows of `diagonal` doesn't match the number of diagonals implied "
                f"from `d_lower` and `d_upper`: {dims[-2]} != {band.number}"
            )
    batch = dims[:-1] if band.number == 1 else dims[:-2]
    given = [c.value(i) for i in (2, 3)]
    rows, cols = (-1 if value is None else int(value) for value in given)
    if dims[-1] is None:
        return (*batch, None if rows == -1 else rows, None if cols == -1 else cols)
    size: tuple[int | None, int | None]
    if None in given:
        # The one that is not known may be larger than the least.
        size = None if given[0] is None else rows, None if given[1] is None else cols
        return (*batch, *(None if n == -1 else n for n in size))
    return (*batch, *matrix_size(dims[-1], band, rows, cols))


def _make(xp: Any, diagonal: Any, k: Any, rows: Any, cols: Any, padding: Any, align: str) -> Any:
    band = Band.read(k)
    if not diagonal.ndim or (band.number > 1 and diagonal.ndim < 2):
        refuse(f"diagonal must be at least {min(band.number, 2)}-dim, received {diagonal.ndim}")
    if band.number > 1 and diagonal.shape[-2] != band.number:
        refuse(
            "The number of diagonals provided in the input does not match the lower_diag_index and "
            f"upper_diag_index range: {diagonal.shape[-2]} != {band.number}"
        )
    size = matrix_size(diagonal.shape[-1], band, int(rows), int(cols))
    batch = diagonal.shape[:-1] if band.number == 1 else diagonal.shape[:-2]
    whole = xp.full((*batch, *size), padding, diagonal.dtype)
    return with_diagonals(xp, whole, diagonal, band, align)


@op(
    "MatrixDiagV2",
    "diagonal: T, k: int32, num_rows: int32, num_cols: int32, padding_value: T -> output: T",
    T="type", static="k, num_rows, num_cols",
)  # fmt: skip
class MatrixDiagV2:
    shape = _made

    def compute(xp, diagonal, k, num_rows, num_cols, padding_value):
        return _make(xp, diagonal, k, num_rows, num_cols, padding_value, _V2)

    def gradient(op, grad):
        return matrix_diag_part(grad, k=op.inputs[1]), None, None, None, None


@op(
    "MatrixDiagV3",
    "diagonal: T, k: int32, num_rows: int32, num_cols: int32, padding_value: T -> output: T",
    T="type", align=_ALIGN, static="k, num_rows, num_cols",
)  # fmt: skip
class MatrixDiagV3:
    shape = _made

    def compute(xp, diagonal, k, num_rows, num_cols, padding_value, *, align):
        return _make(xp, diagonal, k, num_rows, num_cols, padding_value, align)

    def gradient(op, grad):
        part = matrix_diag_part(grad, k=op.inputs[1], align=op.attrs["align"])
        return part, None, None, None, None


def matrix_diag(
    diagonal: Any,
    name: str | None = "diag",
    k: Any = 0,
    num_rows: Any = -1,
    num_cols: Any = -1,
    padding_value: Any = 0,
    align: str = "RIGHT_LEFT",
) -> Tensor:
    """Matrices with ``diagonal`` on diagonal ``k``, or on those of the band ``k`` = (low, high).

    ``num_rows``, ``num_cols`` -1: as small as can be. ``align``: how shorter diagonals lie in
    ``diagonal``, those above the main one and those below.
    """
    padding = _padding(diagonal, padding_value)
    return MatrixDiagV3(diagonal, k, num_rows, num_cols, padding, align=align, name=name)


def _padding(values: Any, padding: Any) -> Any:
    # Zero is no bool, as far as conversion goes.
    return bool(padding) if getattr(values, "dtype", None) == "bool" else padding


# ----------------------------------------------------------------------------------- MatrixDiagPart


def _taken(c: Any) -> Dims:
    dims = at_least(c.shape(0), 2)
    _scalars(c, 2)
    band = _band(c, 1)
    if dims is None or band is None:
        return None
    rows, cols = dims[-2:]
    longest = None
    if rows is not None and cols is not None:
        band.check(rows, cols)
        longest = band.longest(rows, cols)
    return (*dims[:-2], *([band.number] if band.number > 1 else []), longest)


@op(
    "MatrixDiagPartV2", "input: T, k: int32, padding_value: T -> diagonal: T", T="type",
    static="k",
)  # fmt: skip
class MatrixDiagPartV2:
    shape = _taken

    def compute(xp, input, k, padding_value):
        return diagonals_of(xp, input, Band.read(k), padding_value, _V2)

    def gradient(op, grad):
        return _put_back(op, grad, {}), None, None


@op(
    "MatrixDiagPartV3", "input: T, k: int32, padding_value: T -> diagonal: T", T="type",
    align=_ALIGN, static="k",
)  # fmt: skip
class MatrixDiagPartV3:
    shape = _taken

    def compute(xp, input, k, padding_value, *, align):
        return diagonals_of(xp, input, Band.read(k), padding_value, align)

    def gradient(op, grad):
        return _put_back(op, grad, {"align": op.attrs["align"]}), None, None


def _put_back(op: Any, grad: Any, align: dict[str, str]) -> Tensor:
    size = op.inputs[0].shape[-2:]
    if size.is_fully_defined():
        return matrix_diag(grad, k=op.inputs[1], num_rows=size[0], num_cols=size[1], **align)
    return matrix_set_diag(array.zeros_like(op.inputs[0]), grad, k=op.inputs[1], **align)


def matrix_diag_part(
    input: Any,
    name: str | None = "diag_part",
    k: Any = 0,
    padding_value: Any = 0,
    align: str = "RIGHT_LEFT",
) -> Tensor:
    """Diagonal ``k`` of matrices, or those of the band ``k`` = (low, high) as rows, padded."""
    return MatrixDiagPartV3(input, k, _padding(input, padding_value), align=align, name=name)


# ------------------------------------------------------------------------------------ MatrixSetDiag


def _set(c: Any) -> Dims:
    dims, diagonal = at_least(c.shape(0), 2), at_least(c.shape(1), 1)
    band = _band(c, 2)
    if band is None:
        return dims
    packed = 1 if band.number == 1 else 2
    if dims is not None:
        diagonal = shapes.with_rank(diagonal, len(dims) - 2 + packed)
        rows, cols = dims[-2:]
        if rows is not None and cols is not None:
            band.check(rows, cols)
    if diagonal is None:
        return dims
    return shapes.merge(dims, (*diagonal[:-packed], None, None))


def _replace(xp: Any, input: Any, diagonal: Any, k: Any, align: str) -> Any:
    if input.ndim < 2:
        refuse(f"input must be at least 2-dim, received shape: {shapes.text(input.shape)}")
    return with_diagonals(xp, xp.array(input), diagonal, Band.read(k), align)


@op(
    "MatrixSetDiagV2", "input: T, diagonal: T, k: int32 -> output: T", T="type", static="k"
)  # fmt: skip
class MatrixSetDiagV2:
    shape = _set

    def compute(xp, input, diagonal, k):
        return _replace(xp, input, diagonal, k, _V2)

    def gradient(op, grad):
        return _without_band(op, grad, {})


@op(
    "MatrixSetDiagV3", "input: T, diagonal: T, k: int32 -> output: T", T="type", align=_ALIGN,
    static="k",
)  # fmt: skip
class MatrixSetDiagV3:
    shape = _set

    def compute(xp, input, diagonal, k, *, align):
        return _replace(xp, input, diagonal, k, align)

    def gradient(op, grad):
        return _without_band(op, grad, {"align": op.attrs["align"]})


def _without_band(op: Any, grad: Any, align: dict[str, str]) -> tuple[Any, Any, None]:
    _, diagonal, k = op.inputs
    dims = diagonal.shape if diagonal.shape.is_fully_defined() else _packed_shape(grad, k)
    zeros = array.zeros(dims, dtype=grad.dtype)
    rest = matrix_set_diag(grad, zeros, k=k, **align)
    return rest, matrix_diag_part(grad, k=k, **align), None


def _packed_shape(matrices: Any, k: Any) -> Tensor:
    """The shape of the band ``k`` of ``matrices``, worked out in the run."""
    from evergraph.graph.conversion import convert_to_tensor
    from evergraph.ops.arithmetic import minimum
    from evergraph.ops.comparison import equal, greater, less
    from evergraph.ops.cond import cond

    dims: Any = array.shape(matrices)
    batch, size = dims[:-2], dims[-2:]
    numbers: Any = array.reshape(k, [-1])
    lower, upper = numbers[0], numbers[-1]
    above = cond(less(upper, 0), lambda: upper, lambda: 0)
    below = cond(greater(lower, 0), lambda: -lower, lambda: 0)
    longest = minimum(size[0] + above, size[1] + below)
    packed = cond(
        equal(lower, upper),
        lambda: convert_to_tensor([longest]),
        lambda: convert_to_tensor([upper - lower + 1, longest]),
    )
    return concat([batch, packed], 0)


def matrix_set_diag(
    input: Any,
    diagonal: Any,
    name: str | None = "set_diag",
    k: Any = 0,
    align: str = "RIGHT_LEFT",
) -> Tensor:
    """``input`` with ``diagonal`` on diagonal ``k``, or on those of the band ``k`` = (low, high)."""
    return MatrixSetDiagV3(input, diagonal, k, align=align, name=name)
