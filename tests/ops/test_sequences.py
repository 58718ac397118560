"""Ranges, masks of sequences, diagonals and orders as programs use them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import evergraph.ops.operators  # noqa: F401 - linspace and sort calculate
from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph import registry
from evergraph.graph.graph import Graph
from evergraph.ops import array, diagonals, matrix_bands, sequences, sorting
from evergraph.ops.gradients import gradients
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


# ---------------------------------------------------------------------------------------- sequences


def test_ranges() -> None:
    n = array.placeholder(dtypes.int32, [])
    for made, wanted in (
        (sequences.range_(4), [0, 1, 2, 3]),
        (sequences.range_(2, 7, 2), [2, 4, 6]),
        (sequences.range_(3, 0, -1), [3, 2, 1]),
        (sequences.range_(n), [0, 1, 2]),
        (sequences.range_(0.0, 1.0, 0.25), [0, 0.25, 0.5, 0.75]),
    ):
        assert run(made, {n: 3}).tolist() == wanted
    assert sequences.range_(4).dims == (4,)
    assert sequences.range_(n, dtype=dtypes.int64).dtype == dtypes.int64
    assert sequences.range_(1, 4.0).dtype == dtypes.float32
    with pytest.raises(ValueError, match="Requires start <= limit"):
        sequences.range_(5, 0)
    with pytest.raises(TypeError, match="pass dtype="):
        sequences.range_(np.float16(2))


@pytest.mark.parametrize("num", [1, 2, 5])
def test_linspaces_are_numpys(num: int) -> None:
    start, stop = np.array([0.0, 1.0], np.float32), np.array([2.0, 5.0], np.float32)
    for axis in (0, -1):
        found = run(sequences.linspace(start, stop, num, axis=axis))
        np.testing.assert_allclose(found, np.linspace(start, stop, num, axis=axis), rtol=1e-6)


def test_sequence_masks() -> None:
    assert run(sequences.sequence_mask([1, 3], 4)).tolist() == [
        [True, False, False, False],
        [True, True, True, False],
    ]
    lengths = array.placeholder(dtypes.int64)
    mask = sequences.sequence_mask(lengths, dtype=dtypes.float32)
    assert run(mask, {lengths: [[0], [2]]}).tolist() == [[[0, 0]], [[1, 1]]]
    with pytest.raises(ValueError, match="must be scalar"):
        sequences.sequence_mask([1], [2])


# ---------------------------------------------------------------------------------------- diagonals


def test_identity_matrices() -> None:
    np.testing.assert_array_equal(run(diagonals.eye(3)), np.eye(3))
    np.testing.assert_array_equal(run(diagonals.eye(2, 3)), np.eye(2, 3))
    n = array.placeholder(dtypes.int32, [])
    np.testing.assert_array_equal(run(diagonals.eye(n, 4), {n: 2}), np.eye(2, 4))
    batch = diagonals.eye(2, batch_shape=[3], dtype=dtypes.int32)
    assert batch.dims == (3, 2, 2)
    np.testing.assert_array_equal(run(batch), np.broadcast_to(np.eye(2, dtype=np.int32), (3, 2, 2)))
    with pytest.raises(TypeError, match="positive integer"):
        diagonals.eye(2.5)


@pytest.mark.parametrize("align", ["LEFT_RIGHT", "RIGHT_LEFT", "LEFT_LEFT", "RIGHT_RIGHT"])
@pytest.mark.parametrize("k", [(0, 0), (1, 1), (-2, -2), (-1, 2), (-2, 0)])
def test_bands_come_out_as_they_went_in(k: tuple[int, int], align: str) -> None:
    """What is cut out of a matrix and put back is that matrix; the rest of it is zero."""
    value = np.arange(1, 13, dtype=np.float32).reshape(3, 4)
    x = floats(None, None)
    band = matrix_bands.matrix_diag_part(x, k=k, align=align)
    made = matrix_bands.matrix_diag(band, k=k, num_rows=3, num_cols=4, align=align)
    put = matrix_bands.matrix_set_diag(array.zeros([3, 4]), band, k=k, align=align)
    offsets = np.arange(4) - np.arange(3)[:, None]
    wanted = np.where((offsets >= k[0]) & (offsets <= k[1]), value, 0)
    found_put, found_made = run([put, made], {x: value})
    np.testing.assert_array_equal(found_put, wanted)
    np.testing.assert_array_equal(found_made, wanted)


def test_the_gradient_of_set_diag_without_known_shapes() -> None:
    x, d = array.placeholder(dtypes.float32), array.placeholder(dtypes.float32)
    for k in (0, (-1, 1)):
        whole = matrix_bands.matrix_set_diag(x, d, k=k)
        grads = gradients(whole, [x, d])
        diagonal = np.zeros(3) if k == 0 else np.zeros((3, 3))
        of_x, of_d = run(grads, {x: np.zeros((3, 4)), d: diagonal})
        assert of_x.sum() == 12 - (3 if k == 0 else 8)
        assert of_d.sum() == (3 if k == 0 else 8)


def test_tensors_as_matrices() -> None:
    x = floats(2, 2)
    whole = diagonals.diag(x)
    assert whole.dims == (2, 2, 2, 2)
    found = run(diagonals.diag_part(whole), {x: [[1, 2], [3, 4]]})
    assert found.tolist() == [[1, 2], [3, 4]]
    np.testing.assert_array_equal(
        run(diagonals.matrix_band_part(np.ones((3, 3), np.float32), 0, -1)),
        np.triu(np.ones((3, 3))),
    )


# ------------------------------------------------------------------------------------------- orders


@pytest.mark.parametrize("dtype", ["float32", "int32", "uint8", "int8"])
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("direction", ["ASCENDING", "DESCENDING"])
def test_sorts_are_numpys(dtype: str, axis: int, direction: str) -> None:
    value = np.random.RandomState(1).randint(0, 9, (4, 5)).astype(dtype)
    x = array.placeholder(dtype)
    up = np.sort(value, axis)
    wanted = up if direction == "ASCENDING" else np.flip(up, axis)
    np.testing.assert_array_equal(run(sorting.sort(x, axis, direction), {x: value}), wanted)
    order = run(sorting.argsort(x, axis, direction), {x: value})
    np.testing.assert_array_equal(np.take_along_axis(value, order, axis), wanted)
    known = sorting.argsort(value, axis, direction)
    np.testing.assert_array_equal(run(known), order)


@pytest.mark.parametrize("size", [6, 3000])
def test_of_equals_the_first_comes_first(size: int) -> None:
    value = np.random.RandomState(2).randint(0, 5, (2, size)).astype(np.float32)
    values, indices = run(sorting.top_k(value, 4))
    for row in range(2):
        order = sorted(range(size), key=lambda i: (-value[row, i], i))[:4]
        assert indices[row].tolist() == order
        assert values[row].tolist() == [value[row, i] for i in order]


@pytest.mark.parametrize(
    ("row", "k", "lying"),
    [  # as TensorFlow 2.15.1 gives them
        ([3, 1, 4, 0, 2], 3, [4, 2, 0]),
        ([2, 4, 5, 1, 3, 0], 3, [4, 2, 1]),
        ([0, 1, 4, 8, 5, 7, 3, 6, 2], 5, [2, 4, 5, 3, 7]),
        ([7, 6, 2, 9, 11, 10, 4, 0, 8, 1, 3, 5], 4, [8, 3, 4, 5]),
    ],
)
def test_unsorted_top_k_lies_as_tensorflows(row: list[int], k: int, lying: list[int]) -> None:
    values, indices = run(sorting.top_k(np.array(row, np.float32), k, sorted=False))
    assert indices.tolist() == lying
    assert values.tolist() == [row[i] for i in lying]


def test_top_k_with_nan_gives_as_many() -> None:
    value = np.full((1, 3000), np.nan, np.float32)
    values, indices = run(sorting.top_k(value, 3))
    assert np.isnan(values).all()
    assert indices.shape == (1, 3)


def test_the_old_top_k() -> None:
    x = floats(2, 3)
    values, indices = registry.declarations()["TopK"](x, k=2)
    assert values.dims == (2, 2)
    found = run([values, indices, gradients(values, x)[0]], {x: [[1, 3, 2], [6, 5, 4]]})
    assert found[0].tolist() == [[3, 2], [6, 5]]
    assert found[1].tolist() == [[1, 2], [0, 1]]
    assert found[2].tolist() == [[0, 1, 1], [1, 1, 0]]


def test_nth_elements() -> None:
    x = floats(2, 3)
    value = [[3, 1, 2], [5, 5, 4]]
    nth = sorting.nth_element(x, 1)
    assert run(nth, {x: value}).tolist() == [2, 5]
    assert run(sorting.nth_element(x, 0, reverse=True), {x: value}).tolist() == [3, 5]
    assert run(gradients(nth, x)[0], {x: value}).tolist() == [[0, 0, 1], [0.5, 0.5, 0]]
    with pytest.raises(ValueError, match="last dimension > n = 3"):
        sorting.nth_element(x, 3)


def test_in_top_k() -> None:
    predictions = [[0.1, 0.9, 0.5], [0.3, 0.3, 0.3], [np.nan, 1.0, 0.0]]
    assert run(sorting.in_top_k(predictions, [2, 0, 1], 1)).tolist() == [False, True, False]
    assert run(sorting.in_top_k(predictions, [2, 7, 1], 2)).tolist() == [True, False, False]


@pytest.mark.parametrize("side", ["left", "right"])
def test_places_in_order_are_numpys(side: Any) -> None:
    rows = np.array([[1.0, 2.0, 2.0, 3.0], [0.0, 4.0, 5.0, 5.0]], np.float32)
    wanted = np.array([[2.0, 0.0, 9.0], [5.0, 4.5, 0.0]], np.float32)
    found = run(sorting.searchsorted(rows, wanted, side))
    expected = [np.searchsorted(a, b, side) for a, b in zip(rows, wanted, strict=True)]
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(ValueError, match="either 'right' or 'left'"):
        sorting.searchsorted(rows, wanted, "middle")


def test_a_k_that_is_too_large_is_refused() -> None:
    with pytest.raises(ValueError, match="last dimension >= k = 4"):
        sorting.top_k(floats(2, 3), 4)
    x = floats(None, None)
    with pytest.raises(errors.InvalidArgumentError, match="at least k columns"):
        run(sorting.top_k(x, 4)[0], {x: np.zeros((2, 3))})
