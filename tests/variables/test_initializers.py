"""Initializers: the range and spread of what they draw, their arguments there and back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from evergraph.graph.graph import Graph
from evergraph.ops.random_seed import set_random_seed
from evergraph.runtime.session import Session
from evergraph.variables import initializers as init
from evergraph.variables.initializers import compute_fans


def draw(make: Any, shape: Any, dtype: Any = None) -> Any:
    with Graph().as_default(), Session() as session:
        set_random_seed(1)
        return session.run(make(shape) if dtype is None else make(shape, dtype=dtype))


def test_fixed_values() -> None:
    assert draw(init.zeros_initializer(), [2, 3]).tolist() == [[0] * 3] * 2
    assert draw(init.ones_initializer("int32"), [2]).dtype == np.int32
    assert draw(init.ones_initializer(), [2], "float64").dtype == np.float64
    assert draw(init.constant_initializer([1, 2]), [4]).tolist() == [1, 2, 2, 2]
    assert draw(init.identity_initializer(3.0), [2, 3]).tolist() == [[3, 0, 0], [0, 3, 0]]
    with pytest.raises((ValueError, TypeError), match="shape"):
        draw(init.constant_initializer([1, 2], verify_shape=True), [4])
    with pytest.raises(TypeError, match="Invalid type for initial value"):
        init.constant_initializer(object())


@pytest.mark.parametrize(
    ("shape", "expected"),
    [([], (1, 1)), ([3], (3, 3)), ([3, 4], (3, 4)), ([5, 5, 3, 8], (75, 200))],
)
def test_fans(shape: list[int], expected: tuple[int, int]) -> None:
    assert compute_fans(shape) == expected


SHAPE = [3, 3, 16, 32]
INPUTS, OUTPUTS = 144, 288


@pytest.mark.parametrize(
    ("make", "variance", "limit"),
    [
        (init.variance_scaling_initializer(), 1 / INPUTS, None),
        (init.variance_scaling_initializer(2.0, "fan_out"), 2 / OUTPUTS, None),
        (init.variance_scaling_initializer(mode="fan_avg", distribution="untruncated_normal"),
         2 / (INPUTS + OUTPUTS), None),
        (init.glorot_uniform_initializer(), 2 / (INPUTS + OUTPUTS),
         math.sqrt(6 / (INPUTS + OUTPUTS))),
        (init.glorot_normal_initializer(), 2 / (INPUTS + OUTPUTS), None),
        (init.he_normal(), 2 / INPUTS, None),
        (init.he_uniform(), 2 / INPUTS, math.sqrt(6 / INPUTS)),
        (init.lecun_normal(), 1 / INPUTS, None),
        (init.lecun_uniform(), 1 / INPUTS, math.sqrt(3 / INPUTS)),
        (init.uniform_unit_scaling_initializer(), 1 / INPUTS, math.sqrt(3 / INPUTS)),
        (init.random_normal_initializer(0.0, 0.5), 0.25, None),
        (init.random_uniform_initializer(-2.0, 2.0), 16 / 12, 2.0),
        (init.truncated_normal_initializer(stddev=1.0), 0.87962566103423978**2, 2.0),
    ],
)  # fmt: skip
def test_spread(make: Any, variance: float, limit: float | None) -> None:
    drawn = draw(make, SHAPE)
    assert abs(drawn.mean()) < 6 * math.sqrt(variance / drawn.size)
    assert drawn.var() == pytest.approx(variance, rel=0.05)
    if limit is not None:
        assert 0.98 * limit < np.abs(drawn).max() <= limit


@pytest.mark.parametrize("shape", [[4, 4], [6, 3], [3, 6], [2, 2, 8]])
def test_orthogonal(shape: list[int]) -> None:
    drawn = draw(init.orthogonal_initializer(2.0), shape).reshape(-1, shape[-1])
    small = min(drawn.shape)
    gram = drawn.T @ drawn if drawn.shape[1] == small else drawn @ drawn.T
    np.testing.assert_allclose(gram, 4 * np.eye(small), atol=1e-5)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="positive"):
        init.VarianceScaling(0.0)
    with pytest.raises(ValueError, match="mode"):
        init.VarianceScaling(mode="fan")
    with pytest.raises(ValueError, match="distribution"):
        init.VarianceScaling(distribution="flat")
    with pytest.raises(ValueError, match="floating"):
        init.random_normal_initializer(dtype="int32")
    with pytest.raises(ValueError, match="two-dimensional"):
        draw(init.orthogonal_initializer(), [3])
    with pytest.raises(ValueError, match="two-dimensional"):
        draw(init.identity_initializer(), [3])


EVERY = [
    init.Zeros("int32"), init.Ones("float64"), init.Constant(3), init.RandomUniform(1, 2, 3),
    init.RandomNormal(1.0, 2.0, 3), init.TruncatedNormal(1.0, 2.0, 3), init.UniformUnitScaling(2.0),
    init.VarianceScaling(2.0, "fan_out", "uniform", 4), init.GlorotUniform(5), init.GlorotNormal(6),
    init.Orthogonal(2.0, 7), init.Identity(2.0),
]  # fmt: skip


@pytest.mark.parametrize("one", EVERY, ids=lambda one: type(one).__name__)
def test_configurations_go_out_and_come_back(one: Any) -> None:
    config = one.get_config()
    other = type(one).from_config(config)
    assert other.get_config() == config
    assert other.dtype == one.dtype
    np.testing.assert_array_equal(draw(one, [3, 3]), draw(other, [3, 3]))
