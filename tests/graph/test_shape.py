"""Static shapes, as TensorFlow 1 has them."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evergraph.graph import shape
from evergraph.graph.shape import Dimension, TensorShape

sizes = st.one_of(st.none(), st.integers(0, 5))
dims = st.one_of(st.none(), st.lists(sizes, max_size=4).map(tuple))


def test_indexing_gives_dimensions() -> None:
    one = TensorShape([2, None, 3])
    assert one[0] == 2
    assert one[0].value == 2
    assert one[1].value is None
    assert one[-1] == Dimension(3)
    assert one[1:].as_list() == [None, 3]
    assert [d.value for d in one] == [2, None, 3]
    assert TensorShape(None)[0].value is None
    assert TensorShape(None)[1:3].as_list() == [None, None]


def test_text() -> None:
    assert str(TensorShape([2, None])) == "(2, ?)"
    assert str(TensorShape([None])) == "(?,)"
    assert str(TensorShape([])) == "()"
    assert str(TensorShape(None)) == "<unknown>"
    assert repr(TensorShape([2, None])) == "TensorShape([Dimension(2), Dimension(None)])"


def test_unknown_sizes_compare_as_none() -> None:
    assert (Dimension(None) == 3) is None
    assert (Dimension(2) == 3) is False
    assert (Dimension(2) < 3) is True
    assert (Dimension(None) + 1).value is None
    assert (Dimension(7) // 2).value == 3
    assert (10 - Dimension(3)).value == 7
    assert int(Dimension(4)) == 4
    assert list(range(Dimension(2))) == [0, 1]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (3, (3,)),
        ([1, -1], (1, None)),
        ((Dimension(2), None), (2, None)),
        (TensorShape([4]).as_proto(), (4,)),
        (TensorShape(None).as_proto(), None),
        (TensorShape([2, None]).as_proto(), (2, None)),
    ],
)
def test_every_way_to_write_one(value: Any, expected: Any) -> None:
    assert TensorShape(value).dims_or_none == expected


@pytest.mark.parametrize("value", ["23", ["a"], [1.5], [-2]])
def test_what_is_no_shape(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        TensorShape(value)


def test_what_may_not_be() -> None:
    with pytest.raises(ValueError, match="not compatible"):
        TensorShape([2]).merge_with([3])
    with pytest.raises(ValueError, match="must have rank 2"):
        TensorShape([2]).with_rank(2)
    with pytest.raises(ValueError, match="not fully defined"):
        TensorShape([None]).assert_is_fully_defined()
    with pytest.raises(ValueError, match="unknown"):
        TensorShape(None).as_list()


def test_copies() -> None:
    one = TensorShape([1, None])
    assert pickle.loads(pickle.dumps(one)) == one
    assert copy.deepcopy(one) == one


@given(dims, dims)
def test_merging_keeps_what_both_say(a: Any, b: Any) -> None:
    if not shape.compatible(a, b):
        with pytest.raises(ValueError, match="not compatible"):
            shape.merge(a, b)
        return
    merged = shape.merge(a, b)
    assert merged == shape.merge(b, a)
    assert shape.merge(merged, a) == merged
    assert shape.merge(merged, b) == merged
    for known in (a, b):
        weak = shape.weaken(merged, known)
        assert weak is None or shape.merge(weak, merged) == merged


@given(dims, dims)
def test_broadcasting_agrees_with_numpy(a: Any, b: Any) -> None:
    import numpy as np

    try:
        result = shape.broadcast(a, b)
    except ValueError:
        full = [tuple(1 if d is None else d for d in one or ()) for one in (a, b)]
        with pytest.raises(ValueError, match="broadcast"):
            np.broadcast_shapes(*full)
        return
    if shape.is_fully_defined(a) and shape.is_fully_defined(b):
        assert result == np.broadcast_shapes(a, b)
    elif result is not None:
        assert len(result) == max(len(a), len(b))
