"""A forward loop, the backward loop that a gradient makes for it, and what goes from one to the other.

The backward loop runs as many iterations, from the last to the first. What it needs of the forward loop's values is
pushed on a stack there, iteration by iteration, and popped here; what is the same in all iterations simply enters it.
Source: python/ops/control_flow_state.py, 2.15.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from evergraph.formats import dtypes
from evergraph.graph.constant_value import constant_value
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.operation import Operation
from evergraph.graph.origin import origin
from evergraph.graph.scopes import colocate_with, control_dependencies
from evergraph.graph.tensor import Tensor
from evergraph.ops import while_gradients
from evergraph.ops.constant import constant, is_constant
from evergraph.ops.control_flow import ControlTrigger, switch_ref_or_tensor
from evergraph.ops.control_flow_queries import is_constant_enter, output_context
from evergraph.ops.stacks import StackPopV2, StackPushV2, StackV2
from evergraph.ops.while_context import WhileContext

_PASSING = frozenset(("Switch", "RefSwitch", "Identity", "RefIdentity"))


class GradLoopState:
    """One forward loop, the backward loop for it, and the history that goes from one to the other."""

    def __init__(self, forward_context: Any, outer_grad_state: GradLoopState | None) -> None:
        self.forward_context = forward_context
        self.outer_grad_state = outer_grad_state
        #: Name of a forward value -> what stands for it in the backward loop.
        self.history_map: dict[str, Tensor] = {}
        #: A Switch of the forward loop -> the Merge at the head of the backward one.
        self.switch_map: dict[Operation, Tensor] = {}
        self.unused_exits: list[Tensor] = []
        self.deferred_exits: list[Tensor] = []
        self.forward_loop_exits: list[Tensor] = list(forward_context.loop_exits)
        self.pending_exits_count = len(self.forward_loop_exits)
        self._forward_sync: Operation | None = None
        self._grad_sync: Operation | None = None

        around = (
            forward_context.outer_context
            if outer_grad_state is None
            else outer_grad_state.forward_context
        )
        with around or nullcontext():
            count, self.forward_index = while_gradients.add_forward_counter(
                forward_context, outer_grad_state
            )
        if outer_grad_state is None:
            with around or nullcontext():
                self.grad_context = self._backward_loop()
                self.grad_index = while_gradients.add_backward_counter(
                    self.grad_context, count, None
                )
            return
        # The inner loop may run another number of times in each iteration of the outer one.
        around.AddName(count.name)
        history = outer_grad_state.AddForwardAccumulator(count)
        with outer_grad_state.grad_context:
            self.grad_context = self._backward_loop()
            popped = outer_grad_state.AddBackpropAccumulatedValue(history, count)
            self.grad_index = while_gradients.add_backward_counter(
                self.grad_context, popped, outer_grad_state
            )

    def _backward_loop(self) -> WhileContext:
        forward = self.forward_context
        return WhileContext(
            maximum_iterations=forward.maximum_iterations,
            parallel_iterations=forward.parallel_iterations,
            back_prop=forward.back_prop,
            swap_memory=forward.swap_memory,
            name=forward.name,
            grad_state=self,
        )

    @property
    def forward_sync(self) -> Operation:
        """What the next iteration of the forward loop waits for: pushes happen in the order of iterations."""
        if self._forward_sync is None:
            with control_dependencies(None):
                self._forward_sync = ControlTrigger(name="f_sync")
            self._forward_sync._set_control_flow_context(self.forward_context)
            self.forward_index.op._add_control_input(self._forward_sync)
        return self._forward_sync

    @property
    def grad_sync(self) -> Operation:
        """What the next iteration of the backward loop waits for: pops happen in the order of iterations."""
        if self._grad_sync is None:
            with control_dependencies(None):
                self._grad_sync = ControlTrigger(name="b_sync")
            self._grad_sync._set_control_flow_context(self.grad_context)
            self.grad_index.op._add_control_input(self._grad_sync)
            if self.grad_context.outer_context is not None:
                self.grad_context.outer_context.AddInnerOp(self._grad_sync)
        return self._grad_sync

    def AddForwardAccumulator(self, value: Tensor, dead_branch: bool = False) -> Tensor:
        """Makes the forward loop push ``value`` in each iteration; the stack.

        ``dead_branch``: push where the branch of the cond that ``value`` is in is not taken.
        """
        current = get_default_graph()._control_flow_context
        with control_dependencies(None):
            with current or nullcontext(), colocate_with(value):
                stack: Tensor = StackV2(
                    constant(-1, dtypes.int32), elem_type=value.dtype.base_dtype, name="f_acc"
                )
            entered = self.forward_context.AddValue(stack)
            swap = self.forward_context.swap_memory
            inside = output_context(value.op)
            if inside is self.forward_context:
                with self.forward_context:
                    push = StackPushV2(entered, value, swap_memory=swap)
                self.forward_index.op._add_control_input(push.op)
            else:
                if inside is None or not inside.IsCondContext():
                    raise TypeError(f"value_ctxt is not a CondContext: {inside}")
                with inside.outer_context if dead_branch else inside:
                    push = StackPushV2(entered, value, swap_memory=swap)
                if dead_branch:
                    push.op._set_control_flow_context(inside)
                self.forward_sync._add_control_input(push.op)
            push.op._add_control_input(self.forward_index.op.inputs[0].op)
        return stack

    def AddBackpropAccumulatedValue(
        self, history_value: Tensor, value: Tensor, dead_branch: bool = False
    ) -> Tensor:
        """Pops what ``AddForwardAccumulator`` has made the forward loop push; called in the backward loop."""
        cond = _cond_between(value.op._control_flow_context, history_value.op)
        with control_dependencies(None), self.grad_context:
            if cond is not None:
                # What only one branch has pushed is popped only where that was taken.
                branch = 1 - cond.branch if dead_branch else cond.branch
                pred = self._known_pred(cond)
                history_value = switch_ref_or_tensor(history_value, pred)[branch]
            pop: Tensor = StackPopV2(history_value, elem_type=value.dtype.base_dtype)
            pop.set_shape(value.dims)
        if self.grad_context.parallel_iterations > 1:
            self.grad_sync._add_control_input(pop.op)
        return pop

    def _known_pred(self, cond: Any) -> Tensor:
        state: GradLoopState | None = self
        while state is not None:
            found = state.history_map.get(cond.pred.name)
            if found is not None:
                return found
            state = state.outer_grad_state
        pred: Tensor = cond.pred
        return pred

    def real_pred(self, pred: Tensor) -> Tensor:
        """The predicate ``pred`` of a cond in the forward loop, as the backward loop knows it; called in that."""
        known = self.history_map.get(pred.name)
        if known is None:
            self.grad_context.Exit()
            history = self.AddForwardAccumulator(pred)
            self.grad_context.Enter()
            known = self.history_map[pred.name] = self.AddBackpropAccumulatedValue(history, pred)
        return known

    def GetRealValue(self, value: Tensor) -> Tensor:
        """``value``, of the forward loop, as the backward loop knows it; called in that."""
        known = self.history_map.get(value.name)
        if known is None:
            known = self.history_map[value.name] = self._real_value(value)
        return known

    def _real_value(self, value: Tensor) -> Tensor:
        state: GradLoopState = self
        entered = _constant_enter(value)
        while entered is not None:
            # The same in all iterations: it need not be kept, only to come in.
            value = entered.inputs[0]
            if state.outer_grad_state is None:
                return self.grad_context.AddValue(value)
            state = state.outer_grad_state
            entered = _constant_enter(value)
        if is_constant(value):
            return constant(constant_value(value), dtype=value.dtype)
        self.grad_context.Exit()
        history = state.AddForwardAccumulator(value)
        self.grad_context.Enter()
        result = state.AddBackpropAccumulatedValue(history, value)
        return result if state is self else self.grad_context.AddValue(result)


def _cond_between(context: Any, outside: Operation) -> Any:
    """The innermost cond from ``context`` outwards that ``outside`` is not in, or None."""
    limit = outside._control_flow_context
    while context is not None and context is not limit:
        if context.IsCondContext():
            return context
        context = context.outer_context
    return None


def _constant_enter(value: Tensor) -> Operation | None:
    op = origin(value, _PASSING)
    return op if is_constant_enter(op) else None
