"""TensorArrays and TensorLists: what a run refuses, and that nothing stays behind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from evergraph import tf1 as tf
from evergraph.formats import dtypes
from evergraph.graph.graph import Graph
from evergraph.ops.tensor_array_state import RunTensorArray
from evergraph.ops.tensor_list_value import TensorList, from_rows, scatter, split
from evergraph.runtime.session import Session

REFUSED = tf.errors.InvalidArgumentError


@pytest.fixture(autouse=True)
def graph() -> Any:
    with Graph().as_default() as graph:
        yield graph


def make(size: int = 2, **settings: Any) -> RunTensorArray:
    return RunTensorArray("t", dtypes.float32, size, **settings)


def test_a_place_is_written_once_and_read_once() -> None:
    array = make()
    value = np.float32(3)
    array.write(0, value, dtypes.float32)
    with pytest.raises(REFUSED, match="index 0 because it has already been written to"):
        array.write(0, value, dtypes.float32)
    assert array.get(0, dtypes.float32) == 3
    with pytest.raises(REFUSED, match="Could not read index 0 twice because it was cleared"):
        array.get(0, dtypes.float32)
    with pytest.raises(REFUSED, match="because it has already been read"):
        array.write(0, value, dtypes.float32)
    with pytest.raises(REFUSED, match="not resizeable and size is: 2"):
        array.write(2, value, dtypes.float32)
    with pytest.raises(REFUSED, match="dtype is float64 but TensorArray dtype is float32"):
        array.write(1, np.float64(1), dtypes.float64)
    with pytest.raises(REFUSED, match="Tried to read from index 5"):
        array.get(5, dtypes.float32)
    with pytest.raises(REFUSED, match=r"Could not read from TensorArray index 1\.  Furthermore"):
        array.get(1, dtypes.float32)
    array.close()
    with pytest.raises(REFUSED, match="already been closed"):
        array.get(0, dtypes.float32)


def test_shapes_of_elements() -> None:
    array = make(identical_shapes=True)
    array.write(0, np.zeros(2, np.float32), dtypes.float32)
    with pytest.raises(REFUSED, match="consider setting infer_shape=False"):
        array.write(1, np.zeros(3, np.float32), dtypes.float32)
    assert array.get(1, dtypes.float32).tolist() == [0.0, 0.0]


def test_an_array_of_gradients_adds_up() -> None:
    array = make()
    array.write(0, np.ones(2, np.float32), dtypes.float32)
    sums = array.gradient("gradients")
    assert array.gradient("gradients") is sums
    assert array.gradient("gradients_1") is not sums
    sums.write(0, np.ones(2, np.float32), dtypes.float32)
    sums.write(0, np.full(2, 2.0, np.float32), dtypes.float32)
    assert sums.get(0, dtypes.float32).tolist() == [3.0, 3.0]
    fresh = array.gradient("gradients_1")
    assert fresh.get(0, dtypes.float32).tolist() == [0.0, 0.0]


def test_pieces_must_fit() -> None:
    rows = np.zeros((3, 2), np.float32)
    with pytest.raises(REFUSED, match="sum of lengths is 2"):
        make().split(rows, np.array([1, 1]), dtypes.float32)
    with pytest.raises(REFUSED, match="not equal to the size of lengths"):
        make(3).split(rows, np.array([1, 2]), dtypes.float32)
    with pytest.raises(REFUSED, match="Max scatter index"):
        make().scatter([0, 5, 1], rows, dtypes.float32)
    with pytest.raises(REFUSED, match="size zero, but element shape"):
        make(0).gather([], dtypes.float32, None)
    assert make(0).gather([], dtypes.float32, (2,)).shape == (0, 2)
    one = make()
    one.scatter([0, 1], rows[:2], dtypes.float32)
    two = make()
    two.write(0, rows[0], dtypes.float32)
    two.write(1, rows[0, :1], dtypes.float32)
    with pytest.raises(REFUSED, match="inconsistent shapes"):
        two.gather([0, 1], dtypes.float32, None)


def test_building_refuses() -> None:
    with pytest.raises(ValueError, match="`size` must be provided"):
        tf.TensorArray(tf.float32)
    array = tf.TensorArray(tf.float32, size=2)
    with pytest.raises(ValueError, match="`handle` and `size`"):
        tf.TensorArray(tf.float32, handle=array.handle, flow=array.flow, size=2)
    with pytest.raises(TypeError, match="Expected `handle` to be a Tensor"):
        tf.TensorArray(tf.float32, handle=1, flow=array.flow)
    array = array.write(0, [1.0, 2.0])
    with pytest.raises(ValueError, match="Inconsistent shapes"):
        array.write(1, [1.0])
    assert array.element_shape.as_list() == [2]


def test_each_run_begins_anew() -> None:
    x = tf.placeholder(tf.float32, [])
    array = tf.TensorArray(tf.float32, size=1)
    value = array.write(0, x).read(0)
    with Session() as session:
        assert [session.run(value, {x: i}) for i in (1.0, 2.0)] == [1.0, 2.0]
        assert session.state._resources == {}


def test_a_list_does_not_change() -> None:
    empty = TensorList([], dtypes.float32, (2,))
    one = empty.push(np.ones(2, np.float32))
    assert (len(empty.items), len(one.items)) == (0, 1)
    two = one.resize(2)
    assert two.get(1, None).tolist() == [0.0, 0.0]
    assert two.set(1, np.full(2, 5.0, np.float32)).get(1, None).tolist() == [5.0, 5.0]
    assert (one + one).get(0, None).tolist() == [2.0, 2.0]
    assert np.zeros_like(one).get(0, None).tolist() == [0.0, 0.0]


def test_a_list_refuses() -> None:
    ones = np.ones(2, np.float32)
    full = TensorList([ones], dtypes.float32, (2,), max_size=1)
    with pytest.raises(REFUSED, match="Tried to push item into a full list"):
        full.push(ones)
    with pytest.raises(REFUSED, match="Tried to append a tensor with incompatible shape"):
        TensorList([], dtypes.float32, (3,)).push(ones)
    with pytest.raises(REFUSED, match="Trying to pop from an empty list"):
        TensorList([], dtypes.float32).pop(None)
    with pytest.raises(REFUSED, match="Trying to access element 3 in a list with 1 elements"):
        full.get(3, None)
    with pytest.raises(REFUSED, match="expected a list with 2 elements but got a list with 1"):
        full.stack(None, 2)
    with pytest.raises(REFUSED, match="empty list with non-fully-defined element_shape"):
        TensorList([], dtypes.float32).stack(None, -1)
    with pytest.raises(REFUSED, match="op elements int32 but list elements float32"):
        full.check_dtype(dtypes.int32)
    with pytest.raises(REFUSED, match="different lengths"):
        full + TensorList([], dtypes.float32)
    with pytest.raises(REFUSED, match="at least a vector"):
        from_rows(np.float32(1), dtypes.float32, None)
    with pytest.raises(REFUSED, match="must all be non-negative"):
        scatter(full, [-1], ones[None], grow=True)
    with pytest.raises(REFUSED, match="Unused values in tensor"):
        split(np.zeros((3, 2)), dtypes.float32, None, np.array([1, 1]))
