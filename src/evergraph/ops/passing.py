"""What feeds a graph and what hands a value on: placeholders, identities, barriers for gradients.

Identity hands on its input itself, so that the buffer of a reference variable is seen through it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.formats.dtypes import DType
from evergraph.graph.registry import op
from evergraph.graph.shape import Dims, merge, text
from evergraph.graph.tensor import Tensor
from evergraph.ops import shape_rules

#: GraphDefs up to this version wrote an unknown shape of a placeholder as that of a scalar.
_SCALAR_MEANS_UNKNOWN = 21


def detached(xp: Any, view: Any) -> Any:
    """``view`` in memory of its own: what is written to a variable later must not show in it."""
    return view.copy() if xp is np else view


def _not_fed(dtype: DType, dims: Dims) -> errors.InvalidArgumentError:
    kind = dtypes.op_type_name(dtype)
    return errors.InvalidArgumentError(
        None,
        None,
        f"You must feed a value for placeholder tensor with dtype {kind} and shape {text(dims)}",
    )


@op("Placeholder", "-> output: dtype", dtype="type", shape="shape = { unknown_rank: true }")
class Placeholder:
    def shape(c):
        dims = c["shape"]
        if dims == () and c.op.graph.graph_def_versions.producer <= _SCALAR_MEANS_UNKNOWN:
            return None
        return dims

    def compute(xp, *, dtype, shape):
        raise _not_fed(dtype, shape)


# Deprecated at GraphDef version 23.
@op("PlaceholderV2", "-> output: dtype", dtype="type", shape="shape")
class PlaceholderV2:
    shape = shape_rules.from_attr

    def compute(xp, *, dtype, shape):
        raise _not_fed(dtype, shape)


def placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> Tensor:
    """A tensor whose value every run is fed with; any shape may be fed where ``shape`` is None."""
    return Placeholder(dtype=dtype, shape=shape, name=name)


@op("PlaceholderWithDefault", "input: dtype -> output: dtype", dtype="type", shape="shape")
class PlaceholderWithDefault:
    def shape(c):
        # They must fit; but what may be fed instead of the input need only fit the attribute.
        merge(c.shape(0), c["shape"])
        return c["shape"]

    def compute(xp, input):
        return input

    def gradient(op, grad):
        return grad


def placeholder_with_default(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """``input``, unless a run is fed with another value of ``shape``.

    Raises ValueError where the shape of ``input`` contradicts ``shape``.
    """
    return PlaceholderWithDefault(input, shape=shape, name=name)


@op("Identity", "input: T -> output: T", T="type")
class Identity:
    shape = shape_rules.unchanged

    def compute(xp, input):
        return input

    def gradient(op, grad):
        return grad


def identity(input: Any, name: str | None = None) -> Tensor:
    """``input`` under a name of its own."""
    return Identity(input, name=name)


@op("IdentityN", "input: T -> output: T", T="list(type) >= 1")
class IdentityN:
    def shape(c):
        return c.shapes(0)

    def compute(xp, input):
        return input

    def gradient(op, *grads):
        return list(grads)


def identity_n(input: Any, name: str | None = None) -> list[Tensor]:
    """A list of tensors, each under a name of its own; none is there before all are."""
    return IdentityN(input, name=name)


@op("NoOp", "->")
class NoOp:
    def compute(xp):
        return None


def no_op(name: str | None = None) -> Any:
    """An operation that does nothing: something to hang control dependencies on."""
    return NoOp(name=name)


@op("StopGradient", "input: T -> output: T", T="type")
class StopGradient:
    shape = shape_rules.unchanged

    def compute(xp, input):
        return input

    gradient = None


def stop_gradient(input: Any, name: str | None = None) -> Tensor:
    """``input``, which ``gradients`` takes for a constant."""
    return StopGradient(input, name=name)


@op("PreventGradient", "input: T -> output: T", T="type", message="string = ''")
class PreventGradient:
    shape = shape_rules.unchanged

    def compute(xp, input):
        return input

    def gradient(op, grad):
        raise LookupError(f"Gradient explicitly disabled. Reason: {op.attrs['message']}")


@op("Snapshot", "input: T -> output: T", T="type")
class Snapshot:
    shape = shape_rules.unchanged

    def compute(xp, input):
        return input


@op("DeepCopy", "x: T -> y: T", T="type", stateful=True)
class DeepCopy:
    shape = shape_rules.unchanged

    def compute(ctx, x):
        return np.array(x, copy=True)
