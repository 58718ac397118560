"""concat, stack, split and their inverses as programs use them; lists that hold tensors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.graph import Graph
from evergraph.graph.scopes import control_dependencies
from evergraph.ops import array, gathering, joining
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


def test_the_order_of_arguments_before_1_0_is_explained() -> None:
    x = floats(2, 4)
    with pytest.raises(ValueError, match=r"Write tf.concat\(\[...\], 1\)"):
        joining.concat(1, [x, x])
    with pytest.raises(TypeError, match=r"the tensor comes first .* Write tf.split\(..., 4, 1\)"):
        joining.split(1, 4, x)


def test_names_before_1_0(graph: Graph) -> None:
    x = floats(2)
    joined = joining.pack([x, x])
    parts = joining.unpack(joined)
    assert [op.name for op in graph.get_operations()][1:] == ["pack", "unpack"]
    assert run(parts, {x: [1, 2]})[1].tolist() == [1, 2]


def test_concat_of_one_is_an_identity() -> None:
    x = floats(2)
    assert joining.concat([x], 0).op.type == "Identity"


def test_concat_says_which_input_does_not_fit() -> None:
    x, y = array.placeholder(dtypes.float32), array.placeholder(dtypes.float32)
    with pytest.raises(errors.InvalidArgumentError, match=r"shape\[0\] = \[2,3\] vs. shape\[1\]"):
        run(joining.concat([x, y], 0), {x: np.zeros((2, 3)), y: np.zeros((2, 2))})


def test_stack_of_numbers_is_a_constant() -> None:
    assert joining.stack([1, 2, 3]).op.type == "Const"
    assert joining.stack([1, 2, 3], axis=-1).op.type == "Pack"


def test_split_and_unstack_are_the_inverses() -> None:
    x = floats(None, 4)
    value = np.arange(8.0).reshape(2, 4)
    halves = joining.split(x, 2, axis=1)
    columns = joining.unstack(x, axis=1)
    sized = joining.split(x, [1, -1], axis=1)
    assert [part.dims for part in sized] == [(None, 1), (None, 3)]
    whole = [joining.concat(halves, 1), joining.stack(columns, 1), joining.concat(sized, 1)]
    for found in run(whole, {x: value}):
        np.testing.assert_array_equal(found, value)


def test_parts_do_not_change_with_the_variable() -> None:
    cell = variable_op_v2([2, 2], dtypes.float32, name="w")
    start = assign(cell, np.zeros((2, 2), np.float32))
    parts = [*joining.unstack(cell), *joining.split(cell, 2)]
    with control_dependencies([part.op for part in parts]):
        update = assign(cell, np.ones((2, 2), np.float32))
    with Session() as session:
        session.run(start.op)
        for found in session.run([*parts, update])[:-1]:
            assert found.ravel().tolist() == [0, 0]


def test_lists_of_tensors_become_one() -> None:
    n = array.placeholder(dtypes.int32, [])
    assert run(convert_to_tensor([[n, 1], [2, [n, 4][1]]]), {n: 7}).tolist() == [[7, 1], [2, 4]]
    assert run(convert_to_tensor((n, 2), dtypes.int64), {n: 7}).dtype == np.int64
    with pytest.raises(TypeError, match=r"to int32"):
        convert_to_tensor([n, floats()])
    with pytest.raises(TypeError):
        convert_to_tensor([n, "text"])


def test_lists_of_variables_become_one() -> None:
    cells = [variable_op_v2([2], dtypes.float32, name=f"w{i}") for i in range(2)]
    starts = [assign(cell, np.full(2, i, np.float32)).op for i, cell in enumerate(cells)]
    packed = convert_to_tensor(cells)
    with Session() as session:
        session.run(starts)
        assert session.run(packed).tolist() == [[0, 0], [1, 1]]


def test_parallel_stack() -> None:
    x = floats(3)
    stacked = joining.parallel_stack([x, x])
    assert stacked.dims == (2, 3)
    assert run(stacked, {x: [1, 2, 3]}).tolist() == [[1, 2, 3]] * 2


@pytest.mark.parametrize("axis", [0, 1, -1, -2])
@pytest.mark.parametrize("count", [2, 18])
def test_the_gradient_of_concat_by_rows(axis: int, count: int) -> None:
    """IndexedSlices through a concatenation are what dense gradients are."""
    parts = [floats(2, 3) for _ in range(count)]
    whole = joining.concat(parts, axis)
    rows = constant([1, 0, 1])
    weights = constant(np.arange(3.0, dtype=np.float32)[:, None] + 1)
    picked = gathering.gather(whole, rows) * weights
    grads = [convert_to_tensor(grad) for grad in gradients(picked, parts)]
    total = 2 * count if axis in (0, -2) else 2
    expected = np.zeros((total, 3 if axis in (0, -2) else 3 * count))
    for row, weight in zip([1, 0, 1], [1, 2, 3], strict=True):
        expected[row] += weight
    feeds = {part: np.zeros((2, 3)) for part in parts}
    wanted = np.split(expected, count, axis)
    for found, part in zip(run(grads, feeds), wanted, strict=True):
        np.testing.assert_array_equal(found, part)
