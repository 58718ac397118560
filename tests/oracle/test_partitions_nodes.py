"""The nodes that partitioned variables make, and when they are refused, against TensorFlow's."""

from __future__ import annotations

import textwrap

import pytest

from evergraph import tf1
from tests.oracle.client import Oracle
from tests.oracle.node_programs import check_refusals
from tests.oracle.nodes import built, differences

pytestmark = pytest.mark.oracle

_RESOURCE = pytest.mark.parametrize("resource", [False, True], ids=["reference", "resource"])
_SCOPE = """
thirds = tf.fixed_size_partitioner(3)
with tf.variable_scope(tf.get_variable_scope(), use_resource={resource}):
{program}
"""

PROGRAMS = {
    "rows": "tf.get_variable('w', [7, 2], partitioner=thirds)",
    "columns": "tf.get_variable('w', [2, 7], partitioner=tf.fixed_size_partitioner(3, axis=1))",
    "one part": "tf.identity(tf.get_variable('w', [2, 7], partitioner=tf.fixed_size_partitioner(1)))",
    "as many as rows": "tf.get_variable('w', [2, 7], partitioner=thirds)",
    "by bytes": """
        bytes = tf.variable_axis_size_partitioner
        tf.get_variable("a", [40, 3], partitioner=bytes(100))
        tf.get_variable("b", [40, 3], tf.float64, partitioner=bytes(100, axis=1))
        tf.get_variable("c", [40, 3], partitioner=bytes(100, max_shards=2))
        tf.get_variable("d", [4], partitioner=bytes(1))
        tf.get_variable("e", [9], tf.string, partitioner=bytes(50, bytes_per_string_element=20),
                        initializer=lambda shape, dtype: tf.constant([b"x"] * shape[0]))
    """,
    "by least bytes": """
        least = tf.min_max_variable_partitioner
        tf.get_variable("a", [40, 3], partitioner=least(5, min_slice_size=100))
        tf.get_variable("b", [40, 3], partitioner=least(50, 0, 100))
        tf.get_variable("c", [40, 3], partitioner=least(50))
        tf.get_variable("d", [4, 9], partitioner=least(8, 1, 16))
    """,
    "scope": """
        with tf.variable_scope("s", partitioner=thirds):
            tf.get_variable("w", [7, 2])
            tf.get_variable("scalar", [])
            with tf.variable_scope("t"):
                tf.get_variable("w", [5])
            tf.get_variable_scope().set_partitioner(tf.fixed_size_partitioner(2))
            tf.get_variable("v", [5])
            tf.get_variable_scope().set_partitioner(None)
            tf.get_variable("u", [5])
    """,
    "name scope": """
        with tf.name_scope("n"), tf.variable_scope("s"):
            w = tf.get_variable("w", [7, 2], partitioner=thirds)
            tf.matmul(tf.ones([2, 7]), w)
            w.as_tensor()
        tf.convert_to_tensor(w)
        with tf.control_dependencies([tf.no_op("before")]):
            w.as_tensor()
            w._concat()
    """,
    "value": """
        tf.get_variable("w", initializer=tf.reshape(tf.range(6.0), [3, 2]), partitioner=thirds)
        tf.get_variable("v", [4, 2], initializer=np.arange(8.0, dtype=np.float32).reshape(4, 2),
                        partitioner=thirds)
        tf.get_variable("n", [4], tf.int64, initializer=np.arange(4), partitioner=thirds)
        tf.get_variable("t", [4], initializer=tf.constant([1, 2, 3, 4]), partitioner=thirds)
    """,
    "initializers": """
        kinds = [tf.zeros_initializer, tf.ones_initializer(), tf.constant_initializer(3.0),
                 tf.random_uniform_initializer(seed=1), tf.random_normal_initializer(seed=1),
                 tf.truncated_normal_initializer(seed=2), tf.variance_scaling_initializer(seed=3),
                 tf.uniform_unit_scaling_initializer(seed=4), tf.glorot_normal_initializer(seed=5),
                 tf.orthogonal_initializer(seed=6), tf.initializers.identity()]
        for number, kind in enumerate(kinds):
            tf.get_variable(f"w{number}", [7, 5], initializer=kind, partitioner=thirds)
    """,
    "partition info": """
        def initializer(shape, dtype=None, partition_info=None):
            start = partition_info.single_offset(shape)
            assert partition_info.single_slice_dim(shape) == 0
            return tf.fill(shape, float(start + 100 * partition_info.full_shape[0]))
        tf.get_variable("w", [7, 2], initializer=initializer, partitioner=thirds)
    """,
    "regularizer": """
        w = tf.get_variable("w", [7, 2], partitioner=thirds, regularizer=lambda v: tf.reduce_sum(v * v))
        with tf.variable_scope("s", partitioner=thirds, regularizer=lambda v: None):
            tf.get_variable("w", [7, 2])
        tf.add_n(tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES))
    """,
    "custom getter": """
        def getter(getter, name, *args, **kwargs):
            assert kwargs["partitioner"] is thirds
            return 2.0 * tf.convert_to_tensor(getter(name, *args, **kwargs))
        with tf.variable_scope("s", partitioner=thirds, custom_getter=getter):
            tf.get_variable("w", [7, 2])
    """,
    "reuse": """
        a = tf.get_variable("w", [7, 2], partitioner=thirds)
        with tf.variable_scope(tf.get_variable_scope(), reuse=True):
            assert tf.get_variable("w", [7, 2], partitioner=thirds) is a
            assert tf.get_variable("w") is a
            assert tf.get_variable("w/part_1") is list(a)[1]
        with tf.variable_scope(tf.get_variable_scope(), reuse=tf.AUTO_REUSE):
            assert tf.get_variable("w", [7, 2], partitioner=thirds) is a
            tf.get_variable("v", [7], partitioner=thirds)
    """,
    "collections": """
        tf.get_variable("w", [7], partitioner=thirds, collections=["mine"], trainable=False)
        tf.get_local_variable("l", [7], partitioner=thirds)
        tf.variables_initializer(tf.get_collection("mine") + tf.local_variables())
    """,
    "caching device, constraint": """
        tf.get_variable("w", [7], partitioner=thirds, caching_device="/cpu:0",
                        constraint=lambda v: tf.nn.relu(v))
    """,
    "create_partitioned_variables": """
        made = tf.create_partitioned_variables([7, 2], [3, 1], tf.zeros_initializer())
        made += tf.create_partitioned_variables([7, 2], [1, 2], tf.ones_initializer(), name="mine")
        made += tf.create_partitioned_variables([4], [4], tf.range(4), trainable=False)
        with tf.variable_scope("s"):
            made += tf.create_partitioned_variables([2, 2], [1, 1], tf.zeros_initializer())
            made += tf.create_partitioned_variables([2, 2], [2, 1], tf.zeros_initializer(), name="x")
            tf.create_partitioned_variables([2, 2], [2, 1], tf.zeros_initializer(), name="x", reuse=True)
        tf.variables_initializer(made)
        tf.concat(made[:3], 0)
    """,
    "updates": """
        w = tf.get_variable("w", [7, 2], partitioner=thirds)
        v = tf.get_variable("v", [7, 2], partitioner=thirds)
        w.assign(tf.ones([7, 2]))
        w.assign_add(np.ones([7, 2], np.float32), name="more")
        w.assign_sub(v)
        w.assign([tf.ones([3, 2]), tf.ones([2, 2]), tf.ones([2, 2])], use_locking=True)
        tf.assign(w, tf.zeros([7, 2]))
    """,
    "lookup": """
        w = tf.get_variable("w", [7, 2], partitioner=thirds)
        tf.nn.embedding_lookup(w, [[1, 2], [3, 6]])
        tf.nn.embedding_lookup(w, [[1, 2], [3, 6]], partition_strategy="div", name="l", max_norm=1.0)
        tf.nn.embedding_lookup(list(w), [1])
        one = tf.get_variable("one", [7, 2], partitioner=tf.fixed_size_partitioner(1))
        tf.nn.embedding_lookup(one, [1, 2])
    """,
    "operators": """
        w = tf.get_variable("w", [7, 2], partitioner=thirds)
        tf.ones([7, 2]) * w
        tf.constant(1.0) - w
        tf.matmul(tf.ones([3, 7]), w)
        tf.shape(w)
    """,
    "devices": """
        with tf.device(lambda op: "/cpu:1" if op.name.startswith("w/part_1") else "/cpu:0"):
            w = tf.get_variable("w", [7, 2], partitioner=thirds)
            tf.identity(w)
        tf.train.Saver(sharded=True)
    """,
    "Saver": "tf.get_variable('w', [7, 2], partitioner=thirds); tf.get_variable('v', [2]); tf.train.Saver()",
    "Saver, V1-style restore": """
        tf.get_variable("w", [7, 2], partitioner=thirds)
        tf.train.Saver(reshape=True)
        tf.train.Saver(sharded=True, reshape=True)
    """,
    "Savers of some": """
        w = tf.get_variable("w", [7, 2], partitioner=thirds)
        v = tf.get_variable("v", [7, 2], partitioner=thirds)
        u = tf.get_variable("u", [7, 2])
        tf.train.Saver([w])
        tf.train.Saver([v, u])
        tf.train.Saver(list(w))
        tf.train.Saver([list(w), [u]])
        tf.train.Saver({"other": w, "u": u})
        tf.train.Saver({"other": list(w), "more": list(v)[:1]})
        tf.train.Saver({"w/part_0": list(w)[0], "w": w})
        tf.train.Saver(list(w)[1:])
        tf.train.Saver(tuple(w))
        tf.train.Saver({"w": tuple(w)})
    """,
    "slots": """
        w = tf.get_variable("w", [7, 2], partitioner=thirds)
        loss = tf.reduce_sum(tf.square(w))
        tf.train.AdamOptimizer().minimize(loss)
        tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)
        tf.train.Saver()
    """,
    "slots in a scope": """
        with tf.variable_scope("s", partitioner=thirds):
            w = tf.get_variable("w", [7, 2])
            tf.train.AdagradOptimizer(0.1).minimize(tf.reduce_sum(tf.square(w)))
        tf.train.Saver()
    """,
    "moving averages": """
        w = tf.get_variable("w", [7, 2], partitioner=thirds)
        average = tf.train.ExponentialMovingAverage(0.9)
        average.apply()
        tf.train.Saver()
    """,
    "layers": """
        with tf.variable_scope("net", partitioner=thirds):
            x = tf.placeholder(tf.float32, [None, 8, 8, 3], name="x")
            y = tf.layers.conv2d(x, 4, 3, activation=tf.nn.relu)
            y = tf.layers.batch_normalization(y, training=True)
            y = tf.layers.dense(tf.layers.flatten(y), 5)
            tf.layers.dense(y, 5, kernel_regularizer=lambda v: tf.reduce_sum(tf.square(v)), name="last")
            tf.layers.dense(y, 5, name="last", reuse=True)
        tf.train.Saver()
    """,
    "collection of partitioned variables": """
        w = tf.get_variable("w", [7, 2], partitioner=thirds)
        tf.add_to_collection("mine", w)
        tf.train.Saver()
        tf.train.Saver()
    """,
    "with unusual names": """
        with tf.variable_scope("a/b"):
            tf.get_variable("part_0", [3], partitioner=thirds)
        tf.get_variable("w", [3], partitioner=thirds)
        tf.Variable(1.0, name="w/part_1")
        tf.constant(1.0, name="w")
        tf.train.Saver()
    """,
}

