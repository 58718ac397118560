"""tf.hessians: second derivatives, row by row."""

from __future__ import annotations

from typing import Any

from evergraph.graph.tensor import Tensor
from evergraph.ops.array import reshape, shape, size
from evergraph.ops.gradients import gradients
from evergraph.ops.joining import concat
from evergraph.ops.tensor_array import TensorArray
from evergraph.ops.while_loop import while_loop


def hessians(
    ys: Any,
    xs: Any,
    name: str = "hessians",
    colocate_gradients_with_ops: bool = False,
    gate_gradients: bool = False,
    aggregation_method: int | None = None,
) -> list[Tensor]:
    """The second derivatives of the sum of ``ys`` with respect to each x: [x's shape, x's shape].

    Raises ValueError where ``ys`` does not depend on one of ``xs``.
    """
    xs = list(xs) if isinstance(xs, (list, tuple)) else [xs]
    settings = (colocate_gradients_with_ops, gate_gradients, aggregation_method)
    first = gradients(ys, xs, None, "gradients", *settings)
    result = []
    for grad, x in zip(first, xs, strict=True):
        if grad is None:
            raise ValueError(f"hessians: ys do not depend on {x}")
        flat = reshape(grad, [-1])
        count = size(x)
        rows = TensorArray(x.dtype, size=count)

        def one_row(i: Any, rows: Any, flat: Any = flat, x: Any = x) -> Any:
            return i + 1, rows.write(i, gradients(flat[i], x)[0])

        _, rows = while_loop(lambda i, _, count=count: i < count, one_row, [0, rows])
        dims = shape(x)
        result.append(reshape(rows.stack(), concat([dims, dims], 0)))
    return result
