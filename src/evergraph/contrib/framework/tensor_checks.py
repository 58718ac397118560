"""``tf.contrib.framework``'s checks of tensors: shapes that are asserted when a graph is built or run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evergraph.formats import dtypes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.scopes import control_dependencies, name_scope
from evergraph.graph.tensor import Tensor
from evergraph.nn import confusion_matrix
from evergraph.ops import array
from evergraph.ops.arithmetic import add_n
from evergraph.ops.assertions import assert_
from evergraph.ops.comparison import equal
from evergraph.ops.logical import logical_and
from evergraph.ops.reductions import reduce_all, reduce_sum
from evergraph.ops.shape_checks import assert_scalar
from evergraph.variables.variable import Variable


def is_tensor(x: Any) -> bool:
    """True for a Tensor, or what stands for one: a variable, IndexedSlices."""
    from evergraph.ops.indexed_slices import IndexedSlices

    return isinstance(x, (Tensor, Variable, IndexedSlices))


def reduce_sum_n(tensors: Sequence[Any], name: str | None = None) -> Tensor:
    """The sum of all elements of all tensors. Raises ValueError where there is none."""
    if not tensors:
        raise ValueError("No tensors provided.")
    with name_scope(name, "reduce_sum_n", tensors) as scope:
        sums = [reduce_sum(tensor, name=f"{tensor.op.name}/sum") for tensor in tensors]
        return sums[0] if len(sums) == 1 else add_n(sums, name=scope)


def remove_squeezable_dimensions(
    predictions: Any, labels: Any, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """(predictions, labels), one of them without its last axis where its rank is one more than the other's."""
    labels, predictions = confusion_matrix.remove_squeezable_dimensions(
        labels, predictions, name=name
    )
    return predictions, labels


def assert_scalar_int(tensor: Any, name: str | None = None) -> Tensor:
    """``tensor``, which must have no axes and be of a whole type. Raises ValueError."""
    with name_scope(name, "assert_scalar_int", [tensor]) as scope:
        tensor = convert_to_tensor(tensor)
        if not tensor.dtype.base_dtype.is_integer:
            raise ValueError(
                f"Expected integer type for {tensor.name}, received type: {tensor.dtype}."
            )
        checked: Tensor = assert_scalar(tensor, name=scope)
        return checked


def with_same_shape(expected_tensor: Tensor, tensor: Tensor) -> Tensor:
    """``tensor``, asserted to have the shape of ``expected_tensor``; as ``with_shape``."""
    with name_scope(f"{tensor.op.name}/", values=[expected_tensor, tensor]):
        shape = expected_tensor.get_shape()
        expected: Any = (
            shape.as_list()
            if shape.is_fully_defined()
            else array.shape(expected_tensor, name="expected_shape")
        )
        return with_shape(expected, tensor)


def with_shape(expected_shape: Any, tensor: Tensor) -> Tensor:
    """``tensor``, asserted to have a shape: now, as far as both are known; otherwise when it is run.

    A tensor of one element may become a scalar. Raises ValueError where the shapes differ, or ``expected_shape`` is no
    vector of int32.
    """
    expected = _as_shape(expected_shape, tensor)
    actual = tensor.get_shape()
    scope = f"{tensor.op.name}/"
    if is_tensor(expected) or not actual.is_fully_defined():
        with name_scope(scope, values=[tensor]):
            if not is_tensor(expected) and not len(expected):
                return array.reshape(tensor, [])
            with control_dependencies([_assert_shape(expected, tensor)]):
                result: Tensor = array.identity(tensor)
            if not is_tensor(expected):
                result.set_shape(expected)
            return result
    if actual.is_compatible_with(expected):
        return tensor
    if not len(expected) and actual.is_compatible_with([1]):
        with name_scope(scope, values=[tensor]):
            return array.reshape(tensor, [])
    raise ValueError(
        f"Invalid shape for tensor {tensor.name}, expected {expected.tolist()}, got {actual}."
    )


def _as_shape(expected: Any, tensor: Tensor) -> Any:
    """A shape as a tensor, or as a vector of int32."""
    dtype, rank = dtypes.int32, 1
    if is_tensor(expected):
        dtype = expected.dtype.base_dtype
    else:
        if isinstance(expected, (list, tuple)):
            expected = np.asarray(expected, None if expected else np.int32)
            if expected.dtype == np.int64:
                expected = expected.astype(np.int32)
        dtype, rank = dtypes.as_dtype(expected.dtype), expected.ndim
    if rank > 1:
        raise ValueError(
            f"Invalid rank {rank} for shape {expected} expected of tensor {tensor.name}."
        )
    if dtype != dtypes.int32:
        raise ValueError(
            f"Invalid dtype {dtype} for shape {expected} expected of tensor {tensor.name}."
        )
    return expected


def _assert_shape(expected: Any, tensor: Tensor) -> Any:
    with name_scope("assert_shape", values=[tensor]) as scope:
        actual = array.shape(tensor, name="actual")
        with name_scope("is_shape", values=[tensor]) as inner:
            with name_scope("is_rank", values=[tensor]) as innermost:
                rank = convert_to_tensor(array.size(expected), name="expected")
                same_rank = equal(rank, array.rank(tensor, name="actual"), name=innermost)
            with_expected = convert_to_tensor(expected, name="expected")
            with name_scope("all_equal", values=[with_expected, actual]) as innermost:
                same = reduce_all(equal(with_expected, actual, name="equal"), name=innermost)
            fits = logical_and(same_rank, same, name=inner)
        said = f"Wrong shape for {tensor.name} [expected] [actual]."
        return assert_(fits, [said, expected, actual], name=scope)
