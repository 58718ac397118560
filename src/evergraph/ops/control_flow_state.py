"""What one call of ``gradients`` knows of the loops on its way, and the zeros of outputs that nobody uses.

The names that ``gradients`` calls are TensorFlow's (python/ops/control_flow_state.py, 2.15), and so are the nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from evergraph.formats import dtypes
from evergraph.graph.graph import Graph
from evergraph.graph.operation import Operation
from evergraph.graph.scopes import colocate_with, control_dependencies
from evergraph.graph.shape import is_fully_defined
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.constant import constant
from evergraph.ops.control_flow import next_iteration, switch, switch_ref_or_tensor
from evergraph.ops.control_flow_queries import (
    is_loop_exit,
    is_loop_switch,
    is_switch,
    while_context,
)
from evergraph.ops.default_gradient import zeros_of_variable
from evergraph.ops.loop_history import GradLoopState

IsLoopExit = is_loop_exit
IsLoopSwitch = is_loop_switch


class ControlFlowState:
    """The loops of one call of ``gradients``."""

    def __init__(self) -> None:
        self._states: dict[Any, GradLoopState] = {}

    def GetGradState(self, op: Operation, before: bool) -> GradLoopState | None:
        """The state of the loop that ``op`` is in; for an Exit, ``before`` its gradients are there: of the one
        around."""
        loop = while_context(op)
        if before and is_loop_exit(op):
            loop = op._control_flow_context.outer_context
            loop = None if loop is None else loop.GetWhileContext()
        return self._states.get(loop)

    def ProcessUnusedLoopExits(
        self, pending_count: dict[Operation, int], to_ops_set: set[Operation]
    ) -> list[Tensor]:
        """The exits that no ``y`` depends on, of loops of which all exits are known: they go back with zero
        gradients."""
        ready: list[Tensor] = []
        for state in self._states.values():
            for exit_ in state.forward_loop_exits:
                if pending_count[exit_.op] == 0:
                    state.pending_exits_count -= 1
                    if exit_.op not in to_ops_set:
                        state.unused_exits.append(exit_)
                    if state.pending_exits_count == 0:
                        ready.extend(state.unused_exits)
            # Enters too are visited, for gradients of gradients.
            for entered in state.forward_context.loop_enters:
                if pending_count[entered.op] == 0:
                    pending_count[entered.op] = 1
        return ready

    def EnterGradWhileContext(self, op: Operation, before: bool) -> None:
        """Goes into the backward loop that the gradient of ``op`` belongs to."""
        state = self.GetGradState(op, before)
        if state is not None:
            state.grad_context.Enter()

    def ExitGradWhileContext(self, op: Operation, before: bool) -> None:
        """Leaves it."""
        state = self.GetGradState(op, before)
        if state is not None:
            state.grad_context.Exit()

    def AddWhileContext(
        self, op: Operation, between_op_list: list[Operation], between_ops: set[Operation]
    ) -> None:
        """Makes the state of the loop whose Exit ``op`` is; all of its exits lie between then."""
        loop = while_context(op)
        if loop in self._states:
            return
        if loop is None:
            raise ValueError(
                f"'{op.name}' leaves a loop of which only the nodes are known (from a GraphDef): gradients need a "
                "MetaGraph, with its while_context collection"
            )
        around = loop.outer_context
        around = None if around is None else around.GetWhileContext()
        state = self._states[loop] = GradLoopState(loop, self._states.get(around))
        for exit_ in state.forward_loop_exits:
            if exit_.op not in between_ops:
                between_ops.add(exit_.op)
                between_op_list.append(exit_.op)

    def ZerosLikeForExit(self, tensor: Tensor) -> Tensor:
        """The gradient of an Exit that nobody uses; called where ``gradients`` is."""
        loop = tensor.op._control_flow_context
        around = loop.outer_context
        outer = None if around is None else self._states.get(around.GetWhileContext())
        if outer is None:
            if is_fully_defined(tensor.dims):
                return array.zeros(tensor.dims, tensor.dtype)
            return array.zeros_like(tensor, optimize=False)
        if is_fully_defined(tensor.dims):
            with outer.grad_context:
                return array.zeros(tensor.dims, tensor.dtype)
        with around:
            shape = array.shape(tensor, optimize=False)
        history = outer.AddForwardAccumulator(shape)
        with outer.grad_context:
            return array.zeros(outer.AddBackpropAccumulatedValue(history, shape), tensor.dtype)

    def ZerosLike(self, op: Operation, index: int) -> Tensor | None:
        """The gradient of an output that nobody uses; called in the backward loop of ``op``."""
        if is_loop_switch(op):
            return None
        state = self._states.get(while_context(op))
        if state is None:
            return ZerosLike(op, index)
        value = op.outputs[index]
        own: Any = op._control_flow_context
        # The other branch of a cond: zeros where that is taken.
        dead = is_switch(op)
        if is_fully_defined(value.dims):
            if value.dtype == dtypes.resource:
                zeros = zeros_of_variable(value)
            else:
                zeros = constant(0, shape=value.dims, dtype=value.dtype)
            if dead:
                zeros = switch_ref_or_tensor(zeros, state.real_pred(own.pred))[1 - own.branch]
            return zeros
        with own.outer_context if dead else own:
            if dead:
                value = switch_ref_or_tensor(op.inputs[0], own.pred)[1 - own.branch]
            shape = array.shape(value, optimize=False)
        if dead:
            value.op._set_control_flow_context(own)
            shape.op._set_control_flow_context(own)
        state.grad_context.Exit()
        history = state.AddForwardAccumulator(shape, dead_branch=dead)
        state.grad_context.Enter()
        return array.zeros(state.AddBackpropAccumulatedValue(history, shape, dead), value.dtype)

    def PostProcessing(self) -> None:
        """Closes the backward loops of variables that do not depend on their value in the iteration before."""
        for state in self._states.values():
            for head in state.switch_map.values():
                start, around = head.op.inputs[:2]
                if start is not around:
                    continue
                if is_fully_defined(start.dims):
                    with state.grad_context:
                        zeros = constant(0, dtype=start.dtype, shape=start.dims)
                        following = next_iteration(zeros)
                else:
                    with state.grad_context.outer_context or nullcontext():
                        entering = start.op.inputs[0]
                        zeros = array.zeros(array.shape(entering, optimize=False), start.dtype)
                    with state.grad_context:
                        following = next_iteration(zeros)
                head.op._update_input(1, following)


def MaybeCreateControlFlowState(
    between_op_list: list[Operation],
    between_ops: set[Operation],
    colocate_gradients_with_ops: bool,
) -> ControlFlowState | None:
    """The state of the loops between, or None where there are none. Adds their exits to both arguments."""
    states: ControlFlowState | None = None
    for op in between_op_list:
        if is_loop_exit(op):
            states = states or ControlFlowState()
            with colocate_with(op) if colocate_gradients_with_ops else nullcontext():
                states.AddWhileContext(op, between_op_list, between_ops)
    return states


def ZerosLike(op: Operation, index: int) -> Tensor:
    """Zeros for the gradient of output ``index`` of ``op``, which nobody uses; no loops are on the way."""
    value = op.outputs[index]
    context: Any = op._control_flow_context
    if not is_switch(op) or context is None:
        if value.dtype == dtypes.resource:
            return zeros_of_variable(value)
        return array.zeros_like(value, optimize=False)
    # Zeros only where the other branch is taken.
    value = switch(op.inputs[0], context.pred)[1 - context.branch]
    pivot = array.identity(value)
    if value.dtype == dtypes.resource:
        with control_dependencies([pivot]):
            return zeros_of_variable(value)
    shape = array.shape(value, optimize=False)
    with control_dependencies([pivot]):
        return array.zeros(shape, dtype=op.outputs[index].dtype)


def check_loop_value(op: Operation, from_ops: Sequence[Operation], graph: Graph) -> None:
    """Raises ValueError where ``gradients``, called within a loop, has come to the head of that very loop."""
    context: Any = op._control_flow_context
    if not is_switch(op) or context is None or not context.IsWhileContext():
        return
    if context is not graph._control_flow_context:
        return
    target, seen, queue = op, set(), [op]
    while queue:
        target = queue.pop(0)
        if target in from_ops:
            break
        if target not in seen:
            seen.add(target)
            queue.extend(tensor.op for tensor in target.inputs)
    raise ValueError(
        f"Cannot compute gradient inside while loop with respect to op '{target.name}'. We do not support taking the "
        "gradient wrt or through the initial value of a loop variable. Gradients can be computed through loop "
        "invariants or wrt the input parameters to the loop body."
    )
