"""Sums, differences, products, powers, the greater and the less of two tensors; sums of many.

Division is next door.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph import shape as shapes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import control_dependencies, name_scope
from evergraph.graph.shape import as_dims
from evergraph.graph.tensor import Tensor
from evergraph.ops import array, shape_rules
from evergraph.ops.broadcasting import reduction_axes, same_known_shape, sum_to, unbroadcast
from evergraph.ops.casts import cast
from evergraph.ops.comparison import GreaterEqual, LessEqual, NotEqual
from evergraph.ops.complex_numbers import conj
from evergraph.ops.indexed_slices import IndexedSlices, convert_n
from evergraph.ops.types import FLOATS_COMPLEX

_ORDERED = (
    "{bfloat16, half, float, double, int8, uint8, int16, uint16, int32, uint32, int64, uint64}"
)
_SUMMED = (
    "float, double, int32, uint8, int16, int8, complex64, int64, qint8, quint8, qint32, "
    "bfloat16, qint16, quint16, uint16, complex128, half, uint32, uint64"
)
#: The types of products and quotients.
MULTIPLIED = (
    "{bfloat16, half, float, double, uint8, int8, uint16, int16, int32, uint32, uint64, int64, "
    "complex64, complex128}"
)
#: The same types as FLOATS_COMPLEX, in the order in which the ops that are 0 where x is list them.
FLOATS_COMPLEX_HALF_FIRST = "{half, bfloat16, float, double, complex64, complex128}"


def zero_where(xp, condition, result):
    """``result``, which is nobody else's, with 0 where ``condition``."""
    if xp is np and result.ndim:
        np.copyto(result, 0, where=condition)
        return result
    return xp.where(condition, result.dtype.type(0), result)


# ------------------------------------------------------------------------------- sum and difference


def _add_gradient(op, grad):
    x, y = op.inputs
    if same_known_shape(x, y, grad):
        return grad, grad
    return unbroadcast(x, y, grad, grad)


@op(
    "Add",
    "x: T, y: T -> z: T",
    T=(
        "{bfloat16, half, float, double, uint8, int8, int16, int32, int64, complex64, complex128, "
        "string}"
    ),
)
class Add:
    shape = shape_rules.broadcast

    def compute(xp, x, y):
        total = xp.add(x, y)
        # Of two single strings NumPy makes bare bytes.
        return total if type(total) is not bytes else np.array(total, object)

    gradient = _add_gradient


@op(
    "AddV2",
    "x: T, y: T -> z: T",
    T=(
        "{bfloat16, half, float, double, uint8, uint16, uint32, uint64, int8, int16, int32, "
        "int64, complex64, complex128}"
    ),
    commutative=True,
    aggregate=True,
)
class AddV2:
    shape = shape_rules.broadcast
    compute = np.add
    gradient = _add_gradient


