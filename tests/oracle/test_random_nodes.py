"""The nodes that random functions make, and what they draw in a session, against TensorFlow's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from evergraph.formats import dtypes
from evergraph.formats.protos import GraphDef
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.graph import Graph
from evergraph.graph.scopes import name_scope
from evergraph.graph.shape import Dimension
from evergraph.ops import (
    array,
    random_parameterized,
    random_seed,
    stateless_random,
)
from evergraph.ops import (
    random as random_ops,
)
from evergraph.ops import (
    stateless_random_parameterized as stateless_parameterized,
)
from evergraph.ops.constant import constant
from evergraph.runtime.session import Session
from tests.oracle.client import Oracle

pytestmark = pytest.mark.oracle

# The names of `tf` that the programs below use.
TF = SimpleNamespace(
    **{name: getattr(dtypes, name) for name in ("bfloat16", "float16", "float32", "float64")},
    int32=dtypes.int32,
    int64=dtypes.int64,
    uint32=dtypes.uint32,
    constant=constant,
    placeholder=array.placeholder,
    Dimension=Dimension,
    name_scope=name_scope,
    get_default_graph=get_default_graph,
    set_random_seed=random_seed.set_random_seed,
    get_seed=random_seed.get_op_seed,
    random_uniform=random_ops.random_uniform,
    random_normal=random_ops.random_normal,
    truncated_normal=random_ops.truncated_normal,
    random_shuffle=random_ops.random_shuffle,
    multinomial=random_ops.multinomial,
    random_gamma=random_parameterized.random_gamma,
    random_poisson=random_parameterized.random_poisson,
    random=SimpleNamespace(
        categorical=random_ops.categorical,
        stateless_uniform=stateless_random.stateless_random_uniform,
        stateless_normal=stateless_random.stateless_random_normal,
        stateless_truncated_normal=stateless_random.stateless_truncated_normal,
        stateless_multinomial=stateless_parameterized.stateless_multinomial,
        stateless_categorical=stateless_parameterized.stateless_categorical,
        stateless_poisson=stateless_parameterized.stateless_random_poisson,
    ),
)

PROGRAMS = {
    "uniform": """
        tf.random_uniform([2, 3])
        tf.random_uniform([2, 3], -1, 1)
        tf.random_uniform([2, 3], maxval=5)
        tf.random_uniform([2, 3], maxval=1.0)
        tf.random_uniform([2, 3], 0.0, 1)
        tf.random_uniform([], 1.5, 2.5, tf.float64, seed=3)
        tf.random_uniform((), 0, 10, tf.int32, name="i")
        tf.random_uniform((4,), -3, 2**40, "int64", name="i")
        tf.random_uniform([tf.Dimension(3), 2], dtype=tf.float16)
        tf.random_uniform(tf.constant([2, 2], tf.int64), dtype=tf.bfloat16, name="a/b")
        tf.random_uniform(np.array([5, 6]), minval=tf.constant([1.0] * 6), maxval=8)
        tf.random_uniform(tf.placeholder(tf.int32, [None]))
    """,
    "normal": """
        tf.random_normal([2, 3])
        tf.random_normal([7, 7, 1, 4], stddev=0.01, seed=1)
        tf.random_normal([], 5.0, tf.constant(2.0), name="n")
        with tf.name_scope("scope"):
            tf.random_normal([3], dtype=tf.float64)
            tf.truncated_normal([3], dtype=tf.float64)
        tf.truncated_normal([5, 5, 1, 32], stddev=0.1)
        tf.truncated_normal((3,), 1.0, 0.5, tf.float16, 9, "t")
    """,
    "shuffle and classes": """
        tf.random_shuffle([1, 2, 3])
        tf.random_shuffle(tf.constant([[1.5], [2.5]]), seed=3, name="s")
        tf.multinomial([[0.0, 1.0]], 5)
        tf.multinomial(tf.constant([[0.0, 1.0]], tf.float64), tf.constant(3), 4, "m", tf.int32)
        tf.random.categorical(tf.placeholder(tf.float32, [None, 7]), 2)
    """,
    "parameterized": """
        tf.random_gamma([10], [0.5, 1.5])
        tf.random_gamma([7, 5], tf.constant([[1.0], [3.0]]), [2.0, 5.0, 1.0], seed=2, name="g")
        tf.random_gamma([2], 3.0, dtype=tf.float64)
        tf.random_poisson([0.5, 1.5], [10])
        tf.random_poisson(tf.constant([12.2, 3.3]), [7, 5], tf.int32, 4, "p")
    """,
    "stateless": """
        tf.random.stateless_uniform([2], [1, 2])
        tf.random.stateless_uniform([2], [1, 2], 1, 5, tf.int32, name="i")
        tf.random.stateless_uniform([2], [1, 2], None, None, tf.uint32)
        tf.random.stateless_uniform([2], tf.constant([1, 2], tf.int64), -1.0, 1.0, tf.float64)
        tf.random.stateless_normal([2], [1, 2], 1.0, 2.0)
        tf.random.stateless_truncated_normal([2], [1, 2], name="t")
        tf.random.stateless_multinomial([[0.5, 0.5]], 3, [1, 2])
        tf.random.stateless_categorical([[0.5, 0.5]], 3, [1, 2], tf.int32)
        tf.random.stateless_poisson([4, 2], [1, 2], [3.0, 14.0])
    """,
    "seeds": """
        tf.random_uniform([2])
        tf.random_uniform([2], seed=7)
        tf.set_random_seed(42)
        tf.random_uniform([2])
        tf.constant(1.0)
        tf.truncated_normal([2])
        tf.random_normal([2], seed=7)
        tf.random_shuffle([1, 2, 3])
        tf.get_seed(None)
        tf.multinomial([[0.0, 1.0]], 5)
        tf.set_random_seed(-1)
        tf.random_uniform([2])
        tf.random_uniform([2], 0, 5, tf.int32, seed=2**40)
    """,
}

BUILD = """
def main(tf, np, program):
    exec(program, {"tf": tf, "np": np})
    graph = tf.get_default_graph()
    return graph.as_graph_def().SerializeToString(), [
        None if output.shape.rank is None else output.shape.as_list()
        for op in graph.get_operations() for output in op.outputs
    ]
