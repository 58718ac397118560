"""The op seed rule, against what TensorFlow 2.15.1's `tf.compat.v1.random.get_seed` returns."""

from __future__ import annotations

import pytest

from evergraph.ops.random_seed import get_seed


@pytest.mark.parametrize(
    ("graph_seed", "op_seed", "unseeded_ops", "expected"),
    [
        (None, None, 5, (None, None)),
        (None, 7, 5, (87654321, 7)),
        (None, 0, 5, (87654321, 0)),
        (None, 2**31 - 1, 5, (87654321, 0)),
        (None, -1, 5, (87654321, 2**31 - 2)),
        (1, None, 0, (1, 0)),
        (1, None, 5, (1, 5)),
        (1, 7, 5, (1, 7)),
        (2**31, 2**40, 5, (1, 512)),
        (-3, -4, 5, (2**31 - 4, 2**31 - 5)),
        (0, None, 0, (0, 2**31 - 1)),
        (0, None, 1, (0, 1)),
        (0, 0, 5, (0, 2**31 - 1)),
        (2**31 - 1, 0, 5, (0, 2**31 - 1)),
        (2**31 - 1, 2**31 - 1, 5, (0, 2**31 - 1)),
    ],
)
def test_get_seed(graph_seed, op_seed, unseeded_ops, expected) -> None:
    assert get_seed(graph_seed, op_seed, unseeded_ops) == expected