def add(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x + y``, element by element, broadcast; strings are joined.

    Raises TypeError for operands of two types.
    """
    with name_scope(name, "Add", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, dtype_hint=x.dtype.base_dtype, name="y")
        return sum_of_two(x, y, scope)


def sum_of_two(x: Tensor, y: Any, name: str | None) -> Tensor:
    """``x + y`` by the op that TensorFlow 2.15 takes for the type: only strings are left to Add."""
    if x.dtype.base_dtype == dtypes.string:
        return Add(x, y, name=name)
    return AddV2(x, y, name=name)


@op(
    "Sub",
    "x: T, y: T -> z: T",
    T=(
        "{bfloat16, half, float, double, uint8, int8, uint16, int16, int32, int64, complex64, "
        "complex128, uint32, uint64}"
    ),
)
class Sub:
    shape = shape_rules.broadcast
    compute = np.subtract

    def gradient(op, grad):
        x, y = op.inputs
        if same_known_shape(x, y, grad):
            return grad, -grad
        return unbroadcast(x, y, grad, -grad)


def subtract(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x - y``, element by element, broadcast."""
    return Sub(x, y, name=name)


@op(
    "SquaredDifference",
    "x: T, y: T -> z: T",
    T="{bfloat16, half, float, double, int32, int64, complex64, complex128}",
    commutative=True,
)
class SquaredDifference:
    shape = shape_rules.broadcast

    def compute(xp, x, y):
        difference = xp.subtract(x, y)
        if difference.dtype.kind == "c":
            return difference * difference.conj()
        return xp.square(difference)

    def gradient(op, grad):
        x, y = op.inputs
        with control_dependencies([grad]):
            grad_x = scalar_mul(2.0, grad) * (x - y)
        if same_known_shape(x, y, grad):
            return grad_x, -grad_x
        return unbroadcast(x, y, grad_x, -grad_x)


def squared_difference(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The square of ``x - y`` (of complex numbers: of its absolute value), broadcast."""
    return SquaredDifference(x, y, name=name)


# ------------------------------------------------------------------------------ products and powers


@op(
    "Mul",
    "x: T, y: T -> z: T",
    T=MULTIPLIED,
    commutative=True,
)
class Mul:
    shape = shape_rules.broadcast
    compute = np.multiply

    def gradient(op, grad):
        x, y = op.inputs
        if same_known_shape(x, y, grad) and grad.dtype in (dtypes.int32, dtypes.float32):
            return Mul(grad, y), Mul(grad, x)
        return unbroadcast(x, y, Mul(grad, conj(y)), Mul(conj(x), grad))


def multiply(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x * y``, element by element, broadcast."""
    return Mul(x, y, name=name)


def scalar_mul(scalar: Any, x: Any, name: str | None = None) -> Any:
    """``x`` (a Tensor or IndexedSlices) times one number. Raises ValueError for more than one."""
    scalar = convert_to_tensor(scalar, dtype=x.dtype.base_dtype, name="scalar")
    if scalar.dims != ():
        raise ValueError(f"The input scalar must be a 0-D value. Received shape {scalar.shape}.")
    if isinstance(x, IndexedSlices):
        return IndexedSlices(Mul(scalar, x.values, name=name), x.indices, x.dense_shape)
    return Mul(scalar, x, name=name)


@op("MulNoNan", "x: T, y: T -> z: T", T=FLOATS_COMPLEX)
class MulNoNan:
    shape = shape_rules.broadcast

    def compute(xp, x, y):
        return zero_where(xp, y == 0, xp.multiply(x, y))

    def gradient(op, grad):
        x, y = op.inputs
        grads = MulNoNan(grad, y), MulNoNan(x, grad)
        return grads if same_known_shape(x, y, grad) else unbroadcast(x, y, *grads)


def multiply_no_nan(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x * y``, and 0 wherever ``y`` is 0, even if ``x`` is infinite or NaN."""
    with name_scope(name, "multiply_no_nan", [x, y]) as scope:
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, name="y", dtype=x.dtype.base_dtype)
        return MulNoNan(x, y, name=scope)


@op(
    "Pow",
    "x: T, y: T -> z: T",
    T="{bfloat16, float, half, double, int8, int16, int32, int64, complex64, complex128}",
)
class Pow:
    shape = shape_rules.broadcast

    def compute(xp, x, y):
        # The commonest exponent, for which `power` is ten times slower than need be.
        if xp is np and y.ndim == 0 and y.item() == 2:
            return np.square(x)
        return xp.power(x, y)

    def gradient(op, grad):
        from evergraph.ops.selection import where
        from evergraph.ops.unary import log

        x, y = op.inputs
        cx, cy = conj(x), conj(y)
        grad_x = grad * cy * pow(cx, cy - 1)
        # What is not above 0 has no logarithm, and is left out; of complex numbers, only 0.
        mask = NotEqual(cx, 0) if x.dtype.is_complex else cx > 0
        safe_x = where(mask, cx, array.ones_like(x))
        log_x = where(mask, log(safe_x), array.zeros_like(x))
        grad_y = grad * conj(op.outputs[0]) * log_x
        return unbroadcast(x, y, grad_x, grad_y)


def pow(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x`` to the power ``y``, broadcast.

    Integers to a negative power are an InvalidArgumentError in the run.
    """
    with name_scope(name, "Pow", [x]) as scope:
        return Pow(x, y, name=scope)


def gradient_where_nonzero(op, grad, partials):
    """The gradient of ``x * f(y)`` that is 0 where ``x`` is.

    ``partials(one, x, y)`` makes its two factors; ``one`` is 1 where ``x`` is not 0, else 0.
    """
    x, y = op.inputs
    x_shape, y_shape, x_axes, y_axes = reduction_axes(x, y)
    with control_dependencies([grad]):
        not_zero = cast(NotEqual(x, cast(0.0, x.dtype)), x.dtype)
        partial_x, partial_y = partials(not_zero, x, y)
        return (
            sum_to(partial_x * grad, x_axes, x_shape),
            sum_to(partial_y * grad, y_axes, y_shape),
        )


@op("Xlogy", "x: T, y: T -> z: T", T=FLOATS_COMPLEX_HALF_FIRST)
class Xlogy:
    shape = shape_rules.broadcast

    def compute(xp, x, y):
        return zero_where(xp, x == 0, xp.multiply(x, xp.log(y)))

    def gradient(op, grad):
        from evergraph.ops.division import Xdivy

        return gradient_where_nonzero(op, grad, lambda one, x, y: (Xlogy(one, y), Xdivy(x, y)))


def xlogy(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x * log(y)``, and 0 wherever ``x`` is 0."""
    return Xlogy(x, y, name=name)


@op("Xlog1py", "x: T, y: T -> z: T", T=FLOATS_COMPLEX_HALF_FIRST)
class Xlog1py:
    shape = shape_rules.broadcast

    def compute(xp, x, y):
        return zero_where(xp, x == 0, xp.multiply(x, xp.log1p(y)))

    def gradient(op, grad):
        from evergraph.ops.division import Xdivy

        return gradient_where_nonzero(
            op, grad, lambda one, x, y: (Xlog1py(one, y), Xdivy(x, y + 1.0))
        )


def xlog1py(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x * log(1 + y)``, and 0 wherever ``x`` is 0."""
    with name_scope(name, "xlog1py", [x]):
        return Xlog1py(x, y)


# ---------------------------------------------------------------------------- the greater, the less


def _selecting_gradient(op, grad, takes_first):
    from evergraph.ops.selection import where_v2

    x, y = op.inputs
    zeros = array.zeros_like(grad)
    mask = takes_first(x, y)
    return unbroadcast(x, y, where_v2(mask, grad, zeros), where_v2(mask, zeros, grad))


@op("Maximum", "x: T, y: T -> z: T", T=_ORDERED)
class Maximum:
    shape = shape_rules.broadcast
    compute = np.maximum

    def gradient(op, grad):
        return _selecting_gradient(op, grad, GreaterEqual)


def maximum(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The greater of ``x`` and ``y``, element by element, broadcast; NaN where either is."""
    return Maximum(x, y, name=name)


@op("Minimum", "x: T, y: T -> z: T", T=_ORDERED)
class Minimum:
    shape = shape_rules.broadcast
    compute = np.minimum

    def gradient(op, grad):
        return _selecting_gradient(op, grad, LessEqual)


def minimum(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The less of ``x`` and ``y``, element by element, broadcast; NaN where either is."""
    return Minimum(x, y, name=name)


@op("NextAfter", "x1: T, x2: T -> output: T", T="{double, float} = DT_FLOAT")
class NextAfter:
    shape = shape_rules.broadcast
    compute = np.nextafter

    def gradient(op, grad):
        x1, x2 = op.inputs
        shape_1, shape_2, axes_1, axes_2 = reduction_axes(x1, x2)
        with control_dependencies([grad]):
            ones = array.ones(shape_1, dtype=x1.dtype)
            zeros = array.zeros(shape_2, dtype=x2.dtype)
            return sum_to(ones * grad, axes_1, shape_1), sum_to(zeros * grad, axes_2, shape_2)


def nextafter(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """The number next to ``x1`` on the way to ``x2``."""
    return NextAfter(x1, x2, name=name)


# ------------------------------------------------------------------------------------- sums of many


def _sum_of(xp, inputs):
    total = inputs[0]
    for i, x in enumerate(inputs):
        if x.shape != total.shape:
            raise errors.InvalidArgumentError(
                None,
                None,
                "Inputs to operation must have the same size and shape. "
                f"Input 0: {shapes.text(total.shape)} != input {i}: {shapes.text(x.shape)}",
            )
    if len(inputs) > 1:
        total = xp.add(total, inputs[1])
        for x in inputs[2:]:
            total += x  # in place: this buffer is nobody else's
    return total


def _same_gradient_for_all(op, grad):
    return [grad] * len(op.inputs)


@op(
    "AddN",
    "inputs: N * T -> sum: T",
    N="int >= 1",
    T="{" + _SUMMED + ", variant}",
    commutative=True,
    aggregate=True,
)
class AddN:
    shape = shape_rules.merged
    compute = _sum_of
    gradient = _same_gradient_for_all


@op(
    "AccumulateNV2",
    "inputs: N * T -> sum: T",
    N="int >= 1",
    T="{" + _SUMMED + "}",
    shape="shape",
    commutative=True,
    aggregate=True,
)
class AccumulateNV2:
    shape = shape_rules.from_attr
    compute = _sum_of
    gradient = _same_gradient_for_all


def add_n(inputs: Any, name: str | None = None) -> Tensor:
    """The sum of tensors of one type and shape; IndexedSlices among them are made dense.

    Raises ValueError where there is none.
    """
    values = convert_n(list(inputs)) if isinstance(inputs, Iterable) else []
    if not values or any(value is None for value in values):
        raise ValueError(
            "Inputs must be an iterable of at least one Tensor/IndexedSlices with the same dtype "
            f"and shape, got {inputs!r}."
        )
    if len(values) > 1:
        return AddN(values, name=name)
    only = convert_to_tensor(values[0])
    return array.identity(only, name=name) if name else only


def accumulate_n(
    inputs: Any, shape: Any = None, tensor_dtype: Any = None, name: str | None = None
) -> Tensor:
    """The sum of tensors of one type and shape.

    ``shape`` and ``tensor_dtype`` repeat these, to be checked. Raises ValueError or TypeError where
    they do not fit.
    """
    values = convert_n(inputs) if isinstance(inputs, (list, tuple)) else []
    if not values or not all(
        isinstance(value, Tensor) and value.dtype == values[0].dtype  # type: ignore[union-attr]
        for value in values
    ):
        raise ValueError(
            "inputs must be a list of at least one Tensor with the same dtype and shape"
        )
    dims = as_dims(shape)
    for value in values:
        dims = shapes.merge(dims, value.dims)  # type: ignore[union-attr]
    first: Any = values[0]
    if tensor_dtype is not None and tensor_dtype != first.dtype:
        raise TypeError(
            f"The `tensor_dtype` argument is {tensor_dtype}, but `input` is of type {first.dtype}. "
            "These must be equal. Try casting the input to the desired type."
        )
    if len(values) > 1:
        return add_n(values, name=name)
    return first if name is None else array.identity(first, name=name)
