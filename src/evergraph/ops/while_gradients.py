"""What a gradient adds to loops: a counter to the forward loop, one to the backward loop, and sums over iterations.

The forward loop counts its iterations; the backward loop runs as many, counting down. The gradient of a value that is
the same in all iterations is the sum of what each of them contributes. Source: python/ops/control_flow_ops.py, 2.15.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from evergraph.formats import dtypes
from evergraph.graph.operation import Operation
from evergraph.graph.shape import is_fully_defined
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.constant import constant
from evergraph.ops.control_flow import LoopCond, enter, exit_, merge, next_iteration, switch
from evergraph.ops.handles import handle_shape
from evergraph.ops.indexed_slices import IndexedSlices


def add_forward_counter(loop: Any, outer_state: Any) -> tuple[Tensor, Tensor]:
    """Counts the iterations of ``loop``: the number of them, and the count in the next iteration.

    Called in the context around ``loop``; ``outer_state`` is the state of the loop around it in the same gradient, or
    None.
    """
    from evergraph.ops.arithmetic import add

    start = constant(0, name="f_count")
    if outer_state is not None:
        # What one execution of this loop pushes comes before what the next one does.
        start.op._add_control_input(outer_state.forward_index.op.inputs[0].op)
    with loop:
        loop.AddName(start.name)
        head = _head(loop, start, "f_count")
        stays, goes = switch(head, loop.pivot)
        following = next_iteration(add(goes, 1))
        head.op._update_input(1, following)
        total = exit_(stays, name="f_count")
        loop.loop_exits.append(total)
        loop.ExitResult([total])
    return total, following


def add_backward_counter(loop: Any, count: Tensor, outer_state: Any) -> Tensor:
    """Makes the backward ``loop`` run ``count`` times: the count in the next iteration."""
    from evergraph.ops.arithmetic import subtract
    from evergraph.ops.comparison import greater_equal

    one = constant(1, name="b_count")
    with loop:
        loop.AddName(count.name)
        head = _head(loop, count, "b_count")
        loop.pivot_for_pred = head
        loop.pivot = LoopCond(greater_equal(head, one), name="b_count")
        stays, goes = switch(head, loop.pivot)
        left = subtract(goes, one)
        loop.pivot_for_body = left
        following: Tensor = next_iteration(left)
        head.op._update_input(1, following)
        zero = exit_(stays, name="b_count")
        loop.loop_exits.append(zero)
        if outer_state is not None:
            # What one execution of this loop pops comes before what the next one does.
            outer_state.grad_sync._add_control_input(zero.op)
        loop.ExitResult([zero])
    return following


def _head(loop: Any, start: Tensor, name: str, merge_name: str | None = None) -> Tensor:
    """The Merge of a new loop variable that begins with ``start``; its way around is still to come."""
    entered = enter(start, loop.name, parallel_iterations=loop.parallel_iterations, name=name)
    loop.loop_enters.append(entered)
    return merge([entered, entered], name=merge_name)[0]


def _around(loop: Any) -> Any:
    return nullcontext() if loop.outer_context is None else loop.outer_context


def add_accumulator(loop: Any, op: Operation, grad: Tensor) -> Tensor:
    """The sum over the iterations of the backward ``loop`` of ``grad``, the gradient of the constant Enter ``op``."""
    from evergraph.ops.arithmetic import add

    loop.Exit()
    if is_fully_defined(grad.dims):
        with _around(loop):
            start = constant(0, grad.dtype, shape=grad.dims, name="b_acc")
    else:
        start = _zeros_as_outside(loop, op.inputs[0], grad)
    loop.Enter()
    loop.AddName(start.name)
    head = _head(loop, start, "b_acc", "b_acc")
    stays, goes = switch(head, loop.pivot)
    head.op._update_input(1, next_iteration(add(goes, grad)))
    total: Tensor = exit_(stays, name="b_acc")
    loop.loop_exits.append(total)
    loop.ExitResult([total])
    return total


def _zeros_as_outside(loop: Any, value: Tensor, grad: Tensor) -> Tensor:
    """Zeros in the shape of ``value``, which is outside of the forward loop: what the sum of no iterations is."""
    outer = loop.outer_context
    if outer is None or not outer.IsWhileContext() or outer.grad_state is None:
        with _around(loop):
            return array.zeros(array.shape(value, optimize=False), grad.dtype)
    with loop.grad_state.forward_context.outer_context:
        shape = array.shape(value, optimize=False)
    outer_state = loop.grad_state.outer_grad_state
    history = outer_state.AddForwardAccumulator(shape)
    with outer:
        return array.zeros(outer_state.AddBackpropAccumulatedValue(history, shape), grad.dtype)


def add_slices_accumulator(loop: Any, op: Operation, grad: IndexedSlices) -> IndexedSlices:
    """``add_accumulator`` for IndexedSlices: the rows of all iterations, one after the other."""
    from evergraph.ops.arithmetic import maximum
    from evergraph.ops.concatenation import concat

    loop.Exit()
    with _around(loop):
        starts = _empty_slices(op.inputs[0], grad)
    loop.Enter()
    for start in starts:
        loop.AddName(start.name)
    # The rows grow: their number is not that of the start.
    enters = [
        enter(
            start,
            loop.name,
            parallel_iterations=loop.parallel_iterations,
            use_input_shape=False,
            name="b_acc",
        )
        for start in starts
    ]
    enters[0].set_shape([None])
    if starts[1].dims is not None:
        enters[1].set_shape((None, *starts[1].dims[1:]))
    loop.loop_enters.extend(enters)
    heads = [merge([entered, entered], name="b_acc")[0] for entered in enters]
    switches = [switch(head, loop.pivot) for head in heads]
    grown = [
        concat([goes, new], 0)
        for (_, goes), new in zip(switches[:2], [grad.indices, grad.values], strict=True)
    ]
    if grad.dense_shape is not None:
        grown.append(maximum(grad.dense_shape, switches[2][1]))
    following = [next_iteration(tensor) for tensor in grown]
    for head, tensor in zip(heads, following, strict=True):
        head.op._update_input(1, tensor)
    exits = [exit_(stays, name="b_acc") for stays, _ in switches]
    loop.loop_exits.extend(exits)
    loop.ExitResult(exits)
    indices, values, *dense_shape = exits
    return IndexedSlices(values, indices, *dense_shape)


def _empty_slices(value: Tensor, grad: IndexedSlices) -> list[Tensor]:
    """One row of zeros, at place 0: indices, values, and the dense shape where ``grad`` has one."""
    from evergraph.ops.concatenation import concat

    dims = grad.values.dims
    if is_fully_defined(dims):
        assert dims is not None
        values = constant(0, grad.values.dtype, shape=(1, *dims[1:]), name="b_acc")
    else:
        row = _dynamic_shape(value)[1:]
        values = array.zeros(concat([[1], row], 0), dtype=grad.values.dtype)
    starts = [constant([0], grad.indices.dtype), values]
    if grad.dense_shape is None:
        return starts
    if is_fully_defined(grad.dense_shape.dims):
        shape = constant(0, grad.dense_shape.dtype, shape=grad.dense_shape.dims)
    else:
        sizes = array.shape(value, optimize=False, out_type=grad.dense_shape.dtype)
        shape = array.zeros_like(sizes, optimize=False)
    return [*starts, shape]


def _dynamic_shape(value: Tensor) -> Any:
    """The shape of ``value``, or of the variable whose handle it is."""
    if value.dtype != dtypes.resource:
        return array.shape(value, optimize=False)
    return handle_shape(value)
