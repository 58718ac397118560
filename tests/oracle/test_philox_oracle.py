"""Random draws against live TensorFlow 2.15.1, with fresh seeds in every run of the tests."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from evergraph.ops.random_seed import get_seed
from tests.ops import philox_rows
from tests.ops.philox_rows import Row
from tests.oracle.client import Oracle

pytestmark = pytest.mark.oracle

FAMILIES: dict[str, Callable[[random.Random], Iterator[Row]]] = {
    "fixed": lambda rng: philox_rows.fixed_rows(rng, philox_rows.SIZES),
    "long": lambda rng: philox_rows.fixed_rows(rng, [philox_rows.BIG], runs=2),
    "shaped": philox_rows.shaped_rows,
    "multinomial": philox_rows.multinomial_rows,
    "rejection": lambda rng: philox_rows.rejection_rows(rng, 3000),
    "parameterized": philox_rows.parameterized_rows,
    "stateless": lambda rng: philox_rows.stateless_rows(rng, 1023),
}


def problems(oracle: Oracle, rows: list[Row], threads: int = 1) -> list[str]:
    sent = [row.sent() for row in rows]
    results = oracle.execute(philox_rows.TENSORFLOW, rows=sent, threads=threads)
    found = []
    for row, runs in zip(rows, results, strict=True):
        for ours, theirs in zip(philox_rows.drawn(row), runs, strict=True):
            for pair in zip(ours, theirs, strict=True):
                found.append(philox_rows.problem(row, *pair))
    return [problem for problem in found if problem]


@pytest.mark.parametrize("family", FAMILIES)
def test_same_numbers(tf215: Oracle, family: str) -> None:
    rows = list(FAMILIES[family](random.Random()))
    assert not problems(tf215, rows)


def test_same_numbers_when_tensorflow_uses_threads() -> None:
    """The number of threads is that of a process's first session, so this process is its own."""
    rng = random.Random()
    rows = list(philox_rows.fixed_rows(rng, [100_003], runs=2))
    rows += philox_rows.rejection_rows(rng, 3000)
    oracle = Oracle("2.15")
    found = problems(oracle, rows, threads=2)
    oracle.close()
    assert not found


def test_a_reservation_that_overflows(tf215: Oracle) -> None:
    """Above a million numbers TensorFlow's own arithmetic wraps around; three runs show how."""
    values = {"means": 0.0, "stdevs": 1.0, "minvals": -1.0, "maxvals": 1.0}
    inputs = {name: np.array(value, np.float32) for name, value in values.items()}
    inputs["shape"] = np.array([1_100_000], np.int32)
    row = Row("ParameterizedTruncatedNormal", inputs, {"seed": 3, "seed2": 4})
    assert not problems(tf215, [row])


def test_infinite_rates(tf215: Oracle) -> None:
    rate = np.array([np.inf, -1.0, 5.0])
    rows = [
        Row(
            "RandomPoissonV2",
            {"shape": np.array([3], np.int32), "rate": rate},
            {"dtype": dtype, "seed": 3, "seed2": 4},
        )
        for dtype in ("float16", "float32", "float64", "int32", "int64")
    ]
    assert not problems(tf215, rows)


SEEDS = """
def main(tf, np, graph_seeds, op_seeds):
    found = []
    for graph_seed in graph_seeds:
        with tf.Graph().as_default() as graph:
            if graph_seed is not None:
                tf.set_random_seed(graph_seed)
            for op_seed in op_seeds:
                tf.constant(0)
                found.append(tf.random.get_seed(op_seed))
    return found
"""


def test_op_seeds(tf215: Oracle) -> None:
    rng = random.Random()
    big = [rng.randrange(-(2**62), 2**62) for _ in range(3)]
    graph_seeds = [None, 0, 1, -1, 2**31 - 1, 2**31, *big]
    op_seeds = [None, 0, 5, None, -1, 2**31 - 1, 2**31, None, *big, None]
    expected = tf215.execute(SEEDS, graph_seeds=graph_seeds, op_seeds=op_seeds)
    ours = []
    for graph_seed in graph_seeds:
        unseeded = 0
        for op_seed in op_seeds:
            ours.append(get_seed(graph_seed, op_seed, unseeded))
            unseeded += graph_seed is not None and op_seed is None
    assert ours == [tuple(pair) for pair in expected]