REFUSED = [
    "tf.get_variable('w', [4], partitioner=2)",
    "tf.get_variable('w', [4, None], partitioner=halves)",
    "tf.get_variable('w', partitioner=halves)",
    "tf.get_variable('w', tf.TensorShape([]), partitioner=halves)",
    "tf.get_variable('w', [4], partitioner=lambda shape, dtype: 2)",
    "tf.get_variable('w', [4], partitioner=lambda shape, dtype: [2, 1])",
    "tf.get_variable('w', [4], partitioner=lambda shape, dtype: [0])",
    "tf.get_variable('w', [4, 4], partitioner=lambda shape, dtype: [2, 2])",
    "tf.get_variable('w', [4], partitioner=lambda shape, dtype: [5])",
    "tf.get_variable('w', [0, 4], partitioner=halves)",
    "tf.get_variable('w', [4], partitioner=lambda shape: [2])",
    "tf.get_variable('p', [4], partitioner=halves)",
    "tf.get_variable('p', [4])",
    "tf.get_variable('whole', [4], partitioner=halves)",
    "with shared: tf.get_variable('p', [5], partitioner=halves)",
    "with shared: tf.get_variable('p', [4], tf.int32, partitioner=halves)",
    "with shared: tf.get_variable('p', [4], partitioner=tf.fixed_size_partitioner(3))",
    "with shared: tf.get_variable('p', [5])",
    "with shared: tf.get_variable('q', [4], partitioner=halves)",
    "with shared: tf.get_variable('whole', [4], partitioner=halves)",
    "with auto: tf.get_variable('p', [4])",
    "with auto: tf.get_variable('hand', [4], partitioner=halves)",
    "with auto: tf.get_variable('hands', [4], partitioner=lambda shape, dtype: [1])",
    "tf.variable_axis_size_partitioner(0)",
    "tf.variable_axis_size_partitioner(4, bytes_per_string_element=0)",
    "tf.variable_axis_size_partitioner(4, max_shards=-1)",
    "tf.variable_axis_size_partitioner(4)([4], tf.float32)",
    "tf.variable_axis_size_partitioner(4)(tf.TensorShape([None]), tf.float32)",
    "tf.variable_axis_size_partitioner(4)(tf.TensorShape([4]), np.float32)",
    "tf.get_variable('w', [4], partitioner=tf.min_max_variable_partitioner(axis=1))",
    "tf.get_variable('w', [4], partitioner=tf.fixed_size_partitioner(2, axis=1))",
    "tf.create_partitioned_variables([4], [2, 1], tf.zeros_initializer())",
    "tf.create_partitioned_variables([], [], tf.zeros_initializer())",
    "tf.create_partitioned_variables([4, 4], [2, 2], tf.zeros_initializer())",
    "with getting: tf.create_partitioned_variables([4], [2], tf.zeros_initializer())",
    "tf.convert_to_tensor(p, dtype=tf.int32)",
    "tf.gradients(tf.reduce_sum(p), [p])",
    "p.assign(tf.ones([5]))",
    "p.assign([1.0, 2.0, 3.0])",
    "tf.train.Saver([p, *p])",
    "tf.train.Saver([*p, p])",
    "tf.train.Saver({'p': [whole]})",
    "tf.train.Saver({'p': [tf.constant(1.0)]})",
    "tf.train.Saver({'p': [*p, *other]})",
    "tf.train.Saver({'a': p, 'b': list(p)})",
    "tf.train.Saver([whole, whole])",
    "tf.train.Saver([[p], [p]])",
    "tf.train.Saver({'a': p, 'b': list(p)[0]})",
]
_INPUTS = """
halves = tf.fixed_size_partitioner(2)
p = tf.get_variable('p', [4], partitioner=halves)
other = tf.get_variable('other', [4], partitioner=halves)
whole = tf.get_variable('whole', [4])
tf.get_variable('hand/part_0', [2])
tf.get_variable('hands/part_0', [2])
tf.get_variable('hands/part_1', [2])
shared = tf.variable_scope(tf.get_variable_scope(), reuse=True)
auto = tf.variable_scope(tf.get_variable_scope(), reuse=tf.AUTO_REUSE)
getting = tf.variable_scope('g', custom_getter=lambda getter, *args, **kwargs: getter(*args, **kwargs))
"""


@_RESOURCE
@pytest.mark.parametrize("name", PROGRAMS)
def test_partitioned_nodes(tf215: Oracle, name: str, resource: bool) -> None:
    program = textwrap.indent(textwrap.dedent(PROGRAMS[name]), "    ")
    ours, theirs = built(_SCOPE.format(resource=resource, program=program), tf215)
    for node in theirs.node:
        # A type that TensorFlow infers anew when it reads a graph.
        node.ClearField("experimental_type")
    assert differences(ours, theirs, ("gradients", "s/gradients")) == []


def test_refusals(tf215: Oracle) -> None:
    check_refusals(tf215, tf1, _INPUTS, REFUSED)
