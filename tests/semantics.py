"""Small programs about what a run does, to be run by evergraph and by stock TensorFlow alike.

Each defines ``main(tf, np)`` and returns plain values. ``tests/runtime/test_semantics.py`` compares evergraph with what
TensorFlow 2.15.1 gave (the values beside each program); ``tests/oracle/test_semantics_oracle.py`` checks
those against live
TensorFlow.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Program(NamedTuple):
    """A program and what TensorFlow 2.15.1 returns from it."""

    source: str
    expected: Any


PROGRAMS: dict[str, Program] = {
    "an update is seen through what aliases the reference": Program(
        """
def main(tf, np):
    w = tf.Variable([1.0, 2.0], use_resource=False)
    update = w.assign_add([10.0, 10.0])
    with tf.control_dependencies([update]):
        after = tf.identity(w)
        shaped = tf.reshape(w, [2, 1])
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        first = sess.run([after, shaped])
        second = sess.run(after)
        return [first[0].tolist(), first[1].tolist(), second.tolist()]
""",
        [[11.0, 12.0], [[11.0], [12.0]], [21.0, 22.0]],
    ),
    "a fetched reference is read at the end of the run": Program(
        """
def main(tf, np):
    w = tf.Variable([1.0], use_resource=False)
    update = w.assign_add([1.0])
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        return [sess.run([w, update])[0].tolist(), sess.run(w).tolist()]
""",
        [[2.0], [2.0]],
    ),
    "a resource variable's read is a snapshot": Program(
        """
def main(tf, np):
    w = tf.get_variable("w", initializer=tf.constant([1.0]), use_resource=True)
    before = w.read_value()
    with tf.control_dependencies([before]):
        update = w.assign_add([1.0])
    with tf.control_dependencies([update]):
        kept = tf.identity(before)
        after = w.read_value()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        return [value.tolist() for value in sess.run([kept, after])]
""",
        [[1.0], [2.0]],
    ),
    "what was fetched stays as it was": Program(
        """
def main(tf, np):
    w = tf.Variable([1.0, 2.0], use_resource=False)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        old = sess.run(w)
        sess.run(w.assign([5.0, 6.0]))
        old_again = sess.run(w)
        old_again[0] = 100.0
        return [old.tolist(), sess.run(w).tolist()]
""",
        [[1.0, 2.0], [5.0, 6.0]],
    ),
    "constants cannot be changed through what was fetched": Program(
        """
def main(tf, np):
    c = tf.constant([1.0, 2.0])
    d = tf.identity(c)
    with tf.Session() as sess:
        first = sess.run(d)
        first[0] = 9.0
        return sess.run(d).tolist()
""",
        [1.0, 2.0],
    ),
    "control dependencies order assignments": Program(
        """
def main(tf, np):
    w = tf.Variable(1.0, use_resource=False)
    double = w.assign(w * 2.0)
    with tf.control_dependencies([double]):
        add = w.assign_add(3.0)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(add)
        return float(sess.run(w))
""",
        5.0,
    ),
    "only what is needed runs": Program(
        """
def main(tf, np):
    w = tf.Variable(1.0, use_resource=False)
    w.assign_add(3.0)
    y = w * 2.0
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(y)
        return float(sess.run(w))
""",
        1.0,
    ),
    "any tensor may be fed": Program(
        """
def main(tf, np):
    x = tf.placeholder(tf.float32, [2], name="x")
    y = x * 2.0
    z = y + 1.0
    with tf.Session() as sess:
        return [sess.run(z, {y: [10.0, 20.0]}).tolist(), sess.run("add:0", {"x:0": [1.0, 2.0]}).tolist()]
""",
        [[11.0, 21.0], [3.0, 5.0]],
    ),
    "fetches keep their nesting": Program(
        """
def main(tf, np):
    a, b = tf.constant(1), tf.constant(2)
    with tf.Session() as sess:
        result = sess.run({"x": [a, (b, a)], "y": b.op})
        return [int(result["x"][0]), [int(v) for v in result["x"][1]], type(result["x"][1]).__name__, result["y"]]
""",
        [1, [2, 1], "tuple", None],
    ),
    "variables belong to their session": Program(
        """
def main(tf, np):
    w = tf.Variable(1.0, use_resource=False)
    init = tf.global_variables_initializer()
    one, two = tf.Session(), tf.Session()
    one.run(init)
    two.run(init)
    one.run(w.assign(7.0))
    return [float(one.run(w)), float(two.run(w))]
""",
        [7.0, 1.0],
    ),
    "a random stream goes on across different fetches": Program(
        """
def main(tf, np):
    tf.set_random_seed(7)
    r = tf.random_uniform([2])
    s = r + 1.0
    with tf.Session() as sess:
        first = sess.run(r)
        second = sess.run(s) - 1.0
    with tf.Session() as sess:
        again = sess.run(r)
        more = sess.run(r)
    return [bool((first == again).all()), bool(np.allclose(second, more)), bool((first == second).any())]
