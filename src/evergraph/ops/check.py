"""Assertions about tensors: operations that fail a run where a condition does not hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph.constant_value import constant_value
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.scopes import name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops import array, comparison
from evergraph.ops.assertions import assert_
from evergraph.ops.reductions import reduce_all


def _compare(
    sign: str,
    default_name: str,
    function: Callable[..., Tensor],
    static: Callable[..., Any],
    x: Any,
    y: Any,
    data: Sequence[Any] | None,
    summarize: int | None,
    message: str | None,
    name: str | None,
) -> Any:
    with name_scope(name, default_name, [x, y, data]):
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, name="y")
        if data is None:
            data = [
                f"Condition x {sign} y did not hold element-wise:",
                f"x ({x.name}) = ",
                x,
                f"y ({y.name}) = ",
                y,
            ]
        if message is not None:
            data = [message, *data]
        condition = reduce_all(function(x, y))
        known = constant_value(x), constant_value(y)
        if known[0] is not None and known[1] is not None and not np.all(static(*known)):
            values = "\n".join(str(_known(item)) for item in data)
            raise errors.InvalidArgumentError(None, None, values)
        return assert_(condition, data, summarize=summarize)


def _known(item: Any) -> Any:
    return constant_value(item) if isinstance(item, Tensor) else item


def assert_equal(
    x: Any,
    y: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """An operation that fails where an element of ``x`` is not that of ``y``.

    ``data``: tensors that the failure's message shows. Raises InvalidArgumentError where it is known already.
    """
    with name_scope(name, "assert_equal", [x, y, data]):
        if x is y:
            return array.no_op()
    return _compare(
        "==", "assert_equal", comparison.equal, np.equal, x, y, data, summarize, message, name
    )


def assert_none_equal(
    x: Any,
    y: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """An operation that fails where an element of ``x`` is that of ``y``."""
    return _compare(
        "!=",
        "assert_none_equal",
        comparison.not_equal,
        np.not_equal,
        x,
        y,
        data,
        summarize,
        message,
        name,
    )


def assert_less(
    x: Any,
    y: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """An operation that fails where an element of ``x`` is not less than that of ``y``."""
    return _compare(
        "<", "assert_less", comparison.less, np.less, x, y, data, summarize, message, name
    )


def assert_less_equal(
    x: Any,
    y: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """An operation that fails where an element of ``x`` is greater than that of ``y``."""
    return _compare(
        "<=",
        "assert_less_equal",
        comparison.less_equal,
        np.less_equal,
        x,
        y,
        data,
        summarize,
        message,
        name,
    )


def assert_greater(
    x: Any,
    y: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """An operation that fails where an element of ``x`` is not greater than that of ``y``."""
    return _compare(
        ">", "assert_greater", comparison.greater, np.greater, x, y, data, summarize, message, name
    )


def assert_greater_equal(
    x: Any,
    y: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """An operation that fails where an element of ``x`` is less than that of ``y``."""
    return _compare(
        ">=",
        "assert_greater_equal",
        comparison.greater_equal,
        np.greater_equal,
        x,
        y,
        data,
        summarize,
        message,
        name,
    )


def _against_zero(
    what: str,
    sign: str,
    function: Callable[..., Any],
    zero_first: bool,
    x: Any,
    data: Sequence[Any] | None,
    summarize: int | None,
    message: str | None,
    name: str | None,
) -> Any:
    with name_scope(name, what, [x, data]):
        x = convert_to_tensor(x, name="x")
        if data is None:
            prefix = f"{message}.  " if message else ""
            sentence, which = f"Condition x {sign} 0 did not hold element-wise:", f"x ({x.name}) = "
            # TensorFlow has the two strings of <= as one.
            data = [prefix, *([sentence + which] if sign == "<=" else [sentence, which]), x]
        zero = convert_to_tensor(0, dtype=x.dtype.base_dtype)
        pair = (zero, x) if zero_first else (x, zero)
        return function(*pair, data=data, summarize=summarize)


def assert_negative(
    x: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """An operation that fails where an element of ``x`` is 0 or more."""
    return _against_zero(
        "assert_negative", "<", assert_less, False, x, data, summarize, message, name
    )


def assert_positive(
    x: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """An operation that fails where an element of ``x`` is 0 or less."""
    return _against_zero(
        "assert_positive", ">", assert_less, True, x, data, summarize, message, name
    )


def assert_non_negative(
    x: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """An operation that fails where an element of ``x`` is less than 0."""
    return _against_zero(
        "assert_non_negative", ">=", assert_less_equal, True, x, data, summarize, message, name
    )


def assert_non_positive(
    x: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """An operation that fails where an element of ``x`` is greater than 0."""
    return _against_zero(
        "assert_non_positive", "<=", assert_less_equal, False, x, data, summarize, message, name
    )


def assert_type(
    tensor: Any, tf_type: Any, message: str | None = None, name: str | None = None
) -> Any:
    """An operation that does nothing. Raises TypeError where ``tensor`` is of another type."""
    kind = dtypes.as_dtype(tf_type)
    with name_scope(name, "assert_type", [tensor]):
        tensor = convert_to_tensor(tensor, name="tensor")
        if tensor.dtype.base_dtype != kind:
            prefix = f"{message}.  " if message else ""
            raise TypeError(f"{prefix}{tensor.name} must be of type {kind!r}; got {tensor.dtype!r}")
        return array.no_op("statically_determined_correct_type")
