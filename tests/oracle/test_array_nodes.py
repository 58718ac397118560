"""Nodes of what moves, joins, picks and fills elements, and of its gradients, against TensorFlow's."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import evergraph.ops.operators  # noqa: F401 - Python's operators on Tensors
from evergraph.formats import dtypes
from evergraph.graph.scopes import control_dependencies, name_scope
from evergraph.graph.shape import TensorShape
from evergraph.ops import (
    array,
    diagonals,
    gathering,
    joining,
    layout,
    matrix_bands,
    repeating,
    selection,
    sequences,
    shaping,
    slicing,
    sorting,
)
from evergraph.ops.constant import constant
from evergraph.ops.gradients import gradients
from evergraph.ops.indexed_slices import IndexedSlices
from tests.oracle import node_programs
from tests.oracle.client import Oracle

pytestmark = pytest.mark.oracle

TF = node_programs.namespace(
    dtypes, array, joining, layout, gathering, diagonals, matrix_bands, selection, sorting,
    constant=constant,
    ensure_shape=shaping.ensure_shape,
    control_dependencies=control_dependencies,
    gradients=gradients,
    IndexedSlices=IndexedSlices,
    TensorShape=TensorShape,
    name_scope=name_scope,
    nn=sorting,
    sparse=SimpleNamespace(mask=gathering.sparse_mask),
    range=sequences.range_,
    repeat=repeating.repeat,
    linspace=sequences.linspace,
    sequence_mask=sequences.sequence_mask,
    slice=slicing.slice_,
    strided_slice=slicing.strided_slice,
)  # fmt: skip

INPUTS = """
f = tf.placeholder(tf.float32, [2, 3], name="f")
g = tf.placeholder(tf.float32, [3], name="g")
u = tf.placeholder(tf.float32, [None, 3], name="u")
r = tf.placeholder(tf.float32, [None, None], name="r")
w = tf.placeholder(tf.float32, name="w")
q = tf.placeholder(tf.float32, [2, 3, 4], name="q")
p = tf.placeholder(tf.float32, [1, 4, 4, 8], name="p")
d = tf.placeholder(tf.float64, [2, 3], name="d")
i = tf.placeholder(tf.int32, [2], name="i")
n = tf.placeholder(tf.int32, [], name="n")
l = tf.placeholder(tf.int64, [], name="l")
j = tf.placeholder(tf.int64, [3], name="j")
v = tf.placeholder(tf.int32, name="v")
b = tf.placeholder(tf.bool, [2, 3], name="b")
k = tf.placeholder(tf.bool, [None], name="k")
s = tf.placeholder(tf.string, [2], name="s")
c = tf.placeholder(tf.complex64, [2, 3], name="c")
"""

PROGRAMS = {
    "placeholders and identities": """
        tf.placeholder(tf.float32)
        tf.placeholder("int32", shape=[2, None], name="x")
        tf.placeholder(tf.float32, tf.TensorShape([1]))
        tf.placeholder(tf.string, ())
        tf.placeholder_with_default(1.0, [])
        tf.placeholder_with_default([[1.0, 2.0]], [None, 2], name="default")
        tf.placeholder_with_default(f, None)
        tf.identity(f)
        tf.identity([1, 2], name="same")
        tf.identity_n([f, i, s])
        tf.identity_n([f, [1, 2]], name="several")
        tf.no_op()
        with tf.control_dependencies([f]):
            tf.no_op(name="after")
        tf.stop_gradient(f)
        tf.stop_gradient([1.0], name="stopped")
    """,
    "shapes": """
        for x in (f, u, w):
            tf.shape(x)
            tf.shape(x, name="shape_of")
            tf.shape(x, out_type=tf.int64)
            tf.size(x)
            tf.size(x, name="size_of", out_type=tf.int64)
            tf.rank(x)
            tf.rank(x, name="rank_of")
        tf.shape([[1.0, 2.0]])
        tf.size([1, 2, 3])
        tf.rank(1)
        tf.size(tf.placeholder(tf.float32, [None, 0]))
        tf.shape_n([f, u])
        tf.shape_n([f, f], out_type=tf.int64, name="shapes")
        tf.reshape(f, [3, 2])
        tf.reshape(f, [-1], name="flat")
        tf.reshape(u, (-1, 9))
        tf.reshape(u, [3, -1])
        tf.reshape(r, [6, -1])
        tf.reshape(w, tf.shape(u))
        tf.reshape(u, tf.stack([n, -1]))
        tf.reshape(u, [tf.shape(u)[0], 3, 1])
        tf.reshape(u, [n, u.shape[1]])
        tf.reshape(u, tf.TensorShape([3, 3]))
        tf.reshape(f, i)
        tf.reshape(f, v)
        tf.reshape([1, 2, 3, 4], np.array([2, 2], np.int64))
        tf.expand_dims(f, 0)
        tf.expand_dims(f, -1, name="wider")
        tf.expand_dims(f, dim=1)
        tf.expand_dims(f, n)
        tf.expand_dims(w, 0)
        tf.expand_dims(1.0, 0)
        tf.squeeze(tf.placeholder(tf.float32, [1, 2, 1]))
        tf.squeeze(tf.placeholder(tf.float32, [1, 2, 1]), [0], name="less")
        tf.squeeze(tf.placeholder(tf.float32, [1, None, 1]), axis=-1)
        tf.squeeze(tf.placeholder(tf.float32, [1, None, 1]), squeeze_dims=[0, 2])
        tf.squeeze(r)
        tf.squeeze(r, 0)
        tf.squeeze(w, [1])
        tf.ensure_shape(u, [4, None])
        tf.ensure_shape(w, [None, 2], name="sure")
    """,
    "fills": """
        tf.fill([2, 3], 1.5)
        tf.fill(i, 0, name="filled")
        tf.fill([n, 2], True)
        tf.fill(tf.shape(u), "text")
        for function in (tf.zeros, tf.ones):
            function([2, 3])
            function([2, 3], tf.int32, name="named")
            function(5)
            function([])
            function((2, 2), dtype=tf.bool)
            function([100, 100])
            function([100, 10], tf.int64)
            function(999)
            function(f.shape)
            function(tf.TensorShape([50, 50]))
            function([n, 3])
            function(n)
            function(i, tf.float64)
            function(v)
            function(tf.shape(u))
            function(np.array([2, 3]))
            function([f.shape[0], 2])
            function([0, 3])
        tf.zeros([2], tf.string)
        tf.zeros([2000], tf.string)
        for function in (tf.zeros_like, tf.ones_like):
            for x in (f, u, w):
                function(x)
                function(x, name="like")
                function(x, dtype=tf.int32)
                function(x, optimize=False)
                function(x, dtype=tf.float64, optimize=False)
            function([1, 2, 3])
            function(tf.zeros([60, 60]))
            function(b)
        tf.zeros_like(s)
        tf.zeros_like(tf.placeholder(tf.string, [None]))
    """,
    "joining": """
        tf.concat([f, f], 0)
        tf.concat([f, u], axis=0, name="joined")
        tf.concat([f, [[1.0, 2.0, 3.0]]], 0)
        tf.concat([f, f], -1)
        tf.concat([f, f], n)
        tf.concat([w, f], 1)
        tf.concat([w, w], 1)
        tf.concat([f], 0)
        tf.concat([f], 0, name="one")
        tf.concat(f, 0)
        tf.concat([[1, 2], [3]], 0)
        tf.concat([f, f], np.int64(1))
        tf.concat([tf.shape(u), [7]], 0)
        tf.parallel_stack([f, f])
        tf.parallel_stack([1.0, 2.0], name="beside")
        tf.stack([f, f])
        tf.stack([f, f], axis=1, name="deep")
        tf.stack([f, u], axis=-1)
        tf.stack([1, 2, 3])
        tf.stack([1, 2, 3], axis=0, name="numbers")
        tf.stack([1, 2], axis=-1)
        tf.stack([n, 1])
        tf.stack([g, [1.0, 2.0, 3.0]])
        tf.stack([w, w], axis=1)
        tf.stack(f)
        tf.stack([np.float32(1), n * 2.0 if False else 2.0])
        tf.unstack(f)
        tf.unstack(f, axis=1, name="columns")
        tf.unstack(u, axis=-1)
        tf.unstack(w, 3)
        tf.unstack([[1, 2], [3, 4]])
        tf.split(f, 2)
        tf.split(f, 3, axis=1, name="parts")
        tf.split(f, [1, 2], 1)
        tf.split(u, [1, -1], 1, name="sized")
        tf.split(f, i, 1)
        tf.split(f, v, 1, num=2)
        tf.split(f, 3, n)
        tf.split(u, 2)
        tf.split(w, 2, axis=1)
        tf.split(value=f, num_or_size_splits=f.shape[1], axis=1)
        tf.split([1, 2, 3, 4], 2)
    """,
    "lists that hold tensors": """
        tf.identity([n, n])
        tf.identity([n, 1])
        tf.identity([1, n], name="packed")
        tf.identity([[n, 1], [2, n]])
        tf.identity([[n, 1], [2, 3]])
        tf.identity([(n, 1), [2, np.int32(3)]])
        tf.identity([f, f])
        tf.identity([1.0, g])  if False else None
        tf.identity([l, 5])
        tf.zeros([n, u.shape[1], 2])
        tf.reshape(u, [n, tf.size(u) // n])
        tf.fill([l, 2], 0)
        tf.reshape(f, [l, 2])
        tf.tile(f, [n, 1])
        with tf.name_scope("inner"):
            tf.identity([n, 1])
    """,
    "slices": """
        tf.slice(f, [0, 1], [1, 2])
        tf.slice(u, [0, 0], [-1, 2], name="part")
        tf.slice(u, [n, 0], [n, 2])
        tf.slice(f, i, [1, 1])
        tf.slice(w, i, i)
        tf.slice(w, v, v)
        tf.strided_slice(f, [0], [1])
        tf.strided_slice(f, [0, 0], [2, 3], [1, 2], name="steps")
        tf.strided_slice(f, [0], [1], shrink_axis_mask=1)
        tf.strided_slice(f, i, i)
        for x in (q, u, w):
            x[0]
            x[-1]
            x[1:]
            x[:2]
            x[::2]
            x[::-1]
            x[1:2:1]
            x[:]
            x[...]
            x[..., 0]
            x[..., 1:]
            x[0, ...]
            x[None]
            x[:, None]
            x[..., None]
            x[n]
            x[n:]
            x[:n]
            x[n:n + 1, 0]
            x[l]
            x[l:]
            x[:, l]
            x[()]
            x[0, 1]
            x[0:1, 1:2]
            x[:, 1]
            x[np.int64(0)]
            x[tf.constant(0)]
            x[tf.constant(0):tf.constant(1)]
        q[0, 1, 2]
        q[..., 1, None, 2:0:-1]
        q[n, l:, 1] if False else None
        q[:u.shape[0]]
        q[:f.shape[0], f.shape[1] - 1]
        q[tf.constant(0, tf.int16):]
        f[b]
        f[np.array([True, False])]
        f[tf.shape(u)[0]:]
    """,
    "layout": """
        tf.transpose(f)
        tf.transpose(f, [1, 0], name="turned")
        tf.transpose(u, perm=[1, 0])
        tf.transpose(w)
        tf.transpose(w, [1, 0, 2])
        tf.transpose(q, v)
        tf.transpose(q, tf.placeholder(tf.int32, [3]))
        tf.transpose([[1, 2], [3, 4]])
        tf.transpose(c, conjugate=True)
        tf.transpose(f, conjugate=True)
        tf.matrix_transpose(q)
        tf.matrix_transpose(w, name="mt")
        tf.matrix_transpose(c, conjugate=True)
        tf.invert_permutation([1, 0, 2])
        tf.invert_permutation(i, name="back")
        tf.reverse(f, [0])
        tf.reverse(u, axis=[-1], name="mirrored")
        tf.reverse(w, i)
        tf.reverse_sequence(f, i, 1, 0)
        tf.reverse_sequence(f, i, seq_axis=1, batch_axis=0, name="rs")
        tf.reverse_sequence(u, tf.placeholder(tf.int64, [5]), seq_dim=1, batch_dim=0)
        tf.reverse_sequence(w, v, seq_dim=1)
        tf.roll(f, 1, 0)
        tf.roll(u, [1, -1], [0, 1], name="rolled")
        tf.tile(f, [1, 2])
        tf.tile(u, [2, n], name="tiled")
        tf.tile(w, i)
        tf.tile(w, v)
        tf.tile(f, v)
        tf.broadcast_to(g, [2, 3])
        tf.broadcast_to(u, [n, 4, 3], name="wide")
        tf.broadcast_to(w, v)
        tf.broadcast_to(u, i)
        tf.broadcast_dynamic_shape([2, 1], [3])
        tf.broadcast_dynamic_shape(tf.shape(u), v)
        tf.pad(f, [[1, 0], [0, 1]])
        tf.pad(f, [[1, 0], [0, 1]], constant_values=2.5, name="padded")
        tf.pad(u, [[1, 1], [0, 0]], "REFLECT")
        tf.pad(u, [[1, 1], [0, 0]], mode="symmetric")
        tf.pad(u, [[n, 1], [0, 2]])
        tf.pad(f, [[n, 1], [0, 2]])
        tf.pad(w, [[n, 1], [0, 2]])
        tf.pad(u, tf.placeholder(tf.int32, [2, 2]))
        tf.pad(w, tf.placeholder(tf.int32, [None, 2]))
        tf.pad(f, [[1, 0], [0, 1]], constant_values=tf.constant(0.0))
        tf.pad([1, 2], [[0, 1]])
        tf.repeat(f, 2)
        tf.repeat(f, 3, axis=1, name="again")
        tf.repeat(f, [1, 2], axis=0)
        tf.repeat(f, [1, 2, 0], axis=-1)
        tf.repeat(u, tf.placeholder(tf.int32, [None]), axis=0)
        tf.repeat(w, 2, axis=0)
        tf.repeat(1.0, 4)
        tf.repeat(["a", "b"], [2, 1])
        tf.meshgrid([1, 2], [3, 4, 5])
        tf.meshgrid(g, g, indexing="ij", name="grid")
        tf.meshgrid(g)
        tf.meshgrid(tf.placeholder(tf.float32, [None]), g, g)
        tf.space_to_batch(p, [[0, 0], [0, 0]], 2)
        tf.space_to_batch(p, [[1, 1], [0, 0]], block_size=2, name="stb")
        tf.batch_to_space(tf.placeholder(tf.float32, [4, 2, 2, 1]), [[0, 0], [0, 0]], 2)
        tf.batch_to_space(tf.placeholder(tf.float32, [None, 2, None, 1]), [[0, 1], [0, 0]], 2)
        tf.space_to_batch_nd(p, [2, 2], [[0, 0], [2, 0]])
        tf.space_to_batch_nd(p, [2, n], [[0, 0], [2, 0]], name="nd")
        tf.batch_to_space_nd(tf.placeholder(tf.float32, [8, 2, 3]), [2, 2], [[0, 1], [1, 1]])
        tf.space_to_depth(p, 2)
        tf.space_to_depth(tf.placeholder(tf.float32, [None, None, 4, 3]), 2, name="std")
        tf.depth_to_space(p, 2)
        tf.depth_to_space(p, 2, data_format="NHWC", name="dts")
        tf.required_space_to_batch_paddings([10, 11], [2, 3])
        tf.required_space_to_batch_paddings(i, [2, 3], name="required")
        tf.required_space_to_batch_paddings([10, 11], [2, 3], base_paddings=[[1, 0], [0, 1]])
    """,
    "gathering": """
        tf.gather(f, [0, 1])
        tf.gather(f, i, name="picked")
        tf.gather(u, n)
        tf.gather(w, i)
        tf.gather(f, i, axis=1)
        tf.gather(f, i, axis=n)
        tf.gather(f, [[0], [1]], batch_dims=1)
        tf.gather(q, [[0], [1]], axis=2, batch_dims=1)
        tf.gather([5, 6, 7], 1)
        tf.gather_nd(f, [[0, 1]])
        tf.gather_nd(u, [[0], [1]], name="places")
        tf.gather_nd(w, [[0], [1]])
        tf.gather_nd(q, [[[0]], [[1]]], batch_dims=1)
        tf.batch_gather(f, [[0, 1], [1, 2]])
        tf.batch_gather(q, tf.placeholder(tf.int64, [2, None]), name="rows")
        tf.batch_gather(q, [[[0], [1], [2]], [[0], [1], [2]]])
        tf.where(b)
        tf.where(b, name="places")
        tf.where([True, False])
        tf.where(f)
        tf.where(b, f, f)
        tf.where(b, f, tf.zeros_like(f), name="chosen")
        tf.where(k, u, u)
        tf.where(f > 0, f, f)
        tf.where_v2(b, f, 0.0)
        tf.where_v2(k, u, g, name="either") if False else None
        tf.boolean_mask(f, b)
        tf.boolean_mask(f, [True, False])
        tf.boolean_mask(u, k, name="kept")
        tf.boolean_mask(q, [True, False, True], axis=1)
        tf.boolean_mask(w, k)
        tf.boolean_mask([1, 2, 3], np.array([True, False, True]))
        tf.one_hot(i, 5)
        tf.one_hot([0, 1], depth=n, name="hot")
        tf.one_hot(i, 5, on_value=2.0, off_value=-1.0)
        tf.one_hot(i, 5, on_value=2)
        tf.one_hot(i, 5, off_value=3, axis=0)
        tf.one_hot(i, 5, dtype=tf.int32, axis=-1)
        tf.one_hot(i, 5, on_value=True, off_value=False)
        tf.one_hot(v, 5, 1, 0)
        tf.scatter_nd([[0], [2]], [1.0, 2.0], [4])
        tf.scatter_nd(tf.placeholder(tf.int32, [None, 1]), u, [5, 3], name="scattered")
        tf.scatter_nd([[0]], [g], tf.shape(u))
        tf.tensor_scatter_nd_update(g, [[0]], [1.0])
        tf.tensor_scatter_nd_add(g, [[0]], [1.0], name="more")
        tf.tensor_scatter_nd_sub(u, [[0]], [g])
        tf.sparse_to_dense([[0, 1]], [2, 2], [1.0])
        tf.sparse_to_dense([0, 2], [3], 1, 0, name="dense")
        tf.sparse_to_dense([0], [n], [1.0], validate_indices=False)
        tf.dynamic_partition(f, i, 3)
        tf.dynamic_partition(u, tf.placeholder(tf.int32, [None]), 2, name="dealt")
        tf.dynamic_stitch([[0], [1, 2]], [[[1.0]], [[2.0], [3.0]]])
        tf.dynamic_stitch([i, i], [f, f], name="stitched")
        tf.dynamic_stitch([n, [1, 0]], [1.0, [2.0, 3.0]])
        tf.unique(j)
        tf.unique([1, 2, 1], out_idx=tf.int64, name="different")
        tf.unique_with_counts(j)
        tf.setdiff1d([1, 2], [1])
        tf.setdiff1d(j, j, index_dtype=tf.int64, name="rest")
        tf.sparse.mask(tf.IndexedSlices(f, i), [0])
    """,
    "sequences": """
        tf.range(5)
        tf.range(1, 5, name="numbers")
        tf.range(1, 9, 2)
        tf.range(0.0, 1.0, 0.25)
        tf.range(n)
        tf.range(0, n, 2)
        tf.range(l)
        tf.range(1, 5.0)
        tf.range(3, dtype=tf.float32)
        tf.range(n, dtype=tf.int64)
        tf.range(tf.size(u))
        tf.range(10, 0, -1)
        tf.linspace(0.0, 1.0, 5)
        tf.linspace(0.0, 1.0, n, name="spaced")
        tf.linspace([0.0, 1.0], [2.0, 3.0], 3, axis=-1)
        tf.sequence_mask([1, 2])
        tf.sequence_mask([1, 2], 5, name="mask")
        tf.sequence_mask(i, n, dtype=tf.float32)
        tf.sequence_mask(v)
        tf.sequence_mask(j, maxlen=4, dtype=tf.int32)
    """,
    "diagonals": """
        tf.diag(g)
        tf.diag([1.0, 2.0], name="square")
        tf.diag_part(tf.placeholder(tf.float32, [3, 3]))
        tf.diag_part(r, name="middle")
        tf.matrix_diag(f)
        tf.matrix_diag(u, name="matrices")
        tf.matrix_diag(g, k=1)
        tf.matrix_diag(f, k=(-1, 0), num_rows=4, num_cols=3, padding_value=7.0)
        tf.matrix_diag(b)
        tf.matrix_diag_part(q)
        tf.matrix_diag_part(u, name="diagonals")
        tf.matrix_diag_part(q, k=(-1, 1), align="LEFT_LEFT")
        tf.matrix_diag_part(w)
        tf.matrix_set_diag(f, [1.0, 2.0])
        tf.matrix_set_diag(q, f, name="set")
        tf.matrix_set_diag(u, tf.placeholder(tf.float32, [None]))
        tf.matrix_set_diag(w, g)
        tf.matrix_band_part(f, 0, -1)
        tf.matrix_band_part(u, n, 1, name="band")
        tf.eye(3)
        tf.eye(3, 2, name="identity")
        tf.eye(2, batch_shape=[4], dtype=tf.int32)
        tf.eye(n)
        tf.eye(n, 4)
        tf.eye(2, 3, batch_shape=i)
        tf.eye(2, batch_shape=[n])  if False else None
    """,
    "sorting": """
        tf.nn.top_k(f)
        tf.nn.top_k(f, 2, name="best")
        tf.nn.top_k(u, k=n, sorted=False)
        tf.nn.top_k(w, 2)
        tf.nn.in_top_k(f, i, 1)
        tf.nn.in_top_k(u, tf.placeholder(tf.int64, [None]), 2, name="hits")
        tf.sort(f)
        tf.sort(f, axis=0, direction="DESCENDING", name="sorted")
        tf.sort(u, axis=0)
        tf.sort(w, axis=0)
        tf.sort(i)
        tf.sort(tf.placeholder(tf.uint8, [3]))
        tf.argsort(f)
        tf.argsort(q, axis=1, direction="DESCENDING", name="order")
        tf.searchsorted([1.0, 2.0, 3.0], [0.5, 2.5])
        tf.searchsorted(f, f, side="right", out_type=tf.int64, name="bounds")
    """,
    "gradients of shapes": """
        for x in (f, u, w):
            tf.gradients(tf.identity(x), x)
            tf.gradients(tf.reshape(x, [-1]), x)
            tf.gradients(tf.expand_dims(x, 0), x)
            tf.gradients(tf.squeeze(tf.expand_dims(x, 0), [0]), x)
            tf.gradients(tf.stop_gradient(x) + x, x)
            tf.gradients(tf.identity_n([x, x]), x)
            tf.gradients(tf.transpose(x), x)
            tf.gradients(tf.tile(x, [1, 2]), x)
            tf.gradients(tf.pad(x, [[1, 0], [0, 1]]), x)
            tf.gradients(tf.pad(x, [[1, 0], [0, 1]], constant_values=1.0), x)
            tf.gradients(tf.reverse(x, [0]), x)
            tf.gradients(tf.roll(x, 1, 0), x)
            tf.gradients(tf.slice(x, [0, 1], [-1, 1]), x)
            tf.gradients(x[0], x)
            tf.gradients(x[:, 1:], x)
            tf.gradients(x[n], x)
            tf.gradients(tf.split(x, 3, 1)[1], x)
            tf.gradients(tf.split(x, [1, 2], 1), x)
            tf.gradients(tf.unstack(x, 3, axis=1)[1], x)
            tf.gradients(tf.stack([x, x], 1), x)
            tf.gradients(tf.concat([x, x], 0), x)
            tf.gradients(tf.concat([x, x], n), x)
            tf.gradients(tf.concat([x] * 17, 1), x)
            tf.gradients(tf.broadcast_to(x, [2, 2, 3]), x)
            tf.gradients(tf.reverse_sequence(x, i, 1, 0), x)
            tf.gradients(tf.ensure_shape(x, [2, None]), x)
            tf.gradients(tf.placeholder_with_default(x, [2, 3]), x)
        tf.gradients(tf.fill([2, 2], tf.reduce_sum(f) if False else f[0, 0]), f)
        tf.gradients(tf.pad(f, [[0, 0], [1, 1]], "REFLECT"), f)
        tf.gradients(tf.space_to_batch(p, [[0, 0], [0, 0]], 2), p)
        tf.gradients(tf.space_to_depth(p, 2), p)
        tf.gradients(tf.depth_to_space(p, 2), p)
    """,
    "gradients of picking": """
        for x in (f, u, w):
            tf.gradients(tf.gather(x, i), x)
            tf.gradients(tf.gather(x, i, axis=1), x)
            tf.gradients(tf.gather(x, i, axis=n), x)
            tf.gradients(tf.gather_nd(x, [[0, 1]]), x)
            tf.gradients(tf.gather_nd(x, [[0], [1]]), x)
            tf.gradients(tf.where(b, x, x), x)
            tf.gradients(tf.where_v2(b, x, 1.0), x)
            tf.gradients(tf.boolean_mask(x, k), x)
            tf.gradients(tf.dynamic_partition(x, i, 2), x)
            tf.gradients(tf.dynamic_stitch([i, i], [x, x]), x)
            tf.gradients(tf.scatter_nd([[0], [1]], x, [4, 3]), x)
            tf.gradients(tf.tensor_scatter_nd_update(x, [[0]], [g]), [x, g])
            tf.gradients(tf.tensor_scatter_nd_add(x, [[0]], [g]), [x, g])
            tf.gradients(tf.tensor_scatter_nd_sub(x, [[0]], [g]), [x, g])
            tf.gradients(tf.matrix_diag(x), x)
            tf.gradients(tf.matrix_diag_part(x), x)
            tf.gradients(tf.matrix_set_diag(x, [1.0, 2.0]), x)
            tf.gradients(tf.matrix_band_part(x, 1, 0), x)
            tf.gradients(tf.nn.top_k(x, 2)[0], x)
        tf.gradients(tf.gather(q, [[0], [1]], axis=2, batch_dims=1), q)
        tf.gradients(tf.batch_gather(f, [[0, 1], [1, 2]]), f)
        tf.gradients(tf.sort(f), f)
        tf.gradients(tf.diag(g), g)
        tf.gradients(tf.diag_part(tf.diag(g)), g)
        tf.gradients(tf.sparse_to_dense([[0], [1]], [4], g[:2]), g)
        tf.gradients(tf.gather(tf.reshape(f, [3, 2]), i), f)
        tf.gradients(tf.gather(tf.tile(f, [2, 1]), i), f)
        tf.gradients(tf.gather(tf.concat([f, f], 0), i), f)
        tf.gradients(tf.gather(tf.concat([f, f], 1), i), f)
    """,
    "second gradients": """
        for function in (
            lambda x: tf.slice(x, [0, 1], [1, 1]), lambda x: x[0], lambda x: tf.reshape(x, [-1]),
            lambda x: tf.transpose(x),
            lambda x: tf.concat([x, x], 0), lambda x: tf.pad(x, [[1, 0], [0, 1]]),
            lambda x: tf.stack([x, x]),
        ):
            (first,) = tf.gradients(function(f) * function(f), f)
            tf.gradients(first, f)
    """,
}

REFUSED = (
    "tf.reshape(f, [4])",
    "tf.reshape(f, [-2, 3])",
    "tf.reshape(f, 6)",
    "tf.reshape(f, [[2, 3]])",
    "tf.reshape(u, [-1, 2.0])",
    "tf.expand_dims(f)",
    "tf.expand_dims(f, 3)",
    "tf.expand_dims(f, 0, dim=0)",
    "tf.squeeze(f, [0])",
    "tf.squeeze(f, [5])",
    "tf.squeeze(f, 0, squeeze_dims=[0])",
    "tf.placeholder_with_default(f, [3, 2])",
    "tf.ensure_shape(f, [3, 2])",
    "tf.fill([2, -3], 1)",
    "tf.fill(3, 1)",
    "tf.fill([2], [1])",
    "tf.zeros([None, 2])",
    "tf.zeros(u.shape)",
    "tf.ones([2.5])",
    "tf.concat([f, g], 0)",
    "tf.concat([f, f], 2)",
    "tf.concat([f, d], 0)",
    "tf.concat([1.0, 2.0], 0)",
    "tf.concat(1, [f, f])",
    "tf.concat([f], [0])",
    "tf.concat([], 0)",
    "tf.stack([f, g], 1)",
    "tf.stack([f, f], 4)",
    "tf.stack([f, d])",
    "tf.stack([])",
    "tf.unstack(w)",
    "tf.unstack(f, axis=2)",
    "tf.unstack(u)",
    "tf.unstack(f, num=3)",
    "tf.split(f, 2, 1)",
    "tf.split(f, [1, 1], 1)",
    "tf.split(f, v)",
    "tf.split(f, n)",
    "tf.split(1, 2, f)",
    "tf.split(f, 2, 5)",
    "tf.identity([n, 1.5])",
    "tf.identity([n, 'text'])",
    "tf.identity([n, f])",
    "tf.slice(f, [0], [1])",
    "tf.slice(f, [0, 0, 0], [1, 1, 1])",
    "tf.slice(f, [0, 4], [1, -1])",
    "tf.slice(f, [0, 0], [1, -2])",
    "f[2]",
    "f[0, 3]",
    "f[0, 0, 0]",
    "f[..., ...]",
    "f[::0]",
    "f['a']",
    "f[1.5]",
    "f[[0, 1]]",
    "f[i]",
    "f[True]",
    "f[n, l]",
    "f[tf.constant(1.0)]",
    "tf.transpose(f, [0, 1, 2])",
    "tf.transpose(f, [0, 2])",
    "tf.matrix_transpose(g)",
    "tf.reverse(f, [2])",
    "tf.reverse(f, [0, 0])",
    "tf.reverse(f, 0)",
    "tf.reverse_sequence(f, j, 1, 0)",
    "tf.reverse_sequence(f, i, 1, seq_dim=1)",
    "tf.roll(f, [1, 2], [0])",
    "tf.tile(f, [1])",
    "tf.tile(f, [-2, 1])",
    "tf.broadcast_to(f, [3])",
    "tf.broadcast_to(f, [2, 4])",
    "tf.broadcast_static_shape(tf.TensorShape([2]), tf.TensorShape([3]))",
    "tf.pad(f, [[1, 1]])",
    "tf.pad(f, [[-1, 1], [0, 0]])",
    "tf.pad(f, [[1, 1], [0, 0]], 'EDGE')",
    "tf.meshgrid(g, indexing='yx')",
    "tf.repeat(f, 2, axis=1.5)",
    "tf.repeat(f, 2.5)",
    "tf.repeat(f, 2, axis=2)",
    "tf.repeat(w, 2, axis=-1)",
    "tf.repeat(f, [1, 2], axis=1)",
    "tf.repeat(f, [[1]], axis=1)",
    "tf.meshgrid(g, sparse=True)",
    "tf.space_to_batch(p, [[1, 0], [0, 0]], 2)",
    "tf.space_to_batch(f, [[0, 0], [0, 0]], 2)",
    "tf.space_to_depth(p, 3)",
    "tf.depth_to_space(p, 3)",
    "tf.required_space_to_batch_paddings([1, 2, 3], [2, 2])",
    "tf.gather(f, [0.5])",
    "tf.gather(1.0, 0)",
    "tf.gather(f, i, axis=2)",
    "tf.gather(f, i, batch_dims=2)",
    "tf.gather_nd(g, [[0, 1]])",
    "tf.gather_nd(f, i, batch_dims=5)",
    "tf.batch_gather(f, v)",
    "tf.where(b, f)",
    "tf.where(b, f, d)",
    "tf.where(k, g, f)",
    "tf.where(f, f, f)",
    "tf.where(tf.placeholder(tf.bool, [3]), f, f)",
    "tf.boolean_mask(f, True)",
    "tf.boolean_mask(f, [True])",
    "tf.boolean_mask(f, tf.placeholder(tf.bool))",
    "tf.one_hot(i, 5, on_value=1, off_value=2.5)",
    "tf.one_hot(i, 5, on_value=1.0, dtype=tf.int32)",
    "tf.one_hot(i, -1)",
    "tf.one_hot(f, 5)",
    "tf.scatter_nd([[0]], [1.0, 2.0], [4])",
    "tf.sparse_to_dense([0], [-2], 1)",
    "tf.dynamic_partition(f, j, 2)",
    "tf.dynamic_stitch([i], [tf.placeholder(tf.float32, [3])])",
    "tf.unique(f)",
    "tf.range(5, 0)",
    "tf.range(0, 5, 0)",
    "tf.range([1], 5)",
    "tf.sequence_mask(i, i)",
    "tf.diag_part(f)",
    "tf.matrix_diag(g, k=(1, 0))",
    "tf.matrix_set_diag(f, g)",
    "tf.eye(2.5)",
    "tf.nn.top_k(f, 4)",
    "tf.nn.top_k(f, -1)",
    "tf.sort(f, direction='UP')",
    "tf.sort(f, axis=n)",
    "tf.argsort(s)",
    "tf.searchsorted(f, f, side='middle')",
    "tf.gradients(tf.unique(g)[0], g)",
)  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_same_nodes(tf215: Oracle, name: str) -> None:
    node_programs.check_nodes(tf215, TF, INPUTS, PROGRAMS[name])


def test_same_refusals(tf215: Oracle) -> None:
    node_programs.check_refusals(tf215, TF, INPUTS, REFUSED)
