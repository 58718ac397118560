"""WhileContext: a ``tf.while_loop``. Values from outside come in through a constant Enter, loop variables go around."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evergraph.formats.protos import WhileContextDef
from evergraph.graph.collection_protos import register_proto_function
from evergraph.graph.collections import GraphKeys
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.operation import Operation
from evergraph.graph.scopes import control_dependencies
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.control_flow import enter
from evergraph.ops.control_flow_context import (
    ControlFlowContext,
    prepend_name_scope,
    strip_name_scope,
)
from evergraph.ops.control_flow_queries import (
    is_constant_enter,
    is_loop_enter,
    is_loop_exit,
    output_context,
    while_context,
)

#: Known from the shape of their input: computed in the forward loop, so that not the input has to be kept for the
#: backward one.
_SHAPE_QUERIES = frozenset(("Shape", "Size", "Rank"))
_INLINED_CALLS = frozenset(("PartitionedCall", "StatefulPartitionedCall"))


class WhileContext(ControlFlowContext):
    """A loop that is being built, or a backward loop: then ``grad_state`` is the state of the gradient."""

    def __init__(
        self,
        maximum_iterations: Tensor | None = None,
        parallel_iterations: int = 10,
        back_prop: bool = True,
        swap_memory: bool = False,
        name: str = "while_context",
        grad_state: Any = None,
        context_def: Any = None,
        import_scope: str | None = None,
    ) -> None:
        if not isinstance(parallel_iterations, int) or parallel_iterations <= 0:
            raise ValueError(
                f"'parallel_iterations' must be a positive integer: {parallel_iterations}"
            )
        super().__init__(None if context_def is None else context_def.values_def, import_scope)
        self._graph = get_default_graph()
        self._grad_state = grad_state
        self._maximum_iterations = maximum_iterations
        self._parallel_iterations = parallel_iterations
        self._back_prop = back_prop
        self._swap_memory = swap_memory
        #: What constants made by the condition and by the body hang on.
        self.pivot_for_pred: Tensor | None = None
        self.pivot_for_body: Tensor | None = None
        #: Whether the loop goes on.
        self.pivot: Tensor | None = None
        self.loop_enters: list[Tensor] = []
        self.loop_exits: list[Tensor] = []
        if context_def is None:
            self._name = self._graph.unique_name(name)
        else:
            self._restore(context_def, import_scope)

    @property
    def maximum_iterations(self) -> Tensor | None:
        return self._maximum_iterations

    @property
    def parallel_iterations(self) -> int:
        return self._parallel_iterations

    @property
    def back_prop(self) -> bool:
        return self._back_prop

    @property
    def swap_memory(self) -> bool:
        return self._swap_memory

    @property
    def grad_state(self) -> Any:
        return self._grad_state

    def GetWhileContext(self) -> WhileContext:
        return self

    def GetControlPivot(self) -> Tensor | None:
        return self.pivot_for_body if self.pivot_for_body is not None else self.pivot_for_pred

    def IsWhileContext(self) -> bool:
        return True

    # Taking in values and operations

    def know_only(self, tensors: Sequence[Tensor]) -> None:
        """Makes ``tensors`` all that is known inside."""
        self._values = {tensor.name for tensor in tensors}

    def AddValue(self, value: Tensor) -> Tensor:
        # While a loop is imported into this one, values of its own may not have been recorded yet.
        if value.name in self._values or value.op._control_flow_context is self:
            return self._external_values.get(value.name, value)
        self._values.add(value.name)
        history = self._forward_value(value)
        if history is not None:
            self._external_values[value.name] = history
            return history
        result = value if self._outer_context is None else self._outer_context.AddValue(value)
        with control_dependencies(None):
            entered: Tensor = enter(
                result,
                self._name,
                is_constant=True,
                parallel_iterations=self._parallel_iterations,
            )
            entered.graph.prevent_feeding(entered)
            if self._outer_context is not None:
                self._outer_context.AddInnerOp(entered.op)
        self.adopt_enters([entered])
        self._values.add(entered.name)
        self._external_values[value.name] = entered
        return entered

    def _forward_value(self, value: Tensor) -> Tensor | None:
        """In a backward loop: a value of the forward loop, from what that one has kept of it for each iteration."""
        state = _current_grad_state()
        if state is None:
            return None
        forward = while_context(value.op)
        if is_loop_exit(value.op):
            forward = None if forward is None else forward.outer_context
            forward = None if forward is None else forward.GetWhileContext()
        if forward is not state.forward_context:
            return None
        history: Tensor = state.GetRealValue(value)
        return history

    def adopt_enters(self, enters: Sequence[Tensor]) -> None:
        """Puts Enters, which were made outside of all contexts, into this one, after the operations that they must
        wait for."""
        graph = get_default_graph()
        for tensor in enters:
            op = tensor.op
            kept = [c for c in graph._controls_for(op.inputs) if self._is_around(c)]
            op._set_control_flow_context(self)
            op._add_control_inputs(kept)
            for controller in graph._control_stack:
                controller.seen.add(op)

    def _is_around(self, op: Operation) -> bool:
        """True where ``op`` is in a context around this one, within the same iteration of the loop around."""
        wanted = output_context(op)
        context = self._outer_context
        limit = None if context is None else context.GetWhileContext()
        while context is not wanted:
            if context is None or context is limit:
                return False
            context = context.outer_context
        return True

    def AddOp(self, op: Operation) -> None:
        if op.type in _SHAPE_QUERIES:
            state = _current_grad_state()
            if state is not None and while_context(op.inputs[0].op) is state.forward_context:
                context = op.inputs[0].op._control_flow_context
                op._set_control_flow_context(context)
                context._add_op(op)
                return
        self._add_op(op)

    def _add_op(self, op: Operation) -> None:
        if op.type in _INLINED_CALLS:
            self._hang_on_pivot(op)
        if not op._inputs:
            inside, outside = self._remove_external_control_edges(op)
            if not inside:
                self._hang_on_pivot(op)
        else:
            for index, tensor in enumerate(op.inputs):
                known = self.AddValue(tensor)
                if known is not tensor:
                    op._update_input(index, known)
            _, outside = self._remove_external_control_edges(op)
            if self._has_only_constants(op):
                # Without this, what depends on nothing in the loop would run in iterations that are not to be.
                self._hang_on_pivot(op)
        self._values.update(tensor.name for tensor in op.outputs)
        if outside:
            op._add_control_inputs(self._bring_in(outside))
        if self._hide(op):
            for tensor in op.outputs:
                op.graph.prevent_feeding(tensor)
        if self._outer_context is not None:
            self._outer_context.AddInnerOp(op)

    def _hang_on_pivot(self, op: Operation) -> None:
        pivot = self.GetControlPivot()
        assert pivot is not None  # the loop variables are there before anything else
        op._add_control_input(pivot.op)

    def _has_only_constants(self, op: Operation) -> bool:
        if op._control_inputs:
            return False
        if op.type == "SymbolicGradient" or op.graph._is_function(op.type):
            return True
        return all(is_constant_enter(tensor.op) for tensor in op._inputs)

    def _bring_in(self, controls: Sequence[Operation]) -> list[Operation]:
        """Operations inside that have ended only when ``controls``, outside of the loop, have."""
        with control_dependencies(None), self:
            return [array.identity(op.outputs[0]).op for op in controls if op.outputs]

    # Messages

    def _restore(self, message: Any, import_scope: str | None) -> None:
        def element(name: str) -> Any:
            return self._graph.as_graph_element(prepend_name_scope(name, import_scope))

        self._name = prepend_name_scope(message.context_name, import_scope)
        if message.maximum_iterations_name:
            self._maximum_iterations = element(message.maximum_iterations_name)
        self._parallel_iterations = message.parallel_iterations
        self._back_prop = message.back_prop
        self._swap_memory = message.swap_memory
        self.pivot_for_pred = element(message.pivot_for_pred_name)
        self.pivot_for_body = element(message.pivot_for_body_name)
        self.pivot = element(message.pivot_name)
        self.loop_exits = [element(name) for name in message.loop_exit_names]
        self.loop_enters = [element(name) for name in message.loop_enter_names]
        if import_scope:
            # The frame is known by the name of its context.
            for name in self._values:
                op = self._graph.as_graph_element(name).op
                if is_loop_enter(op):
                    op._set_attr("frame_name", self._name)

    def to_proto(self, export_scope: str | None = None) -> Any:
        if not self._is_exported(export_scope):
            return None

        def name(tensor: Tensor | None) -> str:
            assert tensor is not None  # the loop has been built
            return strip_name_scope(tensor.name, export_scope)

        message = WhileContextDef(
            context_name=strip_name_scope(self._name, export_scope),
            parallel_iterations=self._parallel_iterations,
            back_prop=self._back_prop,
            swap_memory=self._swap_memory,
            pivot_for_pred_name=name(self.pivot_for_pred),
            pivot_for_body_name=name(self.pivot_for_body),
            pivot_name=name(self.pivot),
            loop_exit_names=[name(tensor) for tensor in self.loop_exits],
            loop_enter_names=[name(tensor) for tensor in self.loop_enters],
            values_def=self._values_def(export_scope),
        )
        if self._maximum_iterations is not None:
            message.maximum_iterations_name = name(self._maximum_iterations)
        self._write_nested(message, export_scope)
        return message

    @staticmethod
    def from_proto(context_def: Any, import_scope: str | None = None) -> WhileContext:
        """The context that a WhileContextDef describes, its names under ``import_scope``."""
        context = WhileContext(context_def=context_def, import_scope=import_scope)
        context._read_nested(context_def, import_scope)
        return context


def _current_grad_state() -> Any:
    context = get_default_graph()._control_flow_context
    context = None if context is None else context.GetWhileContext()
    return None if context is None else context.grad_state


ControlFlowContext.kinds["while_ctxt"] = WhileContext
register_proto_function(
    GraphKeys.WHILE_CONTEXT,
    proto_type=WhileContextDef,
    to_proto=WhileContext.to_proto,
    from_proto=WhileContext.from_proto,
)
