"""Control-flow contexts: what a graph knows of the cond branch or loop that is being built.

While a branch or a loop's body is built, its context is the graph's current one. Every operation that is made then is
handed to ``AddOp``, which makes inputs from outside known inside (through a Switch or an Enter: ``AddValue``) and ties
operations without inputs to the context's pivot, so that they run only where they should.

The method names are TensorFlow's, since programs and the gradient code call them; so are the messages
(CondContextDef, WhileContextDef) that contexts are kept as in a MetaGraph. Source: control_flow.proto and
python/ops/control_flow_ops.py.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

from evergraph.formats.protos import ValuesDef
from evergraph.graph import nest
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.operation import Operation
from evergraph.graph.tensor import Tensor
from evergraph.ops.control_flow_queries import (
    is_loop_enter,
    is_loop_exit,
    is_switch,
    output_context,
)


def strip_name_scope(name: str, export_scope: str | None) -> str:
    """``name`` without the scope that is being exported."""
    if not export_scope:
        return name
    pattern = r"([\^]|loc:@|^)" + re.escape(export_scope.rstrip("/")) + r"[/]+(.*)"
    return re.sub(pattern, r"\1\2", name, count=1)


def prepend_name_scope(name: str, import_scope: str | None) -> str:
    """``name`` under the scope that is being imported into."""
    if not import_scope:
        return name
    prefix = next((mark for mark in ("^", "loc:@") if name.startswith(mark)), "")
    return f"{prefix}{import_scope.rstrip('/')}/{name[len(prefix) :]}"


class ControlFlowContext:
    """What CondContext and WhileContext share: the values known inside, and the contexts around and within."""

    #: Which field of ControlFlowContextDef holds a context: field -> class, filled in by the classes.
    kinds: ClassVar[dict[str, type[Any]]] = {}

    def __init__(self, values_def: Any = None, import_scope: str | None = None) -> None:
        self._name = ""
        self._nested_contexts: list[ControlFlowContext] = []
        self._outer_context: Any = get_default_graph()._control_flow_context
        if self._outer_context is not None:
            self._outer_context._nested_contexts.append(self)
        self._context_stack: list[Any] = []
        #: The names of the tensors that may be used inside as they are, or have been made known there.
        self._values: set[str] = set()
        #: For a tensor from outside, by name: the tensor that stands for it inside.
        self._external_values: dict[str, Tensor] = {}
        if values_def is not None:
            self._restore_values(values_def, import_scope)

    def _restore_values(self, values_def: Any, import_scope: str | None) -> None:
        graph = get_default_graph()
        self._values = {prepend_name_scope(name, import_scope) for name in values_def.values}
        for outside, inside in values_def.external_values.items():
            element = graph.as_graph_element(prepend_name_scope(inside, import_scope))
            self._external_values[prepend_name_scope(outside, import_scope)] = element
        for name in self._values - set(self._external_values):
            graph.get_operation_by_name(name.partition(":")[0])._set_control_flow_context(self)

    def _values_def(self, export_scope: str | None) -> Any:
        message = ValuesDef(
            values=[strip_name_scope(name, export_scope) for name in sorted(self._values)]
        )
        for outside, inside in self._external_values.items():
            key = strip_name_scope(outside, export_scope)
            message.external_values[key] = strip_name_scope(inside.name, export_scope)
        return message

    @property
    def name(self) -> str:
        return self._name

    @property
    def outer_context(self) -> Any:
        """The context around this one, or None."""
        return self._outer_context

    @property
    def grad_state(self) -> Any:
        """Where this context is in the backward loop of a gradient: the state of that."""
        raise NotImplementedError

    @property
    def back_prop(self) -> bool:
        """Whether gradients flow through."""
        raise NotImplementedError

    def AddName(self, name: str) -> None:
        """Makes the tensor ``name`` one that may be used inside as it is."""
        self._values.add(name)

    def AddValue(self, value: Tensor) -> Tensor:
        """The tensor that stands for ``value`` inside."""
        raise NotImplementedError

    def AddOp(self, op: Operation) -> None:
        """Takes in an operation that has been made inside."""
        raise NotImplementedError

    def CheckUse(self, op: Operation, source: Operation) -> None:
        """Raises ValueError where ``op``, made elsewhere, cannot have what ``source``, of this context, gives."""
        loop = None
        if op._control_flow_context is not None:
            loop = op._control_flow_context.GetWhileContext()
        context = output_context(source)
        other = None if context is None else context.GetWhileContext()
        if other is None or _is_within(loop, other):
            return
        if loop is None:
            # These are made outside of all contexts, and put into theirs afterwards.
            if is_loop_enter(op) or is_switch(op):
                return
        elif _meet_in_a_gradient(loop, other):
            return
        where = (
            "they are in different while loops" if loop else f"'{source.name}' is in a while loop"
        )
        raise ValueError(
            f"Cannot use '{source.name}' as input to '{op.name}' because {where}. "
            "What a loop computes leaves it as a loop variable: use what tf.while_loop returns."
        )

    def AddInnerOp(self, op: Operation) -> None:
        """Hears of an operation that a context within has taken in."""
        if self._outer_context is not None:
            self._outer_context.AddInnerOp(op)

    def Enter(self) -> None:
        """Makes this the context of what is built from now on."""
        graph = get_default_graph()
        self._context_stack.append(graph._control_flow_context)
        graph._set_control_flow_context(self)

    def Exit(self) -> None:
        """Goes back to the context before ``Enter``."""
        get_default_graph()._set_control_flow_context(self._context_stack.pop())

    def __enter__(self) -> None:
        self.Enter()

    def __exit__(self, *unused: object) -> None:
        self.Exit()

    def ExitResult(self, result: Any) -> None:
        """Makes the tensors of ``result`` known in the context around."""
        if self._outer_context is not None:
            for tensor in nest.flatten(result, expand_composites=True):
                self._outer_context.AddName(tensor.name)

    def GetWhileContext(self) -> Any:
        """The innermost loop that this context is, or is in; or None."""
        return None if self._outer_context is None else self._outer_context.GetWhileContext()

    def GetControlPivot(self) -> Tensor | None:
        """The tensor that is there when what is inside may run."""
        return None

    def IsWhileContext(self) -> bool:
        return False

    def IsCondContext(self) -> bool:
        return False

    def IsXLAContext(self) -> bool:
        return False

    def __str__(self) -> str:
        return self._name

    def _remove_external_control_edges(
        self, op: Operation
    ) -> tuple[list[Operation], list[Operation]]:
        """Cuts the control edges that come into this loop from outside: those that stay, those that were cut."""
        loop = self.GetWhileContext()
        inside: list[Operation] = op.control_inputs
        outside: list[Operation] = []
        if loop is not None:
            inside = []
            for control in op.control_inputs:
                context = output_context(control)
                same = context is not None and context.GetWhileContext() is loop
                (inside if same else outside).append(control)
        if outside:
            op._remove_all_control_inputs()
            op._add_control_inputs(inside)
        return inside, outside

    def _record_outputs(self, op: Operation) -> None:
        """Makes the outputs of ``op`` known here, and in all contexts around."""
        names = [tensor.name for tensor in op.outputs]
        context: Any = self
        while context is not None:
            context._values.update(names)
            context = context._outer_context

    def _hide(self, op: Operation) -> bool:
        """Forbids fetching ``op``, which exists in some runs only or many times over."""
        hidden = self._outer_context is not None or not is_loop_exit(op)
        if hidden:
            op.graph.prevent_fetching(op)
        return hidden

    # Messages

    def to_proto(self, export_scope: str | None = None) -> Any:
        """The context as a message, names without ``export_scope``; None where it lies outside of that."""
        raise NotImplementedError

    def _is_exported(self, export_scope: str | None) -> bool:
        return export_scope is None or self._name.startswith(export_scope)

    def _write_nested(self, message: Any, export_scope: str | None) -> None:
        for context in self._nested_contexts:
            context.to_control_flow_context_def(message.nested_contexts.add(), export_scope)

    def to_control_flow_context_def(
        self, context_def: Any, export_scope: str | None = None
    ) -> None:
        """Writes this context into a ControlFlowContextDef."""
        field = next(field for field, kind in self.kinds.items() if isinstance(self, kind))
        getattr(context_def, field).CopyFrom(self.to_proto(export_scope))

    def _read_nested(self, message: Any, import_scope: str | None) -> None:
        with self:
            for nested in message.nested_contexts:
                from_control_flow_context_def(nested, import_scope)


def _is_within(context: Any, around: Any) -> bool:
    """True where ``context`` is ``around`` or lies in it."""
    while context is not None and context is not around:
        context = context.outer_context
    return context is around


def _meet_in_a_gradient(loop: Any, other: Any) -> bool:
    """True where one is the backward loop of the other, or of one around or right within it."""
    if loop.grad_state is not None:
        forward = loop.grad_state.forward_context
        if _is_within(forward, other) or forward is other.outer_context:
            return True
    if other.grad_state is None:
        return False
    forward = other.grad_state.forward_context
    if forward is loop:
        return True
    return forward.grad_state is not None and forward.grad_state.forward_context is loop


def from_control_flow_context_def(context_def: Any, import_scope: str | None = None) -> Any:
    """The context that a ControlFlowContextDef holds. Raises NotImplementedError where it is of no known kind."""
    field = context_def.WhichOneof("ctxt")
    kind = ControlFlowContext.kinds.get(field)
    if kind is None:
        raise NotImplementedError(f"Unknown ControlFlowContextDef field: {field}")
    return kind.from_proto(getattr(context_def, field), import_scope=import_scope)
