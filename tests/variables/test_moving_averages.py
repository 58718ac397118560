"""Moving averages: what they come to, what they are called, how they are restored."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import evergraph.ops.operators  # noqa: F401 - Python's operators on Tensors
from evergraph.graph.graph import Graph
from evergraph.ops.array import identity
from evergraph.runtime.session import Session
from evergraph.variables.collections import global_variables_initializer, moving_average_variables
from evergraph.variables.moving_averages import (
    ExponentialMovingAverage,
    weighted_moving_average,
)
from evergraph.variables.variable import Variable


@pytest.fixture(autouse=True)
def graph() -> Iterator[Graph]:
    with Graph().as_default() as graph:
        yield graph


@pytest.mark.parametrize("use_resource", [False, True])
def test_an_average_follows(use_resource: bool) -> None:
    v = Variable([1.0, 2.0], name="v", use_resource=use_resource)
    ema = ExponentialMovingAverage(0.75)
    update = ema.apply([v])
    with Session() as session:
        session.run(global_variables_initializer())
        expected = np.array([1.0, 2.0])
        for _ in range(3):
            session.run(v.assign_add([1.0, 1.0]))
            session.run(update)
            expected = 0.75 * expected + 0.25 * session.run(v)
            np.testing.assert_allclose(session.run(ema.average(v)), expected, rtol=1e-6)
    assert ema.average(v).name == "v/ExponentialMovingAverage:0"
    assert not ema.average(v).trainable
    assert moving_average_variables() == [v]


def test_without_the_lean_to_zero() -> None:
    v = Variable(4.0, name="v")
    t = identity(v, name="t")
    leaning, straight = (
        ExponentialMovingAverage(0.9),
        ExponentialMovingAverage(0.9, zero_debias=True, name="straight"),
    )
    updates = [leaning.apply([t]), straight.apply([t])]
    with Session() as session:
        session.run(global_variables_initializer())
        session.run(updates)
        assert session.run(leaning.average(t)) == pytest.approx(0.4)
        assert session.run(straight.average(t)) == pytest.approx(4.0)


def test_names_for_a_saver() -> None:
    v, w = Variable(1.0, name="v"), Variable(1.0, trainable=False, name="w")
    ema = ExponentialMovingAverage(0.9)
    assert ema.average(v) is None
    assert ema.average_name(v) == "v/ExponentialMovingAverage"
    assert ema.variables_to_restore() == {"v/ExponentialMovingAverage": v, "w": w}
    ema.apply([v])
    restored = ema.variables_to_restore()
    assert restored["v/ExponentialMovingAverage"] is v
    assert restored["w"] is w


def test_only_floating_types() -> None:
    with pytest.raises(TypeError, match="half, float, or double: count:0"):
        ExponentialMovingAverage(0.9).apply([Variable(1, name="count")])


def test_weighted() -> None:
    value, weight = Variable([2.0]), Variable([3.0])
    average = weighted_moving_average(value.value(), 0.5, weight.value())
    with Session() as session:
        session.run(global_variables_initializer())
        assert session.run(average).tolist() == pytest.approx([2.0])
        session.run([value.assign([8.0]), weight.assign([1.0])])
        assert session.run(average).tolist() == pytest.approx([(3.0 / 2 + 4.0) / (1.5 / 2 + 0.5)])
