"""Products of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph import shape as shapes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops.narrow_floats import is_narrow

_BATCHED = (
    "{bfloat16, half, float, double, uint8, int8, int16, int32, int64, complex64, complex128}"
)


def _multiply(xp: Any, a: Any, b: Any) -> Any:
    """``a @ b`` in the type of ``a``; the narrow floats are multiplied as float32, as Eigen does."""
    dtype = a.dtype
    if is_narrow(dtype):
        return xp.matmul(a.astype(np.float32), b.astype(np.float32)).astype(dtype)
    return xp.matmul(a, b)


def _matmul_shape(c):
    a = shapes.with_rank(c.shape(0), 2)
    b = shapes.with_rank(c.shape(1), 2)
    a = a[::-1] if c["transpose_a"] else a
    b = b[::-1] if c["transpose_b"] else b
    if a[1] is not None and b[0] is not None and a[1] != b[0]:
        raise ValueError(f"Dimensions must be equal, but are {a[1]} and {b[0]}")
    return a[0], b[1]


@op(
    "MatMul",
    "a: T, b: T -> product: T",
    transpose_a=False,
    transpose_b=False,
    T=(
        "{bfloat16, half, float, double, int32, int64, uint8, uint16, uint32, uint64, complex64, "
        "complex128}"
    ),
)
class MatMul:
    shape = _matmul_shape

    def compute(xp, a, b, *, transpose_a, transpose_b):
        left = a.T if transpose_a else a
        right = b.T if transpose_b else b
        if left.ndim != 2 or right.ndim != 2 or left.shape[1] != right.shape[0]:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Matrix size-incompatible: In[0]: {shapes.text(a.shape)}, In[1]: {shapes.text(b.shape)}",
            )
        return _multiply(xp, left, right)

    def gradient(op, grad):
        from evergraph.ops.complex_numbers import conj

        t_a, t_b = op.attrs["transpose_a"], op.attrs["transpose_b"]
        a, b = conj(op.inputs[0]), conj(op.inputs[1])
        if not t_a and not t_b:
            return MatMul(grad, b, transpose_b=True), MatMul(a, grad, transpose_a=True)
        if not t_a:
            return MatMul(grad, b), MatMul(grad, a, transpose_a=True)
        if not t_b:
            return MatMul(b, grad, transpose_b=True), MatMul(a, grad)
        return (
            MatMul(b, grad, transpose_a=True, transpose_b=True),
            MatMul(grad, a, transpose_a=True, transpose_b=True),
        )


def _batch_shape(broadcasts: bool) -> Any:
    def rule(c):
        x, y = c.shape(0), c.shape(1)
        if x is None or y is None:
            return None
        if len(x) < 2 or len(y) < 2:
            raise ValueError(f"Shape must be at least rank 2 but is rank {min(len(x), len(y))}")
        rows, inner_x = x[-2:][::-1] if c["adj_x"] else x[-2:]
        inner_y, columns = y[-2:][::-1] if c["adj_y"] else y[-2:]
        if inner_x is not None and inner_y is not None and inner_x != inner_y:
            raise ValueError(f"Dimensions must be equal, but are {inner_x} and {inner_y}")
        batch = shapes.broadcast(x[:-2], y[:-2]) if broadcasts else shapes.merge(x[:-2], y[:-2])
        return None if batch is None else (*batch, rows, columns)

    return rule


def _batch_matmul(xp, x, y, adj_x, adj_y):
    left = xp.conj(xp.swapaxes(x, -1, -2)) if adj_x else x
    right = xp.conj(xp.swapaxes(y, -1, -2)) if adj_y else y
    if x.ndim < 2 or y.ndim < 2 or left.shape[-1] != right.shape[-2]:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"Matrix size-incompatible: In[0]: {shapes.text(x.shape)}, In[1]: {shapes.text(y.shape)}",
        )
    return _multiply(xp, left, right)


def _batch_gradient(op, grad):
    """The gradients before anything that was broadcast is summed."""
    x, y = op.inputs
    adj_x, adj_y = op.attrs["adj_x"], op.attrs["adj_y"]
    if not adj_x:
        grad_x = _again(op, grad, y, False, not adj_y)
        grad_y = _again(op, grad, x, True, False) if adj_y else _again(op, x, grad, True, False)
    else:
        grad_x = _again(op, y, grad, adj_y, True)
        grad_y = _again(op, grad, x, True, True) if adj_y else _again(op, x, grad, False, False)
    return grad_x, grad_y


def _again(op: Any, x: Any, y: Any, adj_x: bool, adj_y: bool) -> Any:
    if op.type == "BatchMatMulV3":
        return op.declaration(x, y, adj_x=adj_x, adj_y=adj_y, Tout=x.dtype)
    return op.declaration(x, y, adj_x=adj_x, adj_y=adj_y)


def _batch_gradient_broadcast(op, grad):
    from evergraph.ops import array
    from evergraph.ops.broadcasting import BroadcastGradientArgs, sum_to

    x, y = op.inputs
    grad_x, grad_y = _batch_gradient(op, grad)
    if (
        shapes.is_fully_defined(x.dims)
        and shapes.is_fully_defined(y.dims)
        and x.dims[:-2] == y.dims[:-2]
    ):
        return grad_x, grad_y
    shape_x, shape_y = array.shape(x), array.shape(y)
    axes_x, axes_y = BroadcastGradientArgs(shape_x[:-2], shape_y[:-2])
    return sum_to(grad_x, axes_x, shape_x), sum_to(grad_y, axes_y, shape_y)


@op(
    "BatchMatMul",
    "x: T, y: T -> output: T",
    T="{bfloat16, half, float, double, int32, int64, complex64, complex128}",
    adj_x=False,
    adj_y=False,
)
class BatchMatMul:
    shape = _batch_shape(broadcasts=False)

    def compute(xp, x, y, *, adj_x, adj_y):
        if x.shape[:-2] != y.shape[:-2]:
            raise errors.InvalidArgumentError(
                None,
                None,
                "In[0] and In[1] must have compatible batch dimensions: "
                f"{shapes.text(x.shape)} vs. {shapes.text(y.shape)}",
            )
        return _batch_matmul(xp, x, y, adj_x, adj_y)

    gradient = _batch_gradient


@op(
    "BatchMatMulV2",
    "x: T, y: T -> output: T",
    T=(
        "{bfloat16, half, float, double, int16, int32, int64, uint8, uint16, uint32, uint64, "
        "complex64, complex128}"
    ),
    adj_x=False,
    adj_y=False,
)
class BatchMatMulV2:
    """As BatchMatMul; the batch dimensions broadcast."""

    shape = _batch_shape(broadcasts=True)

    def compute(xp, x, y, *, adj_x, adj_y):
        return _batch_matmul(xp, x, y, adj_x, adj_y)

    gradient = _batch_gradient_broadcast


@op(
    "BatchMatMulV3",
    "x: Ta, y: Tb -> output: Tout",
    Ta=_BATCHED,
    Tb=_BATCHED,
    Tout="{bfloat16, half, float, double, int16, int32, int64, complex64, complex128}",
    adj_x=False,
    adj_y=False,
)
class BatchMatMulV3:
    """As BatchMatMulV2; the operands are multiplied in the type of the result."""

    shape = _batch_shape(broadcasts=True)

    def compute(xp, x, y, *, adj_x, adj_y, Tout):
        wide = Tout.as_numpy_dtype
        return _batch_matmul(xp, x.astype(wide), y.astype(wide), adj_x, adj_y)

    gradient = _batch_gradient_broadcast


def matmul(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    output_type: Any = None,
    name: str | None = None,
) -> Tensor:
    """The product of two matrices, or of all those in the last two dimensions.

    ``a_is_sparse`` and ``b_is_sparse`` are hints, and change nothing in the result. Raises ValueError where
    a matrix is to
    be both transposed and adjoint.
    """
    with name_scope(name, "MatMul", [a, b]) as scope:
        if transpose_a and adjoint_a:
            raise ValueError("Only one of `transpose_a` and `adjoint_a` can be True.")
        if transpose_b and adjoint_b:
            raise ValueError("Only one of `transpose_b` and `adjoint_b` can be True.")
        a = convert_to_tensor(a, name="a")
        b = convert_to_tensor(b, name="b", dtype_hint=a.dtype.base_dtype)
        ranks = [None if t.dims is None else len(t.dims) for t in (a, b)]
        if any(rank is None or rank > 2 for rank in ranks):
            from evergraph.ops.complex_numbers import conj

            # Batches know only the adjoint, which is the transpose of the conjugate.
            a, adjoint_a = (conj(a), True) if transpose_a else (a, adjoint_a)
            b, adjoint_b = (conj(b), True) if transpose_b else (b, adjoint_b)
            product: Tensor = BatchMatMulV2(a, b, adj_x=adjoint_a, adj_y=adjoint_b, name=scope)
            return product
        if adjoint_a:
            a, transpose_a = _conjugated(a), True
        if adjoint_b:
            b, transpose_b = _conjugated(b), True
        return MatMul(a, b, transpose_a=transpose_a, transpose_b=transpose_b, name=scope)


def _conjugated(x: Tensor) -> Tensor:
    from evergraph.ops.complex_numbers import conj

    return conj(x)


def sparse_matmul(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    name: str | None = None,
) -> Tensor:
    """The product of two matrices of which many entries are zero; computed as any other."""
    return matmul(a, b, transpose_a, transpose_b, name=name)


def batch_matmul(
    x: Any, y: Any, adj_x: bool = False, adj_y: bool = False, name: str | None = None
) -> Tensor:
    """The products of the matrices in the last two dimensions (TensorFlow 0.x)."""
    result: Tensor = BatchMatMulV2(x, y, adj_x=adj_x, adj_y=adj_y, name=name)
    return result


def matvec(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    adjoint_a: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    name: str | None = None,
) -> Tensor:
    """The product of matrices with vectors: [..., n, m] and [..., m] give [..., n]."""
    from evergraph.ops.shaping import expand_dims, squeeze

    with name_scope(name, "MatVec", [a, b]):
        columns = expand_dims(b, axis=-1)
        product = matmul(a, columns, transpose_a=transpose_a, adjoint_a=adjoint_a)
        return squeeze(product, axis=-1)
