"""tf.cond: one of two branches, by a value that only a run knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evergraph.formats import dtypes
from evergraph.graph import nest
from evergraph.graph.collections import GraphKeys
from evergraph.graph.constant_value import constant_value
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.scopes import name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.cond_context import CondContext
from evergraph.ops.control_flow import merge, switch
from evergraph.ops.indexed_slices import IndexedSlices
from evergraph.ops.tensor_array import with_flow

Branch = Callable[[], Any]


def cond(
    pred: Any,
    true_fn: Branch | None = None,
    false_fn: Branch | None = None,
    strict: bool = False,
    name: str | None = None,
    fn1: Branch | None = None,
    fn2: Branch | None = None,
) -> Any:
    """What ``true_fn()`` gives where ``pred`` is true in a run, else what ``false_fn()`` gives.

    Both functions are called, once each, to build their branch; a run runs one of them. What was made outside of them
    runs in any case.

    Args:
      pred: a boolean scalar tensor. true_fn, false_fn: build and return the same structure of tensors, of the same
      types. ``fn1`` and ``fn2`` are their
        names in TensorFlow 0.x.
      strict: keep lists of one element.
      name: of the name scope.

    Raises:
      TypeError: a function is missing or not callable, ``pred`` is a Python bool, or the structures differ in type.
      ValueError: a function returns nothing, or the results do not fit each other.
    """
    true_fn = _only(true_fn, fn1, "true_fn", "fn1")
    false_fn = _only(false_fn, fn2, "false_fn", "fn2")
    with name_scope(name, "cond", [pred]):
        if isinstance(pred, bool):
            raise TypeError("'pred' must not be a Python bool.")
        false, true = switch(pred, pred)
        pivot_true = array.identity(true, name="switch_t")
        pivot_false = array.identity(false, name="switch_f")
        pred = array.identity(pred, name="pred_id")
        for tensor in (false, true, pivot_true, pivot_false, pred):
            tensor.graph.prevent_fetching(tensor.op)
        context_true, original_true, result_true = _branch(pred, pivot_true, 1, true_fn, "true_fn")
        context_false, original_false, result_false = _branch(
            pred, pivot_false, 0, false_fn, "false_fn"
        )
        if not strict:
            original_true, original_false = _unpacked(original_true), _unpacked(original_false)
        result_true, result_false = _same_indices(
            original_true, original_false, result_true, result_false
        )
        merges = _merged(result_true, result_false)
        leaves = [
            with_flow(like, tensor)
            for like, tensor in zip(
                nest.flatten(original_true, expand_composites=True), merges, strict=True
            )
        ]
        # Conds within others, and within loops, are kept in the context around them.
        if context_true.outer_context is None:
            graph = get_default_graph()
            graph.add_to_collection(GraphKeys.COND_CONTEXT, context_true)
            graph.add_to_collection(GraphKeys.COND_CONTEXT, context_false)
        result = nest.pack_sequence_as(original_true, leaves, expand_composites=True)
        return result if strict else _unpacked(result)


def _only(new: Branch | None, old: Branch | None, new_name: str, old_name: str) -> Branch:
    if old is not None and new is not None:
        raise TypeError(f"cond(): '{new_name}' and '{old_name}' may not be set simultaneously.")
    function = new if old is None else old
    if function is None:
        raise TypeError(f"cond(): '{new_name}' argument required")
    if not callable(function):
        raise TypeError(f"'{new_name}' must be callable.")
    return function


def _branch(
    pred: Tensor, pivot: Tensor, branch: int, function: Branch, what: str
) -> tuple[CondContext, Any, Any]:
    context = CondContext(pred, pivot, branch)
    with context:
        original, result = context.BuildCondBranch(function)
        if original is None:
            raise ValueError(f"'{what}' must have a return value.")
        context.ExitResult(result)
    return context, original, result


def _unpacked(value: Any) -> Any:
    return value[0] if isinstance(value, (list, tuple)) and len(value) == 1 else value


def _same_indices(
    original_true: Any, original_false: Any, true: Any, false: Any
) -> tuple[Any, Any]:
    """The results of both branches, IndexedSlices among them with indices of one type. Raises where structures
    differ."""
    try:
        nest.assert_same_structure(original_true, original_false, expand_composites=True)
    except TypeError as error:
        raise TypeError(f"Incompatible return types of 'true_fn' and 'false_fn': {error}") from None
    except ValueError as error:
        raise ValueError(
            f"Incompatible return values of 'true_fn' and 'false_fn': {error}"
        ) from None
    from evergraph.ops.casts import cast

    def widened(one: Any, other: Any) -> Any:
        if not isinstance(one, IndexedSlices) or one.indices.dtype == other.indices.dtype:
            return one
        return IndexedSlices(one.values, cast(one.indices, dtypes.int64), one.dense_shape)

    return nest.map_structure(widened, true, false), nest.map_structure(widened, false, true)


def _merged(true: Any, false: Any) -> list[Tensor]:
    if not true:
        raise ValueError("'true_fn' and 'false_fn' must return at least one result.")
    pairs = zip(
        nest.flatten(false, expand_composites=True),
        nest.flatten(true, expand_composites=True),
        strict=True,
    )
    merges = []
    for one, other in list(pairs):
        if one.dtype.base_dtype != other.dtype.base_dtype:
            raise ValueError(
                "Outputs of 'true_fn' and 'false_fn' must have the same type(s). "
                f"Received {other.dtype.name} from 'true_fn' and {one.dtype.name} from 'false_fn'."
            )
        merges.append(merge([one, other])[0])
    return merges


def smart_cond(
    pred: Any,
    true_fn: Branch | None = None,
    false_fn: Branch | None = None,
    name: str | None = None,
) -> Any:
    """``cond``, but where ``pred`` is known already (a bool, 0 or 1, a constant) only the branch that is taken is
    built.

    Raises TypeError where a function is not callable, or ``pred`` is nothing of this kind.
    """
    if not callable(true_fn):
        raise TypeError(f"Argument `true_fn` must be callable. Received {true_fn}")
    if not callable(false_fn):
        raise TypeError(f"Argument `false_fn` must be callable. Received {false_fn}")
    known = smart_constant_value(pred)
    if known is None:
        return cond(pred, true_fn=true_fn, false_fn=false_fn, name=name)
    return true_fn() if known else false_fn()


def smart_constant_value(pred: Any) -> bool | None:
    """``pred`` as a bool where it is known now, else None. Raises TypeError for what can be no predicate."""
    if isinstance(pred, Tensor):
        value = constant_value(pred)
        return None if value is None else bool(value)
    if isinstance(pred, bool) or pred in (0, 1):
        return bool(pred)
    raise TypeError(
        "Argument `pred` must be a Tensor, or a Python bool, or 1 or 0. "
        f"Received: pred={pred} of type {type(pred).__name__}"
    )
