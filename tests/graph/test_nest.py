"""Nested structures."""

from __future__ import annotations

from collections import OrderedDict, namedtuple

import pytest

from evergraph.graph import nest
from evergraph.graph.graph import Graph
from evergraph.ops.constant import constant
from evergraph.ops.indexed_slices import IndexedSlices
from evergraph.ops.slices import as_indexed_slices

Pair = namedtuple("Pair", "left right")


def test_flatten_visits_dicts_by_their_sorted_keys() -> None:
    structure = [1, (2, Pair(3, {"b": 5, "a": 4})), "six"]
    assert nest.flatten(structure) == [1, 2, 3, 4, 5, "six"]
    assert nest.flatten("leaf") == ["leaf"]
    with pytest.raises(TypeError, match="sortable keys"):
        nest.flatten({1: 2, "a": 3})


def test_pack_gives_back_the_structure() -> None:
    structure = [1, (2, Pair(3, OrderedDict([("b", 5), ("a", 4)])))]
    packed = nest.pack_sequence_as(structure, "v w x y z".split())
    assert packed == ["v", ("w", Pair("x", OrderedDict([("b", "z"), ("a", "y")])))]
    assert list(packed[1][1].right) == ["b", "a"]
    with pytest.raises(ValueError, match="4 atoms, but flat_sequence had 1"):
        nest.pack_sequence_as([1, [2, 3, 4]], [1])
    with pytest.raises(TypeError, match="Attempted to pack"):
        nest.pack_sequence_as([1], 1)


def test_map_structure() -> None:
    assert nest.map_structure(lambda a, b: a + b, [1, (2,)], [10, (20,)]) == [11, (22,)]
    with pytest.raises(ValueError, match="same nested structure"):
        nest.map_structure(max, [1, [2]], [1, 2])
    with pytest.raises(TypeError, match="same nested structure"):
        nest.map_structure(max, [1, (2,)], [1, [2]])
    with pytest.raises(TypeError, match="must be callable"):
        nest.map_structure(1, [1])  # type: ignore[arg-type]


def test_same_structure() -> None:
    again = namedtuple("Pair", "left right")
    nest.assert_same_structure(Pair(1, 2), again(3, 4))
    nest.assert_same_structure({"a": 1}, OrderedDict(a=2))
    nest.assert_same_structure([1, (2,)], (1, [2]), check_types=False)
    for one, other in (([1], [1, 2]), ({"a": 1}, {"b": 1}), ([1], 1)):
        with pytest.raises(ValueError, match="More specifically"):
            nest.assert_same_structure(one, other)


def test_composites_are_taken_apart_where_that_is_asked() -> None:
    with Graph().as_default():
        slices = IndexedSlices(constant([1.0, 2.0]), constant([0, 3]), constant([4]))
        assert nest.flatten([slices]) == [slices]
        parts = nest.flatten([slices], expand_composites=True)
        assert parts == [slices.values, slices.indices, slices.dense_shape]
        (again,) = nest.pack_sequence_as([slices], parts, expand_composites=True)
        assert again.values is slices.values
        assert again.dense_shape is slices.dense_shape
        composite = nest.composite(slices)
        assert composite is not None
        assert composite.invariant((None, 3)) == [(None, 3), (None,), (2,)]
        assert as_indexed_slices(slices) is slices
        dense = as_indexed_slices(constant([[1.0], [2.0]]))
        assert dense.indices.dims == (2,)


def test_up_to() -> None:
    shallow, deep = [1, [2]], [[10, 11], [{"a": 12}]]
    assert nest.flatten_up_to(shallow, deep) == [[10, 11], {"a": 12}]
    assert nest.map_structure_up_to(shallow, len, deep) == [2, [1]]
    with pytest.raises(ValueError, match="does not have the structure"):
        nest.flatten_up_to([1, [2]], [1, 2])
