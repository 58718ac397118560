"""The values of tensors that are known while a graph is built: constants, and what is computed from them.

Shape rules ask for these (``Reshape`` for its target, ``Fill`` for its dimensions), and ``tf.get_static_value`` gives
them to programs. A value is computed with the op's own ``compute``, so that there is one definition of each op.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from evergraph import errors
from evergraph.formats.dtypes import string
from evergraph.graph.shape import Dims, from_partial_values, is_fully_defined, product

if TYPE_CHECKING:
    from evergraph.graph.operation import Operation
    from evergraph.graph.tensor import Tensor

    _Sizes = list[int | None] | None
    _Seen = dict[Tensor, _Sizes]

#: Larger values are left for the run: shapes, axes and paddings are small.
_MOST_ELEMENTS = 1 << 16
_DEEPEST = 200
#: A few elements may stand for as many as one likes: such a constant is not kept while a graph is built.
_MOST_FILL = 1 << 20
#: A vector that is longer is no shape.
_MOST_SIZES = 1024
#: Their output depends on which of their inputs is alive, not on its value alone.
_CONTROL_FLOW = frozenset(
    [
        "Switch",
        "RefSwitch",
        "Merge",
        "RefMerge",
        "Enter",
        "RefEnter",
        "Exit",
        "RefExit",
        "NextIteration",
        "RefNextIteration",
        "LoopCond",
    ]
)


def constant_value(tensor: Tensor) -> np.ndarray[Any, Any] | None:
    """The value of ``tensor`` where it is the same in every run and known now, else None. Not to be written to."""
    return _value(tensor, 0)


def _value(tensor: Tensor, depth: int) -> np.ndarray[Any, Any] | None:
    known = tensor._known_value
    if known is not None or depth > _DEEPEST:
        return known
    op = tensor.op
    if op.type == "Const":
        from evergraph.formats.tensor_proto import fill_bytes, make_ndarray

        message = op.attrs["value"]
        if message.dtype != tensor.dtype.as_datatype_enum or fill_bytes(message) > _MOST_FILL:
            return None  # What is wrong, the run will say; and what is large, it will make.
        tensor._known_value = make_ndarray(message)
        return tensor._known_value
    rule = _SHAPE_QUERIES.get(op.type)
    if rule is not None:
        result = rule(op)
        if result is not None:
            tensor._known_value = result
        return result
    return _computed(tensor, op, depth)


def _computed(tensor: Tensor, op: Operation, depth: int) -> np.ndarray[Any, Any] | None:
    declaration = op.declaration
    if (
        declaration is None
        or declaration.compute is None
        or declaration.needs_context
        or not op.inputs
        or op.type in _CONTROL_FLOW
        # A few strings can be joined to one of any length.
        or any(each.dtype == string for each in (*op.inputs, *op.outputs))
        or (product(tensor.dims) if tensor.dims is not None else 0) not in range(_MOST_ELEMENTS + 1)
    ):
        return None
    values = []
    for source in op.inputs:
        value = _value(source, depth + 1)
        if value is None or value.size > _MOST_ELEMENTS:
            return None
        values.append(value)
    from evergraph.graph.kernel import call

    try:
        outputs = call(np, op, values)
    except (errors.OpError, ValueError, TypeError, ArithmeticError):
        return None  # The run will say what is wrong, with the node's name.
    for output, value in zip(op.outputs, outputs, strict=True):
        if value.size <= _MOST_ELEMENTS:
            output._known_value = np.asarray(value)
    return tensor._known_value


def _shape_of(op: Operation) -> np.ndarray[Any, Any] | None:
    dims = op._inputs[0]._dims
    return None if not is_fully_defined(dims) else np.array(dims, _out_type(op))


def _rank_of(op: Operation) -> np.ndarray[Any, Any] | None:
    dims = op._inputs[0]._dims
    return None if dims is None else np.array(len(dims), np.int32)


def _size_of(op: Operation) -> np.ndarray[Any, Any] | None:
    dims = op._inputs[0]._dims
    return None if not is_fully_defined(dims) else np.array(product(dims or ()), _out_type(op))


def _out_type(op: Operation) -> Any:
    return op.attrs["out_type"].as_numpy_dtype


#: Ops whose value is known from their input's static shape, though not its value.
_SHAPE_QUERIES: dict[str, Callable[[Operation], np.ndarray[Any, Any] | None]] = {
    "Shape": _shape_of,
    "Rank": _rank_of,
    "Size": _size_of,
}


def constant_value_as_shape(tensor: Tensor) -> Dims:
    """The shape that ``tensor``, a vector of sizes, stands for; sizes that are not known yet are None."""
    return from_partial_values(_sizes(tensor, 0, {}))


def _sizes(tensor: Tensor, depth: int, seen: _Seen) -> _Sizes:
    """The entries of an integer vector, None where unknown; None altogether where even its length is, or it is longer
    than shapes are.

    ``seen``: what has been found on the way, so that a value that is used twice, twice over, is looked at once.
    """
    if tensor not in seen:
        found = _find_sizes(tensor, depth, seen)
        seen[tensor] = None if found is not None and len(found) > _MOST_SIZES else found
    return seen[tensor]


def _find_sizes(tensor: Tensor, depth: int, seen: _Seen) -> _Sizes:
    value = _value(tensor, depth)
    if value is not None:
        if (value.ndim == 0 and value == -1) or value.size > _MOST_SIZES:
            return None
        return [int(v) for v in np.ravel(value)]
    op = tensor.op
    rule = _PARTIAL.get(op.type)
    found = rule(op, depth + 1, seen) if rule is not None and depth < _DEEPEST else None
    dims = tensor.dims
    if found is None and dims is not None and len(dims) == 1 and dims[0] is not None:
        found = [None] * min(dims[0], _MOST_SIZES + 1)
    return found


def _partial_shape(op: Operation, depth: int, seen: _Seen) -> _Sizes:
    dims = op._inputs[0]._dims
    return None if dims is None else list(dims)


def _partial_pack(op: Operation, depth: int, seen: _Seen) -> _Sizes:
    if any(source.dims != () for source in op._inputs) and any(
        source.dims is not None for source in op._inputs
    ):
        return None
    return [_scalar(source, depth, seen) for source in op._inputs]


def _scalar(tensor: Tensor, depth: int, seen: _Seen) -> int | None:
    value = _value(tensor, depth)
    if value is not None:
        return int(value)
    op = tensor.op
    if depth >= _DEEPEST:
        return None
    if op.type == "Cast":
        return _scalar(op._inputs[0], depth + 1, seen)
    if op.type == "StridedSlice":
        # ``tf.shape(x)[0]`` where only some sizes of x are known.
        picked = _strided(op, depth + 1, seen, scalar=True)
        return picked[0] if picked else None
    return None


def _partial_concat(op: Operation, depth: int, seen: _Seen) -> _Sizes:
    parts = op._inputs[:-1] if op.type == "ConcatV2" else op._inputs[1:]
    result: list[int | None] = []
    for part in parts:
        sizes = _sizes(part, depth, seen)
        if sizes is None:
            return None
        result.extend(sizes)
        if len(result) > _MOST_SIZES:
            return None
    return result


def _partial_strided(op: Operation, depth: int, seen: _Seen) -> _Sizes:
    return _strided(op, depth, seen, scalar=False)


def _strided(op: Operation, depth: int, seen: _Seen, scalar: bool) -> _Sizes:
    attrs = op.attrs
    if (
        attrs["new_axis_mask"]
        or attrs["ellipsis_mask"]
        or bool(attrs["shrink_axis_mask"]) != scalar
    ):
        return None
    sizes = _sizes(op._inputs[0], depth, seen)
    bounds = [_value(source, depth) for source in op._inputs[1:4]]
    if sizes is None or any(bound is None or bound.size != 1 for bound in bounds):
        return None
    begin, end, stride = (int(bound.item()) for bound in bounds)  # type: ignore[union-attr]  # checked above
    if scalar:
        return [sizes[begin]] if -len(sizes) <= begin < len(sizes) else None
    first = None if attrs["begin_mask"] & 1 else begin
    last = None if attrs["end_mask"] & 1 else end
    return sizes[first:last:stride]


def _through(op: Operation, depth: int, seen: _Seen) -> _Sizes:
    return _sizes(op._inputs[0], depth, seen)


_PARTIAL: dict[str, Callable[[Operation, int, _Seen], _Sizes]] = {
    "Shape": _partial_shape,
    "Pack": _partial_pack,
    "ConcatV2": _partial_concat,
    "Concat": _partial_concat,
    "StridedSlice": _partial_strided,
    "Cast": _through,
    "Identity": _through,
}
