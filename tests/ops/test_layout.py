"""Elements moved, repeated and surrounded as programs do it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import evergraph.ops.operators  # noqa: F401 - meshgrid multiplies
from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph import registry
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.graph import Graph
from evergraph.graph.scopes import control_dependencies
from evergraph.graph.shape import TensorShape
from evergraph.ops import array, gathering, layout
from evergraph.ops.constant import constant
from evergraph.ops.gradients import gradients
from evergraph.ops.repeating import repeat
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


VALUE = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def test_transposes() -> None:
    x, w = floats(2, 3, 4), array.placeholder(dtypes.float32)
    feeds = {x: VALUE, w: VALUE}
    for found, wanted in (
        (layout.transpose(x), VALUE.T),
        (layout.transpose(x, [1, 0, 2]), VALUE.transpose(1, 0, 2)),
        (layout.transpose(w), VALUE.T),
        (layout.matrix_transpose(x), VALUE.transpose(0, 2, 1)),
        (layout.matrix_transpose(w), VALUE.transpose(0, 2, 1)),
    ):
        np.testing.assert_array_equal(run(found, feeds), wanted)
    assert layout.transpose(floats(None, 3)).dims == (3, None)
    assert run(layout.transpose([[1j, 2]], conjugate=True)).tolist() == [[-1j], [2]]
    perm = array.placeholder(dtypes.int32)
    with pytest.raises(errors.InvalidArgumentError, match=r"1 is missing from \{0,0\}"):
        run(layout.transpose([[1, 2]], perm), {perm: [0, 0]})


def test_copies_do_not_change_with_the_variable() -> None:
    cell = variable_op_v2([2, 2], dtypes.float32, name="w")
    start = assign(cell, np.zeros((2, 2), np.float32))
    copies = [
        layout.transpose(cell),
        layout.reverse(cell, [0]),
        layout.roll(cell, 1, 0),
        layout.tile(cell, [1, 1]),
        layout.broadcast_to(cell, [1, 2, 2]),
        layout.pad(cell, [[0, 0], [0, 0]]),
    ]
    with control_dependencies([copy.op for copy in copies]):
        update = assign(cell, np.ones((2, 2), np.float32))
    with Session() as session:
        session.run(start.op)
        for found in session.run([*copies, update])[:-1]:
            assert not found.any()


def test_reversals() -> None:
    x = floats(2, 3, 4)
    for axes in ([0], [1, -1], []):
        found = run(layout.reverse(x, np.array(axes, np.int32)), {x: VALUE})
        np.testing.assert_array_equal(found, np.flip(VALUE, axes))
    found = run(layout.reverse_sequence(x, [1, 3], seq_axis=1, batch_axis=0), {x: VALUE})
    np.testing.assert_array_equal(found[0], VALUE[0])
    np.testing.assert_array_equal(found[1], VALUE[1, ::-1])
    with pytest.raises(ValueError, match="Cannot specify both"):
        layout.reverse_sequence(x, [1, 3], seq_axis=1, seq_dim=1)


def test_invert_permutation_says_what_is_wrong() -> None:
    x = array.placeholder(dtypes.int32)
    back = layout.invert_permutation(x)
    assert run(back, {x: [2, 0, 1]}).tolist() == [1, 2, 0]
    with pytest.raises(errors.InvalidArgumentError, match="0 is duplicated"):
        run(back, {x: [0, 0]})
    with pytest.raises(errors.InvalidArgumentError, match="3 is not between 0 and 2"):
        run(back, {x: [0, 3]})


def test_the_gradient_of_tile_by_rows() -> None:
    x = floats(2, 3)
    picked = gathering.gather(layout.tile(x, [2, 1]), constant([0, 3, 3]))
    (grad,) = gradients(picked, x)
    found = run(convert_to_tensor(grad), {x: np.zeros((2, 3))})
    assert found.tolist() == [[1, 1, 1], [2, 2, 2]]


def test_the_old_gradient_of_tile() -> None:
    x = floats(4, 6)
    summed = registry.declarations()["TileGrad"](x, [2, 3])
    assert summed.dims == (2, 2)
    value = np.arange(24, dtype=np.float32).reshape(4, 6)
    wanted = value.reshape(2, 2, 3, 2).sum((0, 2))
    np.testing.assert_array_equal(run(summed, {x: value}), wanted)


def test_paddings_that_are_partly_known() -> None:
    n = array.placeholder(dtypes.int32, [])
    padded = layout.pad(floats(2, 3), [[n, 0], [1, 1]])
    assert padded.dims == (None, 5)
    assert layout.pad(floats(None, 3), [[1, 1], [0, n]]).dims == (None, None)
    with pytest.raises(ValueError, match="mode"):
        layout.pad(floats(2), [[1, 1]], "EDGE")


def test_pads_of_every_mode_are_numpys() -> None:
    x = floats(2, 3, 4)
    paddings = [[1, 0], [2, 1], [0, 2]]
    for mode in ("REFLECT", "symmetric"):
        found = run(layout.pad(x, paddings, mode), {x: VALUE})
        np.testing.assert_array_equal(found, np.pad(VALUE, paddings, mode.lower()))
    found = run(layout.pad(x, paddings, constant_values=7), {x: VALUE})
    np.testing.assert_array_equal(found, np.pad(VALUE, paddings, constant_values=7))


def test_repeats_are_numpys() -> None:
    x = array.placeholder(dtypes.float32)
    for times, axis in ((2, None), (3, 1), ([1, 2], 0), ([2, 0, 1], 1)):
        wanted = np.repeat(VALUE, times, axis)
        np.testing.assert_array_equal(run(repeat(VALUE, times, axis)), wanted)
        if axis is not None:
            found = run(repeat(x, times, axis), {x: VALUE})
            np.testing.assert_array_equal(found, wanted)
    assert repeat(floats(2, None), [1, 2], 0).dims == (None, None)


def test_static_broadcasts() -> None:
    shape = layout.broadcast_static_shape(TensorShape([2, 1]), TensorShape([3]))
    assert shape.as_list() == [2, 3]
    with pytest.raises(ValueError, match="Incompatible shapes"):
        layout.broadcast_static_shape(TensorShape([2]), TensorShape([3]))
    assert run(layout.broadcast_dynamic_shape([2, 1], [3])).tolist() == [2, 3]


@pytest.mark.parametrize("indexing", ["xy", "ij"])
def test_meshgrids_are_numpys(indexing: str) -> None:
    axes = [np.arange(2.0), np.arange(3.0), np.arange(4.0)]
    for count in (1, 2, 3):
        found = run(layout.meshgrid(*axes[:count], indexing=indexing))
        for grid, wanted in zip(found, np.meshgrid(*axes[:count], indexing=indexing), strict=True):
            np.testing.assert_array_equal(grid, wanted)
    assert layout.meshgrid() == []


def test_required_paddings_make_whole_blocks() -> None:
    paddings, crops = layout.required_space_to_batch_paddings([10, 11], [2, 3])
    assert paddings.op.type == "Const"
    assert run(paddings).tolist() == [[0, 0], [0, 1]]
    assert run(crops).tolist() == [[0, 0], [0, 1]]
    sizes = array.placeholder(dtypes.int32, [2])
    found = layout.required_space_to_batch_paddings(sizes, [2, 3], [[1, 0], [0, 1]])
    paddings, crops = run(found, {sizes: [10, 11]})
    assert paddings.tolist() == [[1, 1], [0, 1]]
    assert crops.tolist() == [[0, 1], [0, 0]]
    assert run(layout.required_space_to_batch_paddings([], array.zeros([0], dtypes.int32)))[
        0
    ].shape == (0, 2)


def test_space_goes_into_batch_and_back() -> None:
    x = floats(None, 4, 6, 2)
    blocks = layout.space_to_batch(x, [[0, 0], [1, 1]], 2)
    assert blocks.dims == (None, 2, 4, 2)
    back = layout.batch_to_space(blocks, [[0, 0], [1, 1]], 2)
    assert back.dims == (None, 4, 6, 2)
    value = np.arange(96, dtype=np.float32).reshape(2, 4, 6, 2)
    np.testing.assert_array_equal(run(back, {x: value}), value)


@pytest.mark.parametrize("data_format", ["NHWC", "NCHW"])
def test_space_goes_into_depth_and_back(data_format: str) -> None:
    channels_last = np.arange(96, dtype=np.float32).reshape(2, 4, 6, 2)
    last = data_format == "NHWC"
    value = channels_last if last else channels_last.transpose(0, 3, 1, 2)
    deep = layout.space_to_depth(value, 2, data_format=data_format)
    assert deep.dims == ((2, 2, 3, 8) if last else (2, 8, 2, 3))
    found, back = run([deep, layout.depth_to_space(deep, 2, data_format=data_format)])
    np.testing.assert_array_equal(back, value)
    # Both formats put the same elements together.
    wanted = run(layout.space_to_depth(channels_last, 2))
    np.testing.assert_array_equal(found if last else found.transpose(0, 2, 3, 1), wanted)
