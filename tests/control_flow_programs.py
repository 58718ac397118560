"""Small programs of control flow, to be built and run by evergraph and by stock TensorFlow alike.

Each defines ``build(tf, np)``, which returns feeds and a list of what to fetch, one run for each.
``tests/runtime/test_control_flow.py`` compares evergraph with what TensorFlow 2.15.1 gave (the values beside each
program); ``tests/oracle/test_control_flow_nodes.py`` compares nodes, and checks the values against live TensorFlow.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Program(NamedTuple):
    """A program, and the values that TensorFlow 2.15.1 fetches from it."""

    source: str
    expected: list[Any]


#: Builds the program and runs it; goes behind its source.
RUN = """
def main(tf, np):
    feeds, fetches = build(tf, np)
    found = []
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for fetch in fetches:
            value = None if fetch is None else session.run(fetch, feeds)
            found.append(None if value is None else np.asarray(value).tolist())
    return found
"""

PROGRAMS: dict[str, Program] = {
    "cond takes the true branch": Program(
        """
def build(tf, np):
    x = tf.placeholder(tf.float32, [], name="x")
    y = tf.constant(3.0, name="y")
    less = tf.less(x, y)
    one = tf.cond(less, lambda: tf.add(x, y), lambda: tf.multiply(x, y))
    several = tf.cond(less, lambda: (x, [tf.constant(1)]), lambda: (y, [tf.constant(2)]), name="two")
    return {x: 2.0}, [one, several[0], several[1][0]]
""",
        [5.0, 2.0, 1],
    ),
    "cond takes the false branch": Program(
        """
def build(tf, np):
    x = tf.placeholder(tf.float32, [], name="x")
    y = tf.constant(3.0, name="y")
    z = tf.cond(x < y, lambda: tf.add(x, y), lambda: tf.multiply(x, y))
    old = tf.cond(x < y, fn1=lambda: x, fn2=lambda: [y], name="old")
    strict = tf.cond(x < y, lambda: [x], lambda: [y], strict=True)
    return {x: 5.0}, [z, old, strict[0]]
""",
        [15.0, 3.0, 3.0],
    ),
    "conds in conds": Program(
        """
def build(tf, np):
    x = tf.placeholder(tf.float32, [], name="x")
    y = tf.constant(3.0)

    def inner():
        return tf.cond(tf.greater(x, 1.0), lambda: x + y, lambda: x - y)

    z = tf.cond(tf.less(x, y), inner, lambda: x * 2.0)
    w = tf.cond(tf.less(x, y), lambda: x * 2.0, inner)
    return {x: 2.0}, [z, w]
""",
        [5.0, 4.0],
    ),
    "a branch of operations only": Program(
        """
def build(tf, np):
    x = tf.placeholder(tf.float32, [], name="x")
    done = tf.cond(x < 3.0, lambda: tf.no_op(), lambda: tf.group(x, tf.constant(1.0)))
    return {x: 2.0}, [done]
""",
        [True],
    ),
    "a summary in a branch runs with it": Program(
        """
def build(tf, np):
    x = tf.placeholder(tf.float32, [], name="x")

    def with_summary():
        tf.add_to_collection("_SUMMARY_V2", tf.identity(x, name="summary"))
        return x + 1.0

    z = tf.cond(x < 3.0, with_summary, lambda: x)
    return {x: 2.0}, [z]
""",
        [3.0],
    ),
    "case": Program(
        """
def build(tf, np):
    x = tf.placeholder(tf.float32, [], name="x")
    one, two, three = (lambda: tf.constant(1)), (lambda: tf.constant(2)), (lambda: tf.constant(3))
    first = tf.case([(x < 1.0, one), (x < 2.0, two)], default=three)
    only = tf.case([(x < 1.0, one), (x > 2.0, two)], default=three, exclusive=True)
    by_dict = tf.case({x < 1.0: one, x > 1.0: two}, exclusive=True)
    return {x: 1.5}, [first, only, by_dict]
""",
        [2, 3, 2],
    ),
    "a loop": Program(
        """
def build(tf, np):
    i = tf.constant(0)
    m = tf.ones([2, 2])
    body = lambda i, m: [i + 1, m * 2.0 + tf.cast(i, tf.float32)]
    i, m = tf.while_loop(lambda i, m: i < 5, body, [i, m])
    return {}, [i, m]
