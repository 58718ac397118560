"""What runs do with variables, against TensorFlow: what a read sees, when, and what goes wrong how."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from evergraph import errors
from evergraph.graph.graph import Graph
from evergraph.ops import array
from evergraph.runtime.session import Session
from tests.oracle.client import Oracle
from tests.oracle.test_variables_nodes import TF, text_of

pytestmark = pytest.mark.oracle

vars(TF).update(reshape=array.reshape, Graph=Graph, Session=Session)

# Each program fills `out` with what `run` gives; an error becomes its class and its first words.
PROGRAMS = {
    "an alias of a reference sees the update": """
        v = tf.Variable([1.0, 2.0])
        alias = tf.identity(v)
        shaped = tf.reshape(v, [2, 1])
        with tf.control_dependencies([alias, shaped]):
            update = tf.assign_add(v, [10.0, 20.0])
        run(v.initializer)
        out(run([alias, shaped, update]))
        out(run(v))
    """,
    "after an update, a read is the new value": """
        w = tf.Variable([1.0, 2.0])
        run(w.initializer)
        with tf.control_dependencies([tf.assign_sub(w, w * 0.5)]):
            after = tf.identity(w)
        out(run(after))
        out(run(w))
        with tf.control_dependencies([w.assign([7.0, 8.0])]):
            out(run(w.read_value() + 1.0))
    """,
    "a fetched reference is read at the end": """
        v = tf.Variable(1.0)
        run(v.initializer)
        first = tf.identity(v) * 1.0
        with tf.control_dependencies([first]):
            update = v.assign_add(1.0)
        out(run([v, first, update]))
        out(run([v.value(), update]))
    """,
    "what was fetched stays": """
        v = tf.Variable([1.0, 2.0])
        run(v.initializer)
        before = run(v)
        run(v.assign_add([1.0, 1.0]))
        out(before)
        r = tf.Variable([1.0, 2.0], use_resource=True)
        run(r.initializer)
        before = run(r)
        run(r.assign_add([1.0, 1.0]))
        run(tf.scatter_add(r, [0], [5.0]))
        out(before)
        out(run(r))
    """,
    "a resource's read is a snapshot": """
        v = tf.Variable([1.0, 2.0], use_resource=True)
        run(v.initializer)
        before = v.read_value()
        with tf.control_dependencies([before]):
            update = v.assign_add([10.0, 20.0], read_value=False)
        with tf.control_dependencies([update]):
            after = v.read_value()
        out(run([before, after]))
        with tf.control_dependencies([before]):
            scattered = tf.scatter_update(v, [1], [0.0])
        out(run([before, scattered]))
    """,
    "a constant that initializes stays as it is": """
        c = tf.constant([1.0, 2.0])
        v = tf.Variable(c)
        w = tf.Variable(c)
        r = tf.Variable(c, use_resource=True)
        run([v.initializer, w.initializer, r.initializer])
        run([v.assign_add(c), r.assign_add(c)])
        out(run([c, v, w, r]))
    """,
    "a variable that takes any shape": """
        p = tf.placeholder(tf.float32)
        v = tf.Variable(p, validate_shape=False)
        run(v.initializer, {p: [1.0, 2.0]})
        out(run(v))
        run(v.initializer, {p: [[3.0]]})
        out(run(v))
        run(tf.assign(v, p, validate_shape=False), {p: 4.0})
        out(run([v, v + 1.0]))
        out(str(v.shape))
    """,
    "uninitialized": """
        v = tf.Variable([1.0, 2.0], name="v")
        fails(v.value())
        fails(v + 1.0)
        fails(tf.assign_add(v, [1.0, 1.0]))
        fails(tf.scatter_add(v, [0], [1.0]))
        fails(v)
        out(run(tf.is_variable_initialized(v)))
        out(run(tf.report_uninitialized_variables()))
        fails(tf.assert_variables_initialized())
        with tf.variable_scope("scope"):
            fails(tf.get_variable("w", [2]) * 2.0)
        run(tf.global_variables_initializer())
        out(run(tf.report_uninitialized_variables()))
        out(run(tf.assert_variables_initialized()))
    """,
    "uninitialized resource": """
        v = tf.Variable([1.0, 2.0], name="v", use_resource=True)
        fails(v + 1.0, words=4)
        out(run(tf.is_variable_initialized(v)))
        fails(v.assign_add([1.0, 1.0], read_value=False), words=0)
        fails(tf.scatter_add(v, [0], [1.0]), words=0)
        run(v.initializer)
        out(run(tf.is_variable_initialized(v)))
    """,
    "refusals": """
        p = tf.placeholder(tf.float32)
        v = tf.Variable([1.0, 2.0])
        r = tf.Variable([1.0, 2.0], use_resource=True)
        run([v.initializer, r.initializer])
        fails(tf.assign(v, p), {p: [1.0, 2.0, 3.0]}, words=14)
        fails(tf.assign_add(v, p), {p: [1.0, 2.0, 3.0]})
        fails(r.assign(p), {p: [1.0, 2.0, 3.0]}, words=14)
        fails(r.assign_sub(p), {p: [1.0, 2.0, 3.0]}, words=14)
        i = tf.placeholder(tf.int32)
        fails(tf.scatter_add(v, i, [1.0]), {i: [5]}, words=7)
        fails(tf.scatter_nd_update(v, [i], [1.0]), {i: [5]}, words=8)
        fails(tf.scatter_add(v, [0], p), {p: [1.0, 2.0]})
        fails(r.sparse_read(i), {i: [5]}, words=7)
        out(run([v, r]))
    """,
    "counting": """
        for resource in (False, True):
            c = tf.Variable(0, use_resource=resource)
            run(c.initializer)
            up = c.count_up_to(3)
            out([run(up) for _ in range(3)])
            fails(up)
            out(run(c))
    """,
    "initial values that read variables": """
        v = tf.Variable([1.0, 2.0], name="v")
        w = tf.Variable(v + 1.0)
        x = tf.Variable(w * v.initialized_value())
        fails(x.initializer)
        run(v.initializer)
        run(x.initializer)
        out(run(x))
        run(v.assign([5.0, 5.0]))
        run([w.initializer, x.initializer])
        out(run([w, x]))
        v.load([9.0, 9.0], session)
        out(v.eval(session))
        out(run(v + 0.0))
    """,
    "scatter": """
        for resource in (False, True):
            v = tf.Variable(np.arange(8.0).reshape(4, 2), use_resource=resource)
            run(v.initializer)
            for update in (tf.scatter_update, tf.scatter_add, tf.scatter_sub, tf.scatter_mul,
                           tf.scatter_div, tf.scatter_min, tf.scatter_max):
                out(run(update(v, [1, 3, 1], [[1.0, 2.0], [3.0, 4.0], [2.0, 8.0]])))
            for update in (tf.scatter_nd_update, tf.scatter_nd_add, tf.scatter_nd_sub):
                out(run(update(v, [[1, 0], [1, 0]], [5.0, 6.0])))
            out(run(v.scatter_add(tf.IndexedSlices(tf.constant([[1.0, 1.0]], tf.float64),
                                                   tf.constant([0])))))
            out(run(v[1:3, 0]))
            out(run(tf.batch_scatter_update(v, [[1], [0], [1], [1]], [[5.0], [6.0], [7.0], [8.0]])))
    """,
    "parts": """
        for resource in (False, True):
            v = tf.Variable(np.arange(8.0).reshape(4, 2), use_resource=resource)
            run(v.initializer)
            out(run(v[1:3, 0].assign([100.0, 200.0])))
            out(run(v[0].assign([7.0, 8.0])))
            out(run(v))
    """,
    "moving averages": """
        v = tf.Variable([1.0, 2.0], name="v")
        ema = tf.train.ExponentialMovingAverage(0.9)
        step = tf.Variable(0, trainable=False, name="step")
        limited = tf.train.ExponentialMovingAverage(0.99, step, True, "limited")
        t = v * 2.0
        updates = [ema.apply([v]), limited.apply([v, t])]
        run(tf.global_variables_initializer())
        for _ in range(3):
            run(v.assign_add([1.0, -1.0]))
            run(step.assign_add(1))
            run(updates)
            out(run([ema.average(v), limited.average(v), limited.average(t)]))
    """,
    "cond": """
        p = tf.placeholder(tf.bool, [])
        v = tf.Variable(1.0)
        r = tf.Variable(1.0, use_resource=True)
        run([v.initializer, r.initializer])
        branch = tf.cond(p, lambda: v.assign_add(1.0) + 0.0, lambda: tf.identity(v))
        other = tf.cond(p, lambda: r.assign_add(1.0) + 0.0, lambda: r * 2.0)
        for flag in (True, False, True):
            out(run([branch, other], {p: flag}))
        out(run([v, r]))
    """,
}

RUN = r"""
def main(tf, np, program, session=None):
    results = []
    with tf.Graph().as_default(), (session or tf.Session)() as session:
        def run(fetches, feeds=None):
            return session.run(fetches, feeds)
        def flat(value):
            if isinstance(value, (list, tuple)):
                return [flat(item) for item in value]
            return value if isinstance(value, str) else np.asarray(value)
        def fails(fetch, feeds=None, words=7):
            try:
                run(fetch, feeds)
            except Exception as error:
                message = error.message.replace(":", " :").split("\n")
                message = [line for line in message if "Node" not in line and "node" not in line
                           and "Graph exec" not in line and "File" not in line and line.strip()]
                results.append([type(error).__name__, " ".join(message[0].split()[:words])])
            else:
                results.append("no error")
        exec(program, {"tf": tf, "np": np, "run": run, "session": session, "fails": fails,
                       "out": lambda value: results.append(flat(value))})
    return results
