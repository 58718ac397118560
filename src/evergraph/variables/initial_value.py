"""Initial values that read other variables: ``w = tf.Variable(v + 1.)``.

Initializers run in no order among each other. So that ``w`` gets its value whether ``v`` is
initialized already or not, the nodes behind the initial value are made again over
``v.initialized_value()``.
"""

from __future__ import annotations

from typing import Any

from evergraph.graph.collections import GraphKeys
from evergraph.graph.operation import Operation
from evergraph.graph.tensor import Tensor

_VARIABLES = frozenset(("Variable", "VariableV2", "VarHandleOp"))
#: How a program asks for initialized values itself: nothing behind these is looked at.
_SAFE = frozenset(("IsVariableInitialized", "VarIsInitializedOp", "ReadVariableOp", "If"))


def guarded(scope: str, value: Tensor) -> Tensor:
    """``value`` over initialized variables: itself where it reads none.

    ``scope`` is the new variable's. Raises TypeError where ``value`` is not a Tensor.
    """
    if not isinstance(value, Tensor):
        raise TypeError(f"initial_value needs to be a Tensor: {value}")
    if _has_loop(value.op):
        return value
    made: dict[Operation, Operation] = {}
    stack = [value.op]
    while stack:
        op = stack[-1]
        if op in made:
            stack.pop()
            continue
        ends = op.type in _SAFE or op.type in _VARIABLES
        missing = [tensor.op for tensor in op._inputs if tensor.op not in made and not ends]
        if missing:
            stack.append(missing[0])
            continue
        made[op] = _safe(scope, op, made)
        stack.pop()
    return made[value.op].outputs[value.value_index]


def _has_loop(op: Operation) -> bool:
    finished: dict[Operation, bool] = {}
    stack = [(op, False)]
    while stack:
        current, done = stack.pop()
        if done:
            finished[current] = True
            continue
        if current in finished:
            continue
        finished[current] = False
        stack.append((current, True))
        for other in [*(tensor.op for tensor in current._inputs), *current._control_inputs]:
            if other not in finished:
                stack.append((other, False))
            elif not finished[other]:
                return True
    return False


def _safe(scope: str, op: Operation, made: dict[Operation, Operation]) -> Operation:
    """``op`` over what has been made of its inputs."""
    if op.type in _SAFE:
        return op
    if op.type in _VARIABLES:
        value = _initialized_value(op)
        return op if value is None else value.op
    inputs = [made[tensor.op].outputs[tensor.value_index] for tensor in op._inputs]
    if all(new is old for new, old in zip(inputs, op._inputs, strict=True)):
        return op
    name = f"{op.name}_{scope}".replace(":", "_")
    kind = "Switch" if op.type == "RefSwitch" else op.type
    attrs = dict(op.node_def.attr)
    return op.graph.create_op(kind, inputs, name=name, attrs=attrs)


def _initialized_value(op: Operation) -> Any:
    for key in (GraphKeys.GLOBAL_VARIABLES, GraphKeys.LOCAL_VARIABLES):
        for variable in op.graph.get_collection(key):
            if getattr(variable, "name", None) in (op.name, f"{op.name}:0"):
                return variable.initialized_value()
    return None
