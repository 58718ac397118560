"""tensordot, einsum, norm, trace and the solvers, node for node as TensorFlow makes them, and their values."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from evergraph.formats import dtypes
from evergraph.formats.protos import GraphDef
from evergraph.graph.graph import Graph
from evergraph.ops import array, einsum, linear_algebra, norms, strings, tensor_products
from evergraph.ops.constant import constant
from evergraph.runtime.session import Session
from tests.oracle.client import Oracle

pytestmark = pytest.mark.oracle

PROGRAM = """
a = tf.constant(np.arange(24.0).reshape(2, 3, 4) / 7 + 1, name="a")
b = tf.constant(np.arange(12.0).reshape(4, 3) / 5 - 1, name="b")
results = [
    tf.tensordot(a, b, 1),
    tf.tensordot(a, b, [[1, 2], [1, 0]]),
    tf.tensordot(a, b, axes=[[-1], [0]], name="named"),
    tf.tensordot(b, b, 0),
    tf.tensordot(b, np.ones((3, 1)), 1),
    tf.einsum("bij,jk->bik", a, b),
    tf.einsum("ij,jk", b, tf.constant(np.ones((3, 2)))),
    tf.einsum("bij->b", a, name="sums"),
    tf.einsum("...ij,jk->...ik", a, b),
    tf.trace(a), tf.norm(a), tf.norm(a, axis=1), tf.norm(a, 1), tf.norm(a, np.inf, axis=[0, 1]),
    tf.norm(a, 1, axis=[0, 1]), tf.norm(a, 3, axis=-1, keepdims=True), tf.norm(a, "fro", axis=(1, 2)),
    tf.reduce_join(tf.constant([["a", "b"], ["c", "d"]])),
    tf.reduce_join(tf.constant([["a", "b"], ["c", "d"]]), 0, separator="-", name="joined"),
    tf.string_join(["a", "b"], "+"),
    tf.cholesky_solve(tf.constant([[2.0, 0.0], [1.0, 3.0]]), tf.constant([[1.0], [2.0]])),
    tf.svd(a, compute_uv=False), tf.self_adjoint_eigvals(tf.constant([[2.0, 1.0], [1.0, 3.0]])),
]
p = tf.placeholder(tf.float64, [None, 3, 4])
fed = [tf.tensordot(p, b, 1), tf.tensordot(p, b, [[2, 1], [0, 1]])]
q = tf.placeholder(tf.float64)
fed += [tf.tensordot(q, b, 1)]
tf.reduce_join(tf.placeholder(tf.string))
"""

TF = SimpleNamespace(
    constant=constant, placeholder=array.placeholder, float64=dtypes.float64, string=dtypes.string
)
for module in (einsum, linear_algebra, norms, strings, tensor_products):
    vars(TF).update((name, value) for name, value in vars(module).items() if name[0] != "_")

THEIRS = """
def main(tf, np, program):
    tf = tf.compat.v1
    with tf.Graph().as_default() as graph:
        names = {"tf": tf, "np": np}
        exec(program, names)
        with tf.Session() as session:
            given = np.arange(24.0).reshape(2, 3, 4)
            values = session.run(names["results"] + names["fed"], {names["p"]: given, names["q"]: given})
        return [graph.as_graph_def().SerializeToString(), values]
"""


def nodes(data: bytes) -> dict[str, Any]:
    found = GraphDef.FromString(data).node
    return {node.name: (node.op, list(node.input), dict(node.attr)) for node in found}


def test_nodes_and_values(tf215: Oracle) -> None:
    data, expected = tf215.execute(THEIRS, program=PROGRAM)
    with Graph().as_default() as graph, Session() as session:
        names: dict[str, Any] = {"tf": TF, "np": np}
        exec(PROGRAM, names)
        given = np.arange(24.0).reshape(2, 3, 4)
        values = session.run(
            names["results"] + names["fed"], {names["p"]: given, names["q"]: given}
        )
    theirs, ours = nodes(data), nodes(graph.as_graph_def().SerializeToString())
    assert list(ours) == list(theirs)
    assert ours == theirs
    for one, other in zip(values, expected, strict=True):
        if isinstance(one, np.ndarray) and one.dtype.kind == "f":
            np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-12)
        else:
            np.testing.assert_array_equal(one, other)


def test_three_operands() -> None:
    x, y, z = (np.random.RandomState(i).rand(3, 3) for i in range(3))
    with Graph().as_default(), Session() as session:
        result = session.run(einsum.einsum("ij,jk,kl->il", constant(x), constant(y), constant(z)))
    np.testing.assert_allclose(result, x @ y @ z)


def test_equations_that_do_not_fit() -> None:
    for equation in ("ij,jk->iz", "ij,j", "i!j,jk->ik", "ij,jk->ii"):
        with Graph().as_default(), pytest.raises(ValueError):
            einsum.einsum(equation, constant(np.ones((2, 3))), constant(np.ones((3, 4))))
