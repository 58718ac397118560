"""The optimizers' steps against their papers' formulas, written out in numpy in float64.

Which nodes they make is compared with TensorFlow in `tests/oracle/test_train_nodes.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

from evergraph import tf1 as tf

Array = Any
Slots = dict[str, Array]

START = np.array([[1.0, -2.0], [0.5, 3.0], [-0.25, 0.75], [0.01, -0.02]])
GRAD = np.array([[0.1, -0.4], [1.5, 0.2], [-0.3, 0.6], [0.7, -0.9]])
#: Rows of a gradient: row 2 is named twice, rows 1 and 3 not at all.
ROWS = np.array([2, 0, 2])
ROW_GRADS = np.array([[0.5, -0.25], [1.0, 2.0], [0.125, -1.5]])
STEPS = 3


@pytest.fixture(autouse=True)
def fresh_graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


class Rule(NamedTuple):
    """An optimizer, what its slots hold at first, and its step: (w, gradient, slots, number from 1) to the new w."""

    optimizer: Callable[[], Any]
    slots: dict[str, float]
    step: Callable[[Array, Array, Slots, int], Array]
    #: A row without a gradient changes all the same.
    moves_all_rows: bool = False


def gradient_descent(w: Array, g: Array, slots: Slots, t: int) -> Array:
    return w - 0.1 * g


def momentum(w: Array, g: Array, slots: Slots, t: int) -> Array:
    slots["momentum"] = 0.9 * slots["momentum"] + g
    return w - 0.1 * slots["momentum"]


def nesterov(w: Array, g: Array, slots: Slots, t: int) -> Array:
    slots["momentum"] = 0.9 * slots["momentum"] + g
    return w - 0.1 * (g + 0.9 * slots["momentum"])


def adam(w: Array, g: Array, slots: Slots, t: int) -> Array:
    slots["m"] = 0.8 * slots["m"] + 0.2 * g
    slots["v"] = 0.95 * slots["v"] + 0.05 * g**2
    rate = 0.1 * np.sqrt(1 - 0.95**t) / (1 - 0.8**t)
    return w - rate * slots["m"] / (np.sqrt(slots["v"]) + 1e-4)


def rms_prop(w: Array, g: Array, slots: Slots, t: int) -> Array:
    slots["rms"] = 0.8 * slots["rms"] + 0.2 * g**2
    slots["momentum"] = 0.5 * slots["momentum"] + 0.1 * g / np.sqrt(slots["rms"] + 1e-3)
    return w - slots["momentum"]


def centered_rms_prop(w: Array, g: Array, slots: Slots, t: int) -> Array:
    slots["rms"] = 0.8 * slots["rms"] + 0.2 * g**2
    slots["mg"] = 0.8 * slots["mg"] + 0.2 * g
    variance = slots["rms"] - slots["mg"] ** 2
    slots["momentum"] = 0.5 * slots["momentum"] + 0.1 * g / np.sqrt(variance + 1e-3)
    return w - slots["momentum"]


def adagrad(w: Array, g: Array, slots: Slots, t: int) -> Array:
    slots["accumulator"] = slots["accumulator"] + g**2
    return w - 0.1 * g / np.sqrt(slots["accumulator"])


def adadelta(w: Array, g: Array, slots: Slots, t: int) -> Array:
    slots["accum"] = 0.9 * slots["accum"] + 0.1 * g**2
    update = g * np.sqrt(slots["accum_update"] + 1e-2) / np.sqrt(slots["accum"] + 1e-2)
    slots["accum_update"] = 0.9 * slots["accum_update"] + 0.1 * update**2
    return w - 0.5 * update


def ftrl(l1: float, l2: float, shrinkage: float, power: float) -> Callable[..., Array]:
    def step(w: Array, g: Array, slots: Slots, t: int) -> Array:
        before = slots["accum"] ** power
        slots["accum"] = slots["accum"] + g**2
        after = slots["accum"] ** power
        slots["linear"] = slots["linear"] + g + 2 * shrinkage * w - (after - before) / 0.1 * w
        z = slots["linear"]
        return np.where(np.abs(z) > l1, (np.sign(z) * l1 - z) / (after / 0.1 + 2 * l2), 0.0)

    return step


def proximal(point: Array, rate: Any) -> Array:
    """The nearest point for the penalties 0.2 (l1) and 0.3 (l2)."""
    return np.sign(point) * np.maximum(np.abs(point) - rate * 0.2, 0) / (1 + rate * 0.3)


def proximal_gradient_descent(w: Array, g: Array, slots: Slots, t: int) -> Array:
    return proximal(w - 0.1 * g, 0.1)


def proximal_adagrad(w: Array, g: Array, slots: Slots, t: int) -> Array:
    slots["accumulator"] = slots["accumulator"] + g**2
    rate = 0.1 / np.sqrt(slots["accumulator"])
    return proximal(w - rate * g, rate)


RULES = {
    "gradient descent": Rule(lambda: tf.train.GradientDescentOptimizer(0.1), {}, gradient_descent),
    "momentum": Rule(lambda: tf.train.MomentumOptimizer(0.1, 0.9), {"momentum": 0}, momentum),
    "nesterov": Rule(
        lambda: tf.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True), {"momentum": 0}, nesterov
    ),
    "adam": Rule(
        lambda: tf.train.AdamOptimizer(0.1, 0.8, 0.95, 1e-4),
        {"m": 0, "v": 0},
        adam,
        moves_all_rows=True,
    ),
    "rmsprop": Rule(
        lambda: tf.train.RMSPropOptimizer(0.1, 0.8, 0.5, 1e-3),
        {"rms": 1, "momentum": 0},
        rms_prop,
    ),
    "rmsprop, centered": Rule(
        lambda: tf.train.RMSPropOptimizer(0.1, 0.8, 0.5, 1e-3, centered=True),
        {"rms": 1, "mg": 0, "momentum": 0},
        centered_rms_prop,
    ),
    "adagrad": Rule(lambda: tf.train.AdagradOptimizer(0.1, 0.3), {"accumulator": 0.3}, adagrad),
    "adadelta": Rule(
        lambda: tf.train.AdadeltaOptimizer(0.5, 0.9, 1e-2),
        {"accum": 0, "accum_update": 0},
        adadelta,
    ),
    "ftrl": Rule(
        lambda: tf.train.FtrlOptimizer(0.1), {"accum": 0.1, "linear": 0}, ftrl(0, 0, 0, 0.5)
    ),
    "ftrl, all settings": Rule(
        lambda: tf.train.FtrlOptimizer(
            0.1, -0.4, 0.2, 0.3, 0.05, l2_shrinkage_regularization_strength=0.02, beta=0.01
        ),
        {"accum": 0.2, "linear": 0},
        ftrl(0.3, 0.05 + 0.01 / (2 * 0.1), 0.02, 0.4),
    ),
    "proximal gradient descent": Rule(
        lambda: tf.train.ProximalGradientDescentOptimizer(0.1, 0.2, 0.3),
        {},
        proximal_gradient_descent,
    ),
    "proximal adagrad": Rule(
        lambda: tf.train.ProximalAdagradOptimizer(0.1, 0.4, 0.2, 0.3),
        {"accumulator": 0.4},
        proximal_adagrad,
    ),
}


def trained(rule: Rule, dtype: Any, resource: bool, sparse: bool) -> tuple[Array, Slots]:
    """A variable and its slots after some steps down a loss whose gradient is given."""
    w = tf.Variable(START.astype(dtype), use_resource=resource)
    if sparse:
        loss = tf.reduce_sum(tf.gather(w, ROWS) * ROW_GRADS.astype(dtype))
    else:
        loss = tf.reduce_sum(w * GRAD.astype(dtype))
    optimizer = rule.optimizer()
    pairs = optimizer.compute_gradients(loss)
    assert isinstance(pairs[0][0], tf.IndexedSlices if sparse else tf.Tensor)
    step = optimizer.apply_gradients(pairs)
    assert optimizer.get_slot_names() == sorted(rule.slots)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(STEPS):
            session.run(step)
        slots = {name: session.run(optimizer.get_slot(w, name)) for name in rule.slots}
        return session.run(w), slots


def expected(rule: Rule, sparse: bool) -> tuple[Array, Slots]:
    """The same by the formulas."""
    w = START.copy()
    slots = {name: np.full_like(w, value) for name, value in rule.slots.items()}
    grad = GRAD
    rows = np.arange(len(w))
    if sparse:
        grad = np.zeros_like(w)
        np.add.at(grad, ROWS, ROW_GRADS)
        if not rule.moves_all_rows:
            rows = np.unique(ROWS)
    for t in range(1, STEPS + 1):
        own = {name: slot[rows] for name, slot in slots.items()}
        w[rows] = rule.step(w[rows], grad[rows], own, t)
        for name, slot in own.items():
            slots[name][rows] = slot
    return w, slots


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "rows"])
@pytest.mark.parametrize("resource", [False, True], ids=["reference", "resource"])
@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-5), ("float64", 1e-6)])
@pytest.mark.parametrize("name", RULES)
def test_steps(name: str, dtype: str, rtol: float, resource: bool, sparse: bool) -> None:
    # In float64 too the settings are float32 constants, so their rounding is left.
    rule = RULES[name]
    w, slots = trained(rule, dtype, resource, sparse)
    wanted, wanted_slots = expected(rule, sparse)
    assert w.dtype == dtype
    np.testing.assert_allclose(w, wanted, rtol, atol=rtol)
    for slot, value in wanted_slots.items():
        np.testing.assert_allclose(slots[slot], value, rtol, atol=rtol, err_msg=slot)


@pytest.mark.parametrize("name", ["adagrad", "rmsprop"])
def test_slots_of_a_variable_without_a_static_shape(name: str) -> None:
    start = tf.placeholder_with_default(np.array([1.0, 2.0, 3.0], np.float32), None)
    w = tf.Variable(start, validate_shape=False, use_resource=False)
    optimizer = RULES[name].optimizer()
    step = optimizer.apply_gradients([(tf.constant([1.0, -1.0, 2.0]), w)])
    (slot, first), *_ = RULES[name].slots.items()
    with tf.Session() as session:
        session.run(w.initializer)
        session.run(tf.variables_initializer(optimizer.variables()))
        np.testing.assert_allclose(session.run(optimizer.get_slot(w, slot)), np.full(3, first))
        before = session.run(w)
        session.run(step)
        assert (np.sign(before - session.run(w)) == [1, -1, 1]).all()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: tf.train.AdagradOptimizer(0.1, 0.0), "initial_accumulator_value must be positive"),
        (lambda: tf.train.ProximalAdagradOptimizer(0.1, -1.0), "must be positive: -1"),
        (lambda: tf.train.FtrlOptimizer(0.1, learning_rate_power=0.5), "negative or zero"),
        (
            lambda: tf.train.FtrlOptimizer(0.1, l1_regularization_strength=-1.0),
            "l1_regularization_strength -1.0+ needs to be positive or zero",
        ),
    ],
)
def test_settings_that_do_not_fit_are_refused(make: Callable[[], Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make()
