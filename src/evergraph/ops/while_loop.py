"""tf.while_loop: ``body`` again and again while ``cond`` holds.

The nodes that it builds are control flow's first version, as in every TensorFlow 1 graph: for each loop variable an
Enter, a Merge, a Switch on LoopCond, the body, a NextIteration back to the Merge, and an Exit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from evergraph.graph import nest
from evergraph.graph.collections import GraphKeys
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.scopes import control_dependencies, name_scope
from evergraph.graph.shape import Dims, TensorShape, as_dims
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.constant import constant
from evergraph.ops.control_flow import (
    LoopCond,
    add_back_edge,
    at_least_as_exact,
    enter,
    exit_,
    merge,
    pass_on,
    switch_ref_or_tensor,
    to_value,
    variable_value,
)
from evergraph.ops.control_flow_queries import is_constant_enter
from evergraph.ops.tensor_array import TensorArray, flow_of, with_flow
from evergraph.ops.while_context import WhileContext


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
    maximum_iterations: Any = None,
    return_same_structure: bool = False,
) -> Any:
    """Repeats ``body`` while ``cond`` is true.

    Args:
      cond: of the loop variables, a boolean scalar.
      body: of the loop variables, their next values, in the same structure.
      loop_vars: a (nested) list or tuple of what the loop begins with: tensors, TensorArrays, IndexedSlices.
      shape_invariants: in the structure of ``loop_vars``, the shapes that hold in all iterations; without it, those
        that the loop begins with.
      parallel_iterations: kept for TensorFlow, which may run as many at once.
      back_prop: whether ``gradients`` goes through.
      swap_memory: kept for TensorFlow (history in host memory).
      maximum_iterations: an integer scalar, or None for no bound.
      return_same_structure: return a structure even where there is one loop variable only.

    Returns:
      The loop variables at the end.

    Raises:
      TypeError: ``cond`` or ``body`` is not callable, or ``parallel_iterations`` not positive.
      ValueError: there are no loop variables, or the results of ``body`` do not fit them.
    """
    if not callable(cond):
        raise TypeError("'cond' must be callable.")
    if not callable(body):
        raise TypeError("'body' must be callable.")
    if parallel_iterations < 1:
        raise TypeError("'parallel_iterations' must be a positive integer.")
    loop_vars = variable_value(loop_vars)
    with name_scope(name, "while", nest.flatten(loop_vars)):
        if not loop_vars:
            raise ValueError("'loop_vars' must be provided.")
        if maximum_iterations is not None:
            alone = len(loop_vars) == 1 and not return_same_structure
            limit, cond, body, loop_vars = _counted(
                maximum_iterations, cond, body, loop_vars, alone
            )
            if shape_invariants is not None:
                shape_invariants = (TensorShape([]), shape_invariants)
        else:
            limit = None
        context = WhileContext(
            maximum_iterations=limit,
            parallel_iterations=parallel_iterations,
            back_prop=back_prop,
            swap_memory=swap_memory,
        )
        # Loops within others, and within branches, are kept in the context around them.
        if context.outer_context is None:
            get_default_graph().add_to_collection(GraphKeys.WHILE_CONTEXT, context)
        builder = _Builder(context, cond, body)
        result = builder.build(loop_vars, shape_invariants, return_same_structure)
        return result if limit is None else result[1]


def _counted(
    maximum: Any, cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any, alone: bool
) -> tuple[Tensor, Callable[..., Any], Callable[..., Any], Any]:
    """The loop with a counter as its first variable, which ends it at ``maximum``."""
    from evergraph.ops.logical import logical_and

    limit = convert_to_tensor(maximum, name="maximum_iterations")
    if limit.dims != ():
        raise ValueError(f"'maximum_iterations' must be a scalar. Received shape: {limit.shape}")
    counter = constant(0, dtype=limit.dtype, name="iteration_counter")
    if alone:
        return (
            limit,
            lambda i, only: logical_and(i < limit, cond(only)),
            lambda i, only: (i + 1, body(only)),
            (counter, loop_vars[0]),
        )
    return (
        limit,
        lambda i, several: logical_and(i < limit, cond(*several)),
        lambda i, several: (i + 1, body(*several)),
        (counter, loop_vars),
    )


class _Builder:
    """Builds the nodes of one loop in its context."""

    def __init__(
        self, context: WhileContext, cond: Callable[..., Any], body: Callable[..., Any]
    ) -> None:
        self._context = context
        self._cond = cond
        self._body = body
        self._graph = get_default_graph()

    def build(self, loop_vars: Any, shape_invariants: Any, return_same_structure: bool) -> Any:
        """The loop variables at the end, in the structure of what the body returned."""
        originals = nest.flatten(loop_vars, expand_composites=True)
        structure = nest.map_structure(
            lambda leaf: leaf if isinstance(leaf, TensorArray) else _loop_value(leaf), loop_vars
        )
        variables = [flow_of(leaf) for leaf in nest.flatten(structure, expand_composites=True)]
        if shape_invariants is None:
            invariants = [tensor.dims for tensor in variables]
        else:
            per_variable = nest.map_structure(_invariants, structure, shape_invariants)
            invariants = [one.dims for one in nest.flatten(per_variable)]

        def packed(tensors: Sequence[Tensor]) -> Any:
            leaves = [with_flow(like, one) for like, one in zip(originals, tensors, strict=True)]
            return nest.pack_sequence_as(structure, leaves, expand_composites=True)

        with self._context, self._graph._lock:
            result, exits = self._build(variables, invariants, packed)
        leaving = [
            with_flow(leaf, out)
            for leaf, out in zip(nest.flatten(result, expand_composites=True), exits, strict=True)
        ]
        whole = nest.pack_sequence_as(result, leaving, expand_composites=True)
        return whole if return_same_structure or len(exits) != 1 else whole[0]

    def _build(
        self,
        variables: Sequence[Tensor],
        invariants: Sequence[Dims],
        packed: Callable[[Sequence[Tensor]], Any],
    ) -> tuple[Any, list[Tensor]]:
        context = self._context
        context.know_only(variables)
        if context.outer_context is not None:
            variables = [context.outer_context.AddValue(tensor) for tensor in variables]
        enters = self._enter_variables(variables, invariants)
        context.know_only(enters)
        context.loop_enters = enters

        heads = [merge([tensor, tensor])[0] for tensor in enters]
        context.pivot_for_pred = heads[0]
        context.pivot = LoopCond(convert_to_tensor(self._cond(*packed(heads))), name="LoopCond")
        switches = [switch_ref_or_tensor(tensor, context.pivot) for tensor in heads]

        inside = [pass_on(true) for _, true in switches]
        context.pivot_for_body = inside[0]
        arguments = packed(inside)
        result = self._call_body(arguments)
        nest.assert_same_structure(list(arguments), list(result), expand_composites=True)
        flat = [to_value(flow_of(x)) for x in nest.flatten(result, expand_composites=True)]
        if len(heads) != len(flat):
            raise ValueError(
                "Number of inputs and outputs of 'body' must match 'loop_vars'. "
                f"Got {len(heads)} loop variables, and {len(flat)} results of 'body'."
            )
        for head, tensor in zip(heads, flat, strict=True):
            add_back_edge(head, tensor)
        context.loop_exits = [exit_(false) for false, _ in switches]
        context.ExitResult(context.loop_exits)
        return result, context.loop_exits

    def _enter_variables(
        self, variables: Sequence[Tensor], invariants: Sequence[Dims]
    ) -> list[Tensor]:
        context = self._context
        enters: list[Tensor] = []
        with control_dependencies(None):
            for tensor, invariant in zip(variables, invariants, strict=True):
                entered: Tensor = enter(
                    tensor,
                    context.name,
                    parallel_iterations=context.parallel_iterations,
                    use_input_shape=False,
                )
                if not at_least_as_exact(tensor.dims, invariant):
                    raise ValueError(
                        f"The shape invariant specified for {tensor.name} is not compatible with the initial shape of "
                        f"the loop variable. It enters the loop with shape {tensor.shape}, but the specified shape "
                        f"invariant is {TensorShape(invariant)}."
                    )
                entered.set_shape(invariant)
                self._graph.prevent_feeding(entered)
                if context.outer_context is not None:
                    context.outer_context.AddInnerOp(entered.op)
                enters.append(entered)
        pivot = _outer_pivot(context)
        if pivot is not None:
            for entered in enters:
                if is_constant_enter(entered.op.inputs[0].op):
                    entered.op._add_control_input(pivot.op)
        context.adopt_enters(enters)
        return enters

    def _call_body(self, arguments: Any) -> Any:
        summaries = self._graph.get_collection_ref(GraphKeys._SUMMARY_COLLECTION)
        before = len(summaries)
        result = self._body(*arguments)
        if not nest.is_nested(result):
            result = [result]
        if len(summaries) > before:
            # Summaries of a loop cannot be fetched: they run with its results instead.
            new = summaries[before:]
            del summaries[before:]
            with control_dependencies(new):
                result = nest.map_structure(
                    lambda x: x if isinstance(x, TensorArray) else array.identity(x),
                    result,
                    expand_composites=True,
                )
        return variable_value(result)


def _outer_pivot(context: WhileContext) -> Tensor | None:
    around = context.outer_context
    while around is not None:
        pivot: Tensor | None = around.GetControlPivot()
        if pivot is not None:
            return pivot
        around = around.outer_context
    return None


def _loop_value(value: Any) -> Any:
    return value if nest.is_composite(value) else convert_to_tensor(value)


class _Invariant:
    """The shape that a part of a loop variable keeps; a class, so that it is a leaf."""

    def __init__(self, dims: Dims) -> None:
        self.dims = dims


def _invariants(variable: Any, shape: Any) -> list[_Invariant]:
    if shape is not None and not isinstance(shape, TensorShape):
        raise TypeError(
            f"'shape' must be one of TypeSpec, TensorShape or None. Received: {type(shape)}"
        )
    parts = nest.flatten(flow_of(variable), expand_composites=True)
    if shape is None:
        return [_Invariant(part.dims) for part in parts]
    composite = nest.composite(variable)
    if composite is None:
        return [_Invariant(as_dims(shape))]
    return [_Invariant(dims) for dims in list(composite.invariant(shape))[: len(parts)]]
