"""TensorLists: what the loops of TensorFlow 2 keep their values in (``tf.while_loop`` in its second version, its
gradient).

A list is a value of type ``variant``; every op that changes one gives another.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph.formats import dtypes
from evergraph.graph import room
from evergraph.graph.origin import origin
from evergraph.graph.registry import op
from evergraph.graph.shape import Dims, from_partial_values, merge, with_rank
from evergraph.ops import array, shape_rules
from evergraph.ops.tensor_list_value import TensorList, from_rows, places, refuse, scatter, split
from evergraph.ops.types import INDEX

_PASSING = frozenset(
    ("Identity", "Enter", "Switch", "Merge", "NextIteration", "Exit", "TensorListPushBack", "TensorListPopBack",
     "TensorListSetItem", "TensorListResize", "TensorListScatterIntoExistingList", "TensorListConcatLists")
)  # fmt: skip
_MAKERS = {
    "EmptyTensorList": 0,
    "TensorListReserve": 0,
    "TensorListFromTensor": 1,
    "TensorListScatter": 2,
    "TensorListScatterV2": 2,
    "TensorListSplit": 1,
}


def _known_element(handle):
    """The static shape of the elements of the list ``handle``."""
    source = origin(handle, _PASSING)
    place = _MAKERS.get(source.type)
    if place is None:
        return None
    from evergraph.graph.constant_value import constant_value_as_shape

    return constant_value_as_shape(source.inputs[place])


def _element(c, i):
    """What is known of an element: of those of the list, and by the shape at input ``i``."""
    return merge(_known_element(c.tensor(0)), c.value_as_shape(i))


def _dims(shape: Any) -> Dims:
    """An ``element_shape`` in a run: -1 alone for nothing known, -1 for an unknown size."""
    shape = np.asarray(shape)
    if shape.ndim == 0:
        if shape != -1:
            raise refuse(
                f"The only valid scalar shape tensor is the fully unknown shape specified as -1. Got: {shape}"
            )
        return None
    return from_partial_values(shape.tolist())


def _whole_shape(dtype: Any, dims: Dims) -> Any:
    kind = dtype.as_numpy_dtype
    if dims is None:
        return np.array(-1, kind)
    return np.array([-1 if size is None else size for size in dims], kind)


def _size_of_rows(tensor):
    from evergraph.ops.slicing import slice_

    return slice_(array.shape(tensor), [1], [-1])


def _empty_like(handle, dtype):
    shape = TensorListElementShape(handle, shape_type=dtypes.int32)
    return EmptyTensorList(shape, -1, element_dtype=dtype)


@op("EmptyTensorList", "element_shape: shape_type, max_num_elements: int32 -> handle: variant",
    element_dtype="type", shape_type=INDEX, host=True)  # fmt: skip
class EmptyTensorList:
    shape = shape_rules.scalar

    def compute(xp, element_shape, max_num_elements, *, element_dtype):
        return TensorList([], element_dtype, _dims(element_shape), int(max_num_elements))

    gradient = None


@op("TensorListReserve", "element_shape: shape_type, num_elements: int32 -> handle: variant",
    element_dtype="type", shape_type=INDEX, host=True)  # fmt: skip
class TensorListReserve:
    shape = shape_rules.scalar

    def compute(xp, element_shape, num_elements, *, element_dtype):
        if num_elements < 0:
            raise refuse(
                f"The num_elements to reserve must be a non negative number, but got {num_elements}"
            )
        return TensorList(places(int(num_elements)), element_dtype, _dims(element_shape))

    gradient = None


@op("TensorListPushBack", "input_handle: variant, tensor: element_dtype -> output_handle: variant",
    element_dtype="type", host=True)  # fmt: skip
class TensorListPushBack:
    def shape(c):
        merge(_known_element(c.tensor(0)), c.shape(1))
        return ()

    def compute(xp, input_handle, tensor, *, element_dtype):
        input_handle.check_dtype(element_dtype)
        return input_handle.push(tensor)

    def gradient(op, grad):
        dtype = op.attrs["element_dtype"]
        return list(TensorListPopBack(grad, array.shape(op.inputs[1]), element_dtype=dtype))


@op("TensorListPopBack",
    "input_handle: variant, element_shape: int32 -> output_handle: variant, tensor: element_dtype",
    element_dtype="type", host=True)  # fmt: skip
class TensorListPopBack:
    def shape(c):
        return [(), _element(c, 1)]

    def compute(xp, input_handle, element_shape, *, element_dtype):
        input_handle.check_dtype(element_dtype)
        return input_handle.pop(_dims(element_shape))

    def gradient(op, list_grad, grad):
        if list_grad is None:
            list_grad = _empty_like(op.outputs[0], grad.dtype)
        if grad is None:
            grad = array.zeros_like(op.outputs[1])
        return [TensorListPushBack(list_grad, grad), None]


@op("TensorListLength", "input_handle: variant -> length: int32", host=True)
class TensorListLength:
    shape = shape_rules.scalar

    def compute(xp, input_handle):
        return np.int32(len(input_handle.items))

    gradient = None


@op("TensorListElementShape", "input_handle: variant -> element_shape: shape_type",
    shape_type=INDEX, host=True)  # fmt: skip
class TensorListElementShape:
    def shape(c):
        known = _known_element(c.tensor(0))
        return None if known is None else (len(known),)

    def compute(xp, input_handle, *, shape_type):
        return _whole_shape(shape_type, input_handle.element_shape)

    gradient = None


@op("TensorListGetItem",
    "input_handle: variant, index: int32, element_shape: int32 -> item: element_dtype",
    element_dtype="type", host=True)  # fmt: skip
class TensorListGetItem:
    def shape(c):
        with_rank(c.shape(1), 0)
        return _element(c, 2)

    def compute(xp, input_handle, index, element_shape, *, element_dtype):
        input_handle.check_dtype(element_dtype)
        return input_handle.get(int(index), _dims(element_shape))

    def gradient(op, grad):
        handle, index, _ = op.inputs
        shape = TensorListElementShape(handle, shape_type=dtypes.int32)
        empty = TensorListReserve(shape, TensorListLength(handle), element_dtype=grad.dtype)
        return [TensorListSetItem(empty, index, grad), None, None]


@op("TensorListSetItem",
    "input_handle: variant, index: int32, item: element_dtype -> output_handle: variant",
    element_dtype="type", resize_if_index_out_of_bounds=False, host=True)  # fmt: skip
class TensorListSetItem:
    def shape(c):
        with_rank(c.shape(1), 0)
        merge(_known_element(c.tensor(0)), c.shape(2))
        return ()

    def compute(xp, input_handle, index, item, *, element_dtype, resize_if_index_out_of_bounds):
        input_handle.check_dtype(element_dtype)
        return input_handle.set(int(index), item, resize_if_index_out_of_bounds)

    def gradient(op, grad):
        before, index, item = op.inputs
        list_grad = TensorListSetItem(grad, index, array.zeros_like(item))
        item_grad = TensorListGetItem(grad, index, array.shape(item), element_dtype=item.dtype)
        if op.attrs["resize_if_index_out_of_bounds"]:
            list_grad = TensorListResize(list_grad, TensorListLength(before))
        return [list_grad, None, item_grad]


@op("TensorListResize", "input_handle: variant, size: int32 -> output_handle: variant", host=True)
class TensorListResize:
    shape = shape_rules.scalar

    def compute(xp, input_handle, size):
        return input_handle.resize(int(size))

    def gradient(op, grad):
        return [TensorListResize(grad, TensorListLength(op.inputs[0])), None]


@op("TensorListStack", "input_handle: variant, element_shape: int32 -> tensor: element_dtype",
    element_dtype="type", num_elements=-1, host=True)  # fmt: skip
class TensorListStack:
    def shape(c):
        dims = _element(c, 1)
        count = c["num_elements"]
        return None if dims is None else (None if count < 0 else count, *dims)

    def compute(xp, input_handle, element_shape, *, element_dtype, num_elements):
        input_handle.check_dtype(element_dtype)
        return input_handle.stack(_dims(element_shape), num_elements)

    def gradient(op, grad):
        dims = None if grad.dims is None else grad.dims[1:]
        return [TensorListFromTensor(grad, _shape_input(dims)), None]


def _shape_input(dims):
    """``dims`` as an input of type shape_type, -1 for what is not known."""
    return _whole_shape(dtypes.int32, dims)


@op("TensorListFromTensor",
    "tensor: element_dtype, element_shape: shape_type -> output_handle: variant",
    element_dtype="type", shape_type=INDEX, host=True)  # fmt: skip
class TensorListFromTensor:
    def shape(c):
        dims = c.shape(0)
        if dims is not None:
            if not dims:
                raise ValueError("Shape must be at least rank 1 but is rank 0")
            merge(dims[1:], c.value_as_shape(1))
        return ()

    def compute(xp, tensor, element_shape, *, element_dtype):
        return from_rows(tensor, element_dtype, _dims(element_shape))

    def gradient(op, grad):
        tensor = op.inputs[0]
        rows = tensor.dims[0] if tensor.dims else None
        if grad is None:
            grad = _empty_like(op.outputs[0], tensor.dtype)
        whole = TensorListStack(
            grad,
            _size_of_rows(tensor),
            element_dtype=tensor.dtype,
            num_elements=-1 if rows is None else rows,
        )
        return [whole, None]


@op("TensorListGather",
    "input_handle: variant, indices: int32, element_shape: int32 -> values: element_dtype",
    element_dtype="type", host=True)  # fmt: skip
class TensorListGather:
    def shape(c):
        rows = with_rank(c.shape(1), 1)
        dims = _element(c, 2)
        return None if dims is None else (*rows, *dims)

    def compute(xp, input_handle, indices, element_shape, *, element_dtype):
        input_handle.check_dtype(element_dtype)
        return input_handle.gather(indices.tolist(), _dims(element_shape), "gather")

    def gradient(op, grad):
        handle, indices, _ = op.inputs
        shape = TensorListElementShape(handle, shape_type=dtypes.int32)
        empty = TensorListReserve(shape, TensorListLength(handle), element_dtype=grad.dtype)
        return [TensorListScatterIntoExistingList(empty, grad, indices), None, None]


def _scatter_gradient(op, grad):
    tensor, indices = op.inputs[:2]
    rows = TensorListGather(grad, indices, _size_of_rows(tensor), element_dtype=tensor.dtype)
    return [rows, *[None] * (len(op.inputs) - 1)]


@op("TensorListScatter",
    "tensor: element_dtype, indices: int32, element_shape: shape_type -> output_handle: variant",
    element_dtype="type", shape_type=INDEX, host=True)  # fmt: skip
class TensorListScatter:
    shape = shape_rules.scalar

    def compute(xp, tensor, indices, element_shape, *, element_dtype):
        empty = TensorList([], element_dtype, _dims(element_shape))
        return scatter(empty, indices.tolist(), tensor, grow=True)

    gradient = _scatter_gradient


@op("TensorListScatterV2",
    "tensor: element_dtype, indices: int32, element_shape: shape_type, num_elements: int32 -> "
    "output_handle: variant", element_dtype="type", shape_type=INDEX, host=True)  # fmt: skip
class TensorListScatterV2:
    shape = shape_rules.scalar

    def compute(xp, tensor, indices, element_shape, num_elements, *, element_dtype):
        if num_elements < -1:
            raise refuse(f"TensorListScatter expects num_elements >= -1, found: {num_elements}")
        size = max(int(num_elements), 0)
        empty = TensorList(places(size), element_dtype, _dims(element_shape))
        return scatter(empty, indices.tolist(), tensor, grow=num_elements < 0)

    gradient = _scatter_gradient


@op("TensorListScatterIntoExistingList",
    "input_handle: variant, tensor: element_dtype, indices: int32 -> output_handle: variant",
    element_dtype="type", host=True)  # fmt: skip
class TensorListScatterIntoExistingList:
    shape = shape_rules.scalar

    def compute(xp, input_handle, tensor, indices, *, element_dtype):
        input_handle.check_dtype(element_dtype)
        return scatter(input_handle, indices.tolist(), tensor, grow=True)

    def gradient(op, grad):
        _, tensor, indices = op.inputs
        rows = TensorListGather(grad, indices, _size_of_rows(tensor), element_dtype=tensor.dtype)
        zeros = array.zeros_like(tensor)
        return [TensorListScatterIntoExistingList(grad, zeros, indices), rows, None]


def _concat_gradient(op, grad, _):
    shape = TensorListElementShape(op.inputs[0], shape_type=dtypes.int32)
    parts = TensorListSplit(grad, shape, op.outputs[1])
    return [parts, *[None] * (len(op.inputs) - 1)]


@op("TensorListConcat", "input_handle: variant -> tensor: element_dtype, lengths: int64",
    element_dtype="type", element_shape="shape = { unknown_rank: true }", host=True)  # fmt: skip
class TensorListConcat:
    def shape(c):
        dims = merge(_known_element(c.tensor(0)), c["element_shape"])
        return [None if dims is None else (None, *dims[1:]), (None,)]

    def compute(xp, input_handle, *, element_dtype, element_shape):
        input_handle.check_dtype(element_dtype)
        return input_handle.concat(element_shape, ())

    gradient = _concat_gradient


@op("TensorListConcatV2",
    "input_handle: variant, element_shape: shape_type, leading_dims: int64 -> tensor: "
    "element_dtype, lengths: int64", element_dtype="type", shape_type=INDEX, host=True)  # fmt: skip
class TensorListConcatV2:
    def shape(c):
        dims = _element(c, 1)
        return [None if dims is None else (None, *dims[1:]), (None,)]

    def compute(xp, input_handle, element_shape, leading_dims, *, element_dtype):
        input_handle.check_dtype(element_dtype)
        return input_handle.concat(_dims(element_shape), leading_dims.tolist())

    gradient = _concat_gradient


@op("TensorListConcatLists", "input_a: variant, input_b: variant -> output: variant",
    element_dtype="type", host=True)  # fmt: skip
class TensorListConcatLists:
    shape = shape_rules.unchanged

    def compute(xp, input_a, input_b, *, element_dtype):
        input_a.check_dtype(element_dtype)
        input_b.check_dtype(element_dtype)
        room.reserve(8 * (len(input_a.items) + len(input_b.items)))
        return input_a.with_items([*input_a.items, *input_b.items])


@op("TensorListSplit",
    "tensor: element_dtype, element_shape: shape_type, lengths: int64 -> output_handle: variant",
    element_dtype="type", shape_type=INDEX, host=True)  # fmt: skip
class TensorListSplit:
    shape = shape_rules.scalar

    def compute(xp, tensor, element_shape, lengths, *, element_dtype):
        return split(tensor, element_dtype, _dims(element_shape), lengths)

    def gradient(op, grad):
        from evergraph.ops.concatenation import concat

        tensor, _, lengths = op.inputs
        shape = concat([[-1], _size_of_rows(tensor)], axis=0)
        whole = TensorListConcatV2(grad, shape, lengths, element_dtype=tensor.dtype)
        return [whole[0], None, None]