"""


def built_here(program: str) -> Graph:
    with Graph().as_default() as graph:
        exec(program, {"tf": TF, "np": np})
    return graph


def text_of(program: str) -> str:
    return "\n".join(line[8:] for line in program.splitlines())


@pytest.mark.parametrize("name", PROGRAMS)
def test_same_nodes(tf215: Oracle, name: str) -> None:
    program = text_of(PROGRAMS[name])
    serialized, shapes = tf215.execute(BUILD, program=program)
    theirs = GraphDef.FromString(serialized)
    graph = built_here(program)
    ours = graph.as_graph_def()
    assert [node.name for node in ours.node] == [node.name for node in theirs.node]
    for mine, other in zip(ours.node, theirs.node, strict=True):
        assert mine == other
    found = [
        None if output.dims is None else list(output.dims)
        for op in graph.get_operations()
        for output in op.outputs
    ]
    assert found == shapes


SEEDED = text_of("""
        tf.set_random_seed(42)
        drawn = [
            tf.random_uniform([3, 5], -1, 1),
            tf.random_normal([600], stddev=0.5),
            tf.truncated_normal([5, 5, 1, 32], stddev=0.1),
            tf.random_uniform([7], 3, 2**40, tf.int64),
            tf.random_shuffle(tf.constant(np.arange(50))),
            tf.multinomial([[0.0, 1.0, 2.0]], 40),
            tf.random_gamma([20], [0.5, 1.5], 2.0),
            tf.random_poisson([0.5, 40.0], [9]),
            tf.random.stateless_uniform([6], [1, 2], 1, 5, tf.int32),
            tf.random.stateless_normal([6], [1, 2]),
        ]
""")

DRAW = """
def main(tf, np, program):
    names = {"tf": tf, "np": np}
    exec(program, names)
    found = []
    for _ in range(2):
        with tf.Session(config=session_config()) as session:
            found += [session.run(names["drawn"]) for _ in range(3)]
            found.append(session.run(names["drawn"][:2]))
    return found
"""


def test_same_numbers_over_runs_and_sessions(tf215: Oracle) -> None:
    theirs = tf215.execute(DRAW, program=SEEDED)
    names: dict[str, Any] = {"tf": TF, "np": np}
    ours: list[list[Any]] = []
    with Graph().as_default():
        exec(SEEDED, names)
        for _ in range(2):
            with Session() as session:
                ours += [session.run(names["drawn"]) for _ in range(3)]
                ours.append(session.run(names["drawn"][:2]))
    for mine, other in zip(ours, theirs, strict=True):
        for a, b in zip(mine, other, strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)
    assert not np.array_equal(ours[0][0], ours[1][0])
