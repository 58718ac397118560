"""Loops over the rows of tensors: tf.map_fn, tf.scan, tf.foldl, tf.foldr.

Each is a tf.while_loop over TensorArrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from evergraph.formats import dtypes
from evergraph.graph import nest
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.scopes import name_scope
from evergraph.graph.shape import merge
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.constant import constant
from evergraph.ops.control_flow import variable_value
from evergraph.ops.tensor_array import TensorArray
from evergraph.ops.while_loop import while_loop

#: What the function that is looped over is built in. A socket: variable scopes keep what is read there outside of the
#: loop.
_surroundings: list[Callable[[], AbstractContextManager[Any]]] = []


def register_surroundings(make: Callable[[], AbstractContextManager[Any]]) -> None:
    """Makes ``make()`` a context that the functions of ``map_fn`` and its like are built in."""
    _surroundings.append(make)


def _surrounded() -> AbstractContextManager[Any]:
    return _surroundings[-1]() if _surroundings else nullcontext()


def _check_callable(fn: Any) -> None:
    if not callable(fn):
        raise TypeError(f"{getattr(fn, '__name__', fn)!r} is not callable: fn must be a function")


def _rows(tensors: Sequence[Tensor]) -> int | None:
    """How many rows ``tensors`` have, where one of them tells. Raises ValueError where they differ or have none."""
    known: tuple[int | None, ...] | None = None
    for tensor in tensors:
        if tensor.dims is not None:
            if not tensor.dims:
                raise ValueError("Elements in elems must be 1+ dimensional Tensors, not scalars")
            known = merge(known, tensor.dims[:1])
    return None if known is None else known[0]


def map_fn(
    fn: Callable[[Any], Any],
    elems: Any,
    dtype: Any = None,
    parallel_iterations: int | None = None,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    name: str | None = None,
    fn_output_signature: Any = None,
) -> Any:
    """``fn`` of each row of ``elems``, stacked.

    Args:
      fn: of one row (of each tensor of ``elems``, in its structure).
      elems: a tensor, or a structure of tensors with as many rows each.
      dtype: the types of what ``fn`` returns, in its structure; needed where that is not like ``elems``.
        ``fn_output_signature`` is its later name.
      parallel_iterations, back_prop, swap_memory: as for ``tf.while_loop``.
      infer_shape: whether all results must have one shape.

    Raises:
      TypeError: ``fn`` is not callable, or returns another structure.
      ValueError: ``elems`` is empty, a scalar, or its tensors have different numbers of rows.
    """
    signature = dtype if fn_output_signature is None else fn_output_signature
    _check_callable(fn)
    elems = variable_value(elems)
    flat = nest.flatten(elems)
    if not flat:
        raise ValueError(
            "elems must be a Tensor or (possibly nested) sequence of Tensors. "
            f"Got {elems}, which does not contain any Tensors."
        )
    with name_scope(name, "map", flat), _surrounded():
        tensors = [convert_to_tensor(value, name="elem") for value in flat]
        known = _rows(tensors)
        n = known or array.shape(tensors[0])[0]
        inputs = [TensorArray(t.dtype, size=n, infer_shape=True) for t in tensors]
        inputs = [rows.unstack(t) for rows, t in zip(inputs, tensors, strict=True)]
        start = constant(0)
        kinds = [t.dtype for t in tensors] if signature is None else nest.flatten(signature)
        outputs = [
            TensorArray(dtypes.as_dtype(kind), size=n, infer_shape=infer_shape) for kind in kinds
        ]

        def body(i: Any, results: Any) -> Any:
            row = nest.pack_sequence_as(elems, [rows.read(i) for rows in inputs])
            value = fn(row)
            nest.assert_same_structure(elems if signature is None else signature, value)
            written = zip(results, nest.flatten(value), strict=True)
            results = [result.write(i, part) for result, part in written]
            return i + 1, results

        _, results = while_loop(
            lambda i, _: i < n,
            body,
            (start, outputs),
            parallel_iterations=parallel_iterations or 10,
            back_prop=back_prop,
            swap_memory=swap_memory,
            maximum_iterations=n,
        )
        stacked = _stacked(results, known)
    return nest.pack_sequence_as(elems if signature is None else signature, stacked)


def _stacked(results: Sequence[TensorArray], rows: int | None) -> list[Tensor]:
    stacked = [result.stack() for result in results]
    for tensor in stacked:
        if tensor.dims is not None:
            tensor.set_shape((rows, *tensor.dims[1:]))
    return stacked


def scan(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    reverse: bool = False,
    name: str | None = None,
) -> Any:
    """All intermediate results of ``fn(accumulated, row)`` over the rows of ``elems``, stacked.

    Args:
      fn: of what has been accumulated (in the structure of ``initializer``) and a row.
      initializer: what to begin with; without it, the first row.
      reverse: begin with the last row.

    Raises:
      TypeError: ``fn`` is not callable, or returns another structure than that of what is accumulated.
    """
    _check_callable(fn)
    flat = nest.flatten(elems)
    with name_scope(name, "scan", flat), _surrounded():
        tensors = [convert_to_tensor(value, name="elem") for value in flat]
        n: Any = None if not tensors[0].dims else tensors[0].dims[0]
        if n is None:
            n = array.shape(tensors[0])[0]
        inputs = [
            TensorArray(
                t.dtype,
                size=n,
                element_shape=None if t.dims is None else t.dims[1:],
                infer_shape=True,
            )
            for t in tensors
        ]
        inputs = [rows.unstack(t) for rows, t in zip(inputs, tensors, strict=True)]
        if initializer is None:
            accumulated = [rows.read(n - 1 if reverse else 0) for rows in inputs]
            done = 1
        else:
            accumulated = [convert_to_tensor(value) for value in nest.flatten(initializer)]
            done = 0
        results = [
            TensorArray(
                value.dtype,
                size=n,
                element_shape=value.dims if infer_shape else None,
                infer_shape=infer_shape,
            )
            for value in accumulated
        ]
        if initializer is None:
            written = zip(results, accumulated, strict=True)
            results = [result.write(n - 1 if reverse else 0, value) for result, value in written]
        like = elems if initializer is None else initializer

        def body(i: Any, accumulated: Any, results: Any) -> Any:
            row = nest.pack_sequence_as(elems, [rows.read(i) for rows in inputs])
            value = fn(nest.pack_sequence_as(like, accumulated), row)
            nest.assert_same_structure(like, value)
            parts = nest.flatten(value)
            written = zip(results, parts, strict=True)
            results = [result.write(i, part) for result, part in written]
            return (i - 1 if reverse else i + 1), parts, results

        _, _, results = while_loop(
            (lambda i, _1, _2: i >= 0) if reverse else (lambda i, _1, _2: i < n),
            body,
            (n - 1 - done if reverse else done, accumulated, results),
            parallel_iterations=parallel_iterations,
            back_prop=back_prop,
            swap_memory=swap_memory,
            maximum_iterations=n,
        )
        stacked = [result.stack() for result in results]
        rows = _rows(tensors)
        for tensor in stacked:
            if tensor.dims is not None:
                tensor.set_shape((rows, *tensor.dims[1:]))
    return nest.pack_sequence_as(like, stacked)


def foldl(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """``fn(accumulated, row)`` over the rows of ``elems``, from the first to the last.

    ``initializer``: what to begin with; without it, the first row. Raises TypeError where ``fn`` is not callable.
    """
    settings: dict[str, Any] = {
        "parallel_iterations": parallel_iterations,
        "back_prop": back_prop,
        "swap_memory": swap_memory,
    }
    _check_callable(fn)
    with name_scope(name, "foldl", nest.flatten(elems)), _surrounded():
        n, inputs = _fold_inputs(elems)
        if initializer is None:
            accumulated = nest.map_structure(lambda rows: rows.read(0), inputs)
            start = constant(1)
        else:
            accumulated = initializer
            start = constant(0)

        def body(i: Any, accumulated: Any) -> Any:
            row = nest.map_structure(lambda rows: rows.read(i), inputs)
            accumulated = fn(accumulated, row)
            return [i + 1, accumulated]

        _, result = while_loop(
            lambda i, _: i < n, body, [start, accumulated], maximum_iterations=n, **settings
        )
    return result


def foldr(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """``fn(accumulated, row)`` over the rows of ``elems``, from the last to the first.

    ``initializer``: what to begin with; without it, the last row. Raises TypeError where ``fn`` is not callable.
    """
    settings: dict[str, Any] = {
        "parallel_iterations": parallel_iterations,
        "back_prop": back_prop,
        "swap_memory": swap_memory,
    }
    _check_callable(fn)
    with name_scope(name, "foldr", nest.flatten(elems)), _surrounded():
        n, inputs = _fold_inputs(elems)
        if initializer is None:
            start = n - 1
            accumulated = nest.map_structure(lambda rows: rows.read(start), inputs)
        else:
            start = n
            accumulated = initializer

        def body(i: Any, accumulated: Any) -> Any:
            i = i - 1
            row = nest.map_structure(lambda rows: rows.read(i), inputs)
            return [i, fn(accumulated, row)]

        _, result = while_loop(
            lambda i, _: i > 0, body, [start, accumulated], maximum_iterations=n, **settings
        )
    return result


def _fold_inputs(elems: Any) -> tuple[Any, Any]:
    """How many rows, and the rows of ``elems``, in its structure."""
    tensors = [convert_to_tensor(value, name="elem") for value in nest.flatten(elems)]
    n = (tensors[0].dims[0] if tensors[0].dims else None) or array.shape(tensors[0])[0]

    def rows_of(value: Any) -> TensorArray:
        return TensorArray(value.dtype, size=n, infer_shape=True).unstack(value)

    return n, nest.map_structure(rows_of, elems)