""",
        [5, [[58.0, 58.0], [58.0, 58.0]]],
    ),
    "a loop of no iteration": Program(
        """
def build(tf, np):
    x = tf.placeholder(tf.float32, [None], name="x")
    i, y = tf.while_loop(lambda i, y: i < 0, lambda i, y: (i + 1, y * x), (0, x))
    (grad,) = tf.gradients(y, x)
    return {x: [-2.0, 1.0]}, [i, y, grad]
""",
        [0, [-2.0, 1.0], [1.0, 1.0]],
    ),
    "at most so many iterations": Program(
        """
def build(tf, np):
    n = tf.placeholder(tf.int32, [], name="n")
    one = tf.while_loop(lambda i: i < n, lambda i: i + 1, [0], maximum_iterations=7)
    body = lambda i, j: (i + 1, j + i)
    start = (0, tf.constant(1))
    most = tf.constant(3)
    two = tf.while_loop(lambda i, j: i < n, body, start, maximum_iterations=most, name="w")
    return {n: 10}, [one, two[0], two[1]]
""",
        [7, 3, 4],
    ),
    "a loop variable that grows": Program(
        """
def build(tf, np):
    x = tf.placeholder(tf.float32, [None], name="x")
    shapes = (tf.TensorShape([]), tf.TensorShape([None]))
    more = lambda i, m: tf.reduce_sum(m) < 100.0
    body = lambda i, m: (i + 1, tf.concat([m, x], 0))
    i, m = tf.while_loop(more, body, (0, x), shape_invariants=shapes)
    return {x: [1.0, 20.0]}, [i, m]
""",
        [4, [1.0, 20.0, 1.0, 20.0, 1.0, 20.0, 1.0, 20.0, 1.0, 20.0]],
    ),
    "loops in loops": Program(
        """
def build(tf, np):
    def body(i, a):
        inner = lambda j, b: (j + 1, b + tf.cast(j * i, tf.float32))
        _, b = tf.while_loop(lambda j, b: j < i, inner, (0, a))
        return i + 1, b

    i, a = tf.while_loop(lambda i, a: i < 4, body, (0, 1.0))
    return {}, [i, a]
""",
        [4, 12.0],
    ),
    "a cond in a loop": Program(
        """
def build(tf, np):
    x = tf.constant(2.0)

    def body(i, a):
        return i + 1, tf.cond(tf.equal(i % 2, 0), lambda: a + x, lambda: a * x)

    i, a = tf.while_loop(lambda i, a: i < 5, body, (0, 1.0))
    return {}, [i, a]
""",
        [5, 18.0],
    ),
    "a loop in a branch that is taken": Program(
        """
def build(tf, np):
    x = tf.placeholder(tf.float32, [], name="x")

    def loop():
        return tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * x), (0, 1.0))[1]

    y = tf.cond(x > 0.0, loop, lambda: x)
    (grad,) = tf.gradients(y, x)
    return {x: 2.0}, [y, grad]
""",
        [8.0, 12.0],
    ),
    "a loop in a branch that is not taken": Program(
        """
def build(tf, np):
    x = tf.placeholder(tf.float32, [], name="x")

    def loop():
        return tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * x), (0, 1.0))[1]

    y = tf.cond(x > 0.0, loop, lambda: x)
    (grad,) = tf.gradients(y, x)
    return {x: -2.0}, [y, grad]
""",
        [-2.0, 1.0],
    ),
    "a loop waits for what is outside": Program(
        """
def build(tf, np):
    x = tf.placeholder(tf.float32, [], name="x")
    y = tf.constant(3.0)
    with tf.control_dependencies([tf.Assert(x < y, [x, y])]):
        looped = tf.while_loop(lambda i: i < 3.0, lambda i: i + x, [0.0])
        chosen = tf.cond(x > 0.0, lambda: x + y, lambda: tf.constant(1.0))
    both = tf.tuple([looped, chosen])
    return {x: 1.0}, [looped, chosen, both[0], both[1]]
""",
        [3.0, 4.0, 3.0, 4.0],
    ),
    "a variable is counted up in a loop": Program(
        """
