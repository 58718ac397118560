"""Calls of functions of the graph's library: plain ones, and the control flow of TensorFlow 2 that is made of them.

The runtime instantiates a function when it is first called (``ctx.call``) and keeps its plan.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph.registry import op
from evergraph.ops import shape_rules
from evergraph.ops.default_gradient import zeros_dtype
from evergraph.ops.tensor_array_state import zeros


def holds(value: Any) -> bool:
    """Whether ``value`` counts as true: a number that is not zero, text that is not empty, an array with elements."""
    if np.ndim(value):
        return bool(np.size(value))
    item = value.item() if isinstance(value, np.ndarray) else value
    return bool(item)


def _call(ctx, args, *, f):
    return tuple(ctx.call(f, args))


def _symbolic_gradient(op, *grads):
    """The gradient of a call: a call of the function's gradient, which the run works out."""
    inputs = [*op.inputs, *grads]
    kinds = [zeros_dtype(tensor) for tensor in op.inputs]
    return SymbolicGradient(inputs, Tout=kinds, f=op.attrs["f"])


@op("PartitionedCall", "args: Tin -> output: Tout", Tin="list(type) >= 0", Tout="list(type) >= 0",
    f="func", config="string = ''", config_proto="string = ''", executor_type="string = ''",
    calls=True)  # fmt: skip
class PartitionedCall:
    shape = shape_rules.unknown
    compute = _call
    gradient = _symbolic_gradient


@op("StatefulPartitionedCall", "args: Tin -> output: Tout", Tin="list(type) >= 0",
    Tout="list(type) >= 0", f="func", config="string = ''", config_proto="string = ''",
    executor_type="string = ''", stateful=True)  # fmt: skip
class StatefulPartitionedCall:
    shape = shape_rules.unknown
    compute = _call
    gradient = _symbolic_gradient


@op("RemoteCall", "target: string, args: Tin -> output: Tout", Tin="list(type) >= 1",
    Tout="list(type) >= 1", f="func", stateful=True)  # fmt: skip
class RemoteCall:
    shape = shape_rules.unknown

    def compute(ctx, target, args, *, f):
        # Every device is here.
        return tuple(ctx.call(f, args))


@op("SymbolicGradient", "input: Tin -> output: Tout", Tin="list(type) >= 1",
    Tout="list(type) >= 1", f="func", calls=True)  # fmt: skip
class SymbolicGradient:
    def shape(c):
        # The gradient of an input has its shape.
        dims = c.shapes(0)
        return dims[: c.output_count] if c.output_count <= len(dims) else [None] * c.output_count

    def compute(ctx, input, *, f):
        return tuple(ctx.call_gradient(f, input))


def _given_shapes(c):
    shapes = c["output_shapes"]
    if not shapes:
        return [None] * c.output_count
    if len(shapes) != c.output_count:
        raise ValueError(
            f"`output_shapes` must be the same length as num outputs ({len(shapes)} vs. {c.output_count})"
        )
    return list(shapes)


def _if(ctx, cond, input, *, then_branch, else_branch):
    return tuple(ctx.call(then_branch if holds(cond) else else_branch, input))


@op("If", "cond: Tcond, input: Tin -> output: Tout", Tcond="type", Tin="list(type) >= 0",
    Tout="list(type) >= 0", then_branch="func", else_branch="func",
    output_shapes="list(shape) = []", stateful=True)  # fmt: skip
class If:
    shape = _given_shapes
    compute = _if


@op("StatelessIf", "cond: Tcond, input: Tin -> output: Tout", Tcond="type", Tin="list(type) >= 0",
    Tout="list(type) >= 0", then_branch="func", else_branch="func",
    output_shapes="list(shape) = []", calls=True)  # fmt: skip
class StatelessIf:
    shape = _given_shapes
    compute = _if


def _case(ctx, branch_index, input, *, branches):
    index = int(branch_index)
    return tuple(ctx.call(branches[index if 0 <= index < len(branches) else -1], input))


@op("Case", "branch_index: int32, input: Tin -> output: Tout", Tin="list(type) >= 0",
    Tout="list(type) >= 0", branches="list(func) >= 1", output_shapes="list(shape) = []",
    stateful=True)  # fmt: skip
class Case:
    shape = _given_shapes
    compute = _case


@op("StatelessCase", "branch_index: int32, input: Tin -> output: Tout", Tin="list(type) >= 0",
    Tout="list(type) >= 0", branches="list(func) >= 1", output_shapes="list(shape) = []",
    calls=True)  # fmt: skip
class StatelessCase:
    shape = _given_shapes
    compute = _case


def _loop_shapes(c):
    return _given_shapes(c) if c["output_shapes"] else c.shapes(0)


def _while(ctx, input, *, cond, body):
    values = list(input)
    while True:
        result = ctx.call(cond, values)
        if len(result) != 1:
            raise errors.InvalidArgumentError(
                None, None, f"Expected a single scalar return value from cond, got {len(result)}"
            )
        if not holds(result[0]):
            return tuple(values)
        values = ctx.call(body, values)
        if len(values) != len(input):
            raise errors.InvalidArgumentError(
                None,
                None,
                f"While loop body returned {len(values)} arguments. Expected: {len(input)}",
            )


@op("While", "input: T -> output: T", T="list(type) >= 0", cond="func", body="func",
    output_shapes="list(shape) = []", parallel_iterations=10, stateful=True)  # fmt: skip
class While:
    shape = _loop_shapes
    compute = _while


@op("StatelessWhile", "input: T -> output: T", T="list(type) >= 0", cond="func", body="func",
    output_shapes="list(shape) = []", parallel_iterations=10, calls=True)  # fmt: skip
class StatelessWhile:
    shape = _loop_shapes
    compute = _while


@op("For", "start: int32, limit: int32, delta: int32, input: T -> output: T", T="list(type) >= 0",
    body="func", calls=True)  # fmt: skip
class For:
    shape = shape_rules.unknown

    def compute(ctx, start, limit, delta, input, *, body):
        if delta == 0 or (limit > start and delta < 0) or (limit < start and delta > 0):
            raise errors.InvalidArgumentError(
                None, None, f"Invalid start/limit/delta: {start} {limit} {delta}"
            )
        values = list(input)
        for i in range(int(start), int(limit), int(delta)):
            values = ctx.call(body, [np.int32(i), *values])
        return tuple(values)


@op("FakeParam", "-> output: dtype", dtype="type", shape="shape")
class FakeParam:
    shape = shape_rules.from_attr

    def compute(xp, *, dtype, shape):
        # Stands in for a value of the branch that was not taken; nobody looks at it.
        return zeros(tuple(size or 0 for size in shape or ()), dtype)

    gradient = None


@op("DeviceIndex", "-> index: int32", device_names="list(string)", stateful=True)
class DeviceIndex:
    shape = shape_rules.scalar

    def compute(ctx, *, device_names):
        names = list(device_names)
        return np.int32(names.index("CPU") if "CPU" in names else len(names))
