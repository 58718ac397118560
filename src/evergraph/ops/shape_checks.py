"""Checks of ranks, shapes and types: at once where they are known, else by operations that fail in a run."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from evergraph.formats import dtypes
from evergraph.formats.dtypes import DType
from evergraph.graph.constant_value import constant_value
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.operation import Operation
from evergraph.graph.scopes import control_dependencies, name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops import array, comparison
from evergraph.ops.assertions import assert_
from evergraph.ops.checks import message_prefix
from evergraph.ops.cond import cond
from evergraph.ops.constant import constant
from evergraph.ops.grouping import group, with_dependencies
from evergraph.ops.indexed_slices import IndexedSlices
from evergraph.ops.logical import logical_or


class _RankMismatchError(ValueError):
    """A rank that is known already is not as it should be."""


def _assert_rank(
    x: Any,
    ranks: Sequence[Tensor],
    holds_now: Callable[[int, Sequence[int]], bool],
    holds: Callable[[Tensor], Tensor],
    data: Sequence[Any],
    summarize: int | None,
) -> Operation:
    for rank in ranks:
        assert_type(rank, dtypes.int32)
    known = [constant_value(rank) for rank in ranks]
    if all(rank is not None for rank in known):
        if any(rank.ndim != 0 for rank in known if rank is not None):
            raise ValueError("Rank must be a scalar.")
        if x.dims is not None:
            if not holds_now(len(x.dims), [int(rank) for rank in known if rank is not None]):
                raise _RankMismatchError
            return array.no_op(name="static_checks_determined_all_ok")
    condition = holds(array.rank(x))
    for rank, value in zip(ranks, known, strict=True):
        if value is None:
            # A vector would compare with every rank in it.
            check = assert_rank(rank, 0, data=["Rank must be a scalar. Received rank: ", rank])
            condition = with_dependencies([check], condition)
    return assert_(condition, data, summarize=summarize)


def _assert_one_rank(
    what: str,
    holds_now: Callable[[int, int], bool],
    holds: Callable[[Any, Any], Tensor],
    x: Any,
    rank: Any,
    data: Sequence[Any] | None,
    summarize: int | None,
    message: str | None,
) -> Operation:
    """That the rank of ``x`` compares with ``rank`` as it should; ``what`` says how."""
    x = convert_to_tensor(x, name="x")
    rank = convert_to_tensor(rank, name="rank")
    prefix = message_prefix(message)
    if data is None:
        data = [
            prefix,
            f"Tensor {x.name} must have {what}",
            rank,
            "Received shape: ",
            array.shape(x),
        ]
    try:
        return _assert_rank(
            x,
            [rank],
            lambda actual, given: holds_now(actual, given[0]),
            lambda actual: holds(actual, rank),
            data,
            summarize,
        )
    except _RankMismatchError:
        raise ValueError(
            f"{prefix}Tensor {x.name} must have {what} {constant_value(rank)}.  "
            f"Received rank {len(x.dims)}, shape {x.shape}"
        ) from None


def assert_rank(
    x: Any,
    rank: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """An operation that raises InvalidArgumentError unless ``x`` has ``rank`` dimensions.

    Raises ValueError where it is known already that it has not.
    """
    with name_scope(name, "assert_rank", [x, rank, *(data or ())]):
        return _assert_one_rank(
            "rank", operator.eq, comparison.equal, x, rank, data, summarize, message
        )


def assert_rank_at_least(
    x: Any,
    rank: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """As ``assert_rank``: at least ``rank`` dimensions."""
    with name_scope(name, "assert_rank_at_least", [x, rank, *(data or ())]):
        return _assert_one_rank(
            "rank at least",
            operator.ge,
            comparison.greater_equal,
            x,
            rank,
            data,
            summarize,
            message,
        )


def assert_rank_in(
    x: Any,
    ranks: Iterable[Any],
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """As ``assert_rank``: one of ``ranks`` dimensions."""
    ranks = tuple(ranks)
    with name_scope(name, "assert_rank_in", [x, *ranks, *(data or ())]):
        x = convert_to_tensor(x, name="x")
        allowed = [convert_to_tensor(rank, name="rank") for rank in ranks]
        prefix = message_prefix(message)
        if data is None:
            data = [
                prefix,
                f"Tensor {x.name} must have rank in",
                *allowed,
                "Received shape: ",
                array.shape(x),
            ]

        def is_one(actual: Tensor) -> Tensor:
            if not allowed:
                return convert_to_tensor(False)
            result = comparison.equal(allowed[0], actual)
            for rank in allowed[1:]:
                result = logical_or(result, comparison.equal(rank, actual))
            return result

        try:
            return _assert_rank(
                x, allowed, lambda actual, given: actual in given, is_one, data, summarize
            )
        except _RankMismatchError:
            known = tuple(constant_value(rank) for rank in allowed)
            raise ValueError(
                f"{prefix}Tensor {x.name} must have rank in {known}.  "
                f"Received rank {len(x.dims)}, shape {x.shape}"
            ) from None


def assert_integer(x: Any, message: str | None = None, name: str | None = None) -> Operation:
    """An operation that does nothing. Raises TypeError unless ``x`` is of an integer type."""
    with name_scope(name, "assert_integer", [x]):
        x = convert_to_tensor(x, name="x")
        if not x.dtype.is_integer:
            raise TypeError(
                f'{message_prefix(message)}Expected "x" to be integer type.  '
                f"Found: {x.name} of dtype {x.dtype}"
            )
        return array.no_op(name="statically_determined_was_integer")


def assert_type(
    tensor: Any, tf_type: Any, message: str | None = None, name: str | None = None
) -> Operation:
    """An operation that does nothing. Raises TypeError unless ``tensor`` is of ``tf_type``."""
    wanted = dtypes.as_dtype(tf_type)
    with name_scope(name, "assert_type", [tensor]):
        tensor = convert_to_tensor(tensor, name="tensor")
        if tensor.dtype != wanted:
            raise TypeError(
                f"{message_prefix(message)}{tensor.name} must be of type {wanted!r}; got {tensor.dtype!r}"
            )
        return array.no_op(name="statically_determined_correct_type")


def assert_scalar(tensor: Any, name: str | None = None, message: str | None = None) -> Tensor:
    """``tensor``. Raises ValueError unless it is known to be a scalar."""
    with name_scope(name, "assert_scalar", [tensor]) as scope:
        result = convert_to_tensor(tensor, name=scope)
        if result.dims != ():
            raise ValueError(
                f"{message_prefix(message)}Expected scalar shape for {result.name}, saw shape: {result.shape}."
            )
        return result


def assert_proper_iterable(values: Any) -> None:
    """Raises TypeError where ``values`` is a tensor, a string, or cannot be iterated over at all."""
    if isinstance(values, (Tensor, IndexedSlices, str, bytes)) or hasattr(values, "dtype"):
        raise TypeError(f"Expected argument 'values' to be a 'proper' iterable.  Found: {type(values)}")  # fmt: skip
    if not hasattr(values, "__iter__"):
        raise TypeError(f"Expected argument 'values' to be iterable.  Found: {type(values)}")


def assert_same_float_dtype(
    tensors: Sequence[Any] | None = None, dtype: DType | None = None
) -> DType:
    """The type of ``tensors`` (some may be None), which must be ``dtype`` where that is given; float32 where none is.

    Raises ValueError where they differ, or are of no floating type.
    """
    first: Any = None
    for tensor in tensors or ():
        if tensor is None:
            continue
        found = tensor.dtype.base_dtype
        if dtype is None:
            dtype, first = found, tensor
        elif found != dtype:
            source = "" if first is None else f" as {first.name}"
            raise ValueError(
                f"{tensor.name}, type={found}, must be of the same type ({dtype}){source}."
            )
    if dtype is None:
        return dtypes.float32
    if not dtype.is_floating:
        raise ValueError(f"Expected floating point type, got {dtype}.")
    return dtype


# Shapes that several tensors share


class _Expected(NamedTuple):
    """A tensor, its sizes (numbers where known, else tensors), and what they should be."""

    tensor: Tensor
    sizes: Any
    symbols: tuple[Any, ...]
    inner_only: bool


def assert_shapes(
    shapes: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """An operation that raises InvalidArgumentError unless tensors have shapes that fit each other.

    ``shapes``: a list (or dict) of (tensor, shape); an entry of a shape is a number, a symbol that stands for the same
    size wherever it occurs, or None or "." for any size. With ``...`` or "*" first, it is about the last dimensions.
    A scalar counts as one element. Raises ValueError where it is known already that they do not.
    """
    pairs = list(shapes.items() if isinstance(shapes, dict) else shapes)
    prefix = message_prefix(message)
    with name_scope(name, "assert_shapes", [x for x, _ in pairs]):
        converted = [(convert_to_tensor(x), shape) for x, shape in pairs if shape is not None]
        expected = [_expected(x, shape, prefix) for x, shape in converted]
        settings = {"data": data, "summarize": summarize, "message": message, "name": name}
        ranks = [check for one in expected for check in _rank_checks(one, settings)]
        sizes = _size_checks(expected, ranks, prefix, data, summarize)
    with control_dependencies(ranks):
        return group(sizes)


def _expected(tensor: Tensor, shape: Any, prefix: str) -> _Expected:
    if not hasattr(shape, "__iter__"):
        raise ValueError(
            f"{prefix}Tensor {tensor.name}.  Specified shape must be an iterable.  "
            f"Received specified shape: {shape}"
        )
    symbols = tuple(shape)
    for i, symbol in enumerate(symbols):
        if i and (symbol is Ellipsis or symbol == "*"):
            raise ValueError(
                f"{prefix}Tensor {tensor.name} specified shape index {i}.  Symbol `...` or `*` for a variable number "
                "of unspecified dimensions is only allowed as the first entry"
            )
    inner_only = bool(symbols) and (symbols[0] is Ellipsis or symbols[0] == "*")
    wanted = symbols[1:] if inner_only else symbols
    return _Expected(tensor, _sizes(tensor), wanted or (1,), inner_only)


def _sizes(tensor: Tensor) -> Any:
    dynamic: Any = array.shape(tensor)
    if tensor.dims is None:
        is_scalar = comparison.equal(array.rank(tensor), 0)
        return cond(is_scalar, lambda: constant([1]), lambda: dynamic)
    if not tensor.dims:
        return (1,)
    return [dynamic[i] if size is None else size for i, size in enumerate(tensor.dims)]


def _rank_checks(one: _Expected, settings: dict[str, Any]) -> list[Operation]:
    rank = len(one.symbols)
    if one.inner_only:
        return [] if rank < 2 else [assert_rank_at_least(one.tensor, rank, **settings)]
    if rank < 2:
        return [assert_rank_in(one.tensor, [0, 1], **settings)]
    return [assert_rank(one.tensor, rank, **settings)]


def _known(size: Any) -> int | None:
    try:
        return int(size)
    except (TypeError, ValueError):
        return None


def _size_checks(
    expected: Sequence[_Expected],
    ranks: Sequence[Operation],
    prefix: str,
    data: Sequence[Any] | None,
    summarize: int | None,
) -> list[Operation]:
    checks: list[Operation] = []
    first_seen: dict[Any, tuple[Any, Tensor, int]] = {}
    for one in expected:
        for i, symbol in enumerate(one.symbols):
            if symbol is None or symbol == ".":
                continue
            axis = i - len(one.symbols) if one.inner_only else i
            number = _known(symbol)
            # What is taken out of a shape must not run before its rank has been checked.
            with control_dependencies(ranks):
                actual = one.sizes[axis]
            if number is None and symbol not in first_seen:
                first_seen[symbol] = (actual, one.tensor, axis)
                continue
            if number is None:
                wanted, source, place = first_seen[symbol]
                reason = f"Specified by tensor {source.name} dimension {place}"
            else:
                wanted, reason = number, "Specified explicitly"
            if _known(actual) is not None and _known(wanted) is not None:
                if int(actual) != int(wanted):
                    raise ValueError(
                        f"{prefix}{reason}.  Tensor {one.tensor.name} dimension {axis} must have size {wanted}.  "
                        f"Received size {actual}, shape {one.tensor.shape}"
                    )
                continue
            holds = comparison.equal(convert_to_tensor(actual), convert_to_tensor(wanted))
            shown = data
            if shown is None:
                shown = [
                    prefix,
                    reason,
                    f"Tensor {one.tensor.name} dimension",
                    axis,
                    "must have size",
                    wanted,
                    "Received shape: ",
                    array.shape(one.tensor),
                ]
            checks.append(assert_(holds, shown, summarize=summarize))
    return checks