""",
        [True, True, False],
    ),
    "an uninitialized variable is named": Program(
        """
def main(tf, np):
    w = tf.Variable(1.0, name="weights", use_resource=False)
    with tf.Session() as sess:
        try:
            sess.run(w * 1.0)
        except tf.errors.FailedPreconditionError as error:
            return "Attempting to use uninitialized value weights" in str(error)
""",
        True,
    ),
    "a fed shape must fit": Program(
        """
def main(tf, np):
    x = tf.placeholder(tf.float32, [None, 2])
    with tf.Session() as sess:
        try:
            sess.run(x * 1.0, {x: np.zeros((2, 3))})
        except ValueError as error:
            return "Cannot feed value of shape (2, 3)" in str(error)
""",
        True,
    ),
    "a placeholder must be fed": Program(
        """
def main(tf, np):
    x = tf.placeholder(tf.float32, [], name="held")
    with tf.Session() as sess:
        try:
            sess.run(x * 1.0)
        except tf.errors.InvalidArgumentError as error:
            return "You must feed a value for placeholder tensor 'held'" in str(error)
""",
        True,
    ),
    "an error names its node": Program(
        """
def main(tf, np):
    x = tf.placeholder(tf.int32, [])
    y = tf.floordiv(7, x, name="share")
    with tf.Session() as sess:
        try:
            sess.run(y, {x: 0})
        except tf.errors.InvalidArgumentError as error:
            return ["share" in str(error), error.op.name]
""",
        [True, "share"],
    ),
    "a closed session refuses": Program(
        """
def main(tf, np):
    c = tf.constant(1)
    sess = tf.Session()
    sess.close()
    try:
        sess.run(c)
    except RuntimeError as error:
        return str(error)
""",
        "Attempted to use a closed Session.",
    ),
    "make_callable is a run without its preparation": Program(
        """
def main(tf, np):
    x = tf.placeholder(tf.float32, [])
    y = x * 3.0
    with tf.Session() as sess:
        f = sess.make_callable(y, [x])
        return [float(f(2.0)), float(f(5.0))]
""",
        [6.0, 15.0],
    ),
    "partial_run goes on where it stopped": Program(
        """
def main(tf, np):
    a = tf.placeholder(tf.float32, [])
    b = tf.placeholder(tf.float32, [])
    r1 = a + 1.0
    r2 = r1 * b
    with tf.Session() as sess:
        handle = sess.partial_run_setup([r1, r2], [a, b])
        first = sess.partial_run(handle, r1, {a: 1.0})
        return [float(first), float(sess.partial_run(handle, r2, {b: first * 10.0}))]
""",
        [2.0, 40.0],
    ),
    "cond takes one branch": Program(
        """
def main(tf, np):
    x = tf.placeholder(tf.float32, [])
    w = tf.Variable(0.0, use_resource=False)
    y = tf.cond(x > 0.0, lambda: w.assign_add(1.0), lambda: tf.identity(x))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        taken = [float(sess.run(y, {x: value})) for value in (-3.0, 2.0, 2.0)]
        return [taken, float(sess.run(w))]
""",
        [[-3.0, 1.0, 2.0], 2.0],
    ),
    "a graph may be finalized": Program(
        """
def main(tf, np):
    graph = tf.Graph()
    with graph.as_default():
        tf.constant(1)
    graph.finalize()
    try:
        with graph.as_default():
            tf.constant(2)
    except RuntimeError as error:
        return str(error)
""",
        "Graph is finalized and cannot be modified.",
    ),
    "a variable may be initialized from another": Program(
        """
def main(tf, np):
    v = tf.Variable([1.0, 2.0], use_resource=False)
    w = tf.Variable(v + 1.0, use_resource=False)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        return sess.run(w).tolist()
""",
        [2.0, 3.0],
    ),
    "validate_shape=False lets a variable change its shape": Program(
        """
def main(tf, np):
    w = tf.Variable([1.0, 2.0], validate_shape=False, use_resource=False)
    grow = tf.assign(w, [1.0, 2.0, 3.0], validate_shape=False)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(grow)
        return sess.run(w).tolist()
""",
        [1.0, 2.0, 3.0],
    ),
    "a gradient of rows can be fetched": Program(
        """
def main(tf, np):
    w = tf.Variable([[1.0], [2.0], [3.0]], use_resource=False)
    grad = tf.gradients(tf.reduce_sum(tf.gather(w, [2, 0])), w)[0]
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        found = sess.run(grad)
        return [found.values.tolist(), found.indices.tolist(), found.dense_shape.tolist()]
""",
        [[[1.0], [1.0]], [2, 0], [3, 1]],
    ),
}
