"""What an operation is in the control flow of its graph: the Switch of a loop or of a cond, and where its outputs
belong."""

from __future__ import annotations

from typing import Any

from evergraph.graph.operation import Operation


def is_switch(op: Operation) -> bool:
    """True for a Switch or RefSwitch."""
    return op.type in ("Switch", "RefSwitch")


def is_loop_enter(op: Operation) -> bool:
    """True for an Enter or RefEnter."""
    return op.type in ("Enter", "RefEnter")


def is_loop_exit(op: Operation) -> bool:
    """True for an Exit or RefExit."""
    return op.type in ("Exit", "RefExit")


def is_constant_enter(op: Operation) -> bool:
    """True for the Enter of a value that is the same in all iterations."""
    return is_loop_enter(op) and op.attrs["is_constant"]


def output_context(op: Operation) -> Any:
    """The control-flow context that the outputs of ``op`` are in: for an Exit, that around its loop."""
    context = op._control_flow_context
    return context.outer_context if context is not None and is_loop_exit(op) else context


def while_context(op: Operation) -> Any:
    """The innermost WhileContext that ``op`` is in, or None."""
    context = op._control_flow_context
    return None if context is None else context.GetWhileContext()


def is_loop_switch(op: Operation) -> bool:
    """True for the Switch at the head of a loop, as against one of a cond in a loop."""
    context = op._control_flow_context
    if not is_switch(op) or context is None or not context.IsWhileContext():
        return False
    return not _feeds_only_conds(op)


def _feeds_only_conds(op: Operation) -> bool:
    # The Switch of a cond is not in the cond's context itself, but all that it feeds is.
    for output in op.outputs:
        for consumer in output.consumers():
            context = consumer._control_flow_context
            if is_loop_enter(consumer) and context is not None:
                context = context.outer_context
            if context is None or not context.IsCondContext():
                return False
    return True
