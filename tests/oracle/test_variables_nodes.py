"""The nodes that variables and their scopes make, what they are called, and the errors, against TensorFlow's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import evergraph.ops.operators  # noqa: F401 - Python's operators on Tensors
from evergraph.formats import dtypes
from evergraph.formats.protos import GraphDef, VariableDef
from evergraph.graph.collections import GraphKeys
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.graph import Graph
from evergraph.graph.scopes import colocate_with, control_dependencies, device, name_scope
from evergraph.graph.shape import TensorShape
from evergraph.ops import array, resources, state, state_scatter
from evergraph.ops import random as random_ops
from evergraph.ops.cond import cond
from evergraph.ops.constant import constant
from evergraph.ops.indexed_slices import IndexedSlices
from evergraph.ops.random_seed import set_random_seed
from evergraph.variables import collections, initializers, moving_averages, scope, variable
from tests.oracle.client import Oracle

pytestmark = pytest.mark.oracle


# The names of `tf` that the programs below use.
TF = SimpleNamespace()
for module in (dtypes, state, state_scatter, initializers, collections, scope):
    vars(TF).update((name, value) for name, value in vars(module).items() if name[0] != "_")
vars(TF).update(
    count_up_to=resources.count_up_to,
    Variable=variable.Variable,
    GraphKeys=GraphKeys,
    TensorShape=TensorShape,
    IndexedSlices=IndexedSlices,
    colocate_with=colocate_with,
    control_dependencies=control_dependencies,
    device=device,
    name_scope=name_scope,
    identity=array.identity,
    placeholder=array.placeholder,
    constant=constant,
    zeros=array.zeros,
    ones=array.ones,
    cond=cond,
    set_random_seed=set_random_seed,
    truncated_normal=random_ops.truncated_normal,
    get_default_graph=get_default_graph,
    get_collection=lambda *a: get_default_graph().get_collection(*a),
    initializers=SimpleNamespace(identity=initializers.Identity),
    train=SimpleNamespace(
        ExponentialMovingAverage=moving_averages.ExponentialMovingAverage,
    ),
)

PROGRAMS = {
    "Variable": """
        tf.Variable(3)
        tf.Variable([[1.0, 2.0]], name="w", trainable=False)
        tf.Variable(tf.zeros([2, 3]), name="w")
        tf.Variable(tf.truncated_normal([5, 5], stddev=0.1), dtype=tf.float32)
        with tf.name_scope("layer"):
            tf.Variable(np.ones((2, 2)), name="weights")
            tf.Variable(lambda: tf.ones([2]), name="made")
        tf.Variable(tf.placeholder(tf.float32), validate_shape=False, name="free")
        tf.Variable(b"text", collections=["mine", tf.GraphKeys.LOCAL_VARIABLES])
        tf.Variable(1.0, caching_device="/cpu:0")
        with tf.device("/gpu:1"):
            tf.Variable(1.0, name="far")
            tf.Variable(lambda: tf.constant(1.0), name="far_made")
        tf.Variable(1.0, name="shaped", shape=tf.TensorShape(None), validate_shape=False)
    """,
    "resource Variable": """
        tf.Variable(3, use_resource=True)
        tf.Variable(tf.zeros([2, 3]), name="w", use_resource=True, trainable=False)
        with tf.name_scope("layer"), tf.device("/gpu:1"):
            v = tf.Variable(lambda: tf.ones([2]), name="made", use_resource=True)
        v + 1
        v.read_value()
        with tf.name_scope("scope"):
            tf.identity(v)
            v[0]
        v.is_initialized()
        tf.Variable(1.0, caching_device="/cpu:0", use_resource=True) * 2.0
        tf.Variable(1.0, name="shaped", shape=tf.TensorShape(None), use_resource=True)
        tf.is_variable_initialized(v)
    """,
    "reads and updates": """
        v = tf.Variable([1.0, 2.0], name="v")
        v + 1.0
        2.0 - v
        -v
        v[0]
        v.value()
        v.read_value()
        tf.identity(v)
        tf.assign(v, [3.0, 4.0])
        tf.assign(v, tf.placeholder(tf.float32), validate_shape=False, use_locking=False, name="a")
        tf.assign_add(v, [3.0, 4.0])
        tf.assign_sub(v, [3.0, 4.0], use_locking=True)
        v.assign([1.0, 1.0])
        v.assign_add([1.0, 1.0], name="more", read_value=False)
        v.assign_sub([1.0, 1.0])
        v.initialized_value()
        tf.is_variable_initialized(v)
        with tf.name_scope("scope"), tf.device("/gpu:0"):
            v.assign(v * 2.0)
            v.read_value()
        c = tf.Variable(0)
        c.count_up_to(5)
        tf.count_up_to(c, 7, name="count")
    """,
    "resource updates": """
        v = tf.Variable([1.0, 2.0], name="v", use_resource=True)
        tf.assign(v, [3.0, 4.0], name="a")
        tf.assign_add(v, [3.0, 4.0])
        u = v.assign([1.0, 1.0])
        u + 1.0
        u.assign_add([1.0, 1.0])
        v.assign_add([1.0, 1.0], name="more", read_value=False)
        v.assign_sub([1.0, 1.0])
        v.sparse_read([0])
        v.gather_nd([[0]])
        with tf.control_dependencies([v.assign_add([2.0, 2.0])]):
            v.read_value()
        tf.Variable(0, use_resource=True).count_up_to(5)
    """,
    "scatter": """
        for resource in (False, True):
            v = tf.Variable(np.ones((4, 2), np.float32), name="v", use_resource=resource)
            for update in (tf.scatter_update, tf.scatter_add, tf.scatter_sub, tf.scatter_mul,
                           tf.scatter_div, tf.scatter_min, tf.scatter_max):
                update(v, [1, 3], [[1.0, 2.0], [3.0, 4.0]])
            for update in (tf.scatter_nd_update, tf.scatter_nd_add, tf.scatter_nd_sub):
                update(v, [[1, 0]], [5.0], name="nd")
            delta = tf.IndexedSlices(tf.constant([[1.0, 1.0]]), tf.constant([0]))
            v.scatter_add(delta)
            v.scatter_update(delta, name="u")
            v.scatter_nd_sub([[0, 0]], [1.0])
            v.scatter_nd_max([[0, 0]], [1.0])
            v.scatter_nd_min([[0, 0]], [1.0], name="least")
            tf.batch_scatter_update(v, [[1], [0], [1], [1]], [[5.0], [6.0], [7.0], [8.0]])
            v.batch_scatter_update(tf.IndexedSlices(
                tf.constant([[5.0], [6.0], [7.0], [8.0]]), tf.constant([[1], [0], [1], [1]])
            )) if not resource else None
    """,
    "initialized from another": """
        v = tf.Variable([1.0, 2.0], name="v")
        tf.Variable(v + 1.0, name="w")
        tf.Variable(v.initialized_value() * 2.0, name="x")
        tf.Variable(v, name="y")
        tf.Variable(tf.identity(v.read_value()) * v, name="z")
        r = tf.Variable([1.0, 2.0], name="r", use_resource=True)
        tf.Variable(r + 1.0, name="s", use_resource=True)
        tf.Variable(v + 1.0, name="t", use_resource=True)
        tf.Variable(lambda: v * 3.0, name="u")
    """,
    "get_variable": """
        tf.get_variable("a", [2, 3])
        tf.get_variable("b", shape=(3,), initializer=tf.zeros_initializer())
        tf.get_variable("c", initializer=[1.0, 2.0])
        tf.get_variable("d", [2], tf.int32)
        tf.get_variable("e", [], tf.bool, initializer=tf.ones_initializer)
        tf.get_variable("f", initializer=tf.constant([[1.0]]), trainable=False)
        tf.get_variable("g", [2, 2], initializer=tf.random_normal_initializer(stddev=0.1, seed=1))
        tf.get_variable("h", [2], initializer=lambda shape, dtype=None, partition_info=None:
                        tf.zeros(shape, dtype))
        tf.get_variable("i", initializer=lambda: tf.ones([3]))
        tf.get_local_variable("j", [2])
        tf.get_variable("k", [2], use_resource=True)
        with tf.variable_scope("scope", use_resource=True):
            k = tf.get_variable("k", [2], initializer=tf.constant_initializer(0.5))
            tf.get_variable("l", initializer=np.float64(2.0))
            k * 2.0
        tf.get_variable("m", [2], constraint=lambda x: x, caching_device="/cpu:0")
        tf.get_variable("n/o", [1000, 2], tf.float64, tf.zeros_initializer(tf.float64))
    """,
    "initializers": """
        for number, make in enumerate([
            tf.zeros_initializer(), tf.ones_initializer(), tf.constant_initializer([1, 2, 3]),
            tf.random_uniform_initializer(-1, 1), tf.random_uniform_initializer(0.0, 1.0, seed=2),
            tf.random_normal_initializer(), tf.truncated_normal_initializer(stddev=0.1),
            tf.uniform_unit_scaling_initializer(1.43), tf.variance_scaling_initializer(),
            tf.variance_scaling_initializer(2.0, "fan_out", "uniform"),
            tf.variance_scaling_initializer(2.0, "fan_avg", "untruncated_normal"),
            tf.glorot_uniform_initializer(), tf.glorot_normal_initializer(3),
        ]):
            tf.get_variable("v%d" % number, [3, 3, 2, 4], initializer=make)
            make(shape=[5], dtype=tf.float32)
            make([2, 3])
        print(make.get_config())
    """,
    "orthogonal and identity": """
        tf.get_variable("o", [4, 3], initializer=tf.orthogonal_initializer(2.0))
        tf.get_variable("p", [2, 2, 8], initializer=tf.orthogonal_initializer())
        tf.get_variable("i", [3, 3], initializer=tf.initializers.identity(2.0))
        tf.get_variable("j", [3, 4], initializer=tf.initializers.identity())
    """,
    "variable scopes": """
        with tf.variable_scope("a") as a:
            tf.get_variable("v", [1])
            with tf.variable_scope("b", initializer=tf.ones_initializer()):
                tf.get_variable("v", [1])
                tf.constant(1.0)
            tf.Variable(1.0, name="plain")
        with tf.variable_scope("a", reuse=True):
            tf.get_variable("v", [1]) + 1.0
        with tf.variable_scope(a, reuse=True):
            tf.get_variable("v") + 1.0
            with tf.variable_scope("b"):
                tf.get_variable("v") * 2.0
        with tf.variable_scope("outer"):
            with tf.variable_scope(a):
                tf.get_variable("w", [1])
                tf.constant(2.0)
            with tf.variable_scope(a, auxiliary_name_scope=False):
                tf.constant(3.0)
            with tf.variable_scope("flat", auxiliary_name_scope=False):
                tf.constant(4.0)
                tf.get_variable("v", [1])
        with tf.variable_scope(None, "layer"):
            tf.get_variable("v", [1])
        with tf.variable_scope(None, "layer"):
            tf.get_variable("v", [1])
            with tf.variable_scope(None, "inner"):
                tf.get_variable("v", [1])
            with tf.variable_scope(None, "inner"):
                tf.get_variable("v", [1])
        with tf.variable_scope("auto", reuse=tf.AUTO_REUSE):
            tf.get_variable("v", [1])
            tf.get_variable("v", [1])
        with tf.variable_scope(""):
            tf.get_variable("root", [1])
            tf.constant(5.0)
        with tf.variable_scope(tf.get_variable_scope(), reuse=tf.AUTO_REUSE):
            tf.get_variable("root", [1])
        with tf.variable_scope(tf.get_variable_scope()):
            tf.get_variable_scope().reuse_variables()
            tf.get_variable("root")
        with tf.name_scope("names"), tf.variable_scope("vars") as s:
            tf.get_variable("v", [1])
            tf.constant(6.0)
            print(s.name, s.original_name_scope)
        with tf.variable_op_scope([tf.constant(1.0)], None, "ops", dtype=tf.float64):
            tf.get_variable("v", [1])
        scope = tf.variable_scope("again")
        with scope:
            tf.constant(7.0)
        with scope:
            tf.constant(8.0)
        with tf.variable_scope("x/y/"):
            tf.get_variable("v", [1])
        print([v.name for v in a.trainable_variables()], a.global_variables() == a.get_collection(
            tf.GraphKeys.GLOBAL_VARIABLES))
    """,
    "getters and regularizers": """
        def getter(getter, name, *args, **kwargs):
            print(name, sorted(kwargs), kwargs["shape"], kwargs["dtype"])
            return getter(name + "_got", *args, **kwargs)
        def outer(getter, name, shape=None, *args, **kwargs):
            return getter(name + "_outer", shape, *args, **kwargs) * 2.0
        def constrained(getter, name, constraint=None, **kwargs):
            print(constraint)
            return getter(name, constraint=constraint, **kwargs)
        with tf.variable_scope("a", custom_getter=outer):
            with tf.variable_scope("b", custom_getter=getter):
                tf.get_variable("v", [1])
            tf.get_variable("w", [1], custom_getter=getter)
        tf.get_variable("c", [1], custom_getter=constrained)
        with tf.variable_scope("r", regularizer=lambda v: v * 0.5):
            tf.get_variable("v", [1])
            tf.get_variable("none", [1], regularizer=tf.no_regularizer)
            with tf.variable_scope("within"):
                tf.get_variable("v", [2])
        for loss in tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES):
            tf.identity(loss)
            print(loss.name, loss.shape)
        def creator(next_creator, **kwargs):
            kwargs["name"] = "created_" + kwargs["name"]
            print(sorted(set(kwargs) - {"experimental_enable_variable_lifting"}))
            return next_creator(**kwargs)
        with tf.variable_creator_scope(creator):
            tf.get_variable("v", [1])
            tf.Variable(1.0, name="plain")
    """,
    "collections": """
        tf.Variable(1.0)
        tf.get_local_variable("local", [1])
        tf.get_variable("r", [1], use_resource=True)
        tf.global_variables_initializer()
        tf.local_variables_initializer()
        tf.variables_initializer([])
        tf.variables_initializer(tf.trainable_variables(), name="some")
        tf.assert_variables_initialized()
        tf.report_uninitialized_variables()
        tf.report_uninitialized_variables([], name="nothing")
        print([v.name for v in tf.global_variables("r")], tf.model_variables())
    """,
    "inside cond": """
        v = tf.Variable(1.0, name="v")
        p = tf.placeholder(tf.bool, [])
        def inside():
            w = tf.get_variable("w", [], initializer=tf.zeros_initializer())
            return v.assign_add(1.0) + w
        tf.cond(p, inside, lambda: tf.identity(v))
        r = tf.Variable(1.0, name="r", use_resource=True)
        tf.cond(p, lambda: r.assign_add(1.0) + 0.0, lambda: r * 2.0)
    """,
    "moving averages": """
        v = tf.Variable([1.0, 2.0], name="v")
        w = tf.get_variable("w", [2], initializer=tf.zeros_initializer())
        t = tf.identity(v * 2.0, name="t")
        ema = tf.train.ExponentialMovingAverage(0.9)
        ema.apply([v, w])
        ema.apply([t])
        step = tf.Variable(0, trainable=False, name="step")
        late = tf.train.ExponentialMovingAverage(0.99, step, name="late", zero_debias=True)
        late.apply()
        late.apply([t])
        print(ema.average_name(v), ema.average(w).name, sorted(ema.variables_to_restore()))
        r = tf.get_variable("r", [2], use_resource=True)
        tf.train.ExponentialMovingAverage(0.5).apply([r])
        print([v.name for v in tf.moving_average_variables()])
    """,
}

BUILD = """
def main(tf, np, program):
    printed = []
    names = {"tf": tf, "np": np, "print": lambda *a: printed.append(" ".join(map(str, a)))}
    exec(program, names)
    graph = tf.get_default_graph()
    keys = ["variables", "trainable_variables", "local_variables", "moving_average_variables",
            "mine"]
    shapes = [
        None if output.shape.rank is None else output.shape.as_list()
        for op in graph.get_operations() for output in op.outputs
    ]
    protos = {key: [v.to_proto().SerializeToString() for v in graph.get_collection(key)]
              for key in keys}
    return graph.as_graph_def().SerializeToString(), shapes, protos, printed
"""


def built_here(program: str) -> tuple[Any, Any, Any, Any]:
    names: dict[str, Any] = {}
    exec(BUILD, names)
    with Graph().as_default():
        return names["main"](TF, np, program)


def text_of(program: str) -> str:
    return "\n".join(line[8:] for line in program.splitlines())


@pytest.mark.parametrize("name", PROGRAMS)
def test_same_nodes(tf215: Oracle, name: str) -> None:
    program = text_of(PROGRAMS[name])
    theirs = tf215.execute(BUILD, program=program)
    ours = built_here(program)
    mine, others = (GraphDef.FromString(found[0]).node for found in (ours, theirs))
    assert [node.name for node in mine] == [node.name for node in others]
    for one, other in zip(mine, others, strict=True):
        assert str(one).splitlines() == str(other).splitlines()
    assert ours[1] == theirs[1]
    for key, protos in theirs[2].items():
        assert [VariableDef.FromString(p) for p in ours[2][key]] == [
            VariableDef.FromString(p) for p in protos
        ], key
    assert ours[3] == theirs[3]
