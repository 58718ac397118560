"""Nodes of element-wise functions, Python's operators and their gradients, against TensorFlow's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import evergraph.ops.operators  # noqa: F401 - plugs them in
from evergraph.formats import dtypes
from evergraph.formats.protos import GraphDef
from evergraph.graph.graph import Graph
from evergraph.graph.scopes import control_dependencies, device, name_scope
from evergraph.ops import (
    arithmetic,
    array,
    bitwise,
    casts,
    clip,
    comparison,
    complex_numbers,
    division,
    logical,
    numerics,
    rounding,
    special,
    trigonometric,
    unary,
)
from evergraph.ops.constant import constant
from evergraph.ops.gradients import gradients
from evergraph.ops.indexed_slices import IndexedSlices
from tests.oracle.client import Oracle

pytestmark = pytest.mark.oracle

# The names of `tf` that the programs below use.
TF = SimpleNamespace(math=SimpleNamespace(), bitwise=bitwise, debugging=numerics)
for module in (
    arithmetic,
    casts,
    clip,
    comparison,
    complex_numbers,
    division,
    dtypes,
    logical,
    numerics,
    rounding,
    special,
    trigonometric,
    unary,
):
    for space in (TF, TF.math):
        vars(space).update((name, value) for name, value in vars(module).items() if name[0] != "_")
vars(TF).update(
    placeholder=array.placeholder,
    constant=constant,
    identity=array.identity,
    name_scope=name_scope,
    device=device,
    control_dependencies=control_dependencies,
    gradients=gradients,
    IndexedSlices=IndexedSlices,
)

INPUTS = """
f = tf.placeholder(tf.float32, [2, 3], name="f")
g = tf.placeholder(tf.float32, [3], name="g")
u = tf.placeholder(tf.float32, [None, 3], name="u")
w = tf.placeholder(tf.float32, name="w")
d = tf.placeholder(tf.float64, [2, 3], name="d")
i = tf.placeholder(tf.int32, [2, 3], name="i")
j = tf.placeholder(tf.int64, [3], name="j")
b = tf.placeholder(tf.bool, [2, 3], name="b")
c = tf.placeholder(tf.complex64, [2, 3], name="c")
s = tf.placeholder(tf.string, [2], name="s")
"""

PROGRAMS = {
    "operators": """
        f + 1.0
        1.0 + f
        f + g
        f - 1
        2 - f
        4 * f
        f * 4
        f * np.float32(3)
        np.ones((2, 3), np.float32) * f
        f / 2.0
        1 / f
        i / 2
        i / i
        j / 3
        tf.cast(i, tf.int8) / 3
        f // 2.0
        i // 2
        7 // i
        f % 2.0
        i % 3
        7 % i
        f ** 2
        2.0 ** f
        -f
        abs(f)
        abs(c)
        f < 1.0
        f <= g
        f > 0
        f >= u
        1.0 < f
        b & b
        b | True
        False ^ b
        ~b
        i & 3
        i | i
        7 ^ i
        ~i
        s + "suffix"
        "prefix" + s
        c * 2.0
        d + np.float64(1)
        [1.0, 2.0, 3.0] + f
        f @ [[1.0], [2.0], [3.0]]
        np.ones((3, 2), np.float32) @ f
        f - [[1.0], [2.0]]
        with tf.name_scope("scope"):
            f + 1.0
            f + 1.0
            b & b
    """,
    "sums and products": """
        tf.add(f, 1.0)
        tf.add(f, g, name="sum")
        tf.add(1.0, 2.0)
        tf.add(s, s)
        tf.subtract(f, 1.0)
        tf.subtract(i, 1, name="difference")
        tf.multiply(f, 2)
        tf.multiply(f, g, "product")
        tf.math.multiply_no_nan(f, 2.0)
        tf.scalar_mul(2.0, f)
        tf.scalar_mul(tf.constant(2), i, name="scaled")
        tf.squared_difference(f, g)
        tf.maximum(f, 0.0)
        tf.minimum(i, 5, name="least")
        tf.pow(f, 2.0)
        tf.pow(2, i, name="powers")
        tf.add_n([f, f, f])
        tf.add_n([f])
        tf.add_n([f], name="one")
        tf.add_n([f, np.ones((2, 3), np.float32)], name="total")
        tf.accumulate_n([f, f])
        tf.accumulate_n([f], name="one")
        tf.accumulate_n([i, i], shape=[2, 3], tensor_dtype=tf.int32, name="all")
        tf.atan2(f, g)
        tf.math.nextafter(f, 1.0)
        tf.math.xlogy(f, f)
        tf.math.xlog1py(f, g, name="x")
    """,
    "division": """
        tf.divide(f, 2.0)
        tf.divide(6, 4)
        tf.divide(i, 2, name="quotient")
        tf.divide(1.0, f)
        tf.div(f, 2.0)
        tf.div(i, 2)
        tf.div(7, 2, name="whole")
        tf.truediv(i, 2)
        tf.truediv(f, g, name="t")
        tf.realdiv(f, 2.0)
        tf.floordiv(i, 2)
        tf.floordiv(f, 2.0, name="down")
        tf.floor_div(i, 2)
        tf.truncatediv(i, 2)
        tf.mod(i, 3)
        tf.floormod(f, 1.5, name="rest")
        tf.truncatemod(i, 3)
        tf.div_no_nan(f, g)
        tf.div_no_nan(1.0, f)
        tf.div_no_nan(i, 2, name="safe")
        tf.math.reciprocal_no_nan(f)
        tf.math.xdivy(f, g)
    """,
    "comparisons and logic": """
        tf.equal(f, 1.0)
        tf.equal(s, "x", name="same")
        tf.not_equal(i, 0)
        tf.less(f, 1)
        tf.less_equal(f, g)
        tf.greater(u, f)
        tf.greater_equal(1.0, f, name="ge")
        tf.logical_and(b, True)
        tf.logical_or(b, b, name="either")
        tf.logical_not(b)
        tf.logical_xor(b, b)
        tf.logical_xor(b, False, name="one")
        tf.bitwise.bitwise_and(i, 3)
        tf.bitwise.bitwise_or(i, i)
        tf.bitwise.bitwise_xor(i, 1, name="x")
        tf.bitwise.invert(i)
        tf.bitwise.left_shift(i, 2)
        tf.bitwise.right_shift(i, i)
    """,
    "functions of one tensor": """
        for function in (
            tf.abs, tf.negative, tf.sign, tf.square, tf.sqrt, tf.rsqrt, tf.reciprocal, tf.exp,
            tf.expm1, tf.log, tf.log1p, tf.sigmoid, tf.sin, tf.cos, tf.tan, tf.asin, tf.acos,
            tf.atan, tf.sinh, tf.cosh, tf.tanh, tf.asinh, tf.acosh, tf.atanh, tf.floor, tf.ceil,
            tf.round, tf.rint, tf.is_nan, tf.is_inf, tf.is_finite, tf.erf, tf.erfc, tf.lgamma,
            tf.digamma, tf.math.erfinv, tf.math.ndtri, tf.math.erfcinv,
        ):
            function(f)
            function(u, name="named")
            function([1.5, 2.5])
        tf.abs(c)
        tf.sign(c)
        tf.sign(c, name="direction")
        tf.round(i)
        tf.polygamma(1.0, f)
        tf.zeta(f, g)
        tf.igamma(f, g)
        tf.igammac(f, 1.0, name="above")
        tf.betainc(f, f, 0.5)
        tf.lbeta(f)
        tf.lbeta([1.5, 2.5], name="beta")
    """,
    "complex numbers": """
        tf.complex(f, f)
        tf.complex(1.0, [2.0, 3.0], name="z")
        tf.complex(d, d)
        tf.real(c)
        tf.real(f)
        tf.imag(c, name="y")
        tf.imag(f)
        tf.angle(c)
        tf.angle(f)
        tf.conj(c)
        tf.conj(f)
        tf.conj([1j])
    """,
    "casts": """
        tf.cast(f, tf.int32)
        tf.cast(f, tf.float32)
        tf.cast(2, tf.float64)
        tf.cast(1.5, "int64", name="whole")
        tf.cast([True, False], tf.float16)
        tf.cast(tf.IndexedSlices(f, tf.constant([0, 1]), tf.constant([4, 3])), tf.float64)
        tf.to_float(i)
        tf.to_double(i)
        tf.to_int32(f)
        tf.to_int64(f, name="n")
        tf.to_bfloat16(f)
        tf.to_complex64(f)
        tf.to_complex128(d)
        tf.saturate_cast(f, tf.uint8)
        tf.saturate_cast(i, tf.int8, name="narrow")
        tf.saturate_cast(f, tf.int32)
        tf.saturate_cast(i, tf.float32)
        tf.saturate_cast(d, tf.float16)
        tf.bitcast(f, tf.int32)
        tf.bitcast(f, tf.uint8, name="bytes")
        tf.bitcast(tf.placeholder(tf.uint8, [None, 4]), tf.float32)
    """,
    "clipping": """
        tf.clip_by_value(f, -1.0, 1.0)
        tf.clip_by_value(i, 0, 3, name="inside")
        tf.clip_by_value(tf.IndexedSlices(f, tf.constant([0, 1])), 0.0, 1.0, name="rows")
        tf.clip_by_norm(f, 5.0)
        tf.clip_by_norm(f, 5.0, axes=[1], name="rows_norm")
        tf.clip_by_norm(tf.IndexedSlices(u, tf.constant([0, 1])), 5.0)
        tf.global_norm([f, None, g])
        tf.global_norm([tf.IndexedSlices(f, tf.constant([0, 1]))], name="norm")
        tf.clip_by_global_norm([f, None, g], 5.0)
        tf.clip_by_global_norm([f, u], tf.constant(1.0), tf.constant(2.0), name="clipped")
        tf.clip_by_average_norm(f, 1.0)
        tf.clip_by_average_norm(w, 1.0, name="average")
    """,
    "checks": """
        tf.debugging.check_numerics(f, "not a number")
        tf.debugging.check_numerics(d, message="bad", name="check")
        tf.verify_tensor_all_finite(f, "not finite")
        tf.verify_tensor_all_finite(x=g, message="not finite", name="verify")
        tf.add_check_numerics_ops()
    """,
    "gradients of broadcasts": """
        for x, y in ((f, g), (f, f), (u, g), (u, f), (w, f), (f, tf.constant(2.0)), (u, u)):
            for function in (
                tf.add, tf.subtract, tf.multiply, tf.realdiv, tf.maximum, tf.minimum, tf.pow,
                tf.squared_difference, tf.atan2, tf.floormod, tf.div_no_nan,
                tf.math.multiply_no_nan, tf.math.xlogy, tf.math.xlog1py, tf.math.xdivy,
                tf.math.nextafter,
            ):
                tf.gradients(function(x, y), [x, y])
        tf.gradients(tf.igamma(f, g), [f, g])
        tf.gradients(tf.igammac(u, g), [u, g])
        tf.gradients(tf.betainc(f, f, f), [f])
        tf.gradients(tf.zeta(f, g), [g])
        tf.gradients(tf.polygamma(f, g), [g])
        tf.gradients(tf.real(tf.complex(f, g)), [f, g])
        tf.gradients(f + f * 2.0 - g, [f, g])
        tf.gradients(tf.add_n([f, f]), [f])
    """,
    "gradients of functions of one tensor": """
        for function in (
            tf.abs, tf.negative, tf.sign, tf.square, tf.sqrt, tf.rsqrt, tf.reciprocal, tf.exp,
            tf.expm1, tf.log, tf.log1p, tf.sigmoid, tf.sin, tf.cos, tf.tan, tf.asin, tf.acos,
            tf.atan, tf.sinh, tf.cosh, tf.tanh, tf.asinh, tf.acosh, tf.atanh, tf.floor, tf.erf,
            tf.erfc, tf.lgamma, tf.digamma, tf.math.erfinv, tf.math.ndtri,
        ):
            tf.gradients(function(f), f)
            tf.gradients(function(u), u)
        tf.gradients(tf.cast(f, tf.float64), f)
        tf.gradients(tf.to_int32(f), f)
        tf.gradients(tf.clip_by_value(f, -1.0, 1.0), f)
        for function in (tf.square, tf.exp, tf.tanh, tf.conj, tf.sigmoid, tf.reciprocal):
            tf.gradients(tf.real(function(c)), c)
        for function in (tf.real, tf.imag, tf.angle, tf.abs):
            tf.gradients(function(c), c)
    """,
    "second gradients": """
        for function in (
            tf.tanh, tf.sigmoid, tf.sqrt, tf.rsqrt, tf.reciprocal, tf.exp, tf.log, tf.square,
            tf.sin,
        ):
            (first,) = tf.gradients(function(f), f)
            tf.gradients(first, f)
    """,
}

REFUSED = (
    "f + d",
    "f + i",
    "f * 'text'",
    "tf.multiply(2, f)",
    "tf.add(f, d)",
    "tf.div(f, i)",
    "tf.truediv(f, d)",
    "tf.truediv(b, b)",
    "tf.div_no_nan(f, d)",
    "tf.divide(f, i)",
    "tf.add_n([])",
    "tf.add_n([f, g])",
    "tf.add_n(f)",
    "tf.accumulate_n([f, d])",
    "tf.accumulate_n([f, f], shape=[3, 3])",
    "tf.accumulate_n([f, f], tensor_dtype=tf.int32)",
    "tf.scalar_mul(g, f)",
    "tf.complex(f, d)",
    "tf.complex(i, i)",
    "tf.real(s)",
    "tf.conj(b)",
    "tf.sqrt(i)",
    "tf.logical_and(f, b)",
    "tf.bitwise.invert(f)",
    "i ** 0.5",
    "~f",
    "f & f",
    "f < 'text'",
    "tf.placeholder(tf.float32, [2]) + g",
    "tf.clip_by_value(f, 0, tf.placeholder(tf.float32, [4, 2, 3]))",
    "tf.clip_by_value(i, 0.5, 2)",
    "tf.clip_by_global_norm(f, 1.0)",
    "tf.global_norm('text')",
    "tf.bitcast(tf.placeholder(tf.uint8, [3]), tf.float32)",
    "tf.verify_tensor_all_finite(f, 'a', x=f)",
    "bool(f)",
    "f if f > 0 else g",
    "tf.betainc(f, g, 0.5)",
    "tf.gradients(tf.is_nan(f), f)",
    "tf.gradients(tf.truncatemod(f, f), f)",
    "tf.cast(f, 'no type')",
)

BUILD = """
def main(tf, np, program):
    exec(program, {"tf": tf, "np": np})
    graph = tf.get_default_graph()
    return graph.as_graph_def().SerializeToString(), [
        None if output.shape.rank is None else output.shape.as_list()
        for op in graph.get_operations() for output in op.outputs
    ]
