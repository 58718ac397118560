"""The optimizers' updates: large variables in blocks, rows that come twice, and what they refuse.

Their values are compared with TensorFlow's in the op table.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from evergraph import errors
from evergraph.graph.graph import Graph
from evergraph.ops import training
from evergraph.ops.constant import constant
from evergraph.ops.passing import placeholder
from evergraph.ops.state import assign, variable_op_v2
from evergraph.runtime.session import Session


def momentum(size: int, grad: np.ndarray[Any, Any]) -> tuple[Any, Any]:
    """A variable and its slot after one step of Momentum."""
    with Graph().as_default(), Session() as session:
        cells = [variable_op_v2([size], "float32", name) for name in ("var", "accum")]
        session.run(
            [assign(cell, np.full(size, i + 1, np.float32)) for i, cell in enumerate(cells)]
        )
        session.run(training.ApplyMomentum(*cells, 0.5, grad, 0.25))
        found: list[Any] = session.run(cells)
        return found[0], found[1]


@pytest.mark.parametrize("extra", [0, 1, 17])
def test_large_variables_are_updated_in_blocks(extra: int) -> None:
    size = 3 * training._BLOCK + extra
    grad = np.linspace(-1, 1, size, dtype=np.float32)
    var, accum = momentum(size, grad)
    np.testing.assert_array_equal(accum, grad + np.float32(0.5))
    np.testing.assert_array_equal(var, 1 - accum * np.float32(0.5))


def test_a_row_that_comes_twice_is_updated_twice_in_order() -> None:
    random = np.random.RandomState(0)
    indices = random.randint(0, 5, 40)
    grads = random.normal(size=(40, 3))
    with Graph().as_default(), Session() as session:
        cells = [variable_op_v2([5, 3], "float64", name) for name in ("var", "accum")]
        start = random.uniform(1, 2, (5, 3))
        session.run([assign(cell, start) for cell in cells])
        session.run(training.SparseApplyAdagrad(*cells, np.float64(0.1), grads, indices))
        found = session.run(cells)
    var, accum = start.copy(), start.copy()
    for index, grad in zip(indices, grads, strict=True):
        accum[index] += grad * grad
        var[index] -= grad * 0.1 / np.sqrt(accum[index])
    np.testing.assert_allclose(found, [var, accum], rtol=1e-14)


def test_what_does_not_fit_is_refused_and_changes_nothing() -> None:
    with Graph().as_default(), Session() as session:
        var, accum = (variable_op_v2([2], "float32", name) for name in ("var", "accum"))
        other = variable_op_v2(None, "float32", "other")
        session.run([assign(cell, [1.0, 1.0]) for cell in (var, accum)])
        session.run(assign(other, [1.0], validate_shape=False))
        p = placeholder("float32")
        i = placeholder("int32")
        wrong: list[tuple[Any, dict[Any, Any], str]] = [
            (training.ApplyMomentum(var, accum, 1.0, p, 0.9), {p: [1, 2, 3]},
             r"var and grad do not have the same shape\[2\] \[3\]"),
            (training.ApplyMomentum(var, other, 1.0, [1.0, 1.0], 0.9), {},
             r"var and accum do not have the same shape\[2\] \[1\]"),
            (training.ApplyMomentum(var, accum, p, [1.0, 1.0], 0.9), {p: [1]},
             r"lr is not a scalar: \[1\]"),
            (training.SparseApplyMomentum(var, accum, 1.0, p, i, 0.9), {p: [1], i: [2]},
             "Index 2 at offset 0 in indices is out of range"),
            (training.SparseApplyMomentum(var, accum, 1.0, p, i, 0.9), {p: [1, 2], i: [0]},
             "same size as indices in the first dimension"),
        ]  # fmt: skip
        for update, feeds, sentence in wrong:
            with pytest.raises(errors.InvalidArgumentError, match=sentence):
                session.run(update, feeds)
        assert session.run(var).tolist() == [1, 1]


def test_a_slot_that_is_not_initialized_is_named() -> None:
    with Graph().as_default(), Session() as session:
        var, accum = (variable_op_v2([1], "float32", name) for name in ("w", "w/Momentum"))
        session.run(assign(var, [1.0]))
        update = training.ApplyMomentum(var, accum, 1.0, constant([1.0]), 0.9)
        with pytest.raises(errors.FailedPreconditionError, match="uninitialized value w/Momentum"):
            session.run(update)