def build(tf, np):
    v = tf.get_variable("v", [], initializer=tf.zeros_initializer(), use_resource=False)

    def body(i):
        with tf.control_dependencies([tf.assign_add(v, 2.0)]):
            return tf.identity(i) + 1

    i = tf.while_loop(lambda i: i < 3, body, [0])
    with tf.control_dependencies([i]):
        total = tf.identity(v.read_value())
    return {}, [i, total]
""",
        [3, 12.0],
    ),
    "a variable in a branch": Program(
        """
def build(tf, np):
    v = tf.get_variable("v", [], initializer=tf.ones_initializer(), use_resource=False)
    w = tf.get_variable("w", [], initializer=tf.ones_initializer(), use_resource=True)
    p = tf.placeholder(tf.bool, [], name="p")
    a = tf.cond(p, lambda: v + 1.0, lambda: tf.assign(v, 5.0) + 0.0)
    b = tf.cond(p, lambda: w.assign_add(3.0), lambda: w.read_value())
    return {p: True}, [a, b]
""",
        [2.0, 4.0],
    ),
    "arrays": Program(
        """
def build(tf, np):
    x = tf.placeholder(tf.float32, [4, 2], name="x")
    rows = tf.TensorArray(tf.float32, size=4).unstack(x)
    sums = tf.TensorArray(tf.float32, size=4)

    def body(i, s, sums):
        s = s + rows.read(i)
        return i + 1, s, sums.write(i, s)

    _, s, sums = tf.while_loop(lambda i, s, o: i < 4, body, (0, tf.zeros([2]), sums))
    return {x: np.arange(8.0).reshape(4, 2)}, [s, sums.stack(), sums.size()]
""",
        [[12.0, 16.0], [[0.0, 1.0], [2.0, 4.0], [6.0, 9.0], [12.0, 16.0]], 4],
    ),
    "gradient of a cond": Program(
        """
def build(tf, np):
    x = tf.placeholder(tf.float32, [], name="x")
    y = tf.constant(3.0)
    a = tf.cond(x < y, lambda: tf.multiply(x, y), lambda: x + y)
    b = tf.cond(x < y, lambda: x * x * y, lambda: tf.constant(1.0))
    return {x: 2.0}, [*tf.gradients(a, [x, y]), *tf.gradients(b, [x, y])]
""",
        [3.0, 2.0, 12.0, 4.0],
    ),
    "gradient of conds in conds": Program(
        """
def build(tf, np):
    x = tf.placeholder(tf.float32, [], name="x")
    y = tf.constant(3.0)
    inner = lambda: tf.cond(x < 1.0, lambda: x * x, lambda: x * y)
    a = tf.cond(x < y, inner, lambda: x + y)
    return {x: 2.5}, [a, *tf.gradients(a, [x, y])]
""",
        [7.5, 3.0, 2.5],
    ),
    "second derivative through a cond": Program(
        """
def build(tf, np):
    x = tf.placeholder(tf.float32, [], name="x")
    y = tf.cond(x > 0.0, lambda: x * x * x, lambda: x)
    (first,) = tf.gradients(y, x)
    (second,) = tf.gradients(first, x)
    return {x: 2.0}, [y, first, second]
""",
        [8.0, 12.0, 12.0],
    ),
    "gradient of a loop": Program(
        """
def build(tf, np):
    x = tf.placeholder(tf.float32, [], name="x")
    _, y = tf.while_loop(lambda i, a: i < 4, lambda i, a: (i + 1, a * x), (0, 1.0))
    return {x: 2.0}, [y, *tf.gradients(y, x)]
""",
        [16.0, 32.0],
    ),
    "gradient of a loop of unknown sizes": Program(
        """
def build(tf, np):
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    w = tf.constant(np.arange(9.0, dtype=np.float32).reshape(3, 3) * 0.1)
    body = lambda i, a: (i + 1, tf.multiply(tf.matmul(a, w), a) + x)
    _, y = tf.while_loop(lambda i, a: i < 4, body, (0, x))
    return {x: np.full((2, 3), 0.1)}, [y, *tf.gradients(tf.multiply(y, 2.0), [x, w])]
