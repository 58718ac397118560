"""Brackets mean what NumPy's mean, whatever stands between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import evergraph.ops.operators  # noqa: F401 - a tensor as index is added to
from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph.graph import Graph
from evergraph.graph.scopes import control_dependencies
from evergraph.ops import array
from evergraph.ops.constant import constant
from evergraph.ops.gradients import gradients
from evergraph.ops.slicing import getitem, slice_, strided_slice
from evergraph.ops.state import assign, variable_op_v2
from evergraph.runtime.session import Session


@pytest.fixture(autouse=True)
def graph() -> Iterator[Graph]:
    with Graph().as_default() as made:
        yield made


def run(fetches: Any, feeds: Any = None) -> Any:
    with Session() as session:
        return session.run(fetches, feeds)


SIZES = (4, 3, 5)
VALUE = np.arange(60, dtype=np.float32).reshape(SIZES)

bounds = st.one_of(st.none(), st.integers(-6, 6))
steps = st.one_of(st.none(), st.integers(-3, 3).filter(bool))


@st.composite
def indices(draw: Any) -> tuple[Any, ...]:
    """Whole numbers in range, slices, new axes, at most one ellipsis."""
    used = draw(st.integers(0, 3))
    entries: list[Any] = []
    before = draw(st.integers(0, used))
    ellipsis = draw(st.booleans())
    for number in range(used):
        axis = number if number < before or not ellipsis else number + 3 - used
        size = SIZES[axis]
        entries.append(
            draw(st.one_of(st.integers(-size, size - 1), st.builds(slice, bounds, bounds, steps)))
        )
    if ellipsis:
        entries.insert(before, Ellipsis)
    for _ in range(draw(st.integers(0, 2))):
        entries.insert(draw(st.integers(0, len(entries))), None)
    return tuple(entries)


@settings(max_examples=150, deadline=None)
@given(index=indices(), known=st.booleans())
def test_brackets_are_numpys(index: tuple[Any, ...], known: bool) -> None:
    with Graph().as_default():
        x = array.placeholder(dtypes.float32, SIZES if known else [None] * 3)
        part = x[index]
        wanted = VALUE[index]
        if known:
            assert part.dims == wanted.shape
        else:
            assert part.dims is not None
            assert len(part.dims) == wanted.ndim
        (grad,) = gradients(part, x)
        found, slope = run([part, grad], {x: VALUE})
        np.testing.assert_array_equal(found, wanted)
        expected = np.zeros_like(VALUE)
        expected[index] = 1
        np.testing.assert_array_equal(slope, expected)


def test_tensors_between_the_brackets() -> None:
    x = array.placeholder(dtypes.float32, SIZES)
    n = array.placeholder(dtypes.int32, [])
    wide = array.placeholder(dtypes.int64, [])
    feeds = {x: VALUE, n: 2, wide: 1}
    for part, wanted in (
        (x[n], VALUE[2]),
        (x[n:, 0], VALUE[2:, 0]),
        (x[:n, ..., n], VALUE[:2, ..., 2]),
        (x[wide], VALUE[1]),
        (x[wide:], VALUE[1:]),
        (x[::n], VALUE[::2]),
        (x[constant(1)], VALUE[1]),
        (x[n - 1 : n + 1], VALUE[1:3]),
    ):
        np.testing.assert_array_equal(run(part, feeds), wanted)


def test_unknown_dimensions_leave_a_bound_open() -> None:
    x = array.placeholder(dtypes.float32, [None, 3])
    y = array.placeholder(dtypes.float32, [None, 2])
    assert x[: y.shape[0], : y.shape[1]].dims == (None, 2)


def test_a_mask_chooses() -> None:
    x = array.placeholder(dtypes.float32, [2, 2])
    keep = np.array([[True, False], [False, True]])
    assert run(x[keep], {x: [[1, 2], [3, 4]]}).tolist() == [1, 4]
    assert run(x[x > 1.5], {x: [[1, 2], [3, 4]]}).tolist() == [2, 3, 4]


@pytest.mark.parametrize("index", ["a", 1.5, [0, 1], np.array([0, 1]), 2.0])
def test_other_indices_are_refused(index: Any) -> None:
    x = array.placeholder(dtypes.float32, [2, 2])
    with pytest.raises(TypeError, match="Only integers, slices"):
        getitem(x, index if not isinstance(index, list) else (index,))


def test_out_of_range_is_said_early_where_it_is_known_and_late_where_not() -> None:
    x = array.placeholder(dtypes.float32, [2])
    with pytest.raises(ValueError, match="slice index 2 of dimension 0 out of bounds"):
        x[2]
    y = array.placeholder(dtypes.float32, [None])
    with pytest.raises(errors.InvalidArgumentError, match="slice index 2 of dimension 0"):
        run(y[2], {y: [0, 0]})


def test_strings_stay_arrays() -> None:
    s = array.placeholder(dtypes.string, [None])
    found = run([s[0], s[1:], slice_(s, [1], [1])], {s: ["a", "bc"]})
    assert found[0] == b"a"
    assert [item.tolist() for item in found[1:]] == [[b"bc"], [b"bc"]]


def test_slice_takes_what_is_left() -> None:
    x = array.placeholder(dtypes.float32, [None, 3])
    part = slice_(x, [1, 0], [-1, 2])
    assert part.dims == (None, 2)
    assert run(part, {x: np.arange(9).reshape(3, 3)}).tolist() == [[3, 4], [6, 7]]
    with pytest.raises(errors.InvalidArgumentError, match=r"Expected size\[0\] in \[0, 1\]"):
        run(slice_(x, [1, 0], [2, 2]), {x: np.zeros((2, 3))})


def test_strided_slice_without_strides() -> None:
    assert run(strided_slice([1, 2, 3, 4], [1], [3])).tolist() == [2, 3]


def test_a_part_does_not_change_with_the_variable() -> None:
    cell = variable_op_v2([3], dtypes.float32, name="w")
    start = assign(cell, [0.0, 0.0, 0.0])
    parts = [getitem(cell, slice(1, None)), slice_(cell, [0], [2])]
    with control_dependencies([part.op for part in parts]):
        update = assign(cell, [1.0, 1.0, 1.0])
    with Session() as session:
        session.run(start.op)
        for found in session.run([*parts, update])[:-1]:
            assert found.tolist() == [0, 0]