"""


def run_here(program: str) -> list[Any]:
    names: dict[str, Any] = {}
    exec(RUN, names)
    found: list[Any] = names["main"](TF, np, program)
    return found


def agree(ours: Any, theirs: Any) -> None:
    assert type(ours) is type(theirs) or isinstance(ours, str) == isinstance(theirs, str)
    if isinstance(theirs, list):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            agree(one, other)
    elif isinstance(theirs, str):
        assert re.sub(r"\bError$", "", ours) == re.sub(r"\bError$", "", theirs)
    else:
        one, other = np.asarray(ours), np.asarray(theirs)
        if other.dtype.kind in "OSU":
            assert one.tolist() == other.tolist()
        else:
            assert one.dtype == other.dtype
            np.testing.assert_allclose(one, other, rtol=1e-6)


@pytest.mark.parametrize("name", PROGRAMS)
def test_same_results(tf215: Oracle, name: str) -> None:
    program = text_of(PROGRAMS[name])
    theirs = tf215.execute(RUN, program=program)
    agree(run_here(program), theirs)


def test_a_twin_is_named() -> None:
    with Graph().as_default(), Session() as session:
        for _ in range(2):
            with TF.variable_scope(None, "model"):
                TF.get_variable("w", [2])
        first, second = TF.global_variables()
        session.run(first.initializer)
        with pytest.raises(errors.FailedPreconditionError, match=r"'model/w' is initialized"):
            session.run(second.value())
