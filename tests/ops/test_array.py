"""Placeholders, identities, shapes and fills as programs use them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import evergraph.ops
from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph import registry
from evergraph.graph.graph import Graph
from evergraph.graph.scopes import control_dependencies
from evergraph.graph.shape import TensorShape
from evergraph.ops import array, shaping
from evergraph.ops.constant import constant
from evergraph.ops.gradients import gradients
from evergraph.ops.state import assign, variable_op_v2
from evergraph.runtime.session import Session


@pytest.fixture(autouse=True)
def graph() -> Iterator[Graph]:
    with Graph().as_default() as made:
        yield made


def run(fetches: Any, feeds: Any = None) -> Any:
    with Session() as session:
        return session.run(fetches, feeds)


def floats(*dims: int | None) -> Any:
    return array.placeholder(dtypes.float32, dims)


def test_a_placeholder_that_is_not_fed_says_what_it_wants() -> None:
    x = array.placeholder(dtypes.float32, [None, 3], name="pictures")
    with pytest.raises(errors.InvalidArgumentError, match=r"must feed a value") as caught:
        run(array.identity(x))
    assert "float" in caught.value.message
    assert "[?,3]" in caught.value.message
    assert "pictures" in caught.value.message


def test_old_graphs_wrote_unknown_shapes_as_scalars(graph: Graph) -> None:
    assert array.placeholder(dtypes.float32, []).dims == ()
    graph.graph_def_versions.producer = 21
    assert array.placeholder(dtypes.float32, []).dims is None
    assert array.placeholder(dtypes.float32, [2]).dims == (2,)


def test_placeholder_v2_is_a_placeholder() -> None:
    x = registry.declarations()["PlaceholderV2"](dtype=dtypes.int32, shape=[2], name="x")
    assert x.dims == (2,)
    assert run(array.identity(x), {x: [3, 4]}).tolist() == [3, 4]
    with pytest.raises(errors.InvalidArgumentError, match="must feed"):
        run(x)


def test_a_default_is_taken_unless_it_is_fed() -> None:
    x = array.placeholder_with_default([1.0, 2.0], [None])
    assert run(x).tolist() == [1, 2]
    assert run(x, {x: [5.0]}).tolist() == [5]


def test_no_op_and_several_identities() -> None:
    x = floats(2)
    pair = array.identity_n([x, "text"])
    found = run([*pair, array.no_op()], {x: [1.0, 2.0]})
    assert found[0].tolist() == [1, 2]
    assert found[1] == b"text"
    assert found[2] is None


def test_gradients_stop_and_are_refused() -> None:
    x = floats(2)
    assert gradients(array.stop_gradient(x), x) == [None]
    guarded = registry.declarations()["PreventGradient"](x, message="no")
    with pytest.raises(LookupError, match="explicitly disabled"):
        gradients(guarded, x)


def test_identity_and_reshape_see_a_variable_change() -> None:
    cell = variable_op_v2([2, 2], dtypes.float32, name="w")
    start = assign(cell, np.zeros((2, 2), np.float32))
    views = [
        array.identity(cell),
        array.reshape(cell, [4]),
        array.expand_dims(array.reshape(cell, [4]), 0),
        array.squeeze(array.reshape(cell, [1, 2, 2]), [0]),
    ]
    with control_dependencies([view.op for view in views]):
        update = assign(cell, np.ones((2, 2), np.float32))
    with control_dependencies([update.op]):
        after = [array.identity(view) for view in views]
    with Session() as session:
        session.run(start.op)
        for found in session.run(after):
            assert found.ravel().tolist() == [1, 1, 1, 1]


def test_sizes_of_a_reshape_are_worked_out() -> None:
    u = floats(None, 4)
    assert array.reshape(u, [-1, 2, 2]).dims == (None, 2, 2)
    assert array.reshape(u, [3, -1]).dims == (3, None)
    assert array.reshape(floats(2, 6), [-1, 3]).dims == (4, 3)
    assert array.reshape(u, array.shape(floats(None, 2))).dims == (None, 2)
    assert array.reshape(floats(0, 3), [3, -1]).dims == (3, 0)


@pytest.mark.parametrize(
    ("sizes", "sentence"),
    [
        ([4], r"6 values .* requested shape \[4\] has 4"),
        ([-1, 4], "requires a multiple of 4"),
        ([-1, -1], "Only one input size may be -1, not both 0 and 1"),
        ([-2, -3], "must be non-negative, not -3"),
        ([[2, 3]], "must be 1-D"),
    ],
)
def test_a_reshape_that_does_not_fit_says_why(sizes: Any, sentence: str) -> None:
    x, wanted = floats(None, None), array.placeholder(dtypes.int32)
    with pytest.raises(errors.InvalidArgumentError, match=sentence):
        run(array.reshape(x, wanted), {x: np.zeros((2, 3)), wanted: sizes})


def test_a_scalar_size_reshapes_to_a_vector() -> None:
    wanted = array.placeholder(dtypes.int32)
    assert run(array.reshape([[1, 2], [3, 4]], wanted), {wanted: -1}).tolist() == [1, 2, 3, 4]


def test_shapes_that_are_known_are_constants() -> None:
    assert array.shape(floats(2, 3)).op.type == "Const"
    assert array.shape(floats(2, 3), optimize=False).op.type == "Shape"
    assert array.shape(floats(None, 3)).op.type == "Shape"
    assert array.size(floats(None, 0)).op.type == "Const"
    assert array.rank(floats(None, 3)).op.type == "Const"
    assert array.rank(array.placeholder(dtypes.float32)).op.type == "Rank"
    assert array.shape(floats(2, 3), out_type=dtypes.int64).dtype == dtypes.int64


def test_old_names_of_arguments() -> None:
    x = floats(1, 2)
    assert array.expand_dims(x, dim=0).dims == (1, 1, 2)
    assert array.squeeze(x, squeeze_dims=[0]).dims == (2,)
    with pytest.raises(ValueError, match="Cannot specify both 'dim' and 'axis'"):
        array.expand_dims(x, 0, dim=0)


def test_ensure_shape_tells_and_checks() -> None:
    x = array.placeholder(dtypes.float32)
    sure = shaping.ensure_shape(x, [None, 2])
    assert sure.dims == (None, 2)
    with pytest.raises(errors.InvalidArgumentError, match=r"\[3\] is not compatible"):
        run(sure, {x: np.zeros(3)})


@pytest.mark.parametrize("function", [array.zeros, array.ones])
def test_fills_of_every_kind_of_shape(function: Any) -> None:
    element = 0 if function is array.zeros else 1
    n = array.placeholder(dtypes.int32, [])
    for shape in ([2, 3], (2, 3), TensorShape([2, 3]), np.array([2, 3]), constant([2, 3]), [n, 3]):
        found = run(function(shape), {n: 2})
        assert found.tolist() == [[element] * 3] * 2
        assert found.dtype == np.float32
    assert run(function(4, dtypes.int64)).tolist() == [element] * 4
    assert run(function([2], dtypes.bool)).tolist() == [bool(element)] * 2
    assert run(function([40, 40], dtypes.qint8)).shape == (40, 40)
    assert function([10, 100]).op.type == "Fill"
    assert function([10, 99]).op.type == "Const"


def test_zeros_of_strings() -> None:
    s = array.placeholder(dtypes.string, [None])
    assert run(array.zeros([2], dtypes.string)).tolist() == [b"", b""]
    assert run(array.zeros_like(s), {s: ["a", "b"]}).tolist() == [b"", b""]


def test_fills_like_another() -> None:
    u = floats(None, 2)
    feeds = {u: np.full((3, 2), 7.0)}
    assert run(array.zeros_like(u), feeds).tolist() == [[0, 0]] * 3
    whole = run(array.ones_like(u, dtypes.int32), feeds)
    assert whole.tolist() == [[1, 1]] * 3
    assert whole.dtype == np.int32


def test_a_snapshot_and_a_deep_copy_are_copies_of_what_is_there() -> None:
    x = floats(2)
    for name in ("Snapshot", "DeepCopy"):
        assert run(evergraph.graph.registry.declarations()[name](x), {x: [1, 2]}).tolist() == [1, 2]
