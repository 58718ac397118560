"""CondContext: one branch of a ``tf.cond``. Values from outside come in through a Switch on its predicate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evergraph.formats.protos import CondContextDef
from evergraph.graph import nest
from evergraph.graph.collection_protos import register_proto_function
from evergraph.graph.collections import GraphKeys
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.operation import Operation
from evergraph.graph.scopes import control_dependencies
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.control_flow import switch_ref_or_tensor, variable_value
from evergraph.ops.control_flow_context import (
    ControlFlowContext,
    prepend_name_scope,
    strip_name_scope,
)
from evergraph.ops.grouping import with_dependencies
from evergraph.ops.tensor_array import flow_of

#: Its own nodes are of no type: calls of functions, whose type is the function's name.
_CALL_TYPES = frozenset(("SymbolicGradient",))


class CondContext(ControlFlowContext):
    """The branch that runs where ``pred`` is ``branch`` (0 or 1); ``pivot`` is there when it does."""

    def __init__(
        self,
        pred: Tensor | None = None,
        pivot: Tensor | None = None,
        branch: int = 0,
        name: str = "cond_text",
        context_def: Any = None,
        import_scope: str | None = None,
    ) -> None:
        graph = get_default_graph()
        name = graph.unique_name(name)
        if context_def is not None:
            super().__init__(context_def.values_def, import_scope)
            self._name = prepend_name_scope(context_def.context_name, import_scope)
            pred, pivot = [
                graph.as_graph_element(prepend_name_scope(text, import_scope))
                for text in (context_def.pred_name, context_def.pivot_name)
            ]
            branch = context_def.branch
        else:
            super().__init__()
            self._name = name
        assert pred is not None  # given, or read from the message
        assert pivot is not None
        self._pred = pred
        self._pivot = pivot
        self._branch = branch
        if context_def is None:
            self._values.update((pred.name, pivot.name))
            self._external_values[pred.name] = pred
            pivot.op._set_control_flow_context(self)

    @property
    def pred(self) -> Tensor:
        return self._pred

    @property
    def pivot(self) -> Tensor:
        return self._pivot

    @property
    def branch(self) -> int:
        return self._branch

    @property
    def grad_state(self) -> Any:
        loop = self.GetWhileContext()
        return None if loop is None else loop.grad_state

    @property
    def back_prop(self) -> bool:
        loop = self.GetWhileContext()
        return loop is not None and loop.back_prop

    def GetControlPivot(self) -> Tensor:
        return self._pivot

    def IsCondContext(self) -> bool:
        return True

    def AddValue(self, value: Tensor) -> Tensor:
        if value.name in self._values:
            # Known already: by itself, or by what stands for it here.
            return self._external_values.get(value.name, value)
        result = self._from_outside(value)
        with control_dependencies(None):
            result = switch_ref_or_tensor(result, self._pred)[self._branch]
            if self._outer_context is not None:
                self._outer_context.AddInnerOp(result.op)
        result.graph.prevent_fetching(result.op)
        result.op._set_control_flow_context(self)
        context: Any = self
        while context is not None:
            context._values.add(result.name)
            context = context._outer_context
        self._external_values[value.name] = result
        return result

    def _from_outside(self, value: Tensor) -> Tensor:
        """``value`` as the context around knows it."""
        self._values.add(value.name)
        if self._outer_context is None:
            return value
        result: Tensor = self._outer_context.AddValue(value)
        self._values.add(result.name)
        self._external_values[result.name] = result
        return result

    def AddOp(self, op: Operation) -> None:
        self._add_op(op)

    def _add_op(self, op: Operation) -> None:
        if not op._inputs:
            self._remove_external_control_edges(op)
            if not any(self._contains(control) for control in op._control_inputs):
                op._add_control_input(self._pivot.op)
        else:
            for index, tensor in enumerate(op.inputs):
                if op.type == "Merge" and tensor.op.type == "NextIteration":
                    # A loop that is being imported into this branch: the edge that closes it has its own way in.
                    continue
                inside = self.AddValue(tensor)
                if inside is not tensor:
                    op._update_input(index, inside)
            self._remove_external_control_edges(op)
            if op.type in _CALL_TYPES or op.graph._is_function(op.type):
                op._add_control_input(self._pivot.op)
        self._record_outputs(op)
        self._hide(op)
        if self._outer_context is not None:
            self._outer_context.AddInnerOp(op)

    def _contains(self, op: Operation) -> bool:
        context = op._control_flow_context
        while context is not None:
            if context is self:
                return True
            context = context.outer_context
        return False

    def _output(self, value: Any) -> Tensor:
        """A result of the branch as a tensor that is alive only where the branch runs."""
        if isinstance(value, Operation):
            return with_dependencies([value], self._pivot)  # a Tensor went in
        tensor = convert_to_tensor(flow_of(value))
        if tensor.name in self._values:
            return self._external_values.get(tensor.name, tensor)
        result: Tensor = switch_ref_or_tensor(self._from_outside(tensor), self._pred)[self._branch]
        self._external_values[tensor.name] = result
        return result

    def BuildCondBranch(self, function: Callable[[], Any]) -> tuple[Any, Any]:
        """Calls ``function``, which builds the branch: its result as it is, and as a structure of tensors."""
        summaries = get_default_graph().get_collection_ref(GraphKeys._SUMMARY_COLLECTION)
        before = len(summaries)
        original = function()
        if len(summaries) > before:
            # Summaries of a branch cannot be fetched: they run with its result instead.
            new = summaries[before:]
            del summaries[before:]
            with control_dependencies(new):
                if original is None:
                    return array.no_op(), None
                if not isinstance(original, Operation):
                    original = nest.map_structure(
                        array.identity, variable_value(original), expand_composites=True
                    )
        if original is None:
            return None, None
        original = variable_value(original)
        result = nest.map_structure(self._output, original, expand_composites=True)
        return original, result if isinstance(result, (list, tuple)) else [result]

    def to_proto(self, export_scope: str | None = None) -> Any:
        if not self._is_exported(export_scope):
            return None
        message = CondContextDef(
            context_name=strip_name_scope(self._name, export_scope),
            pred_name=strip_name_scope(self._pred.name, export_scope),
            pivot_name=strip_name_scope(self._pivot.name, export_scope),
            branch=self._branch,
            values_def=self._values_def(export_scope),
        )
        self._write_nested(message, export_scope)
        return message

    @staticmethod
    def from_proto(context_def: Any, import_scope: str | None = None) -> CondContext:
        """The context that a CondContextDef describes, its names under ``import_scope``."""
        context = CondContext(context_def=context_def, import_scope=import_scope)
        context._read_nested(context_def, import_scope)
        return context


ControlFlowContext.kinds["cond_ctxt"] = CondContext
register_proto_function(
    GraphKeys.COND_CONTEXT,
    proto_type=CondContextDef,
    to_proto=CondContext.to_proto,
    from_proto=CondContext.from_proto,
)