""",
        [
            [[0.1120156, 0.1165476, 0.1214444], [0.1120156, 0.1165476, 0.1214444]],
            [[2.361878, 2.793338, 3.258348], [2.361878, 2.793338, 3.258348]],
            [
                [0.05874592, 0.07151533, 0.08580817],
                [0.0610197, 0.07421284, 0.08897216],
                [0.06344815, 0.07708408, 0.0923303],
            ],
        ],
    ),
    "gradient of loops in loops": Program(
        """
def build(tf, np):
    x = tf.placeholder(tf.float32, [], name="x")

    def body(i, a):
        _, b = tf.while_loop(lambda j, b: j < i, lambda j, b: (j + 1, b * x), (0, a))
        return i + 1, b + x

    _, y = tf.while_loop(lambda i, a: i < 4, body, (0, 1.0))
    return {x: 2.0}, [y, *tf.gradients(y, x)]
""",
        [274.0, 865.0],
    ),
    "gradient of three loops in each other": Program(
        """
def build(tf, np):
    x = tf.placeholder(tf.float32, [None], name="x")

    def count(n, step, start):
        return tf.while_loop(lambda i, a: i < n, lambda i, a: (i + 1, step(a)), (0, start))[1]

    y = count(2, lambda a: count(3, lambda b: count(2, lambda c: c * x + 0.1, b) + x, a) * 0.5, x)
    return {x: [0.5, 0.7]}, [y, *tf.gradients(y, x)]
""",
        [[0.4299255, 0.7992867], [1.259607, 2.708731]],
    ),
    "gradient of a cond in a loop": Program(
        """
def build(tf, np):
    x = tf.placeholder(tf.float32, [None], name="x")

    def body(i, a):
        return i + 1, tf.cond(tf.equal(i % 2, 0), lambda: a * x, lambda: a * a)

    _, y = tf.while_loop(lambda i, a: i < 3, body, (0, x))
    return {x: [2.0, 3.0]}, [y, *tf.gradients(y, x)]
""",
        [[32.0, 243.0], [80.0, 405.0]],
    ),
    "gradient of a cond of which one branch is constant, in a loop": Program(
        """
def build(tf, np):
    x = tf.placeholder(tf.float32, [], name="x")

    def body(i, a, b):
        c = tf.cond(tf.equal(i % 2, 0), lambda: a * x, lambda: tf.constant(5.0))
        return i + 1, c + b, b * x

    _, y, _ = tf.while_loop(lambda i, a, b: i < 3, body, (0, x, 1.0))
    return {x: 2.0}, [y, *tf.gradients(y, x)]
""",
        [18.0, 13.0],
    ),
    "gradient where some loop variables are not used": Program(
        """
def build(tf, np):
    x = tf.placeholder(tf.float32, [], name="x")
    body = lambda i, a, b, c: (i + 1, a * b, b + x, c * 2.0)
    _, y, _, _ = tf.while_loop(lambda i, a, b, c: i < 4, body, (0, 1.0, x, x))
    return {x: 2.0}, [y, *tf.gradients(y, x)]
""",
        [384.0, 768.0],
    ),
    "gradient where a loop variable does not depend on itself": Program(
        """
def build(tf, np):
    x = tf.placeholder(tf.float32, [], name="x")
    body = lambda i, a: (i + 1, x * tf.cast(i, tf.float32))
    _, y = tf.while_loop(lambda i, a: i < 4, body, (0, 1.0))
    return {x: 2.0}, [y, *tf.gradients(y, x)]
""",
        [6.0, 3.0],
    ),
    "gradient within a loop": Program(
        """
def build(tf, np):
    x = tf.placeholder(tf.float32, [3], name="x")

    def body(i, s):
        y = s * 2.0
        return i + 1, s + tf.gradients(y * y, s)[0] * 0.1

    _, s = tf.while_loop(lambda i, s: i < 3, body, (0, x))
    return {x: [1.0, 2.0, 3.0]}, [s]
""",
        [[5.832, 11.664, 17.496]],
    ),
    "gradient of a gather in a loop": Program(
        """
