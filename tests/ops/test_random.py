"""The building functions of random ops: names, seeds, refusals, and streams in sessions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from evergraph.errors import InvalidArgumentError
from evergraph.formats import dtypes
from evergraph.graph.graph import Graph
from evergraph.ops import random as random_ops
from evergraph.ops import random_seed, stateless_random
from evergraph.ops.array import placeholder
from evergraph.ops.constant import constant
from evergraph.runtime.session import Session


@pytest.fixture(autouse=True)
def graph() -> Iterator[Graph]:
    with Graph().as_default() as graph:
        yield graph


def test_names(graph: Graph) -> None:
    drawn = random_ops.random_uniform([2], 1.0, 3.0, name="u")
    assert drawn.name == "u:0"
    assert [op.name for op in graph.get_operations()] == [
        "u/shape", "u/min", "u/max", "u/RandomUniform", "u/sub", "u/mul", "u"
    ]  # fmt: skip


def test_seeds_are_attributes(graph: Graph) -> None:
    def seeds() -> tuple[int, int]:
        op = random_ops.RandomShuffle([1, 2], **random_seed.seed_attrs(None)).op
        return op.get_attr("seed"), op.get_attr("seed2")

    assert seeds() == (0, 0)
    random_seed.set_random_seed(5)
    assert [seeds(), seeds()] == [(5, 0), (5, 1)]
    assert random_seed.seed_attrs(9) == {"seed": 5, "seed2": 9}
    assert seeds() == (5, 2)
    with Graph().as_default():
        assert random_seed.seed_attrs(9) == {"seed": 87654321, "seed2": 9}
        random_seed.set_random_seed(6)
        assert seeds() == (6, 0)


def test_static_shapes() -> None:
    assert random_ops.random_normal([2, 3]).dims == (2, 3)
    assert random_ops.random_normal(placeholder(dtypes.int32, [2])).dims == (None, None)
    assert random_ops.truncated_normal(placeholder(dtypes.int32)).dims is None
    assert random_ops.multinomial(placeholder(dtypes.float32, [None, 4]), 3).dims == (None, 3)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="Must specify maxval for integer dtype"):
        random_ops.random_uniform([2], dtype=dtypes.int32)
    with pytest.raises(ValueError, match=r"invalid value.*uint8"):
        random_ops.random_uniform([2], 0, 5, dtypes.uint8)
    with pytest.raises(ValueError, match=r"invalid value.*float32"):
        random_ops.multinomial([[0.0]], 1, output_dtype=dtypes.float32)
    with pytest.raises(ValueError, match="rank 1 but is rank 0"):
        random_ops.random_normal(3)
    with pytest.raises(ValueError, match="minval must be a scalar"):
        random_ops.random_uniform([2], [0, 1], 5, dtypes.int32)
    with pytest.raises(ValueError, match="both None or not None"):
        stateless_random.stateless_random_uniform([2], [1, 2], 0, None, dtypes.int32)
    with pytest.raises(ValueError, match="unsigned"):
        stateless_random.stateless_random_uniform([2], [1, 2], 0, 5, dtypes.uint32)
    with pytest.raises(ValueError, match="'threefry'"):
        stateless_random.stateless_random_normal([2], [1, 2], alg="threefry")
    with pytest.raises(ValueError, match="must be 2 but is 3"):
        stateless_random.stateless_random_normal([2], [1, 2, 3])


def test_a_short_counter_is_refused() -> None:
    """TensorFlow reads beyond its end."""
    key, counter = constant([1], dtypes.uint64), constant([1], dtypes.uint64)
    drawn = stateless_random.StatelessRandomUniformV2([2], key, counter, 3)
    with Session() as session, pytest.raises(InvalidArgumentError, match=r"at least 2.*\[1\]"):
        session.run(drawn)


def test_a_stream_belongs_to_a_session_and_goes_on() -> None:
    first = random_ops.random_uniform([4], seed=1)
    second = random_ops.random_uniform([4], seed=2)
    with Session() as session:
        alone = [session.run(first) for _ in range(3)]
    with Session() as session:
        together = [session.run(first), session.run([second, first])[1], session.run(first)]
    np.testing.assert_array_equal(alone, together)
    assert not np.array_equal(alone[0], alone[1])


def test_unseeded_sessions_differ() -> None:
    drawn = random_ops.random_uniform([4])
    found = []
    for _ in range(2):
        with Session() as session:
            found.append(session.run(drawn))
    assert not np.array_equal(*found)
