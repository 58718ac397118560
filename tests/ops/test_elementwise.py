"""Element-wise functions and Python's operators as programs use them: names, values, refusals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import evergraph.ops
from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph import registry
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.graph import Graph
from evergraph.graph.scopes import name_scope
from evergraph.ops import (
    arithmetic,
    array,
    bitwise,
    casts,
    clip,
    comparison,
    division,
    logical,
    numerics,
    rounding,
    special,
    unary,
)
from evergraph.ops.constant import constant
from evergraph.ops.gradients import gradients
from evergraph.ops.indexed_slices import IndexedSlices
from evergraph.ops.picking import gather
from evergraph.runtime.session import Session
from tests.ops import harness, table  # noqa: F401 - the table fills ROWS
from tests.ops.rows import ROWS, expand


@pytest.fixture(autouse=True)
def graph() -> Iterator[Graph]:
    with Graph().as_default() as made:
        yield made


def run(fetches: Any, feeds: Any = None) -> Any:
    with Session() as session:
        return session.run(fetches, feeds)


def floats(*dims: int) -> Any:
    return array.placeholder(dtypes.float32, dims)


# ------------------------------------------------------------------------------------- operators


def test_operators_have_tensorflows_names(graph: Graph) -> None:
    x = array.placeholder(dtypes.float32, [2], name="x")
    i = array.placeholder(dtypes.int32, [2], name="i")
    b = array.placeholder(dtypes.bool, [2], name="b")
    made = [
        x + 1.0, 1 - x, 4 * x, x / 2, x // 2.0, x % 2.0, x**2, -x, abs(x), x < 1, x >= 1, b & b,
        ~b, i & 3, i / 3, i // 3,
    ]  # fmt: skip
    assert [tensor.op.name for tensor in made] == [
        "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "Neg", "Abs", "Less",
        "GreaterEqual", "and", "LogicalNot", "and_1/BitwiseAnd", "truediv_1", "floordiv_1",
    ]  # fmt: skip
    assert graph.get_operation_by_name("add").type == "AddV2"
    assert graph.get_operation_by_name("add/y").type == "Const"
    assert graph.get_operation_by_name("sub/x").type == "Const"
    assert graph.get_operation_by_name("truediv_1/Cast").outputs[0].dtype == dtypes.float64
    with name_scope("layer"):
        assert (x + 1.0).op.name == "layer/add"


def test_operators_compute_what_python_does() -> None:
    i = constant([-7, 7, 5])
    assert run([i // 2, i % 2, i / 2, 2 ** abs(i), i ^ 1, ~i, -i])[0].tolist() == [-4, 3, 2]
    rest, quotient, power = run([i % 3, i / 2, 2 ** abs(i)])
    assert rest.tolist() == [2, 1, 2]
    assert quotient.tolist() == [-3.5, 3.5, 2.5]
    assert quotient.dtype == np.float64
    assert power.tolist() == [128, 128, 32]


def test_arrays_on_the_left_make_tensors() -> None:
    x = constant([1.0, 2.0])
    left = np.array([10, 20], np.float32)
    assert run([left + x, left - x, left * x, left / x])[3].tolist() == [10, 10]
    assert run(np.float32(3) * x).tolist() == [3, 6]
    assert run(left < x).tolist() == [False, False]


def test_equality_is_identity() -> None:
    x, y = constant(1.0), constant(1.0)
    assert (x == y) is False
    assert (x != y) is True
    assert len({x, y}) == 2


class Knows:
    """Something that can add itself to a Tensor, which cannot add it."""

    def __radd__(self, other: Any) -> str:
        return f"{other.op.name} and this"


def test_the_other_operand_may_know_better() -> None:
    x = constant(1.0, name="x")
    assert x + Knows() == "x and this"
    with pytest.raises((TypeError, ValueError)):
        x - Knows()  # it does not know how to be subtracted


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: floats(2) + constant(1.0, dtypes.float64), "float64.*float32"),
        (lambda: division.truediv(constant(True), constant(False)), "Invalid dtype"),
        (lambda: unary.sqrt(constant(4)), "int32"),
        (lambda: logical.logical_and(constant(1.0), True), "bool"),
        (lambda: ~constant(1.0), "float32"),
    ],
)
def test_types_that_do_not_fit(build: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        build()


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"\[2\] and \[3\]"):
        floats(2) + floats(3)
    x, y = array.placeholder(dtypes.float32), array.placeholder(dtypes.float32)
    with pytest.raises(errors.InvalidArgumentError, match="broadcast"):
        run(x + y, {x: np.ones(2), y: np.ones(3)})
    with pytest.raises(errors.InvalidArgumentError, match=r"\[2\] vs. \[3\]"):
        run(comparison.equal(x, y), {x: np.ones(2), y: np.ones(3)})


# ------------------------------------------------------------------------------------ arithmetic


@pytest.mark.parametrize(
    "function", [division.floordiv, division.mod, division.truncatemod, division.truncatediv]
)
@pytest.mark.parametrize("divisor", [0, [1, 0, 2]])
def test_integers_are_not_divided_by_zero(function: Any, divisor: Any) -> None:
    x, y = array.placeholder(dtypes.int32), array.placeholder(dtypes.int32)
    with pytest.raises(errors.InvalidArgumentError, match="Integer division by zero"):
        run(function(x, y), {x: [1, 2, 3], y: divisor})


def test_division_towards_zero_and_downwards() -> None:
    x, y = constant([-7, 7, -7, -(2**31)]), constant([2, -2, -2, -1])
    assert run(division.truncatediv(x, y)).tolist() == [-3, -3, 3, -(2**31)]
    assert run(division.floordiv(x, y)).tolist()[:3] == [-4, -4, 3]
    assert run(division.truncatemod(x, y)).tolist() == [-1, 1, -1, 0]
    assert run(division.floordiv(constant([1.0]), 0.1)).tolist() == [10.0]  # not 9


def test_squares_are_powers() -> None:
    x = constant([[-3.0, 0.5], [np.inf, np.nan]])
    squares, powers = run([x**2, arithmetic.pow(x, constant([2.0]))])
    np.testing.assert_array_equal(squares, powers)
    assert run(constant([-3, 4]) ** 2).tolist() == [9, 16]
    with pytest.raises(errors.InvalidArgumentError, match="negative"):
        run(constant([2]) ** -1)


def test_sums_of_many() -> None:
    x = floats(2)
    assert arithmetic.add_n([x]) is x
    assert arithmetic.accumulate_n([x]) is x
    parts = [np.array([i, 1], np.float32) for i in range(12)]
    values = [array.placeholder(dtypes.float32) for _ in parts]
    total = arithmetic.add_n(values)
    assert run(total, dict(zip(values, parts, strict=True))).tolist() == [66, 12]
    assert [part[1] for part in parts] == [1] * 12
    with pytest.raises(errors.InvalidArgumentError, match=r"Input 0: \[2\] != input 1: \[1\]"):
        run(arithmetic.add_n(values[:2]), {values[0]: [1, 2], values[1]: [1]})
    with pytest.raises(ValueError, match="at least one"):
        arithmetic.add_n([])


def test_indexed_slices_stay_sparse_where_they_can() -> None:
    rows = IndexedSlices(constant([[1.0, -2.0]]), constant([3]), constant([4, 2]))
    doubled = arithmetic.scalar_mul(2.0, rows)
    wide = casts.cast(rows, dtypes.float64)
    clipped = clip.clip_by_value(rows, -1.0, 1.0)
    assert all(isinstance(one, IndexedSlices) for one in (doubled, wide, clipped))
    found = run([doubled.values, wide.values, clipped.values])
    assert [value.tolist() for value in found] == [[[2, -4]], [[1, -2]], [[1, -1]]]
    assert found[1].dtype == np.float64
    summed = arithmetic.add_n([rows, constant(np.ones((4, 2), np.float32))])
    assert run(summed)[3].tolist() == [2, -1]


@pytest.mark.parametrize(
    "function",
    [
        unary.square, unary.sigmoid, unary.abs, unary.sqrt, lambda x: x + 1.0, lambda x: 2.0 - x,
        lambda x: x * x, lambda x: 1.0 / x, lambda x: arithmetic.maximum(x, 0.6),
        lambda x: arithmetic.squared_difference(x, 1.0), lambda x: arithmetic.add_n([x, x]),
    ],
)  # fmt: skip
def test_gradients_of_rows_pass(function: Any) -> None:
    """What a gather hands back is IndexedSlices: every rule takes them."""
    x = floats(4, 2)
    value = (np.arange(8).reshape(4, 2) / 8 + 0.1).astype(np.float32)
    (sparse,) = gradients(gather(function(x), [1, 3, 1]), [x])
    (dense,) = gradients(function(x), [x])
    found, slope = run([convert_to_tensor(sparse), dense], {x: value})
    np.testing.assert_allclose(found, slope * [[0], [2], [0], [1]], rtol=1e-6)


def test_strings_are_joined() -> None:
    s = array.placeholder(dtypes.string)
    total = arithmetic.add(s, constant("-b"))
    assert total.op.type == "Add"
    assert run(total, {s: "a"}) == b"a-b"
    assert run(total, {s: ["a", "c"]}).tolist() == [b"a-b", b"c-b"]


def test_comparison_of_shapes_that_need_not_fit() -> None:
    x, y = array.placeholder(dtypes.float32), array.placeholder(dtypes.float32)
    same = comparison.Equal(x, y, incompatible_shape_error=False)
    other = comparison.NotEqual(x, y, incompatible_shape_error=False)
    found = run([same, other], {x: [1, 2], y: [1, 2, 3]})
    assert (found[0].item(), found[1].item()) == (False, True)
    assert run(same, {x: [1, 2], y: 1}).tolist() == [True, False]


def test_shifts_out_of_range_are_the_nearest_in_range() -> None:
    x = constant([-8, 8, 1], dtypes.int8)
    assert run(bitwise.right_shift(x, constant([40, 40, -1], dtypes.int8))).tolist() == [-1, 0, 1]
    assert run(bitwise.population_count(x)).tolist() == [5, 1, 1]


# -------------------------------------------------------------------------- functions of one tensor


def test_sigmoid_at_the_ends() -> None:
    for kind in (dtypes.float16, dtypes.float32, dtypes.float64):
        x = constant([-100.0, -12.0, 0.0, 100.0], kind)
        found = run(unary.sigmoid(x))
        assert found.dtype == kind.as_numpy_dtype
        np.testing.assert_allclose(found, [0, 6.144e-6, 0.5, 1], rtol=2e-2, atol=1e-7)
    small = run(unary.log_sigmoid(constant([-1000.0, 0.0, 40.0])))
    np.testing.assert_allclose(small, [-1000, -np.log(2), -4.248354e-18], rtol=1e-6)


def test_an_infinite_slope_with_nothing_coming_in() -> None:
    x = constant([0.0, 4.0])
    for function in (unary.sqrt, unary.rsqrt, unary.reciprocal):
        (grad,) = gradients(function(x) * constant([0.0, 1.0]), [x])
        found = run(grad)
        assert found[0] == 0
        assert np.isfinite(found[1])


def test_rounding_of_halves() -> None:
    x = constant([0.5, 1.5, -0.5, 2.5])
    assert run(rounding.round(x)).tolist() == [0, 2, 0, 2]
    i = constant([1, 2])
    assert rounding.round(i) is i


def test_half_precision_special_functions_keep_their_type() -> None:
    x = constant([0.25, 0.5], dtypes.float16)
    found = run([special.erf(x), special.lgamma(x), special.igamma(x, x)])
    assert [value.dtype for value in found] == [np.float16] * 3


@pytest.mark.parametrize("message", ["first layer"])
def test_numbers_are_checked(message: str) -> None:
    x = floats(2)
    checked = numerics.check_numerics(x, message)
    assert run(checked, {x: [1, 2]}).tolist() == [1, 2]
    with pytest.raises(errors.InvalidArgumentError, match="first layer : Tensor had Inf and NaN"):
        run(checked, {x: [np.inf, np.nan]})
    (grad,) = gradients(checked * constant([np.inf, 1.0]), [x])
    with pytest.raises(errors.InvalidArgumentError, match=r"gradient\. first layer : .* Inf"):
        run(grad, {x: [1, 2]})
    verified = numerics.verify_tensor_all_finite(x, "all")
    with pytest.raises(errors.InvalidArgumentError, match="all : Tensor had NaN values"):
        run(verified, {x: [1, np.nan]})
    with pytest.raises(ValueError, match="Cannot specify both"):
        numerics.verify_tensor_all_finite(x, "all", x=x)


def test_every_number_of_a_graph_is_checked() -> None:
    x = floats(2)
    unary.log(x - 1.0)
    everything = numerics.add_check_numerics_ops()
    run(everything, {x: [2, 3]})
    with pytest.raises(errors.InvalidArgumentError, match="Log:0 : Tensor had Inf values"):
        run(everything, {x: [1, 3]})


# --------------------------------------------------------------------------------------- types


def test_casts() -> None:
    x = constant([-1.5, 0.0, 2.5])
    assert casts.cast(x, dtypes.float32) is x
    assert run(casts.to_int32(x)).tolist() == [-1, 0, 2]
    assert run(casts.cast(x, dtypes.bool)).tolist() == [True, False, True]
    with pytest.warns(UserWarning, match="imaginary"):
        real = casts.cast(constant([1 + 2j, 2j]), dtypes.float64)
    assert run(real).tolist() == [1, 0]
    with pytest.raises(errors.UnimplementedError, match="Cast float32 to string"):
        run(casts.cast(x, dtypes.string))


def test_saturating_casts() -> None:
    x = constant([-1e20, -3.0, 300.0, 1e20])
    assert run(casts.saturate_cast(x, dtypes.uint8)).tolist() == [0, 0, 255, 255]
    whole = run(casts.saturate_cast(x, dtypes.int32))
    assert whole.tolist()[:3] == [-(2**31), -3, 300]
    assert whole[3] == 2**31 - 128  # the greatest float32 that is an int32
    assert np.isfinite(run(casts.saturate_cast(x, dtypes.float16))).all()
    big = constant([2**62, -5], dtypes.int64)
    assert run(casts.saturate_cast(big, dtypes.uint32)).tolist() == [2**32 - 1, 0]


def test_bytes_read_anew() -> None:
    x = constant([1.0, -2.0])
    parts = casts.bitcast(x, dtypes.uint8)
    assert parts.shape.as_list() == [2, 4]
    assert run(casts.bitcast(parts, dtypes.float32)).tolist() == [1, -2]
    assert run(casts.bitcast(x, dtypes.int32)).tolist() == [0x3F800000, -(2**30)]


# -------------------------------------------------------------------------------------- clipping


def test_clipping_by_norms() -> None:
    value = np.array([[3.0, 4.0], [0.0, 0.0]], np.float32)
    x = constant(value)
    clipped, rows, average = run(
        [
            clip.clip_by_norm(x, 1.0),
            clip.clip_by_norm(x, 2.5, axes=[1]),
            clip.clip_by_average_norm(x, 0.5),
        ]
    )
    np.testing.assert_allclose(clipped, value / 5, rtol=1e-6)
    np.testing.assert_allclose(rows, value / 2, rtol=1e-6)
    np.testing.assert_allclose(average, value * 0.4, rtol=1e-6)
    (grad,) = gradients(clip.clip_by_norm(constant([0.0, 0.0]), 1.0), [x])
    assert grad is None


def test_clipping_by_the_norm_of_all() -> None:
    x, y = constant([3.0]), constant([[4.0]])
    (a, nothing, b), norm = clip.clip_by_global_norm([x, None, y], 2.5)
    assert nothing is None
    assert [one.item() for one in run([a, b, norm])] == [1.5, 2.0, 5.0]
    (a,), _ = clip.clip_by_global_norm([constant([np.inf, 1.0])], 1.0)
    assert np.isnan(run(a)).all()
    with pytest.raises(TypeError, match="sequence"):
        clip.clip_by_global_norm(x, 1.0)


# --------------------------------------------------------------------------------------- kernels

FAMILIES = (
    "arithmetic", "bitwise", "broadcasting", "casts", "clip", "comparison", "complex_numbers",
    "division", "logical", "rounding", "special", "trigonometric", "unary",
)  # fmt: skip
ELEMENTWISE = sorted(
    value.name
    for family in FAMILIES
    for value in vars(getattr(evergraph.ops, family)).values()
    if isinstance(value, registry.Declaration) and value.name in ROWS
)


@pytest.mark.parametrize("op", sorted(set(ELEMENTWISE)))
def test_inputs_are_left_alone(op: str) -> None:
    """Inputs may be read-only, and may be somebody's variable."""
    for case in expand(ROWS[op]):
        if case["error"] or not case["shapes"]:
            continue
        built = harness.build(case)
        before = {tensor: value.tobytes() for tensor, value in built.feeds.items()}
        for value in built.feeds.values():
            value.setflags(write=False)
        with Session(graph=built.graph) as session:
            session.run(built.node.outputs, built.feeds)
        for tensor, value in built.feeds.items():
            assert value.tobytes() == before[tensor]
