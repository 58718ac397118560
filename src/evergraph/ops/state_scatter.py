"""Updates of some rows or elements of a variable: Scatter and ScatterNd, for references and for
resources.

Each update is declared twice, for the two kinds of variables, and computed in one place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from evergraph.graph import shape as shapes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import Declaration, op
from evergraph.graph.scopes import name_scope
from evergraph.ops import row_updates
from evergraph.ops.array import expand_dims, ones_like, reshape, shape
from evergraph.ops.casts import cast
from evergraph.ops.concatenation import concat
from evergraph.ops.handles import handle_shape
from evergraph.ops.sequences import Range
from evergraph.ops.state import is_ref
from evergraph.ops.types import INDEX, NUMERIC

_ORDERED = "{half, bfloat16, float, double, int32, int64}"
#: TensorFlow says of these that they have no gradient; of the others it says nothing.
_NOT_DIFFERENTIABLE = (
    "ScatterAdd ScatterSub ScatterMul ScatterDiv ScatterNdUpdate ScatterNdAdd ScatterNdSub"
).split()


def _check_rows(c: Any, target: shapes.Dims) -> None:
    """Raises ValueError where the updates cannot be rows of the target."""
    updates = c.shape(2)
    if target is not None and not target:
        raise ValueError("Shape must be at least rank 1 but is rank 0")
    if target is None or c.shape(1) is None or not updates:
        return
    shapes.merge(updates, (*c.shape(1), *target[1:]))


def _check_elements(c: Any, target: shapes.Dims) -> None:
    """Raises ValueError where the updates cannot be elements (or parts) of the target."""
    indices, updates = c.shape(1), c.shape(2)
    if target is None or indices is None or updates is None:
        return
    if not indices:
        raise ValueError("Shape must be at least rank 1 but is rank 0")
    outer, depth = indices[:-1], indices[-1]
    shapes.merge(updates[: len(outer)], outer)
    if depth is None:
        return
    if depth > len(target):
        raise ValueError(
            f"The innermost dimension of indices, {depth}, is more than the rank of "
            f"{shapes.text(target)}"
        )
    shapes.merge(updates[len(outer) :], target[depth:])


class _Kind(NamedTuple):
    """What is updated: rows, or elements."""

    update: Callable[..., None]
    check: Callable[..., None]


_ROWS = _Kind(row_updates.update_rows, _check_rows)
_ELEMENTS = _Kind(row_updates.update_elements, _check_elements)


def _run(kind: _Kind, how: Any, cell: Any, indices: Any, updates: Any) -> None:
    if how is row_updates.divide:
        row_updates.check_divisor(np.asarray(updates))
    with cell.lock:
        kind.update(cell.writable(), indices, updates, how, cell.name)


def _on_reference(
    name: str, kind: _Kind, how: Any, types: str = NUMERIC, use_locking: bool = False
) -> Declaration:
    def shape(c: Any) -> shapes.Dims:
        kind.check(c, c.shape(0))
        dims: shapes.Dims = c.shape(0)
        return dims

    def compute(xp: Any, ref: Any, indices: Any, updates: Any) -> Any:
        _run(kind, how, ref, indices, updates)
        return ref

    body: dict[str, Any] = {"shape": shape, "compute": compute}
    if name in _NOT_DIFFERENTIABLE:
        body["gradient"] = None
    signature = "ref: Ref(T), indices: Tindices, updates: T -> output_ref: Ref(T)"
    attrs = {"T": types, "Tindices": INDEX, "use_locking": use_locking}
    return op(name, signature, **attrs)(type(name, (), body))


def _on_resource(name: str, kind: _Kind, how: Any, types: str = NUMERIC) -> Declaration:
    def shape(c: Any) -> list[shapes.Dims]:
        kind.check(c, handle_shape(c.tensor(0)))
        return []

    def compute(ctx: Any, resource: Any, indices: Any, updates: Any) -> None:
        _run(kind, how, resource, indices, updates)

    if kind is _ROWS:
        signature = "resource: resource, indices: Tindices, updates: dtype ->"
        attrs: dict[str, Any] = {"dtype": types, "Tindices": INDEX}
    else:
        signature = "ref: resource, indices: Tindices, updates: T ->"
        attrs = {"T": types, "Tindices": INDEX, "use_locking": True}
    body = {"shape": shape, "compute": compute}
    return op(name, signature, **attrs, stateful=True)(type(name, (), body))


ScatterUpdate = _on_reference("ScatterUpdate", _ROWS, None, "type", use_locking=True)
ScatterAdd = _on_reference("ScatterAdd", _ROWS, np.add)
ScatterSub = _on_reference("ScatterSub", _ROWS, np.subtract)
ScatterMul = _on_reference("ScatterMul", _ROWS, np.multiply)
ScatterDiv = _on_reference("ScatterDiv", _ROWS, row_updates.divide)
ScatterMin = _on_reference("ScatterMin", _ROWS, np.minimum, _ORDERED)
ScatterMax = _on_reference("ScatterMax", _ROWS, np.maximum, _ORDERED)
ScatterNdUpdate = _on_reference("ScatterNdUpdate", _ELEMENTS, None, "type", use_locking=True)
ScatterNdAdd = _on_reference("ScatterNdAdd", _ELEMENTS, np.add)
ScatterNdSub = _on_reference("ScatterNdSub", _ELEMENTS, np.subtract)
ScatterNdMin = _on_reference("ScatterNdMin", _ELEMENTS, np.minimum)
ScatterNdMax = _on_reference("ScatterNdMax", _ELEMENTS, np.maximum)

ResourceScatterUpdate = _on_resource("ResourceScatterUpdate", _ROWS, None, "type")
ResourceScatterAdd = _on_resource("ResourceScatterAdd", _ROWS, np.add)
ResourceScatterSub = _on_resource("ResourceScatterSub", _ROWS, np.subtract)
ResourceScatterMul = _on_resource("ResourceScatterMul", _ROWS, np.multiply)
ResourceScatterDiv = _on_resource("ResourceScatterDiv", _ROWS, row_updates.divide)
ResourceScatterMin = _on_resource("ResourceScatterMin", _ROWS, np.minimum)
ResourceScatterMax = _on_resource("ResourceScatterMax", _ROWS, np.maximum)
ResourceScatterNdUpdate = _on_resource("ResourceScatterNdUpdate", _ELEMENTS, None, "type")
ResourceScatterNdAdd = _on_resource("ResourceScatterNdAdd", _ELEMENTS, np.add, "type")
ResourceScatterNdSub = _on_resource("ResourceScatterNdSub", _ELEMENTS, np.subtract, "type")
ResourceScatterNdMin = _on_resource("ResourceScatterNdMin", _ELEMENTS, np.minimum, "type")
ResourceScatterNdMax = _on_resource("ResourceScatterNdMax", _ELEMENTS, np.maximum, "type")


def _scatter(
    on_reference: Declaration,
    on_resource: Declaration,
    ref: Any,
    indices: Any,
    updates: Any,
    use_locking: bool | None,
    name: str | None,
) -> Any:
    if is_ref(ref):
        return on_reference(ref, indices, updates, use_locking=use_locking, name=name)
    values = convert_to_tensor(updates, ref.dtype)
    return ref._lazy_read(on_resource(ref.handle, indices, values, name=name))


def scatter_update(
    ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: str | None = None
) -> Any:
    """Puts the rows ``updates`` at ``indices`` into variable ``ref``; the result is the variable,
    after that.
    """
    return _scatter(ScatterUpdate, ResourceScatterUpdate, ref, indices, updates, use_locking, name)


def scatter_add(
    ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None
) -> Any:
    """Adds the rows ``updates`` to those at ``indices`` of variable ``ref``."""
    return _scatter(ScatterAdd, ResourceScatterAdd, ref, indices, updates, use_locking, name)


def scatter_sub(
    ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None
) -> Any:
    """Subtracts the rows ``updates`` from those at ``indices`` of variable ``ref``."""
    return _scatter(ScatterSub, ResourceScatterSub, ref, indices, updates, use_locking, name)


def scatter_mul(
    ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None
) -> Any:
    """Multiplies the rows at ``indices`` of variable ``ref`` by ``updates``."""
    return _scatter(ScatterMul, ResourceScatterMul, ref, indices, updates, use_locking, name)


def scatter_div(
    ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None
) -> Any:
    """Divides the rows at ``indices`` of variable ``ref`` by ``updates``."""
    return _scatter(ScatterDiv, ResourceScatterDiv, ref, indices, updates, use_locking, name)


def scatter_min(
    ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None
) -> Any:
    """The smaller of the rows at ``indices`` of variable ``ref`` and ``updates``, element by
    element.
    """
    return _scatter(ScatterMin, ResourceScatterMin, ref, indices, updates, use_locking, name)


def scatter_max(
    ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None
) -> Any:
    """The larger of the rows at ``indices`` of variable ``ref`` and ``updates``, element by
    element.
    """
    return _scatter(ScatterMax, ResourceScatterMax, ref, indices, updates, use_locking, name)


def scatter_nd_update(
    ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: str | None = None
) -> Any:
    """Puts ``updates`` at the places ``indices`` ([..., K]) into variable ``ref``."""
    return _scatter(
        ScatterNdUpdate, ResourceScatterNdUpdate, ref, indices, updates, use_locking, name
    )


def scatter_nd_add(
    ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None
) -> Any:
    """Adds ``updates`` at the places ``indices`` ([..., K]) of variable ``ref``."""
    return _scatter(ScatterNdAdd, ResourceScatterNdAdd, ref, indices, updates, use_locking, name)


def scatter_nd_sub(
    ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None
) -> Any:
    """Subtracts ``updates`` at the places ``indices`` ([..., K]) of variable ``ref``."""
    return _scatter(ScatterNdSub, ResourceScatterNdSub, ref, indices, updates, use_locking, name)


def scatter_nd_min(
    ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None
) -> Any:
    """The smaller of ``updates`` and what is at the places ``indices`` of variable ``ref``."""
    return _scatter(ScatterNdMin, ResourceScatterNdMin, ref, indices, updates, use_locking, name)


def scatter_nd_max(
    ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None
) -> Any:
    """The larger of ``updates`` and what is at the places ``indices`` of variable ``ref``."""
    return _scatter(ScatterNdMax, ResourceScatterNdMax, ref, indices, updates, use_locking, name)


def batch_scatter_update(
    ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: str | None = None
) -> Any:
    """Puts ``updates[..., i, :]`` at row ``indices[..., i]`` of the same batch of variable ``ref``.

    Raises ValueError where the rank of ``indices`` is not known.
    """
    with name_scope(name):
        indices = convert_to_tensor(indices, name="indices")
        sizes: Any = shape(indices)
        rank = indices.shape.rank
        if rank is None:
            raise ValueError("batch_gather does not allow indices with unknown shape.")
        places: Any = expand_dims(indices, axis=-1)
        columns = []
        for axis in range(rank - 1):
            size = sizes[axis]
            along = [1] * (rank + 1)
            along[axis] = size
            numbers: Any = reshape(Range(0, size, 1), along)
            if numbers.dtype.base_dtype != places.dtype:
                numbers = cast(numbers, places.dtype)
            columns.append(numbers * ones_like(places))
        where = concat([*columns, places], axis=-1)
        return scatter_nd_update(ref, where, updates, use_locking=use_locking)
