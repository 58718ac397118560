"""Unsorted top k: the very order in which TensorFlow's heap lies."""

from __future__ import annotations

import numpy as np
import pytest

from evergraph.graph.graph import Graph
from evergraph.ops.sorting import top_k
from evergraph.runtime.session import Session
from tests.oracle.client import Oracle

pytestmark = pytest.mark.oracle

THEIRS = """
def main(tf, np, rows, k):
    with tf.Session() as session:
        return session.run(tf.nn.top_k(rows, k, sorted=False).indices)
"""


@pytest.mark.parametrize(
    ("size", "k"), [(2, 1), (3, 2), (5, 4), (9, 5), (40, 7), (40, 39), (300, 100), (10_000, 17)]
)
@pytest.mark.parametrize("most", [5, 10**6])
def test_the_heap_lies_as_tensorflows(tf215: Oracle, size: int, k: int, most: int) -> None:
    rows = np.random.RandomState(size + k).randint(0, most, (4, size)).astype(np.float32)
    with Graph().as_default(), Session() as session:
        ours = session.run(top_k(rows, k, sorted=False)[1])
    np.testing.assert_array_equal(ours, tf215.execute(THEIRS, rows=rows, k=k))
