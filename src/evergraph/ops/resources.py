"""Resource variables: handles, reads and assignments."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph import shape as shapes
from evergraph.graph.registry import op
from evergraph.graph.tensor import Tensor
from evergraph.ops.cells import ResourceCell
from evergraph.ops.handles import check_handle_type, handle_shape
from evergraph.ops.indexed_slices import IndexedSlices
from evergraph.ops.row_updates import check_elements, check_indices
from evergraph.ops.shape_rules import scalar
from evergraph.ops.state import CountUpTo, count, is_ref
from evergraph.ops.types import INDEX, INDEX_DEFAULT_INT32


@op(
    "VarHandleOp",
    "-> resource: resource",
    container="string = ''",
    shared_name="string = ''",
    debug_name="string = ''",
    dtype="type",
    shape="shape",
    allowed_devices="list(string) = []",
    stateful=True,
    handle=True,
)
class VarHandleOp:
    shape = scalar

    def compute(ctx, *, dtype, shape, container):
        cell = ctx.resource(
            ResourceCell, lambda: ResourceCell(_name(ctx.op), dtype, shape, container)
        )
        if cell.value is None:
            cell.look_around(lambda name: ctx.find_resource(container, name))
        return cell


def _name(node: Any) -> str:
    name: str = node.attrs["shared_name"] or node.name
    return name


@op("ReadVariableOp", "resource: resource -> value: dtype", dtype="type", stateful=True)
class ReadVariableOp:
    def shape(c):
        check_handle_type(c.tensor(0), c["dtype"], "read")
        return handle_shape(c.tensor(0))

    def compute(ctx, resource, *, dtype):
        if resource.dtype != dtype:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Trying to read variable with wrong dtype. Expected {dtype.name} got "
                f"{resource.dtype.name} (variable '{resource.name}')",
            )
        return resource.read()

    def gradient(op, grad):
        return grad


@op(
    "AssignVariableOp",
    "resource: resource, value: dtype ->",
    dtype="type",
    validate_shape=False,
    stateful=True,
)
class AssignVariableOp:
    def shape(c):
        return _assigned(c)

    def compute(ctx, resource, value, *, validate_shape):
        resource.assign(value, validate_shape)


def _assigned(c: Any) -> list[shapes.Dims]:
    check_handle_type(c.tensor(0), c["dtype"], "assign to")
    shapes.merge(handle_shape(c.tensor(0)), c.shape(1))
    return []


def _update(resource: ResourceCell, value: Any, ufunc: Any) -> None:
    with resource.lock:
        array = resource.writable()
        if array.shape != np.shape(value):
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Cannot update variable with shape {shapes.text(array.shape)} using a Tensor "
                f"with shape {shapes.text(np.shape(value))}, shapes must be equal (variable "
                f"'{resource.name}').",
            )
        ufunc(array, value, out=array)


@op("AssignAddVariableOp", "resource: resource, value: dtype ->", dtype="type", stateful=True)
class AssignAddVariableOp:
    def shape(c):
        return _assigned(c)

    def compute(ctx, resource, value):
        _update(resource, value, np.add)


@op("AssignSubVariableOp", "resource: resource, value: dtype ->", dtype="type", stateful=True)
class AssignSubVariableOp:
    def shape(c):
        return _assigned(c)

    def compute(ctx, resource, value):
        _update(resource, value, np.subtract)


@op("VarIsInitializedOp", "resource: resource -> is_initialized: bool", stateful=True)
class VarIsInitializedOp:
    shape = scalar

    def compute(ctx, resource):
        return np.bool_(resource.initialized)

    gradient = None


@op(
    "VariableShape",
    "input: resource -> output: out_type",
    out_type=INDEX_DEFAULT_INT32,
    stateful=True,
)
class VariableShape:
    def shape(c):
        dims = handle_shape(c.tensor(0))
        return (None if dims is None else len(dims),)

    def compute(ctx, input, *, out_type):
        return np.array(input.read().shape, out_type.as_numpy_dtype)

    gradient = None


def variable_shape(handle: Tensor, out_type: Any = dtypes.int32) -> Tensor:
    """The shape of the variable behind ``handle``: a constant where it is known."""
    from evergraph.ops.constant import constant

    dims = handle_shape(handle)
    if shapes.is_fully_defined(dims):
        return constant(dims, dtype=out_type)
    found: Tensor = VariableShape(handle, out_type=out_type)
    return found


@op("DestroyResourceOp", "resource: resource ->", ignore_lookup_error=True, stateful=True)
class DestroyResourceOp:
    def compute(ctx, resource, *, ignore_lookup_error):
        if not resource.initialized and not ignore_lookup_error:
            raise errors.NotFoundError(
                None,
                None,
                f"Resource {resource.container or 'localhost'}/{resource.name} does not exist.",
            )
        resource.destroy()


@op("DisableCopyOnRead", "resource: resource ->", stateful=True)
class DisableCopyOnRead:
    def compute(ctx, resource):
        """Nothing to do: a read never copies here."""


@op(
    "ResourceGather",
    "resource: resource, indices: Tindices -> output: dtype",
    batch_dims=0,
    validate_indices=True,
    dtype="type",
    Tindices=INDEX,
    stateful=True,
)
class ResourceGather:
    def shape(c):
        check_handle_type(c.tensor(0), c["dtype"], "read")
        params, indices, batch = handle_shape(c.tensor(0)), c.shape(1), c["batch_dims"]
        if params is None or indices is None:
            return None
        if len(params) < batch + 1:
            raise ValueError(f"Shape must be at least rank {batch + 1} but is rank {len(params)}")
        return (*params[:batch], *indices[batch:], *params[batch + 1 :])

    def compute(ctx, resource, indices, *, batch_dims):
        params, indices = resource.read(), np.asarray(indices)
        if params.ndim <= batch_dims:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"params must be at least {batch_dims + 1} dimensional (variable "
                f"'{resource.name}')",
            )
        check_indices(indices, params.shape[batch_dims])
        if not batch_dims:
            return np.take(params, indices, axis=0)
        outer = np.indices(params.shape[:batch_dims], sparse=True)
        extra = indices.ndim - batch_dims
        outer = [axis.reshape(axis.shape + (1,) * extra) for axis in outer]
        places = (*outer, indices)
        return params[places]

    def gradient(op, grad):
        from evergraph.ops.array import expand_dims, reshape, size
        from evergraph.ops.joining import concat

        handle, indices = op.inputs
        params_shape = variable_shape(handle)
        count = expand_dims(size(indices), 0)
        values = reshape(grad, concat([count, params_shape[1:]], 0))
        return [IndexedSlices(values, reshape(indices, count), params_shape), None]


@op(
    "ResourceGatherNd",
    "resource: resource, indices: Tindices -> output: dtype",
    dtype="type",
    Tindices=INDEX,
    stateful=True,
)
class ResourceGatherNd:
    def shape(c):
        check_handle_type(c.tensor(0), c["dtype"], "read")
        params, indices = handle_shape(c.tensor(0)), c.shape(1)
        if params is None or indices is None or indices[-1] is None:
            return None
        if indices[-1] > len(params):
            raise ValueError(
                "indices.shape[-1] must be <= params.rank, but saw indices shape: "
                f"{shapes.text(indices)} and params shape: {shapes.text(params)}"
            )
        return (*indices[:-1], *params[indices[-1] :])

    def compute(ctx, resource, indices):
        params, indices = resource.read(), np.asarray(indices)
        check_elements(params, indices, resource.name)
        return params[tuple(np.moveaxis(indices, -1, 0))]

    def gradient(op, grad):
        from evergraph.ops.array import squeeze
        from evergraph.ops.scattering import scatter_nd

        handle, indices = op.inputs
        params_shape = VariableShape(handle, out_type=indices.dtype)
        if indices.dims is not None and len(indices.dims) == 2 and indices.dims[-1] == 1:
            return [IndexedSlices(grad, squeeze(indices, axis=-1), params_shape), None]
        return [scatter_nd(indices, grad, params_shape), None]


@op(
    "ResourceCountUpTo",
    "resource: resource -> output: T",
    limit="int",
    T="{int32, int64}",
    stateful=True,
)
class ResourceCountUpTo:
    shape = scalar

    def compute(ctx, resource, *, limit):
        with resource.lock:
            counter = resource.writable()
            before = count(counter, limit)
            counter += 1
        return before


def count_up_to(ref: Any, limit: int, name: str | None = None) -> Tensor:
    """The value of the scalar variable ``ref``, which then counts up; OutOfRangeError once it has
    reached ``limit``.
    """
    if is_ref(ref):
        before: Tensor = CountUpTo(ref, limit=limit, name=name)
        return before
    before = ResourceCountUpTo(ref.handle, limit=limit, T=ref.dtype, name=name)
    return before