def build(tf, np):
    w = tf.placeholder(tf.float32, [5, 2], name="w")
    body = lambda i, a: (i + 1, a + tf.gather(w, [i, i + 1]) * a)
    _, y = tf.while_loop(lambda i, a: i < 3, body, (0, tf.ones([2, 2])))
    return {w: np.arange(10.0).reshape(5, 2)}, [y, tf.convert_to_tensor(tf.gradients(y, w)[0])]
""",
        [
            [[15.0, 48.0], [105.0, 192.0]],
            [[15.0, 24.0], [40.0, 60.0], [24.0, 40.0], [15.0, 24.0], [0.0, 0.0]],
        ],
    ),
    "no gradient where back_prop is off": Program(
        """
def build(tf, np):
    x = tf.placeholder(tf.float32, [], name="x")
    body = lambda i, a: (i + 1, a * x)
    _, y = tf.while_loop(lambda i, a: i < 4, body, (0, 1.0), back_prop=False)
    return {x: 2.0}, [y, *tf.gradients(y + x, x)]
""",
        [16.0, 1.0],
    ),
    "gradient of a loop that runs one iteration at a time": Program(
        """
def build(tf, np):
    x = tf.placeholder(tf.float32, [], name="x")
    body = lambda i, a: (i + 1, a * x * a)
    start = (0, 1.0)
    _, y = tf.while_loop(
        lambda i, a: i < 4, body, start, parallel_iterations=1, swap_memory=True
    )
    return {x: 1.1}, [y, *tf.gradients(y + x, x)]
""",
        [4.177249, 57.96249],
    ),
    "gradient of arrays": Program(
        """
def build(tf, np):
    x = tf.placeholder(tf.float32, [4, 2], name="x")
    w = tf.constant(0.5)
    rows = tf.TensorArray(tf.float32, size=4).unstack(x)
    sums = tf.TensorArray(tf.float32, size=4)

    def body(i, s, sums):
        s = s * w + rows.read(i)
        return i + 1, s, sums.write(i, s)

    _, _, sums = tf.while_loop(lambda i, s, o: i < 4, body, (0, tf.zeros([2]), sums))
    y = sums.stack()
    return {x: np.arange(8.0).reshape(4, 2)}, [y, *tf.gradients(y * y, [x, w])]
""",
        [
            [[0.0, 1.0], [2.0, 3.5], [5.0, 6.75], [8.5, 10.375]],
            [[6.625, 11.46875], [13.25, 18.9375], [18.5, 23.875], [17.0, 20.75]],
            364.5625,
        ],
    ),
    "gradient of an array that grows": Program(
        """
def build(tf, np):
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    n = tf.shape(x)[0]
    rows = tf.TensorArray(tf.float32, size=n).unstack(x)
    out = tf.TensorArray(tf.float32, size=0, dynamic_size=True)
    body = lambda i, out: (i + 1, out.write(i, rows.read(i) * 2.0))
    _, out = tf.while_loop(lambda i, out: i < n, body, (0, out))
    y = out.stack()
    return {x: np.arange(6.0).reshape(3, 2)}, [y, *tf.gradients(y * y, x)]
""",
        [[[0.0, 2.0], [4.0, 6.0], [8.0, 10.0]], [[0.0, 8.0], [16.0, 24.0], [32.0, 40.0]]],
    ),
    "gradient of arrays cut and joined": Program(
        """
def build(tf, np):
    x = tf.placeholder(tf.float32, [6, 2], name="x")
    pieces = tf.TensorArray(tf.float32, size=3, infer_shape=False).split(x, [1, 2, 3])
    y = pieces.concat()
    some = tf.TensorArray(tf.float32, size=3, clear_after_read=False).scatter([2, 0, 1], x[:3])
    z = some.gather([1, 1, 0])
    value = np.arange(12.0).reshape(6, 2)
    return {x: value}, [y, *tf.gradients(y * y, x), z, *tf.gradients(z * z, x)]
""",
        [
            [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0], [6.0, 7.0], [8.0, 9.0], [10.0, 11.0]],
            [[0.0, 2.0], [4.0, 6.0], [8.0, 10.0], [12.0, 14.0], [16.0, 18.0], [20.0, 22.0]],
            [[4.0, 5.0], [4.0, 5.0], [2.0, 3.0]],
            [[0.0, 0.0], [4.0, 6.0], [16.0, 20.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]],
        ],
    ),
    "map_fn": Program(
        """
