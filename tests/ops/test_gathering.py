"""Elements picked, placed, chosen and told apart as programs do it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import evergraph.ops.operators  # noqa: F401 - gradients subtract
from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.graph import Graph
from evergraph.ops import array, gathering
from evergraph.ops.constant import constant
from evergraph.ops.gradients import gradients
from evergraph.ops.indexed_slices import IndexedSlices
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


def test_the_gradient_of_gather_is_rows() -> None:
    x = floats(4, 2)
    (grad,) = gradients(gathering.gather(x, [[3, 0], [3, 1]]), x)
    assert isinstance(grad, IndexedSlices)
    values, indices, shape = run([grad.values, grad.indices, grad.dense_shape])
    assert values.shape == (4, 2)
    assert indices.tolist() == [3, 0, 3, 1]
    assert shape.tolist() == [4, 2]
    assert run(convert_to_tensor(grad)).tolist() == [[1, 1], [1, 1], [0, 0], [2, 2]]


def test_gather_along_another_axis_has_a_dense_gradient() -> None:
    x = floats(2, 3, 4)
    (grad,) = gradients(gathering.gather(x, [1, 1], axis=1), x)
    wanted = np.zeros((2, 3, 4))
    wanted[:, 1] = 2
    np.testing.assert_array_equal(run(grad, {x: VALUE}), wanted)


def test_batches_of_gathers() -> None:
    x = floats(2, 3, 4)
    indices = np.array([[0, 2], [1, 1]])
    wanted = np.stack([VALUE[i][indices[i]] for i in range(2)])
    for batch_dims in (1, -1):
        found = gathering.gather(x, indices, axis=1, batch_dims=batch_dims)
        assert found.dims == (2, 2, 4)
        np.testing.assert_array_equal(run(found, {x: VALUE}), wanted)
    rows = gathering.batch_gather(x, indices)
    assert rows.dims == (2, 2, 4)
    np.testing.assert_array_equal(run(rows, {x: VALUE}), wanted)
    last = np.array([[[0], [1], [2]], [[3], [0], [1]]])
    deep = gathering.batch_gather(x, last)
    np.testing.assert_array_equal(run(deep, {x: VALUE}), np.take_along_axis(VALUE, last, 2))
    (grad,) = gradients(gathering.gather(x, indices, axis=1, batch_dims=1), x)
    slope = np.zeros_like(VALUE)
    for i in range(2):
        np.add.at(slope[i], indices[i], 1)
    np.testing.assert_array_equal(run(grad, {x: VALUE}), slope)


def test_batches_of_places() -> None:
    x = floats(None, 3, 4)
    places = np.array([[[0, 1]], [[2, 3]]])
    found = gathering.gather_nd(x, places, batch_dims=1)
    assert run(found, {x: VALUE}).tolist() == [[VALUE[0, 0, 1]], [VALUE[1, 2, 3]]]
    plain = gathering.batch_gather_nd(x, [[1, 2]], 0)
    assert run(plain, {x: VALUE}).tolist() == [VALUE[1, 2].tolist()]
    with pytest.raises(ValueError, match="negative batch_dims"):
        gathering.gather_nd(x, places, batch_dims=-1)
    with pytest.raises(ValueError, match="must be less than rank"):
        gathering.gather_nd(x, places, batch_dims=3)


def test_an_index_out_of_range_is_named() -> None:
    x, i = floats(4), array.placeholder(dtypes.int32)
    for wrong in (4, -1):
        with pytest.raises(errors.InvalidArgumentError, match=rf"indices\[1\] = {wrong} is not in"):
            run(gathering.gather(x, i), {x: np.zeros(4), i: [0, wrong]})
    with pytest.raises(errors.InvalidArgumentError, match=r"indices\[0\] = \[5\] does not index"):
        run(gathering.gather_nd(x, i), {x: np.zeros(4), i: [[5]]})


def test_strings_are_picked_as_arrays() -> None:
    s = array.placeholder(dtypes.string, [None])
    found = run([gathering.gather(s, 1), gathering.gather_nd(s, [0])], {s: ["a", "b"]})
    assert found == [b"b", b"a"]


def test_where_and_masks() -> None:
    x = floats(2, 3)
    value = np.array([[1, 0, 2], [0, 3, 0]], np.float32)
    feeds = {x: value}
    np.testing.assert_array_equal(run(gathering.where(x), feeds), np.argwhere(value))
    assert gathering.where(x).dims == (None, 2)
    rows = gathering.where([True, False], x, array.zeros_like(x))
    assert run(rows, feeds).tolist() == [[1, 0, 2], [0, 0, 0]]
    both = gathering.where_v2(x > 1.0, x, -1.0)
    np.testing.assert_array_equal(run(both, feeds), np.where(value > 1, value, -1))
    with pytest.raises(ValueError, match="both be non-None"):
        gathering.where(x > 1.0, x)


@pytest.mark.parametrize("axis", [0, 1])
def test_boolean_masks_are_numpys(axis: int) -> None:
    x = array.placeholder(dtypes.float32)
    mask = np.array([True, False, True][: VALUE.shape[axis]])
    found = gathering.boolean_mask(x, mask, axis=axis)
    np.testing.assert_array_equal(run(found, {x: VALUE}), np.compress(mask, VALUE, axis))
    known = gathering.boolean_mask(floats(2, 3, 4), mask, axis=axis)
    assert known.dims == ((None, 3, 4) if axis == 0 else (2, None, 4))
    both = VALUE[..., 0] > 3
    found = gathering.boolean_mask(x, both)
    np.testing.assert_array_equal(run(found, {x: VALUE}), VALUE[both])


def test_one_hot_values_and_types() -> None:
    assert run(gathering.one_hot([0, 2], 3)).tolist() == [[1, 0, 0], [0, 0, 1]]
    assert run(gathering.one_hot([0, 2], 3, axis=0)).tolist() == [[1, 0], [0, 0], [0, 1]]
    assert gathering.one_hot([0], 2, on_value=5).dtype == dtypes.int32
    assert gathering.one_hot([0], 2, dtype=dtypes.int8).dtype == dtypes.int8
    assert run(gathering.one_hot([1, -1], 2, True, False)).tolist() == [
        [False, True],
        [False, False],
    ]
    with pytest.raises(TypeError, match="of on_value does not match"):
        gathering.one_hot([0], 2, on_value=1.0, off_value=0)


def test_scatters_add_up() -> None:
    found = run(gathering.scatter_nd([[1], [1], [3]], [1.0, 2.0, 4.0], [5]))
    assert found.tolist() == [0, 3, 0, 4, 0]
    x = constant([10.0, 20.0, 30.0])
    assert run(gathering.tensor_scatter_nd_update(x, [[2]], [1.0])).tolist() == [10, 20, 1]
    assert run(gathering.tensor_scatter_nd_add(x, [[2], [2]], [1.0, 2.0])).tolist() == [10, 20, 33]
    assert run(gathering.tensor_scatter_nd_sub(x, [[0]], [1.0])).tolist() == [9, 20, 30]
    assert run(x).tolist() == [10, 20, 30]
    whole = gathering.scatter_nd(constant([[], []], dtypes.int32), [[1.0, 2.0], [3.0, 4.0]], [2])
    assert run(whole).tolist() == [4, 6]


def test_sparse_to_dense_wants_order() -> None:
    i = array.placeholder(dtypes.int32)
    dense = gathering.sparse_to_dense(i, [4], 7, -1)
    assert run(dense, {i: [1, 3]}).tolist() == [-1, 7, -1, 7]
    with pytest.raises(errors.InvalidArgumentError, match=r"indices\[1\] = \[1\] is out of order"):
        run(dense, {i: [3, 1]})
    with pytest.raises(errors.InvalidArgumentError, match="is repeated"):
        run(dense, {i: [3, 3]})
    loose = gathering.sparse_to_dense(i, [4], 7, validate_indices=False)
    assert run(loose, {i: [3, 1]}).tolist() == [0, 7, 0, 7]


def test_partitions_are_stitched_together_again() -> None:
    x, deal = floats(None, 2), array.placeholder(dtypes.int32, [None])
    parts = gathering.dynamic_partition(x, deal, 3)
    places = gathering.dynamic_partition([0, 1, 2, 3, 4], deal, 3)
    whole = gathering.dynamic_stitch(places, parts)
    value = np.arange(10, dtype=np.float32).reshape(5, 2)
    feeds = {x: value, deal: [2, 0, 1, 0, 2]}
    np.testing.assert_array_equal(run(whole, feeds), value)
    (grad,) = gradients(parts[0], x)
    assert run(grad, feeds).tolist() == [[0, 0], [1, 1], [0, 0], [1, 1], [0, 0]]
    assert gathering.dynamic_stitch([[0, 2], [1]], [np.zeros((2, 3)), np.ones((1, 3))]).dims == (
        3,
        3,
    )


@pytest.mark.parametrize("size", [5, 1000])
def test_unique_keeps_the_order_of_appearance(size: int) -> None:
    value = np.random.RandomState(0).randint(0, 40, size)
    y, idx, count = run(gathering.unique_with_counts(value))
    np.testing.assert_array_equal(y[idx], value)
    assert y.tolist() == list(dict.fromkeys(value.tolist()))
    assert count.tolist() == [int((value == item).sum()) for item in y]
    found = run(gathering.unique(["b", "a", "b"], dtypes.int64))
    assert found[0].tolist() == [b"b", b"a"]
    assert found[1].dtype == np.int64


def test_differences_of_lists() -> None:
    out, idx = run(gathering.setdiff1d([1, 2, 3, 4], [2, 4], index_dtype=dtypes.int64))
    assert out.tolist() == [1, 3]
    assert idx.tolist() == [0, 2]
    assert run(gathering.listdiff([1, 2], [1])[0]).tolist() == [2]


def test_rows_can_be_masked() -> None:
    rows = IndexedSlices(constant([[1.0], [2.0], [3.0]]), constant([5, 7, 9]), constant([10, 1]))
    kept = gathering.sparse_mask(rows, [7])
    assert run(kept.indices).tolist() == [5, 9]
    assert run(kept.values).tolist() == [[1], [3]]
