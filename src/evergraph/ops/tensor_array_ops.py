"""The ops of TensorArrays, third version; the rules here serve the first two as well.

Every op takes and gives a *flow*, a float that says nothing but keeps them in order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph.graph.origin import origin
from evergraph.graph.registry import op
from evergraph.graph.scopes import control_dependencies
from evergraph.graph.shape import is_fully_defined, merge, with_rank
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.tensor_array_state import RunTensorArray

_PASSING = frozenset(("Identity", "Enter", "Switch", "Merge", "NextIteration", "Exit"))


def _element_shape(handle):
    """What is known of all elements of the array behind ``handle``: (known?, Dims)."""
    source = origin(handle, _PASSING)
    if source.type != "TensorArrayV3":
        return False, None
    dims = source.attrs["element_shape"]
    known = is_fully_defined(dims) or source.attrs["identical_element_shapes"]
    return known, dims if known else None


def _check_handle(c):
    # A handle is a pair of strings: container and name.
    merge(c.shape(0), (2,))


def _flow_only(c):
    _check_handle(c)
    return ()


# What they do


def create(first, size, *, dtype, element_shape, dynamic_size, clear_after_read, name, identical):
    return RunTensorArray(
        name, dtype, int(size), element_shape, dynamic_size, clear_after_read, identical
    )


def write(first, handle, index, value, flow_in, *, T):
    handle.write(int(index), value, T)
    return flow_in


def read(first, handle, index, flow_in, *, dtype):
    return handle.get(int(index), dtype)


def gather(first, handle, indices, flow_in, *, dtype, element_shape):
    return handle.gather(indices, dtype, element_shape)


def scatter(first, handle, indices, value, flow_in, *, T):
    handle.scatter(indices, value, T)
    return flow_in


def concat(first, handle, flow_in, *, dtype, element_shape_except0):
    return handle.concat(dtype, element_shape_except0)


def split(first, handle, value, lengths, flow_in, *, T):
    handle.split(value, lengths, T)
    return flow_in


def size_of(first, handle, flow_in):
    return np.int32(handle.size)


def close(first, handle):
    handle.close()


# Their gradients


def gradient_source(tensor: Tensor) -> str:
    """Which call of ``gradients`` made ``tensor``: each has arrays of gradients of its own.

    Raises ValueError where none did.
    """
    parts = tensor.name.split("/")
    places = [i for i, part in enumerate(parts) if part.startswith("gradients")]
    if not places:
        raise ValueError(
            f"Expected op/tensor name to start with gradients (excluding scope), got: {tensor.name}. This means that a "
            "tf.gradients op with this op in its dependency path has a custom name that does not start with "
            "'gradients'. Please make sure all calls to tf.gradients that have non-empty `name` arguments use names "
            "that start with 'gradients'."
        )
    return "/".join(parts[: places[-1] + 1])


def _gradients_of(handle: Tensor, flow: Tensor, dtype: Any, made_by: Tensor) -> Any:
    from evergraph.ops.tensor_array import TensorArray

    whole = TensorArray(dtype, handle=handle, flow=flow, colocate_with_first_write_call=False)
    return whole.grad(gradient_source(made_by), flow=flow)


def _after(op, flow):
    """The gradient of a flow, only once the forward write has happened."""
    with control_dependencies([array.identity(op.outputs[0], name="flow_out")]):
        return array.identity(flow, name="write_barrier")


def read_gradient(op, grad):
    handle, index, flow = op.inputs
    sums = _gradients_of(handle, flow, op.attrs["dtype"], grad)
    return [None, None, sums.write(index, grad).flow]


def write_gradient(op, flow):
    source = flow
    flow = _after(op, flow)
    sums = _gradients_of(op.inputs[0], flow, op.attrs["T"], source)
    return [None, None, sums.read(op.inputs[1]), flow]


def gather_gradient(op, grad):
    handle, indices, flow = op.inputs
    sums = _gradients_of(handle, flow, op.attrs["dtype"], grad)
    return [None, None, sums.scatter(indices, grad).flow]


def scatter_gradient(op, flow):
    source = flow
    flow = _after(op, flow)
    sums = _gradients_of(op.inputs[0], flow, op.attrs["T"], source)
    return [None, None, sums.gather(op.inputs[1]), flow]


def concat_gradient(op, grad, _):
    handle, flow = op.inputs
    sums = _gradients_of(handle, flow, op.attrs["dtype"], grad)
    return [None, sums.split(grad, lengths=op.outputs[1]).flow]


def split_gradient(op, flow):
    source = flow
    flow = _after(op, flow)
    sums = _gradients_of(op.inputs[0], flow, op.attrs["T"], source)
    return [None, sums.concat(), None, flow]


@op("TensorArrayV3", "size: int32 -> handle: resource, flow: float", dtype="type",
    element_shape="shape = { unknown_rank: true }", dynamic_size=False, clear_after_read=True,
    identical_element_shapes=False, tensor_array_name="string = ''", stateful=True)  # fmt: skip
class TensorArrayV3:
    def shape(c):
        with_rank(c.shape(0), 0)
        return [(2,), ()]

    def compute(
        ctx, size, *, dtype, element_shape, dynamic_size, clear_after_read, identical_element_shapes,
        tensor_array_name,
    ):  # fmt: skip
        handle = create(
            ctx, size, dtype=dtype, element_shape=element_shape, dynamic_size=dynamic_size,
            clear_after_read=clear_after_read, name=tensor_array_name or ctx.op.name,
            identical=identical_element_shapes,
        )  # fmt: skip
        return handle, np.float32(0)

    gradient = None


@op("TensorArrayGradV3",
    "handle: resource, flow_in: float -> grad_handle: resource, flow_out: float", source="string",
    stateful=True)  # fmt: skip
class TensorArrayGradV3:
    def shape(c):
        _check_handle(c)
        return [(2,), ()]

    def compute(ctx, handle, flow_in, *, source):
        return handle.gradient(source), flow_in

    gradient = None


@op("TensorArrayGradWithShape",
    "handle: resource, flow_in: float, shape_to_prepend: int32 -> grad_handle: resource, "
    "flow_out: float", source="string", stateful=True)  # fmt: skip
class TensorArrayGradWithShape:
    def shape(c):
        _check_handle(c)
        return [(2,), ()]

    def compute(ctx, handle, flow_in, shape_to_prepend, *, source):
        return handle.gradient(source, tuple(shape_to_prepend.tolist())), flow_in

    gradient = None


@op("TensorArrayWriteV3",
    "handle: resource, index: int32, value: T, flow_in: float -> flow_out: float", T="type",
    stateful=True)  # fmt: skip
class TensorArrayWriteV3:
    def shape(c):
        _check_handle(c)
        with_rank(c.shape(1), 0)
        merge(_element_shape(c.tensor(0))[1], c.shape(2))
        return ()

    compute = write
    gradient = write_gradient


@op("TensorArrayReadV3", "handle: resource, index: int32, flow_in: float -> value: dtype",
    dtype="type", stateful=True)  # fmt: skip
class TensorArrayReadV3:
    def shape(c):
        _check_handle(c)
        with_rank(c.shape(1), 0)
        return _element_shape(c.tensor(0))[1]

    compute = read
    gradient = read_gradient


@op("TensorArrayGatherV3", "handle: resource, indices: int32, flow_in: float -> value: dtype",
    dtype="type", element_shape="shape = { unknown_rank: true }", stateful=True)  # fmt: skip
class TensorArrayGatherV3:
    def shape(c):
        _check_handle(c)
        rows = with_rank(c.shape(1), 1)
        known, dims = _element_shape(c.tensor(0))
        if not known:
            rows, dims = (None,), c["element_shape"]
        return None if dims is None else (*rows, *dims)

    compute = gather
    gradient = gather_gradient


@op("TensorArrayScatterV3",
    "handle: resource, indices: int32, value: T, flow_in: float -> flow_out: float", T="type",
    stateful=True)  # fmt: skip
class TensorArrayScatterV3:
    def shape(c):
        with_rank(c.shape(1), 1)
        return _flow_only(c)

    compute = scatter
    gradient = scatter_gradient


@op("TensorArrayConcatV3", "handle: resource, flow_in: float -> value: dtype, lengths: int64",
    dtype="type", element_shape_except0="shape = { unknown_rank: true }", stateful=True)  # fmt: skip
class TensorArrayConcatV3:
    def shape(c):
        _check_handle(c)
        return [None, (None,)]

    compute = concat
    gradient = concat_gradient


@op("TensorArraySplitV3",
    "handle: resource, value: T, lengths: int64, flow_in: float -> flow_out: float", T="type",
    stateful=True)  # fmt: skip
class TensorArraySplitV3:
    shape = _flow_only
    compute = split
    gradient = split_gradient


@op("TensorArraySizeV3", "handle: resource, flow_in: float -> size: int32", stateful=True)
class TensorArraySizeV3:
    shape = _flow_only
    compute = size_of
    gradient = None


@op("TensorArrayCloseV3", "handle: resource ->", stateful=True)
class TensorArrayCloseV3:
    compute = close
    gradient = None
