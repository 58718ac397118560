"""Reference variables: their cells, and the ops that assign to them."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph import shape as shapes
from evergraph.graph.registry import op
from evergraph.graph.tensor import Tensor
from evergraph.ops.cells import RefCell
from evergraph.ops.shape_rules import from_attr, merged, scalar, unchanged
from evergraph.ops.types import NUMERIC

_PLACE: dict[str, Any] = {"container": "string = ''", "shared_name": "string = ''"}


def cell_of(ctx: Any, dtype: Any, shape: Any) -> RefCell:
    """The cell that the node names in its session, made on first use."""
    cell: RefCell = ctx.resource(RefCell, lambda: RefCell(ctx.op.name, dtype, shape))
    if cell.buffer is None:
        container = ctx.op.attrs["container"]
        cell.look_around(lambda name: ctx.find_resource(container, name))
    return cell


@op(
    "Variable",
    "-> ref: Ref(dtype)",
    shape="shape",
    dtype="type",
    **_PLACE,
    stateful=True,
    handle=True,
)
class Variable:
    def shape(c):
        # In the first version of the op no shape was written as a scalar's.
        return c["shape"] or None

    def compute(ctx, *, shape, dtype):
        return cell_of(ctx, dtype, shape or None)


@op(
    "VariableV2",
    "-> ref: Ref(dtype)",
    shape="shape",
    dtype="type",
    **_PLACE,
    stateful=True,
    handle=True,
)
class VariableV2:
    shape = from_attr

    def compute(ctx, *, shape, dtype):
        return cell_of(ctx, dtype, shape)


def variable_op(
    shape: Any,
    dtype: Any,
    name: str = "Variable",
    set_shape: bool = True,
    container: str = "",
    shared_name: str = "",
) -> Tensor:
    """The reference of a variable, by the first version of the op; ``set_shape`` False leaves its
    shape open.
    """
    made: Tensor = Variable(
        shape=shape if set_shape else None,
        dtype=dtype,
        container=container,
        shared_name=shared_name,
        name=name,
    )
    if set_shape:
        made.set_shape(shape)
    return made


def variable_op_v2(
    shape: Any, dtype: Any, name: str = "Variable", container: str = "", shared_name: str = ""
) -> Tensor:
    """The reference of a variable: what every run of a session shares under this name."""
    made: Tensor = VariableV2(
        shape=shape, dtype=dtype, container=container, shared_name=shared_name, name=name
    )
    return made


@op(
    "TemporaryVariable",
    "-> ref: Ref(dtype)",
    shape="shape",
    dtype="type",
    var_name="string = ''",
    stateful=True,
)
class TemporaryVariable:
    shape = from_attr

    def compute(ctx, *, shape, dtype, var_name):
        if not shapes.is_fully_defined(shape):
            raise errors.InvalidArgumentError(
                None, None, f"A temporary variable needs a known shape, not {shapes.text(shape)}"
            )
        cell = RefCell(var_name or ctx.op.name, dtype, shape)
        cell.buffer = np.zeros(shape, dtype.as_numpy_dtype)
        return cell


@op("DestroyTemporaryVariable", "ref: Ref(T) -> value: T", T="type", var_name="string")
class DestroyTemporaryVariable:
    shape = unchanged

    def compute(xp, ref):
        return ref.read()


@op(
    "Assign",
    "ref: Ref(T), value: T -> output_ref: Ref(T)",
    T="type",
    validate_shape=True,
    use_locking=True,
    allows_uninitialized_input=True,
)
class Assign:
    def shape(c):
        return shapes.merge(c.shape(0), c.shape(1)) if c["validate_shape"] else c.shape(1)

    def compute(xp, ref, value, *, validate_shape):
        ref.assign(value, validate_shape)
        return ref

    gradient = None


def _update(ref: RefCell, value: Any, ufunc: Any) -> RefCell:
    with ref.lock:
        buffer = ref.writable()
        if buffer.shape != np.shape(value):
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Parameters and update must be the same size: the variable '{ref.name}' has shape "
                f"{shapes.text(buffer.shape)}, the update {shapes.text(np.shape(value))}",
            )
        ufunc(buffer, value, out=buffer)
    return ref


@op("AssignAdd", "ref: Ref(T), value: T -> output_ref: Ref(T)", T=NUMERIC, use_locking=False)
class AssignAdd:
    shape = merged

    def compute(xp, ref, value):
        return _update(ref, value, np.add)

    gradient = None


@op("AssignSub", "ref: Ref(T), value: T -> output_ref: Ref(T)", T=NUMERIC, use_locking=False)
class AssignSub:
    shape = merged

    def compute(xp, ref, value):
        return _update(ref, value, np.subtract)

    gradient = None


def assign(
    ref: Any,
    value: Any,
    validate_shape: bool | None = None,
    use_locking: bool | None = None,
    name: str | None = None,
) -> Any:
    """Puts ``value`` into variable ``ref``; the result is the variable, after that.

    With ``validate_shape=False`` the variable takes any shape. Raises ValueError where shapes are
    known to differ.
    """
    if is_ref(ref):
        return Assign(ref, value, validate_shape=validate_shape, use_locking=use_locking, name=name)
    return ref.assign(value, name=name)


def assign_add(
    ref: Any, value: Any, use_locking: bool | None = None, name: str | None = None
) -> Any:
    """Adds ``value`` to variable ``ref``; the result is the variable, after that."""
    if is_ref(ref):
        return AssignAdd(ref, value, use_locking=use_locking, name=name)
    return ref.assign_add(value)


def assign_sub(
    ref: Any, value: Any, use_locking: bool | None = None, name: str | None = None
) -> Any:
    """Subtracts ``value`` from variable ``ref``; the result is the variable, after that."""
    if is_ref(ref):
        return AssignSub(ref, value, use_locking=use_locking, name=name)
    return ref.assign_sub(value)


def is_ref(ref: Any) -> bool:
    """True for a reference variable (or its Tensor); False for a resource variable."""
    found: bool = ref.dtype._is_ref_dtype
    return found


@op(
    "IsVariableInitialized",
    "ref: Ref(dtype) -> is_initialized: bool",
    dtype="type",
    allows_uninitialized_input=True,
)
class IsVariableInitialized:
    shape = scalar

    def compute(xp, ref):
        return np.bool_(ref.initialized)


def is_variable_initialized(variable: Any, name: str | None = None) -> Tensor:
    """A bool: has ``variable`` been initialized?"""
    if is_ref(variable):
        answer: Tensor = IsVariableInitialized(variable, name=name)
        return answer
    answer = variable.is_initialized(name=name)
    return answer


@op("CountUpTo", "ref: Ref(T) -> output: T", limit="int", T="{int32, int64}")
class CountUpTo:
    shape = scalar

    def compute(xp, ref, *, limit):
        with ref.lock:
            buffer = ref.writable()
            before = count(buffer, limit)
            buffer += 1
        return before


def count(counter: Any, limit: int) -> Any:
    """The value of the array ``counter``, before it is counted up.

    Raises OutOfRangeError where it has reached ``limit``, InvalidArgumentError where it is not a
    scalar.
    """
    if counter.shape:
        raise errors.InvalidArgumentError(
            None, None, f"input is not a scalar: {shapes.text(counter.shape)}"
        )
    if counter >= limit:
        raise errors.OutOfRangeError(None, None, f"Reached limit of {limit}")
    return counter[()]