"""


def text_of(program: str) -> str:
    return INPUTS + "\n".join(line[8:] for line in program.splitlines())


@pytest.mark.parametrize("name", PROGRAMS)
def test_same_nodes(tf215: Oracle, name: str) -> None:
    program = text_of(PROGRAMS[name])
    serialized, shapes = tf215.execute(BUILD, program=program)
    theirs = GraphDef.FromString(serialized)
    with Graph().as_default() as graph:
        exec(program, {"tf": TF, "np": np})
    ours = graph.as_graph_def()
    for node in theirs.node:
        node.ClearField("experimental_type")
    for mine, other in zip(ours.node, theirs.node, strict=False):
        assert mine == other
    assert len(ours.node) == len(theirs.node)
    outputs = [output for op in graph.get_operations() for output in op.outputs]
    for output, shape in zip(outputs, shapes, strict=True):
        if output.dims is None and output.op.type == "Sum" and "_grad/" in output.name:
            continue  # over axes that TensorFlow works out while it builds
        assert (None if output.dims is None else list(output.dims)) == shape, output


REFUSE = """
def main(tf, np, inputs, refused):
    found = []
    for line in refused:
        with tf.Graph().as_default():
            names = {"tf": tf, "np": np}
            exec(inputs, names)
            try:
                eval(line, names)
            except Exception as problem:
                found.append([kind.__name__ for kind in type(problem).__mro__])
            else:
                found.append([])
    return found
"""


def test_same_refusals(tf215: Oracle) -> None:
    theirs = tf215.execute(REFUSE, inputs=INPUTS, refused=list(REFUSED))
    different = []
    for line, classes in zip(REFUSED, theirs, strict=True):
        names: dict[str, Any] = {"tf": TF, "np": np}
        with Graph().as_default():
            exec(INPUTS, names)
            problem: Exception | None = None
            try:
                eval(line, names)
            except Exception as caught:
                problem = caught
        ours = [kind.__name__ for kind in type(problem).__mro__]
        if bool(classes) != (problem is not None) or (classes and classes[0] not in ours):
            different.append(f"{line}: {problem!r}, TensorFlow: {classes[:2]}")
    assert not different, "\n".join(different)
