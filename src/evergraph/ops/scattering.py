"""Values put at places: ScatterNd, updates of a tensor, sparse to dense."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph import shape as shapes
from evergraph.graph.registry import op
from evergraph.graph.shape import Dims
from evergraph.graph.tensor import Tensor
from evergraph.ops import array, shaping
from evergraph.ops.picking_nd import check_places, gather_nd
from evergraph.ops.types import INDEX


def _check_shapes(c: Any, indices: Dims, updates: Dims, target: Dims) -> Dims:
    """``target``. Raises ValueError where ``updates`` does not fit it at ``indices``."""
    for dims in (indices, updates):
        if dims == ():
            raise ValueError("Shape must be at least rank 1 but is rank 0")
    sizes = [None if dims is None else shapes.product(dims) for dims in (target, indices, updates)]
    if sizes[0] == 0 and (sizes[1] or sizes[2]):
        raise ValueError("Indices and updates specified for empty output")
    if indices is None or updates is None or indices[-1] is None:
        return target
    outer, depth = len(indices) - 1, indices[-1]
    _check_part("outer", updates[:outer], indices[:-1])
    if target is not None:
        if depth > len(target):
            raise ValueError(
                f"The inner dimension of indices, {depth}, is more than the rank of shape "
                f"{shapes.text(target)}"
            )
        _check_part("inner", updates[outer:], target[depth:])
    return target


def _check_part(which: str, found: Dims, wanted: Dims) -> None:
    if not shapes.compatible(found, wanted):
        raise ValueError(
            f"The {which} dimensions of updates must be {shapes.text(wanted)}, "
            f"not {shapes.text(found)}"
        )


def _scatter(xp: Any, target: Any, indices: Any, updates: Any, how: str) -> Any:
    """``target``, which may be written to, with ``updates`` set (added ...) at ``indices``."""
    depth = indices.shape[-1] if indices.ndim else 0
    wanted = indices.shape[:-1] + target.shape[depth:]
    if not indices.ndim or depth > target.ndim or updates.shape != wanted:
        raise errors.InvalidArgumentError(
            None,
            None,
            "Must have updates.shape = indices.shape[:-1] + shape[indices.shape[-1]:], got "
            f"updates.shape: {shapes.text(updates.shape)}, indices.shape: "
            f"{shapes.text(indices.shape)}, shape: {shapes.text(target.shape)}",
        )
    if not depth:
        # Every update is of the whole: as many rows of a table of one.
        rows = updates.reshape((-1, 1, *target.shape))
        zeros = np.zeros((len(rows), 1), np.int64)
        result = _scatter(xp, target[None], zeros, rows[:, 0], how)
        return result[0]
    if xp is not np:
        return getattr(target.at[tuple(indices[..., i] for i in range(depth))], how)(updates)
    check_places(indices, target.shape)
    places = tuple(indices[..., i] for i in range(depth))
    if how == "set":
        target[places] = updates
    else:
        _UFUNCS[how].at(target, places, updates)
    return target


_UFUNCS = {"add": np.add, "subtract": np.subtract, "min": np.minimum, "max": np.maximum}


@op(
    "ScatterNd", "indices: Tindices, updates: T, shape: Tindices -> output: T", T="type",
    Tindices="{int16, int32, int64}", static="shape",
)  # fmt: skip
class ScatterNd:
    def shape(c):
        return _check_shapes(c, c.shape(0), c.shape(1), shaping.sizes_of(c, 2))

    def compute(xp, indices, updates, shape):
        sizes = shape.tolist()
        if updates.dtype == object:
            return _scatter(xp, np.full(sizes, b"", object), indices, updates, "add")
        if not all(sizes) and (indices.size or updates.size):
            raise errors.InvalidArgumentError(
                None, None, f"Indices and updates specified for empty output shape {sizes}"
            )
        return _scatter(xp, xp.zeros(sizes, updates.dtype), indices, updates, "add")

    def gradient(op, grad):
        return None, gather_nd(grad, op.inputs[0]), None


def scatter_nd(indices: Any, updates: Any, shape: Any, name: str | None = None) -> Tensor:
    """Zeros of ``shape`` with ``updates`` added at the places ``indices[..., :]``."""
    return ScatterNd(indices, updates, shape, name=name)


# ------------------------------------------------------------------------------ updates of a tensor


def _checked(c: Any) -> Dims:
    if c.shape(0) == ():
        raise ValueError("Shape must be at least rank 1 but is rank 0")
    return _check_shapes(c, c.shape(1), c.shape(2), c.shape(0))


def _updated(xp: Any, tensor: Any, indices: Any, updates: Any, how: str) -> Any:
    return _scatter(xp, xp.array(tensor), indices, updates, how)


@op(
    "ScatterNdNonAliasingAdd",
    "input: T, indices: Tindices, updates: T -> output: T",
    T=(
        "{float, double, int32, uint8, int16, int8, complex64, int64, qint8, quint8, qint32, "
        "bfloat16, qint16, quint16, uint16, complex128, half, uint32, uint64, bool}"
    ),
    Tindices=INDEX,
)
class ScatterNdNonAliasingAdd:
    shape = _checked

    def compute(xp, input, indices, updates):
        return _updated(xp, input, indices, updates, "add")

    def gradient(op, grad):
        return grad, None, gather_nd(grad, op.inputs[1])


@op(
    "TensorScatterUpdate", "tensor: T, indices: Tindices, updates: T -> output: T", T="type",
    Tindices="{int16, int32, int64, uint16}",
)  # fmt: skip
class TensorScatterUpdate:
    shape = _checked

    def compute(xp, tensor, indices, updates):
        return _updated(xp, tensor, indices, updates, "set")

    def gradient(op, grad):
        indices, updates = op.inputs[1:]
        picked = gather_nd(grad, indices)
        whole = array.identity(grad)
        zeros = array.zeros_like(updates, dtype=grad.dtype)
        return TensorScatterUpdate(whole, indices, zeros), None, picked


@op(
    "TensorScatterAdd", "tensor: T, indices: Tindices, updates: T -> output: T", T="type",
    Tindices=INDEX,
)  # fmt: skip
class TensorScatterAdd:
    shape = _checked

    def compute(xp, tensor, indices, updates):
        return _updated(xp, tensor, indices, updates, "add")

    def gradient(op, grad):
        picked = gather_nd(grad, op.inputs[1])
        return array.identity(grad), None, picked


@op(
    "TensorScatterSub", "tensor: T, indices: Tindices, updates: T -> output: T", T="type",
    Tindices=INDEX,
)  # fmt: skip
class TensorScatterSub:
    shape = _checked

    def compute(xp, tensor, indices, updates):
        return _updated(xp, tensor, indices, updates, "subtract")

    def gradient(op, grad):
        picked = gather_nd(grad, op.inputs[1])
        return array.identity(grad), None, -picked


def _shared_by_extremes(op: Any, grad: Any) -> tuple[Any, ...]:
    """Where several elements are the extreme one, the gradient is divided between them."""
    from evergraph.ops.casts import cast
    from evergraph.ops.comparison import equal

    x, indices, y = op.inputs
    output = op.outputs[0]
    of_x: Any = cast(equal(x, output), grad.dtype)
    of_y: Any = cast(equal(y, gather_nd(output, indices)), grad.dtype)
    count: Any = of_x + scatter_nd(indices, of_y, array.shape(x, out_type=indices.dtype))
    return grad * of_x / count, None, gather_nd(grad / count, indices) * of_y


@op(
    "TensorScatterMin", "tensor: T, indices: Tindices, updates: T -> output: T", T="type",
    Tindices=INDEX,
)  # fmt: skip
class TensorScatterMin:
    shape = _checked

    def compute(xp, tensor, indices, updates):
        return _updated(xp, tensor, indices, updates, "min")

    gradient = _shared_by_extremes


@op(
    "TensorScatterMax", "tensor: T, indices: Tindices, updates: T -> output: T", T="type",
    Tindices=INDEX,
)  # fmt: skip
class TensorScatterMax:
    shape = _checked

    def compute(xp, tensor, indices, updates):
        return _updated(xp, tensor, indices, updates, "max")

    gradient = _shared_by_extremes


def tensor_scatter_nd_update(
    tensor: Any, indices: Any, updates: Any, name: str | None = None
) -> Tensor:
    """``tensor`` with ``updates`` at the places ``indices[..., :]``."""
    return TensorScatterUpdate(tensor, indices, updates, name=name)


def tensor_scatter_nd_add(
    tensor: Any, indices: Any, updates: Any, name: str | None = None
) -> Tensor:
    """``tensor`` with ``updates`` added at the places ``indices[..., :]``."""
    return TensorScatterAdd(tensor, indices, updates, name=name)


def tensor_scatter_nd_sub(
    tensor: Any, indices: Any, updates: Any, name: str | None = None
) -> Tensor:
    """``tensor`` with ``updates`` subtracted at the places ``indices[..., :]``."""
    return TensorScatterSub(tensor, indices, updates, name=name)


# --------------------------------------------------------------------------------- sparse to dense


@op(
    "SparseToDense",
    "sparse_indices: Tindices, output_shape: Tindices, sparse_values: T, default_value: T -> "
    "dense: T",
    validate_indices=True, T="type", Tindices=INDEX, static="output_shape",
)  # fmt: skip
class SparseToDense:
    def shape(c):
        return shaping.sizes_of(c, 1)

    def compute(
        xp, sparse_indices, output_shape, sparse_values, default_value, *, validate_indices
    ):
        sizes = tuple(output_shape.tolist())
        count = sparse_indices.shape[0] if sparse_indices.ndim else 1
        columns = sparse_indices.shape[1] if sparse_indices.ndim > 1 else 1
        problem = None
        if sparse_indices.ndim > 2:
            problem = (
                "sparse_indices should be a scalar, vector, or matrix, got shape "
                f"{shapes.text(sparse_indices.shape)}"
            )
        elif output_shape.shape != (columns,):
            problem = (
                f"output_shape has incorrect number of elements: {output_shape.size} should be: "
                f"{columns}"
            )
        elif sparse_values.shape not in ((), (count,)):
            problem = f"sparse_values has incorrect shape {shapes.text(sparse_values.shape)}, should be [] or [{count}]"
        elif default_value.ndim:
            problem = "default_value should be a scalar."
        if problem is not None:
            raise errors.InvalidArgumentError(None, None, problem)
        places = sparse_indices.reshape(count, columns)
        if xp is np:
            check_places(places, sizes)
            if validate_indices:
                _check_order(places)
        dense = xp.full(sizes, default_value, sparse_values.dtype)
        where = tuple(places.T)
        if xp is not np:
            return dense.at[where].set(sparse_values)
        dense[where] = sparse_values
        return dense

    def gradient(op, grad):
        from evergraph.ops.reductions import reduce_sum

        indices, output_shape, _, _ = op.inputs
        picked = gather_nd(grad, indices)
        rest = reduce_sum(grad) - reduce_sum(picked)
        return array.zeros_like(indices), array.zeros_like(output_shape), picked, rest


def _check_order(places: Any) -> None:
    """Raises InvalidArgumentError where the rows of ``places`` do not ascend."""
    for i in range(1, len(places)):
        before, after = tuple(places[i - 1].tolist()), tuple(places[i].tolist())
        if before >= after:
            what = "is repeated" if before == after else "is out of order"
            raise errors.InvalidArgumentError(
                None,
                None,
                f"indices[{i}] = {shapes.text(after)} {what}. Many sparse ops require sorted "
                "indices.\n    Use `tf.sparse.reorder` to create a correctly ordered copy.",
            )


def sparse_to_dense(
    sparse_indices: Any,
    output_shape: Any,
    sparse_values: Any,
    default_value: Any = 0,
    validate_indices: bool = True,
    name: str | None = None,
) -> Tensor:
    """A tensor of ``output_shape`` with ``sparse_values`` at ``sparse_indices``, else a default.

    With ``validate_indices`` they must ascend, or the run raises InvalidArgumentError.
    """
    return SparseToDense(
        sparse_indices,
        output_shape,
        sparse_values,
        default_value,
        validate_indices=validate_indices,
        name=name,
    )
