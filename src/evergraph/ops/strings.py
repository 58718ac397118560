"""Strings: joining, cutting, cases, lengths, regular expressions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph import room
from evergraph.graph import shape as shapes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import name_scope
from evergraph.graph.shape import Dims
from evergraph.graph.tensor import Tensor
from evergraph.ops import array, regular_expressions
from evergraph.ops.constant import constant
from evergraph.ops.sequences import range_
from evergraph.ops.shape_rules import unchanged
from evergraph.ops.shaping import renamed

_UNIT = "{'BYTE', 'UTF8_CHAR'} = 'BYTE'"
# What C's isspace says of ASCII.
_BLANKS = b" \t\n\v\f\r"


def each(function: Callable[..., Any], *values: Any, dtype: Any = object) -> Any:
    """``function`` of every element of ``values`` (which broadcast), as an array of ``dtype``."""
    arrays = [np.asarray(value, object) for value in values]
    return np.asarray(np.frompyfunc(function, len(arrays), 1)(*arrays), dtype)


# ------------------------------------------------------------------------------------------ joining


def _length(strings: Any) -> int:
    """How long the strings of an array are together."""
    return sum(map(len, np.ravel(strings)))


@op("StringJoin", "inputs: N * string -> output: string", N="int >= 0", separator="string = ''", host=True)  # fmt: skip
class StringJoin:
    def shape(c):
        dims: Dims = ()
        for given in c.shapes(0):
            if given is None:
                dims = None if dims == () else dims
            elif given != ():
                dims = given if dims == () else shapes.merge(dims, given)
        return dims

    def compute(xp, inputs, *, separator):
        whole = {np.shape(value) for value in inputs if np.shape(value) != ()}
        if len(whole) > 1:
            raise errors.InvalidArgumentError(
                None,
                None,
                "Input shapes do not match: " + ", ".join(sorted(map(str, whole))),
            )
        between = separator.encode()
        if not inputs:
            return np.asarray(b"", object)
        size = max(np.size(value) for value in inputs)
        room.reserve(
            size * len(between) * len(inputs)
            + sum(_length(value) * (size // max(np.size(value), 1)) for value in inputs)
        )
        shape = next(iter(whole), ())
        columns = [np.broadcast_to(np.asarray(value, object), shape).flat for value in inputs]
        joined = np.empty(shape, object)
        joined.reshape(-1)[:] = [between.join(parts) for parts in zip(*columns, strict=True)]
        return joined

    gradient = None


def string_join(inputs: Any, separator: str = "", name: str | None = None) -> Tensor:
    """The strings of several tensors of one shape (or scalars), element by element, with ``separator`` between."""
    return StringJoin(inputs, separator=separator, name=name)


def _join_axes(c: Any) -> tuple[Dims, list[int] | None]:
    dims, axes = c.shape(0), c.value(1)
    if dims is None or axes is None:
        return dims, None
    return dims, [shapes.check_axis(int(axis), len(dims)) for axis in np.ravel(axes)]


@op(
    "ReduceJoin",
    "inputs: string, reduction_indices: int32 -> output: string",
    keep_dims=False,
    separator="string = ''",
    static="reduction_indices",
    host=True,
)
class ReduceJoin:
    def shape(c):
        dims, axes = _join_axes(c)
        if dims is None or axes is None:
            return (None,) * len(dims) if dims is not None and c["keep_dims"] else None
        if c["keep_dims"]:
            return tuple(1 if i in axes else size for i, size in enumerate(dims))
        return tuple(size for i, size in enumerate(dims) if i not in axes)

    def compute(xp, inputs, reduction_indices, *, keep_dims, separator):
        inputs = np.asarray(inputs, object)
        rank = inputs.ndim
        axes = [int(axis) for axis in np.ravel(reduction_indices)]
        for axis in axes:
            if not -rank <= axis < rank:
                raise errors.InvalidArgumentError(
                    None,
                    None,
                    f"Invalid reduction dimension {axis} for input with {rank} dimensions.",
                )
        axes = [axis % rank for axis in axes]
        if len(set(axes)) < len(axes):
            raise errors.InvalidArgumentError(
                None, None, f"Duplicate reduction dimension in {axes}."
            )
        kept = [axis for axis in range(rank) if axis not in axes]
        shape = tuple(
            1 if axis in axes else size
            for axis, size in enumerate(inputs.shape)
            if keep_dims or axis not in axes
        )
        # The axis named first is joined first: it varies fastest.
        moved = inputs.transpose(kept + axes[::-1])
        count = int(np.prod([inputs.shape[axis] for axis in axes], dtype=np.int64))
        joined = np.empty(int(np.prod(shape, dtype=np.int64)), object)
        rows = moved.reshape(joined.size, count)
        room.reserve(_length(inputs) + len(separator) * inputs.size)
        joined[:] = [separator.encode().join(row) for row in rows]
        return joined.reshape(shape)

    gradient = None


def reduce_join(
    inputs: Any,
    axis: Any = None,
    keep_dims: bool | None = None,
    separator: str = "",
    name: str | None = None,
    reduction_indices: Any = None,
    keepdims: bool | None = None,
) -> Tensor:
    """Joins the strings along ``axis`` (default: all, row by row)."""
    kept = renamed("keepdims", keepdims, "keep_dims", keep_dims)
    axis = renamed("axis", axis, "reduction_indices", reduction_indices)
    with name_scope(None, "ReduceJoin", [inputs, axis]):
        tensor = convert_to_tensor(inputs)
        if axis is None:
            if tensor.dims is not None:
                axis = constant(np.arange(len(tensor.dims) - 1, -1, -1), dtype=dtypes.int32)
            else:
                rank: Any = array.rank(tensor)
                axis = range_(rank - 1, -1, -1)
        return ReduceJoin(
            tensor, axis, keep_dims=bool(kept), separator=separator, name=name or "ReduceJoin"
        )


# ------------------------------------------------------------------------------ regular expressions


@op("RegexFullMatch", "input: string, pattern: string -> output: bool", host=True)
class RegexFullMatch:
    def shape(c):
        shapes.with_rank(c.shape(1), 0)
        return c.shape(0)

    def compute(xp, input, pattern):
        return _matches(input, np.asarray(pattern, object)[()])

    gradient = None


@op("StaticRegexFullMatch", "input: string -> output: bool", pattern="string", host=True)
class StaticRegexFullMatch:
    shape = unchanged

    def compute(xp, input, *, pattern):
        return _matches(input, regular_expressions.as_bytes(pattern))

    gradient = None


def _matches(input: Any, pattern: bytes) -> Any:
    regular_expressions.check(pattern)
    return each(lambda text: regular_expressions.fully_matches(pattern, text), input, dtype=bool)


def regex_full_match(input: Any, pattern: Any, name: str | None = None) -> Tensor:
    """Where ``pattern`` (RE2's syntax; a string, or a scalar tensor) matches the whole string."""
    if isinstance(pattern, (str, bytes)):
        return StaticRegexFullMatch(input, pattern=pattern, name=name)
    return RegexFullMatch(input, pattern, name=name)


@op(
    "RegexReplace",
    "input: string, pattern: string, rewrite: string -> output: string",
    replace_global=True,
    host=True,
)
class RegexReplace:
    def shape(c):
        shapes.with_rank(c.shape(1), 0)
        shapes.with_rank(c.shape(2), 0)
        return c.shape(0)

    def compute(xp, input, pattern, rewrite, *, replace_global):
        one, other = (np.asarray(value, object)[()] for value in (pattern, rewrite))
        return _replaced(input, one, other, replace_global)

    gradient = None


@op(
    "StaticRegexReplace",
    "input: string -> output: string",
    pattern="string",
    rewrite="string",
    replace_global=True,
    host=True,
)
class StaticRegexReplace:
    shape = unchanged

    def compute(xp, input, *, pattern, rewrite, replace_global):
        as_bytes = regular_expressions.as_bytes
        return _replaced(input, as_bytes(pattern), as_bytes(rewrite), replace_global)

    gradient = None


def _replaced(input: Any, pattern: bytes, rewrite: bytes, everywhere: bool) -> Any:
    regular_expressions.check(pattern)
    # Between any two characters there may be a match, but all matches together are no longer than the text.
    groups = rewrite.count(b"\\")
    room.reserve(_length(input) * (1 + groups + len(rewrite)) + np.size(input) * len(rewrite))
    return each(
        lambda text: regular_expressions.replaced(pattern, rewrite, text, everywhere), input
    )


def regex_replace(
    input: Any, pattern: Any, rewrite: Any, replace_global: bool = True, name: str | None = None
) -> Tensor:
    """The strings with what ``pattern`` matches replaced by ``rewrite`` (``\\1``: its first group)."""
    if isinstance(pattern, (str, bytes)) and isinstance(rewrite, (str, bytes)):
        return StaticRegexReplace(
            input, pattern=pattern, rewrite=rewrite, replace_global=replace_global, name=name
        )
    return RegexReplace(input, pattern, rewrite, replace_global=replace_global, name=name)


# ------------------------------------------------------------------------------------ one by one


def _characters(data: bytes) -> list[bytes]:
    """The characters of UTF-8 text: a lead byte with the bytes that continue it."""
    starts = [i for i, byte in enumerate(data) if byte & 0xC0 != 0x80]
    return [data[a:b] for a, b in zip(starts, [*starts[1:], len(data)], strict=True)]


@op("StringLength", "input: string -> output: int32", unit=_UNIT, host=True)
class StringLength:
    shape = unchanged

    def compute(xp, input, *, unit):
        if unit == "BYTE":
            return each(len, input, dtype=np.int32)
        return each(lambda data: len(_characters(data)), input, dtype=np.int32)

    gradient = None


def string_length(input: Any, name: str | None = None, unit: str = "BYTE") -> Tensor:
    """The length of each string, in bytes or (``unit="UTF8_CHAR"``) characters."""
    return StringLength(input, unit=unit, name=name)


@op("StringStrip", "input: string -> output: string", host=True)
class StringStrip:
    shape = unchanged

    def compute(xp, input):
        return each(lambda data: data.strip(_BLANKS), input)

    gradient = None


def string_strip(input: Any, name: str | None = None) -> Tensor:
    """The strings without white space at their ends."""
    return StringStrip(input, name=name)


def _cased(input: Any, encoding: str, change: Callable[[Any], Any]) -> Any:
    if encoding.lower() == "utf-8":
        return each(lambda data: change(data.decode("utf-8", "replace")).encode(), input)
    if encoding:
        raise errors.InvalidArgumentError(
            None, None, f"only utf-8 or '' (no encoding) is supported, not {encoding!r}"
        )
    return each(change, input)


@op("StringLower", "input: string -> output: string", encoding="string = ''", host=True)
class StringLower:
    shape = unchanged

    def compute(xp, input, *, encoding):
        return _cased(input, encoding, lambda text: text.lower())

    gradient = None


@op("StringUpper", "input: string -> output: string", encoding="string = ''", host=True)
class StringUpper:
    shape = unchanged

    def compute(xp, input, *, encoding):
        return _cased(input, encoding, lambda text: text.upper())

    gradient = None


def string_lower(input: Any, encoding: str = "", name: str | None = None) -> Tensor:
    """The strings in lower case: of ASCII only, unless ``encoding="utf-8"``."""
    return StringLower(input, encoding=encoding, name=name)


def string_upper(input: Any, encoding: str = "", name: str | None = None) -> Tensor:
    """The strings in upper case: of ASCII only, unless ``encoding="utf-8"``."""
    return StringUpper(input, encoding=encoding, name=name)


@op("Substr", "input: string, pos: T, len: T -> output: string", T="{int32, int64}", unit=_UNIT, host=True)  # fmt: skip
class Substr:
    def shape(c):
        pos = shapes.merge(c.shape(1), c.shape(2))
        return shapes.broadcast(c.shape(0), pos)

    def compute(xp, input, pos, len, *, unit):
        if np.shape(pos) != np.shape(len):
            raise errors.InvalidArgumentError(
                None,
                None,
                f"pos and len should have the same shape, got: {np.shape(pos)} vs. {np.shape(len)}",
            )
        if unit == "BYTE":
            return each(_part, input, pos, len)
        return each(lambda text, at, most: b"".join(_part(_characters(text), at, most)), input, pos, len)  # fmt: skip

    gradient = None


def _part(text: Any, pos: int, most: int) -> Any:
    if not -len(text) <= pos <= len(text):
        raise errors.InvalidArgumentError(
            None, None, f"pos {pos} out of range for string of length {len(text)}: {text!r}"
        )
    start = pos + len(text) if pos < 0 else pos
    return text[start : start + max(most, 0)]


def substr(input: Any, pos: Any, len: Any, name: str | None = None, unit: str = "BYTE") -> Tensor:
    """The part of each string that begins at ``pos`` (negative: from the end) and has at most ``len`` bytes."""
    return Substr(input, pos, len, unit=unit, name=name)
