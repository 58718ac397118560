"""Whole graphs traced and compiled: every node's ``compute`` bound to ``jax.numpy``, one after the other.

``test_tracing`` takes ops one by one; here they meet: values of static inputs come from other nodes,
shapes become values, gradients run over axes that were worked out while tracing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="the extra 'jax' is not installed")

import jax.numpy as jnp  # noqa: E402

import evergraph.ops  # noqa: E402, F401 - plugs the operators in
from evergraph.formats import dtypes  # noqa: E402
from evergraph.graph import kernel  # noqa: E402
from evergraph.graph.graph import Graph  # noqa: E402
from evergraph.graph.tensor import Tensor  # noqa: E402
from evergraph.ops import (  # noqa: E402
    arithmetic,
    array,
    casts,
    complex_numbers,
    division,
    special,
    trigonometric,
    unary,
)
from evergraph.ops.concatenation import concat  # noqa: E402
from evergraph.ops.gradients import gradients  # noqa: E402
from evergraph.ops.matmul import matmul  # noqa: E402
from evergraph.ops.reductions import reduce_mean, reduce_sum  # noqa: E402
from evergraph.ops.selection import where_v2  # noqa: E402
from evergraph.ops.tiling import tile  # noqa: E402
from evergraph.ops.transposing import transpose  # noqa: E402
from evergraph.runtime.session import Session  # noqa: E402

SHAPES = {"x": (4, 3), "w": (3, 2), "b": (2,)}


def elementwise(x: Any, w: Any, b: Any) -> list[Tensor]:
    """Arithmetic, comparisons, functions of one tensor, casts."""
    positive = unary.exp(x) + 0.5
    return [
        unary.sigmoid(x) * unary.log(positive) - division.floormod(x, 0.75),
        trigonometric.atan2(x, positive) ** 2,
        arithmetic.maximum(x, -x) / unary.sqrt(positive),
        special.erf(x) + special.lgamma(positive) + special.igamma(positive, positive),
        where_v2(x > 0, casts.cast(casts.cast(4 * x, dtypes.int32) // 3, dtypes.float32), x),
        arithmetic.add_n([x, x, positive]),
        complex_numbers.angle(complex_numbers.complex(x, positive)),
        casts.cast(casts.bitcast(x, dtypes.uint8), dtypes.float32),
    ]


def shapes(x: Any, w: Any, b: Any) -> list[Tensor]:
    """Shapes, and what they and other values known while tracing decide."""
    rows = array.shape(x)[0]
    flat = array.reshape(x, [rows // 2, -1])
    return [
        flat,
        tile(array.expand_dims(b, 0), [2, 3]),
        concat([x, array.zeros([rows, 1])], 1),
        transpose(matmul(x, w), [1, 0]),
        array.fill(array.shape(w), 2.5) * w,
        x[1:, ::-1],
        reduce_mean(x, [0], keepdims=True) + reduce_sum(x, 1, keepdims=True),
    ]


def training(x: Any, w: Any, b: Any) -> list[Tensor]:
    """A layer, a loss, its gradients: through broadcasts of sizes that the graph does not know."""
    hidden = trigonometric.tanh(matmul(x, w) + b)
    loss = reduce_mean(arithmetic.squared_difference(hidden, reduce_sum(x, 1, keepdims=True)))
    return [loss, *gradients(loss, [x, w, b])]


def traced(graph: Graph, fetched: list[Tensor], feeds: dict[str, Any]) -> list[Any]:
    """The values of ``fetched``, where those of placeholders are given."""
    values: dict[Tensor, Any] = {}
    for node in graph.get_operations():
        if node.name in feeds:
            values[node.outputs[0]] = feeds[node.name]
        elif node.type in ("Const", "Shape"):
            # Known while tracing, whatever else is not.
            inputs = [values[tensor] for tensor in node.inputs]
            values.update(zip(node.outputs, kernel.call(np, node, inputs), strict=True))
        else:
            inputs = [values[tensor] for tensor in node.inputs]
            known = all(isinstance(value, (np.ndarray, np.generic)) for value in inputs)
            results = kernel.call(np if known else jnp, node, inputs)
            values.update(zip(node.outputs, results, strict=True))
    return [values[tensor] for tensor in fetched]


@pytest.mark.parametrize("known", [True, False], ids=["static shapes", "shapes of the run"])
@pytest.mark.parametrize("build", [elementwise, shapes, training])
def test_compiled_graph_gives_the_interpreters_values(
    build: Callable[..., list[Tensor]], known: bool
) -> None:
    random = np.random.default_rng(0)
    feeds = {name: random.normal(size=s).astype(np.float32) for name, s in SHAPES.items()}
    with Graph().as_default() as graph:
        inputs = [
            array.placeholder(dtypes.float32, dims if known else [None] * len(dims), name=name)
            for name, dims in SHAPES.items()
        ]
        fetched = build(*inputs)
    with Session(graph=graph) as session:
        expected = session.run(fetched, dict(zip(inputs, feeds.values(), strict=True)))
    found = jax.jit(lambda feeds: traced(graph, fetched, feeds))(feeds)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(np.asarray(ours), theirs, rtol=2e-5, atol=2e-6)
