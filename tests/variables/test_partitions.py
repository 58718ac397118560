"""Partitioned variables: how they are cut, made, shared, read and updated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evergraph import tf1 as tf
from evergraph.variables.partitioned_variable import PartitionedVariable
from evergraph.variables.partitioning import PartitionInfo, slices
from evergraph.variables.save_slice import SaveSliceInfo


@pytest.fixture(autouse=True)
def fresh_graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


def thirds(axis: int = 0) -> Any:
    return tf.fixed_size_partitioner(3, axis)


def value(*fetches: Any) -> Any:
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        found = [session.run(fetch) for fetch in fetches]
    return found[-1]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.data())
def test_parts_lie_side_by_side(shape: list[int], data: st.DataObject) -> None:
    axis = data.draw(st.integers(0, len(shape) - 1))
    count = data.draw(st.integers(1, shape[axis]))
    whole = np.arange(np.prod(shape)).reshape(shape)
    parts = [
        whole[tuple(slice(o, o + n) for o, n in zip(offset, size, strict=True))]
        for offset, size in slices(shape, axis, count)
    ]
    assert len(parts) == count
    np.testing.assert_array_equal(np.concatenate(parts, axis), whole)
    lengths = [part.shape[axis] for part in parts]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] - lengths[-1] <= 1


def test_partitioners() -> None:
    shape = tf.TensorShape([40, 3])

    def cut(partitioner: Any, dtype: Any = tf.float32) -> Any:
        return partitioner(shape=shape, dtype=dtype)

    assert cut(tf.fixed_size_partitioner(7)) == [7, 1]
    assert cut(tf.fixed_size_partitioner(7, axis=1)) == [1, 3]
    assert cut(tf.fixed_size_partitioner(7, axis=-1)) == [1, 3]
    # Rows of 12 bytes, 8 to a part.
    assert cut(tf.variable_axis_size_partitioner(100)) == [5, 1]
    assert cut(tf.variable_axis_size_partitioner(1)) == [40, 1]
    assert cut(tf.variable_axis_size_partitioner(10**9)) == [1, 1]
    assert cut(tf.variable_axis_size_partitioner(100, max_shards=2)) == [2, 1]
    assert cut(tf.variable_axis_size_partitioner(320, axis=1)) == [1, 2]
    assert cut(tf.variable_axis_size_partitioner(96, bytes_per_string_element=8), tf.string) == [
        10,
        1,
    ]
    # 480 bytes.
    assert cut(tf.min_max_variable_partitioner(8, min_slice_size=100)) == [5, 1]
    assert cut(tf.min_max_variable_partitioner(4, min_slice_size=100)) == [4, 1]
    assert cut(tf.min_max_variable_partitioner(8)) == [1, 1]
    assert cut(tf.min_max_variable_partitioner(8, 1, 10)) == [1, 3]


def test_a_partitioned_variable() -> None:
    w = tf.get_variable("s/w", [7, 2], partitioner=thirds())
    assert isinstance(w, PartitionedVariable)
    assert (w.name, w.shape.as_list(), w.dtype, len(w)) == ("s/w", [7, 2], tf.float32, 3)
    assert repr(w) == "<tf.PartitionedVariable 's/w' shape=(7, 2) dtype=float32 parts=3>"
    assert [part.op.name for part in w] == ["s/w/part_0", "s/w/part_1", "s/w/part_2"]
    assert [part.shape.as_list() for part in w] == [[3, 2], [2, 2], [2, 2]]
    assert tf.global_variables() == tf.trainable_variables() == w._get_variable_list() == list(w)
    assert (w._get_partitions(), w._partition_axes()) == ([3, 1], [0])
    assert [part._get_save_slice_info().spec for part in w] == [
        "7 2 0,3:0,2",
        "7 2 3,2:0,2",
        "7 2 5,2:0,2",
    ]


@pytest.mark.parametrize("resource", [False, True])
def test_values(resource: bool) -> None:
    numbers = np.arange(14, dtype=np.float32).reshape(7, 2)
    w = tf.get_variable(
        "w", [7, 2], initializer=numbers, partitioner=thirds(), use_resource=resource
    )
    c = tf.get_variable(
        "c", initializer=tf.constant(numbers), partitioner=tf.fixed_size_partitioner(2, 1)
    )
    np.testing.assert_array_equal(value(w.as_tensor()), numbers)
    np.testing.assert_array_equal(value(tf.convert_to_tensor(c)), numbers)
    np.testing.assert_array_equal(value(2 * w - c / numbers.max()), 2 * numbers - numbers / 13)
    np.testing.assert_array_equal(value(numbers * w), numbers**2)
    np.testing.assert_array_equal(value(-w[1:, 0]), -numbers[1:, 0])


@pytest.mark.parametrize("strategy", ["mod", "div"])
def test_lookup(strategy: str) -> None:
    # For "mod", part p holds the rows p, p + 3 ...
    rows = np.arange(14, dtype=np.float32).reshape(7, 2)
    order = [0, 3, 6, 1, 4, 2, 5] if strategy == "mod" else list(range(7))
    w = tf.get_variable("w", [7, 2], initializer=rows[order], partitioner=thirds())
    ids = [[6, 0], [3, 3]]
    found = value(tf.nn.embedding_lookup(w, ids, partition_strategy=strategy))
    np.testing.assert_array_equal(found, rows[ids])


def test_lookup_in_columns_is_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    tf.nn.embedding_lookup(tf.get_variable("w", [7, 2], partitioner=thirds()), [1])
    assert not caplog.records
    tf.nn.embedding_lookup(tf.get_variable("c", [7, 2], partitioner=thirds(1)), [1])
    assert "'c' is cut along axis 1" in caplog.text


@pytest.mark.parametrize("resource", [False, True])
def test_updates(resource: bool) -> None:
    numbers = np.arange(14, dtype=np.float32).reshape(7, 2)
    w = tf.get_variable("w", [7, 2], partitioner=thirds(), use_resource=resource)
    v = tf.get_variable(
        "v", [7, 2], partitioner=thirds(), use_resource=resource, initializer=tf.ones_initializer()
    )
    steps = [w.assign(numbers), w.assign_add(numbers), w.assign_sub(v)]
    steps.append(w.assign_add([np.full([3, 2], 5.0), 0 * list(v)[1], 0 * list(v)[2]]))
    wanted = 2 * numbers - 1
    wanted[:3] += 5
    np.testing.assert_array_equal(value(*steps, w.as_tensor()), wanted)
    operations = tf.assign(w, 3 * numbers), w.assign(numbers, read_value=False)
    assert len(operations[0]) == len(operations[1]) == 3
    assert all(isinstance(operation, tf.Operation) for operation in operations[1])
    with pytest.raises(AssertionError, match="'w' has 3 parts, and got a list of 7 values"):
        w.assign(numbers.tolist())


def test_sharing() -> None:
    w = tf.get_variable("w", [7, 2], partitioner=thirds())
    whole = tf.get_variable("whole", [4])
    with tf.variable_scope("", reuse=True):
        assert tf.get_variable("w") is w
        assert tf.get_variable("w", [7, 2], partitioner=thirds()) is w
        with pytest.raises(ValueError, match=r"specified partitions \[2, 1\] and found .*\[3, 1\]"):
            tf.get_variable("w", [7, 2], partitioner=tf.fixed_size_partitioner(2))
        with pytest.raises(ValueError, match=r"specified shape \(6, 2\) and found shape \(7, 2\)"):
            tf.get_variable("w", [6, 2], partitioner=thirds())
        with pytest.raises(ValueError, match="specified dtype int32 and found dtype float32"):
            tf.get_variable("w", [7, 2], tf.int32, partitioner=thirds())
        with pytest.raises(ValueError, match="PartitionedVariable other does not exist"):
            tf.get_variable("other", [7, 2], partitioner=thirds())
        with pytest.raises(ValueError, match="an unpartitioned version of the variable was found"):
            tf.get_variable("whole", [4], partitioner=thirds())
        assert tf.get_variable("whole") is whole
    with pytest.raises(ValueError, match="Partitioned variable with name w already exists"):
        tf.get_variable("w", [7, 2], partitioner=thirds())
    with pytest.raises(ValueError, match=r"No partitioner was provided.*reuse=True"):
        tf.get_variable("w", [7, 2])
    with tf.variable_scope("", reuse=tf.AUTO_REUSE):
        assert tf.get_variable("w", [7, 2], partitioner=thirds()) is w


def test_parts_made_by_hand() -> None:
    tf.get_variable("w/part_0", [2])
    with (
        tf.variable_scope("", reuse=tf.AUTO_REUSE),
        pytest.raises(ValueError, match=r"found, but w/part_1 was not"),
    ):
        tf.get_variable("w", [4], partitioner=tf.fixed_size_partitioner(2))
    tf.get_variable("w/part_1", [2])
    with (
        tf.variable_scope("", reuse=tf.AUTO_REUSE),
        pytest.raises(ValueError, match="the extra shard w/part_1"),
    ):
        tf.get_variable("w", [4], partitioner=tf.fixed_size_partitioner(1))
    with tf.variable_scope("", reuse=tf.AUTO_REUSE):
        w = tf.get_variable("w", [4], partitioner=tf.fixed_size_partitioner(2))
    assert [part.name for part in w] == ["w/part_0:0", "w/part_1:0"]


def test_initializers_see_their_part() -> None:
    seen = []

    def initializer(shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        seen.append((shape, partition_info.full_shape, partition_info.var_offset))
        return tf.fill(shape, float(partition_info.single_offset(shape)))

    w = tf.get_variable("w", [2, 5], initializer=initializer, partitioner=thirds(1))
    assert seen == [
        ([2, 2], [2, 5], [0, 0]),
        ([2, 2], [2, 5], [0, 2]),
        ([2, 1], [2, 5], [0, 4]),
    ]
    np.testing.assert_array_equal(value(w.as_tensor()), [[0, 0, 2, 2, 4]] * 2)
    eye = tf.get_variable(
        "eye", [5, 5], initializer=tf.initializers.identity(), partitioner=thirds()
    )
    np.testing.assert_array_equal(value(eye.as_tensor()), np.eye(5))


def test_partition_info() -> None:
    info = PartitionInfo([7, 2], [3, 0])
    assert info.single_slice_dim([2, 2]) == 0
    assert info.single_offset([2, 2]) == 3
    assert PartitionInfo([7, 2], [0, 0]).single_slice_dim([7, 2]) is None
    assert PartitionInfo([7, 2], [0, 0]).single_offset([7, 2]) == 0
    with pytest.raises(ValueError, match="slice dim could be either dimension 1 or 0"):
        info.single_slice_dim([2, 1])
    with pytest.raises(ValueError, match="would exceed"):
        info.single_slice_dim([5, 2])
    with pytest.raises(ValueError, match="of length 1"):
        info.single_slice_dim([5])
    with pytest.raises(TypeError, match="instead of int"):
        info.single_slice_dim(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="`full_shape` must be a sequence"):
        PartitionInfo(7, [3])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="Expected equal length"):
        PartitionInfo([7], [3, 0])
    with pytest.raises(ValueError, match="Expected 0 <= offset < shape"):
        PartitionInfo([7], [7])


def test_refused_partitioners() -> None:
    for answer, message in [
        (2, "must return a sequence"),
        ([2], "does not match the Variable's rank"),
        ([0, 1], "zero partitions"),
        ([2, 2], "only slice a variable along one dimension"),
        ([5, 1], "more parts than there are elements"),
    ]:
        with pytest.raises(ValueError, match=message):
            tf.get_variable("w", [4, 4], partitioner=lambda shape, dtype, answer=answer: answer)
    assert not tf.get_default_graph().get_operations()
    with pytest.raises(ValueError, match="Partitioner must be callable"):
        tf.get_variable("w", [4, 4], partitioner=3)
    with pytest.raises(ValueError, match="fully defined"):
        tf.get_variable("w", [None, 4], partitioner=thirds())
    with pytest.raises(ValueError, match="No partitioner was specified"):
        tf.get_variable_scope()._get_partitioned_variable(None, "w")
    assert not isinstance(tf.get_variable("scalar", [], partitioner=thirds()), PartitionedVariable)


def _part(name: str, offset: list[int], full: list[int]) -> Any:
    part = tf.Variable(tf.zeros([2, 2]), name=name)
    part._set_save_slice_info(SaveSliceInfo("w", full, offset, [2, 2]))
    return part


def test_made_by_hand() -> None:
    parts = [_part("b", [2, 0], [4, 2]), _part("a", [0, 0], [4, 2])]
    shape = tf.TensorShape([4, 2])
    w = PartitionedVariable("w", shape, tf.float32, parts, [2, 1])
    assert [part.op.name for part in w] == ["a", "b"]
    for arguments, error, message in [
        ((shape, 3, [2, 1]), TypeError, "variable_list is not a list"),
        ((shape, parts, 2), TypeError, "partitions is not a list"),
        ((shape, parts, [0, 1]), ValueError, "must be positive"),
        ((shape, [], [2, 1]), ValueError, "may not be empty"),
        ((shape, [tf.Variable(1.0)], [2, 1]), ValueError, "must have a save_slice_info"),
        ((shape, parts, [2]), ValueError, "len.shape. != len.partitions."),
        ((tf.TensorShape([5, 2]), parts, [2, 1]), ValueError, "full shapes must match"),
    ]:
        with pytest.raises(error, match=message):
            PartitionedVariable("w", arguments[0], tf.float32, *arguments[1:])
    corners = [[0, 0], [0, 2], [2, 0], [2, 2]]
    parts = [_part(f"c{i}", corner, [4, 4]) for i, corner in enumerate(corners)]
    both = PartitionedVariable("w", tf.TensorShape([4, 4]), tf.float32, parts, [2, 2])
    with pytest.raises(ValueError, match="Cannot get a length for 2 > 1 partition axes"):
        len(both)
    with pytest.raises(NotImplementedError, match="Cannot concatenate"):
        both.as_tensor()
    with pytest.raises(NotImplementedError, match="Cannot do assign action"):
        both.assign(tf.zeros([4, 4]))
    with pytest.raises(NotImplementedError, match=r"list\(<the variable 'w'>\)"):
        tf.gradients(tf.reduce_sum(next(iter(w))), [w])


def test_create_partitioned_variables() -> None:
    made = tf.create_partitioned_variables([7, 2], [3, 1], tf.zeros_initializer(), name="w")
    assert [part.op.name for part in made] == ["w/part_0", "w/part_1", "w/part_2"]
    again = tf.create_partitioned_variables(
        [7, 2], [3, 1], tf.zeros_initializer(), name="w", reuse=True
    )
    assert again == made
    unnamed = [tf.create_partitioned_variables([2], [2], tf.ones_initializer()) for _ in range(2)]
    assert unnamed[1][0].op.name == "PartitionedVariable_1/part_0"
    with pytest.raises(ValueError, match="must have the length"):
        tf.create_partitioned_variables([7], [3, 1], None)
    with pytest.raises(ValueError, match="rank at least 1"):
        tf.create_partitioned_variables([], [], None)
    with (
        tf.variable_scope("s", custom_getter=lambda getter, **kwargs: getter(**kwargs)),
        pytest.raises(ValueError, match="instead using get_variable"),
    ):
        tf.create_partitioned_variables([7], [3], tf.zeros_initializer())


def test_layers_in_parts() -> None:
    with tf.variable_scope("net", partitioner=thirds()):
        layer = tf.layers.Dense(4, kernel_regularizer=tf.reduce_sum)
        output = layer(tf.ones([2, 5]))
    assert output.shape.as_list() == [2, 4]
    assert len(layer.trainable_weights) == 6
    assert len(layer.losses) == 3
    assert [part.op.name for part in layer.bias] == [f"net/dense/bias/part_{i}" for i in range(3)]
