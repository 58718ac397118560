"""Checks of values: operations that fail in a run where elements do not compare as they should (tf.assert_equal ...).

What is known already while the graph is built fails there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ml_dtypes
import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph.constant_value import constant_value
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.operation import Operation
from evergraph.graph.scopes import name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops import array, comparison
from evergraph.ops.assertions import assert_
from evergraph.ops.cond import cond
from evergraph.ops.reductions import reduce_all
from evergraph.ops.strided import strided_slice
from evergraph.ops.unary import abs as absolute

_NUMERIC = frozenset(
    (
        dtypes.float16, dtypes.float32, dtypes.float64, dtypes.int8, dtypes.int16, dtypes.int32,
        dtypes.int64, dtypes.uint8, dtypes.uint16, dtypes.uint32, dtypes.uint64, dtypes.qint8,
        dtypes.qint16, dtypes.qint32, dtypes.quint8, dtypes.quint16, dtypes.complex64,
        dtypes.complex128, dtypes.bfloat16,
    )
)  # fmt: skip


def message_prefix(message: str | None) -> str:
    """``message`` as the beginning of a sentence."""
    return f"{message}.  " if message else ""


def _check_now(holds: Any, data: Sequence[Any]) -> None:
    """Raises InvalidArgumentError with ``data`` where ``holds``, which is known now, is false."""
    if holds:
        return
    texts = []
    for item in data:
        known = constant_value(item) if isinstance(item, Tensor) else None
        texts.append(str(item if known is None else known))
    raise errors.InvalidArgumentError(None, None, "\n".join(texts))


def _assert_pairs(
    symbol: str,
    default_name: str,
    compare: Callable[..., Tensor],
    compare_now: Callable[..., Any],
    x: Any,
    y: Any,
    data: Sequence[Any] | None,
    summarize: int | None,
    message: str | None,
    name: str | None,
) -> Operation:
    with name_scope(name, default_name, [x, y, *(data or ())]):
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, name="y")
        if data is None:
            data = [
                f"Condition x {symbol} y did not hold element-wise:",
                f"x ({x.name}) = ",
                x,
                f"y ({y.name}) = ",
                y,
            ]
        if message is not None:
            data = [message, *data]
        condition = reduce_all(compare(x, y))
        x_now, y_now = constant_value(x), constant_value(y)
        if x_now is not None and y_now is not None:
            _check_now(np.all(compare_now(x_now, y_now)), data)
        return assert_(condition, data, summarize=summarize)


def assert_equal(
    x: Any,
    y: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """An operation that raises InvalidArgumentError unless ``x == y`` for all elements, broadcast.

    Args:
      data: what the error shows; by default a sentence and the first elements of ``x`` and ``y``.
      summarize: how many elements of each.
      message: a sentence to put before.

    Raises:
      InvalidArgumentError: where it is known already not to hold.
    """
    with name_scope(name, "assert_equal", [x, y, *(data or ())]):
        if x is y:
            return array.no_op()
    return _assert_pairs(
        "==", "assert_equal", comparison.equal, np.equal, x, y, data, summarize, message, name
    )


def assert_none_equal(
    x: Any,
    y: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """As ``assert_equal``: ``x != y`` for all elements."""
    compare = comparison.not_equal
    return _assert_pairs(
        "!=", "assert_none_equal", compare, np.not_equal, x, y, data, summarize, message, name
    )


def assert_less(
    x: Any,
    y: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """As ``assert_equal``: ``x < y`` for all elements."""
    return _assert_pairs(
        "<", "assert_less", comparison.less, np.less, x, y, data, summarize, message, name
    )


def assert_less_equal(
    x: Any,
    y: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """As ``assert_equal``: ``x <= y`` for all elements."""
    compare = comparison.less_equal
    return _assert_pairs(
        "<=", "assert_less_equal", compare, np.less_equal, x, y, data, summarize, message, name
    )


def assert_greater(
    x: Any,
    y: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """As ``assert_equal``: ``x > y`` for all elements."""
    return _assert_pairs(
        ">", "assert_greater", comparison.greater, np.greater, x, y, data, summarize, message, name
    )


def assert_greater_equal(
    x: Any,
    y: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """As ``assert_equal``: ``x >= y`` for all elements."""
    compare = comparison.greater_equal
    return _assert_pairs(
        ">=",
        "assert_greater_equal",
        compare,
        np.greater_equal,
        x,
        y,
        data,
        summarize,
        message,
        name,
    )


def _assert_sign(
    symbol: str,
    default_name: str,
    check: Callable[..., Operation],
    zero_first: bool,
    x: Any,
    data: Sequence[Any] | None,
    summarize: int | None,
    message: str | None,
    name: str | None,
) -> Operation:
    prefix = message_prefix(message)
    with name_scope(name, default_name, [x, *(data or ())]):
        x = convert_to_tensor(x, name="x")
        if data is None:
            said = [f"Condition x {symbol} 0 did not hold element-wise:", f"x ({x.name}) = "]
            # TensorFlow has lost a comma here, and nodes are compared with its own.
            data = [prefix, *(["".join(said)] if symbol == "<=" else said), x]
        zero = convert_to_tensor(0, dtype=x.dtype)
        pair = (zero, x) if zero_first else (x, zero)
        return check(*pair, data=data, summarize=summarize)


def assert_negative(
    x: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """As ``assert_equal``: ``x < 0`` for all elements."""
    return _assert_sign(
        "<", "assert_negative", assert_less, False, x, data, summarize, message, name
    )


def assert_positive(
    x: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """As ``assert_equal``: ``x > 0`` for all elements."""
    return _assert_sign(
        ">", "assert_positive", assert_less, True, x, data, summarize, message, name
    )


def assert_non_negative(
    x: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """As ``assert_equal``: ``x >= 0`` for all elements."""
    check = assert_less_equal
    return _assert_sign(">=", "assert_non_negative", check, True, x, data, summarize, message, name)


def assert_non_positive(
    x: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """As ``assert_equal``: ``x <= 0`` for all elements."""
    check = assert_less_equal
    return _assert_sign(
        "<=", "assert_non_positive", check, False, x, data, summarize, message, name
    )


def assert_near(
    x: Any,
    y: Any,
    rtol: Any = None,
    atol: Any = None,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """An operation that raises unless ``|x - y| < atol + rtol * |y|``; both are 10 times the type's epsilon by
    default."""
    prefix = message_prefix(message)
    with name_scope(name, "assert_near", [x, y, rtol, atol, *(data or ())]):
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, name="y", dtype=x.dtype)
        kind = x.dtype.real_dtype if x.dtype.is_complex else x.dtype
        epsilon = 10 * ml_dtypes.finfo(kind.as_numpy_dtype).eps
        rtol = convert_to_tensor(epsilon if rtol is None else rtol, name="rtol", dtype=kind)
        atol = convert_to_tensor(epsilon if atol is None else atol, name="atol", dtype=kind)
        if data is None:
            data = [
                prefix,
                f"x and y not equal to tolerance rtol = {rtol}, atol = {atol}",
                f"x ({x.name}) = ",
                x,
                f"y ({y.name}) = ",
                y,
            ]
        tolerance: Any = atol + rtol * absolute(y)
        condition = reduce_all(comparison.less(absolute(x - y), tolerance))
        return assert_(condition, data, summarize=summarize)


def is_numeric_tensor(tensor: Any) -> bool:
    """True for a Tensor of numbers."""
    return isinstance(tensor, Tensor) and tensor.dtype in _NUMERIC


def _steps(x: Any) -> Tensor:
    """Each element less the one before it. Raises TypeError where ``x`` holds no numbers."""
    flat: Any = array.reshape(x, [-1])
    if not is_numeric_tensor(flat):
        raise TypeError(f"Expected x to be numeric, instead found: {flat}")
    short = comparison.less(array.size(flat), 2)
    last: Any = array.shape(flat) - 1
    return cond(
        short,
        lambda: convert_to_tensor([], dtype=flat.dtype),
        lambda: (
            strided_slice(flat, [1], [1] + last)  # noqa: RUF005 - a sum of tensors
            - strided_slice(flat, [0], last)
        ),
    )


def is_non_decreasing(x: Any, name: str | None = None) -> Tensor:
    """Whether no element of ``x`` is smaller than the one before it. Raises TypeError where ``x`` holds no numbers."""
    with name_scope(name, "is_non_decreasing", [x]):
        steps = _steps(x)
        zero = convert_to_tensor(0, dtype=steps.dtype)
        return reduce_all(comparison.less_equal(zero, steps))


def is_strictly_increasing(x: Any, name: str | None = None) -> Tensor:
    """Whether each element of ``x`` is larger than the one before it. Raises TypeError where ``x`` holds no numbers."""
    with name_scope(name, "is_strictly_increasing", [x]):
        steps = _steps(x)
        zero = convert_to_tensor(0, dtype=steps.dtype)
        return reduce_all(comparison.less(zero, steps))