def build(tf, np):
    x = tf.placeholder(tf.float32, [3, 2], name="x")
    y = tf.placeholder(tf.float32, [None, 2], name="y")
    squares = tf.map_fn(lambda row: row * row, x)
    sums = tf.map_fn(lambda row: tf.cast(tf.reduce_sum(row), tf.int32), y, dtype=tf.int32)
    kinds = (tf.float32, tf.float32)
    pair = tf.map_fn(lambda rows: (rows[0] + rows[1], rows[0]), (x, y), dtype=kinds)
    numbers = tf.map_fn(lambda i: i + 1, np.array([1, 2, 3]))
    value = np.arange(6.0).reshape(3, 2)
    return {x: value, y: value}, [squares, sums, *pair, numbers, *tf.gradients(squares, x)]
""",
        [
            [[0.0, 1.0], [4.0, 9.0], [16.0, 25.0]],
            [1, 5, 9],
            [[0.0, 2.0], [4.0, 6.0], [8.0, 10.0]],
            [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]],
            [2, 3, 4],
            [[0.0, 2.0], [4.0, 6.0], [8.0, 10.0]],
        ],
    ),
    "scan": Program(
        """
def build(tf, np):
    x = tf.placeholder(tf.float32, [3, 2], name="x")
    y = tf.placeholder(tf.float32, [None, 2], name="y")
    a = tf.scan(lambda a, row: a + row, x)
    b = tf.scan(lambda a, row: a * 2.0 + row, y, initializer=tf.zeros([2]))
    start = (tf.zeros([2]), tf.constant(1.0))
    c = tf.scan(lambda a, row: (a[0] + row, a[1] * 2.0), x, initializer=start, reverse=True)
    d = tf.scan(lambda a, row: a + row, x, reverse=True)
    value = np.arange(6.0).reshape(3, 2)
    return {x: value, y: value}, [a, b, *c, d, *tf.gradients(b, y)]
""",
        [
            [[0.0, 1.0], [2.0, 4.0], [6.0, 9.0]],
            [[0.0, 1.0], [2.0, 5.0], [8.0, 15.0]],
            [[6.0, 9.0], [6.0, 8.0], [4.0, 5.0]],
            [8.0, 4.0, 2.0],
            [[6.0, 9.0], [6.0, 8.0], [4.0, 5.0]],
            [[7.0, 7.0], [3.0, 3.0], [1.0, 1.0]],
        ],
    ),
    "foldl and foldr": Program(
        """
def build(tf, np):
    x = tf.placeholder(tf.float32, [3, 2], name="x")
    y = tf.placeholder(tf.float32, [None, 2], name="y")
    a = tf.foldl(lambda a, row: a + row, x)
    b = tf.foldl(lambda a, row: a * 2.0 + row, y, initializer=tf.zeros([2]))
    c = tf.foldr(lambda a, row: a * 2.0 + row, x)
    d = tf.foldr(lambda a, row: a * 2.0 + row, y, initializer=tf.zeros([2]))
    e = tf.foldl(lambda a, i: a + i, np.array([1, 2, 3, 4]))
    value = np.arange(6.0).reshape(3, 2)
    return {x: value, y: value}, [a, b, c, d, e]
""",
        [[6.0, 9.0], [8.0, 15.0], [20.0, 27.0], [20.0, 27.0], 10],
    ),
    "Python functions": Program(
        """
def build(tf, np):
    x = tf.placeholder(tf.float32, [3], name="x")
    doubled = tf.py_func(lambda v: v * 2, [x], tf.float32)
    kinds = [tf.float32, tf.int64]
    two = tf.py_func(lambda v: [v.sum(), np.int64(3)], [x], kinds, stateful=False, name="two")
    text = tf.py_func(lambda s: s + b"!", [tf.constant("a")], tf.string)
    length = tf.py_func(lambda s: np.int64(len(s)), [text], tf.int64)
    return {x: [1.0, 2.0, 3.0]}, [doubled, *two, length]
""",
        [[2.0, 4.0, 6.0], 6.0, 3, 2],
    ),
}
