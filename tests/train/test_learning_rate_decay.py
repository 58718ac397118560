"""Decayed learning rates against their formulas, in Python's own numbers.

Which nodes they make is compared with TensorFlow in `tests/oracle/test_train_nodes.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from evergraph import tf1 as tf


@pytest.fixture(autouse=True)
def fresh_graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


def half_cosine(fraction: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * fraction))


def growing_restarts(step: int) -> float:
    """Periods of 10, 20, 40 ... steps, each half as high as the one before."""
    length, height = 10, 1.0
    while step >= length:
        step, length, height = step - length, length * 2, height / 2
    return 0.1 * (0.8 * height * half_cosine(step / length) + 0.2)


#: step -> the rate
Rate = Callable[[int], float]
DECAYS: dict[str, tuple[Callable[[Any], Any], Rate]] = {
    "exponential": (
        lambda step: tf.train.exponential_decay(0.1, step, 10, 0.9),
        lambda step: 0.1 * 0.9 ** (step / 10),
    ),
    "exponential, staircase": (
        lambda step: tf.train.exponential_decay(0.1, step, 10, 0.9, staircase=True),
        lambda step: 0.1 * 0.9 ** (step // 10),
    ),
    "natural": (
        lambda step: tf.train.natural_exp_decay(0.1, step, 10, 0.5),
        lambda step: 0.1 * math.exp(-0.5 * step / 10),
    ),
    "inverse time": (
        lambda step: tf.train.inverse_time_decay(0.1, step, 10, 0.5),
        lambda step: 0.1 / (1 + 0.5 * step / 10),
    ),
    "inverse time, staircase": (
        lambda step: tf.train.inverse_time_decay(0.1, step, 10, 0.5, staircase=True),
        lambda step: 0.1 / (1 + 0.5 * (step // 10)),
    ),
    "polynomial": (
        lambda step: tf.train.polynomial_decay(0.1, step, 30, 0.01, power=2.0),
        lambda step: 0.09 * (1 - min(step, 30) / 30) ** 2 + 0.01,
    ),
    "polynomial, cycle": (
        lambda step: tf.train.polynomial_decay(0.1, step, 30, 0.01, cycle=True),
        lambda step: 0.09 * (1 - step / (30 * max(1, math.ceil(step / 30)))) + 0.01,
    ),
    "cosine": (
        lambda step: tf.train.cosine_decay(0.1, step, 30, alpha=0.2),
        lambda step: 0.1 * (0.8 * half_cosine(min(step, 30) / 30) + 0.2),
    ),
    "restarts": (
        lambda step: tf.train.cosine_decay_restarts(0.1, step, 10, m_mul=0.5, alpha=0.2),
        growing_restarts,
    ),
    "restarts, equal": (
        lambda step: tf.train.cosine_decay_restarts(0.1, step, 8, t_mul=1.0),
        lambda step: 0.1 * half_cosine(step % 8 / 8),
    ),
    "linear cosine": (
        lambda step: tf.train.linear_cosine_decay(0.1, step, 30, 1.5, 0.3, 0.02),
        lambda step: (
            0.1 * ((1.3 - min(step, 30) / 30) * half_cosine(2 * 1.5 * min(step, 30) / 30) + 0.02)
        ),
    ),
    "piecewise": (
        lambda step: tf.train.piecewise_constant(step, [3, 10, 31], [1.0, 0.5, 0.2, 0.1]),
        lambda step: 1.0 if step <= 3 else 0.5 if step <= 10 else 0.2 if step <= 31 else 0.1,
    ),
}


@pytest.mark.parametrize("name", DECAYS)
def test_rate(name: str) -> None:
    make, rate = DECAYS[name]
    step = tf.placeholder(tf.int64, [])
    decayed = make(step)
    assert decayed.dtype == tf.float32
    steps = [0, 1, 3, 4, 9, 11, 29, 31, 32, 95]
    with tf.Session() as session:
        found = [session.run(decayed, {step: number}) for number in steps]
    np.testing.assert_allclose(found, [rate(number) for number in steps], rtol=1e-5, atol=1e-7)


def test_noise_has_the_variance_that_falls_with_the_step() -> None:
    tf.set_random_seed(1)
    step = tf.placeholder(tf.int64, [])
    noisy = tf.train.noisy_linear_cosine_decay(1.0, step, 100, variance_decay=1.0, num_periods=0.0)
    with tf.Session() as session:
        for number, deviation in ((0, 1.0), (24, 0.2)):
            drawn = [session.run(noisy, {step: number}) for _ in range(400)]
            np.testing.assert_allclose(np.std(drawn), deviation, rtol=0.15)
            mean = 1 - number / 100 + 0.001
            np.testing.assert_allclose(np.mean(drawn), mean, atol=4 * deviation / 20)


def test_a_schedule_follows_the_global_step_of_its_optimizer() -> None:
    step = tf.train.get_or_create_global_step()
    w = tf.Variable(0.0)
    rate = tf.train.exponential_decay(1.0, step, 1, 0.5)
    train = tf.train.GradientDescentOptimizer(rate).minimize(w, global_step=step)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(4):
            session.run(train)
        assert session.run([w, step]) == [-1.875, 4]


def test_pieces_that_do_not_fit_are_refused() -> None:
    step = tf.placeholder(tf.int64, [])
    with pytest.raises(ValueError, match="same dtype as x"):
        tf.train.piecewise_constant(step, [1.5], [1.0, 2.0])
    with pytest.raises(ValueError, match="all with the same dtype"):
        tf.train.piecewise_constant(step, [1], [1.0, 2])
    with pytest.raises(ValueError, match="not 1 and 3"):
        tf.train.piecewise_constant(step, [1], [1.0, 2.0, 3.0])
