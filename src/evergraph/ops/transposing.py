"""Elements in another order along or between axes: transpose, reverse, roll."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph import shape as shapes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops import array, passing
from evergraph.ops.concatenation import concat
from evergraph.ops.shaping import at_least, renamed
from evergraph.ops.stacking import is_tensor_like
from evergraph.ops.types import INDEX, INDEX_DEFAULT_INT32

#: Reverse takes no more dimensions than this.
_MOST_REVERSED = 8


def _transposed(c: Any) -> shapes.Dims:
    dims, perm = c.shape(0), c.value(1)
    count = shapes.with_rank(c.shape(1), 1)[0]
    if dims is None:
        if count is None:
            return None
        if count < 2:
            return None  # A scalar and a vector are both transposed by one axis, or none.
        dims = (None,) * count
    if count not in (None, len(dims)):
        raise ValueError(f"Dimension must be {len(dims)} but is {count}")
    if perm is None:
        return (None,) * len(dims)
    for axis in perm.tolist():
        if not -len(dims) < axis < len(dims):
            raise ValueError(f"perm dim {axis} is out of range of input rank {len(dims)}")
    return tuple(dims[axis] for axis in perm.tolist())


def _transpose(xp: Any, x: Any, perm: Any) -> Any:
    if perm.shape != (x.ndim,):
        raise errors.InvalidArgumentError(
            None,
            None,
            f"transpose expects a vector of size {x.ndim}. "
            f"But input(1) is a vector of size {perm.size}",
        )
    order = perm.tolist()
    for axis in order:
        if not -x.ndim <= axis < x.ndim:
            raise errors.InvalidArgumentError(None, None, f"{axis} is out of range [0 .. {x.ndim})")
    order = [axis % x.ndim for axis in order]
    missing = set(range(x.ndim)) - set(order)
    if missing:
        listed = ",".join(map(str, order))
        raise errors.InvalidArgumentError(
            None, None, f"{min(missing)} is missing from {{{listed}}}."
        )
    if order == sorted(order):
        return x
    return passing.detached(xp, xp.transpose(x, order))


@op(
    "Transpose", "x: T, perm: Tperm -> y: T", T="type", Tperm=INDEX_DEFAULT_INT32, static="perm"
)  # fmt: skip
class Transpose:
    shape = _transposed

    def compute(xp, x, perm):
        return _transpose(xp, x, perm)

    def gradient(op, grad):
        return transpose(grad, InvertPermutation(op.inputs[1])), None


@op(
    "ConjugateTranspose", "x: T, perm: Tperm -> y: T", T="type", Tperm=INDEX_DEFAULT_INT32,
    static="perm",
)  # fmt: skip
class ConjugateTranspose:
    shape = _transposed

    def compute(xp, x, perm):
        y = _transpose(xp, x, perm)
        return xp.conj(y) if y.dtype.kind == "c" else y

    def gradient(op, grad):
        return transpose(grad, InvertPermutation(op.inputs[1]), conjugate=True), None


def transpose(
    a: Any, perm: Any = None, name: str | None = "transpose", conjugate: bool = False
) -> Tensor:
    """``a`` with its dimensions in the order ``perm``, or else in the opposite order.

    ``conjugate``: complex elements are conjugated, too.
    """
    with name_scope(name, "transpose", [a]) as scope:
        if not is_tensor_like(a):
            a = convert_to_tensor(a, name="a")
        build: Any = ConjugateTranspose if conjugate and a.dtype.is_complex else Transpose
        if perm is None:
            rank = a.shape.rank
            if rank is None:
                from evergraph.ops.sequences import Range

                perm = Range(array.rank(a, optimize=False) - 1, -1, -1)
            else:
                perm = np.arange(rank - 1, -1, -1, dtype=np.int32)
        return build(a, perm, name=scope)


def matrix_transpose(
    a: Any, name: str | None = "matrix_transpose", conjugate: bool = False
) -> Tensor:
    """``a``, a matrix or several, with its last two dimensions exchanged.

    Raises ValueError where ``a`` is known to have fewer than two.
    """
    with name_scope(name, None, [a]):
        a = convert_to_tensor(a, name="a")
        if a.dims is None:
            from evergraph.ops.sequences import Range

            rank: Any = array.rank(a)
            perm: Any = concat((Range(0, rank - 2, 1), [rank - 1, rank - 2]), 0)
        else:
            count = len(a.dims)
            if count < 2:
                raise ValueError(
                    "Argument `a` should be a (batch) matrix with rank >= 2.  "
                    f"Received `a` = {a} with shape: {a.shape}"
                )
            perm = [*range(count - 2), count - 1, count - 2]
        return transpose(a, perm=perm, conjugate=conjugate)


@op("InvertPermutation", "x: T -> y: T", T=INDEX_DEFAULT_INT32, static="x")
class InvertPermutation:
    def shape(c):
        return shapes.with_rank(c.shape(0), 1)

    def compute(xp, x):
        if x.ndim != 1:
            raise errors.InvalidArgumentError(
                None, None, f"invert_permutation expects a 1D vector, not {shapes.text(x.shape)}"
            )
        seen = set()
        for place in x.tolist():
            if not 0 <= place < x.size:
                raise errors.InvalidArgumentError(
                    None, None, f"{place} is not between 0 and {x.size}"
                )
            if place in seen:
                raise errors.InvalidArgumentError(
                    None, None, f"{place} is duplicated in the input."
                )
            seen.add(place)
        inverse = np.empty_like(x)
        inverse[x] = np.arange(x.size, dtype=x.dtype)
        return inverse

    gradient = None


def invert_permutation(x: Any, name: str | None = None) -> Tensor:
    """The permutation that undoes ``x``, a vector of 0 ... n-1 in some order."""
    return InvertPermutation(x, name=name)


# ------------------------------------------------------------------------------------------ reverse

_REVERSIBLE = (
    "{uint8, int8, uint16, int16, uint32, int32, uint64, int64, bool, bfloat16, half, float, "
    "double, complex64, complex128, string}"
)
# ReverseV2 lists the same types in another order.
_REVERSIBLE_V2 = _REVERSIBLE.replace("uint32, int32, uint64, int64", "int32, uint32, int64, uint64")


def _few(dims: shapes.Dims) -> shapes.Dims:
    if dims is not None and len(dims) > _MOST_REVERSED:
        raise ValueError(
            f"reverse does not work on tensors with more than {_MOST_REVERSED} dimensions"
        )
    return dims


def _axes(axes: Sequence[int], rank: int) -> list[int]:
    """``axes`` from the front. Raises InvalidArgumentError for one that is not there or twice."""
    found: list[int] = []
    for i, axis in enumerate(axes):
        if not -rank <= axis < rank:
            raise errors.InvalidArgumentError(
                None, None, f"'axis'[{i}] = {axis} is out of valid range [0, {rank - 1}]"
            )
        if axis % rank in found:
            raise errors.InvalidArgumentError(
                None, None, f"axis {axis % rank} specified more than once."
            )
        found.append(axis % rank)
    return found


@op("Reverse", "tensor: T, dims: bool -> output: T", T=_REVERSIBLE, static="dims")
class Reverse:
    def shape(c):
        dims = c.shape(0)
        count = shapes.with_rank(c.shape(1), 1)[0]
        return _few(dims if count is None else shapes.with_rank(dims, count))

    def compute(xp, tensor, dims):
        if dims.shape != (tensor.ndim,):
            raise errors.InvalidArgumentError(
                None,
                None,
                f"dims must have {tensor.ndim} entries, one for each dimension, got {dims.size}",
            )
        return passing.detached(xp, xp.flip(tensor, [i for i, turn in enumerate(dims) if turn]))

    def gradient(op, grad):
        return Reverse(grad, op.inputs[1]), None


@op(
    "ReverseV2", "tensor: T, axis: Tidx -> output: T", Tidx=INDEX_DEFAULT_INT32, T=_REVERSIBLE_V2,
    static="axis",
)  # fmt: skip
class ReverseV2:
    def shape(c):
        dims, axes = c.shape(0), c.value(1)
        shapes.with_rank(c.shape(1), 1)
        if axes is not None and dims is not None:
            _axes(axes.tolist(), len(dims))
        return _few(dims)

    def compute(xp, tensor, axis):
        turned = _axes(axis.tolist(), tensor.ndim)
        return passing.detached(xp, xp.flip(tensor, turned)) if turned else tensor

    def gradient(op, grad):
        return ReverseV2(grad, op.inputs[1]), None


def reverse(tensor: Any, axis: Any, name: str | None = None) -> Tensor:
    """``tensor`` back to front along the dimensions ``axis``, a vector."""
    return ReverseV2(tensor, axis, name=name)


@op(
    "ReverseSequence", "input: T, seq_lengths: Tlen -> output: T", seq_dim="int", batch_dim=0,
    T="type", Tlen="{int32, int64} = DT_INT64",
)  # fmt: skip
class ReverseSequence:
    def shape(c):
        dims = c.shape(0)
        count = shapes.with_rank(c.shape(1), 1)
        if dims is None:
            return None
        batch = c["batch_dim"] + (len(dims) if c["batch_dim"] < 0 else 0)
        for name, axis in (("batch_dim", batch), ("seq_dim", c["seq_dim"])):
            if axis >= len(dims):
                raise ValueError(f"{name} must be < input rank: {axis} vs. {len(dims)}")
        size = shapes.merge((dims[batch],), count)[0]
        return (*dims[:batch], size, *dims[batch + 1 :])

    def compute(xp, input, seq_lengths, *, seq_dim, batch_dim):
        _check_sequences(xp, input, seq_lengths, seq_dim, batch_dim)
        places = xp.arange(input.shape[seq_dim])[None, :]
        lengths = seq_lengths[:, None]
        # Where each element of each sequence comes from.
        sources = xp.where(places < lengths, lengths - 1 - places, places)
        wanted = [1] * input.ndim
        wanted[batch_dim], wanted[seq_dim] = sources.shape
        if batch_dim > seq_dim:
            sources = sources.T
        return xp.take_along_axis(input, sources.reshape(wanted), seq_dim)

    def gradient(op, grad):
        attrs = {name: op.attrs[name] for name in ("seq_dim", "batch_dim")}
        return ReverseSequence(grad, op.inputs[1], **attrs), None


def _check_sequences(xp: Any, input: Any, lengths: Any, seq_dim: int, batch_dim: int) -> None:
    problem = None
    if lengths.ndim != 1:
        problem = f"seq_lens input must be 1-dim, not {lengths.ndim}"
    elif batch_dim == seq_dim:
        problem = f"batch_dim == seq_dim == {seq_dim}"
    elif not 0 <= seq_dim < input.ndim or not 0 <= batch_dim < input.ndim:
        problem = f"seq_dim {seq_dim} and batch_dim {batch_dim} must be in [0, {input.ndim})"
    elif lengths.size != input.shape[batch_dim]:
        problem = (
            f"Length of seq_lens != input.dims({batch_dim}), "
            f"({lengths.size} vs. {input.shape[batch_dim]})"
        )
    elif xp is np and ((lengths < 0) | (lengths > input.shape[seq_dim])).any():
        problem = f"seq_lens must be in [0, {input.shape[seq_dim]}], got {lengths}"
    if problem is not None:
        raise errors.InvalidArgumentError(None, None, problem)


def reverse_sequence(
    input: Any,
    seq_lengths: Any,
    seq_axis: int | None = None,
    batch_axis: int | None = None,
    name: str | None = None,
    seq_dim: int | None = None,
    batch_dim: int | None = None,
) -> Tensor:
    """The first ``seq_lengths[i]`` elements along ``seq_axis`` of each slice i of ``batch_axis``,
    back to front; the others stay.

    ``seq_dim`` and ``batch_dim`` are old names of the axes.
    """
    seq_axis = renamed("seq_axis", seq_axis, "seq_dim", seq_dim)
    batch_axis = renamed("batch_axis", batch_axis, "batch_dim", batch_dim)
    return ReverseSequence(input, seq_lengths, seq_dim=seq_axis, batch_dim=batch_axis, name=name)


# --------------------------------------------------------------------------------------------- roll


@op(
    "Roll", "input: T, shift: Tshift, axis: Taxis -> output: T", T="type", Tshift=INDEX,
    Taxis=INDEX, static="axis",
)  # fmt: skip
class Roll:
    def shape(c):
        at_least(c.shape(0), 1)
        for dims in (c.shape(1), c.shape(2)):
            if dims is not None and len(dims) > 1:
                raise ValueError(f"Shape must be at most rank 1 but is rank {len(dims)}")
        shapes.merge(c.shape(1), c.shape(2))
        return c.shape(0)

    def compute(xp, input, shift, axis):
        if not input.ndim:
            raise errors.InvalidArgumentError(None, None, "input must be 1-D or higher")
        if shift.shape != axis.shape or shift.ndim > 1:
            raise errors.InvalidArgumentError(
                None,
                None,
                "shift and axis must have the same size, got "
                f"{shapes.text(shift.shape)} and {shapes.text(axis.shape)}",
            )
        axes = [shapes.check_axis(i, input.ndim) for i in axis.ravel().tolist()]
        shifts = shift.ravel() if xp is not np else shift.ravel().tolist()
        return xp.roll(input, tuple(shifts), tuple(axes))

    def gradient(op, grad):
        return Roll(grad, -op.inputs[1], op.inputs[2]), None, None


def roll(input: Any, shift: Any, axis: Any, name: str | None = None) -> Tensor:
    """``input`` moved by ``shift`` along ``axis``; what leaves at one end comes in at the other."""
    return Roll(input, shift, axis, name=name)
