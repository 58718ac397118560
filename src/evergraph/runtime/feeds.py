"""Feeds: values given for tensors of a run, checked and turned into arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from evergraph.formats import dtypes
from evergraph.graph.elements import as_graph_element
from evergraph.graph.graph import Graph
from evergraph.graph.operation import Operation
from evergraph.graph.shape import compatible
from evergraph.graph.tensor import Tensor
from evergraph.ops.checkpoint_io import PinnedInput
from evergraph.ops.sparse_tensor import SparseTensor

#: How upper floors are fed: type -> function giving (key, value) pairs of plain tensors.
_expansions: list[tuple[type, Callable[[Any, Any], Sequence[tuple[Any, Any]]]]] = []


def register_expansion(kind: type, expand: Callable[[Any, Any], Sequence[tuple[Any, Any]]]) -> None:
    """Makes ``kind`` a key of feed_dict: ``expand(key, value)`` gives the feeds of plain tensors that it stands for."""
    _expansions.insert(0, (kind, expand))


def expand(graph: Graph, feed_dict: Mapping[Any, Any]) -> list[tuple[Tensor, Any]]:
    """The fed tensors with their values as given. Raises TypeError or ValueError for a key that is not feedable."""
    pairs: list[tuple[Tensor, Any]] = []
    for key, value in feed_dict.items():
        for part, part_value in _parts(key, value):
            pairs.append((_tensor(graph, part), part_value))
    return pairs


def _parts(key: Any, value: Any) -> Sequence[tuple[Any, Any]]:
    for kind, function in _expansions:
        if isinstance(key, kind):
            return function(key, value)
    if isinstance(key, tuple):
        return [pair for k, v in zip(key, value, strict=True) for pair in _parts(k, v)]
    return [(key, value)]


def _tensor(graph: Graph, key: Any) -> Tensor:
    try:
        tensor = as_graph_element(graph, key, allow_operation=False)
    except KeyError as error:
        raise TypeError(f"Cannot interpret feed_dict key as Tensor: {error.args[0]}") from None
    except (TypeError, ValueError) as error:
        raise TypeError(f"Cannot interpret feed_dict key as Tensor: {error}") from None
    if not graph.is_feedable(tensor):
        raise ValueError(f"Tensor {tensor.name} may not be fed.")
    return tensor


def to_array(tensor: Tensor, value: Any) -> Any:
    """``value`` as an array for ``tensor``.

    Raises TypeError for Tensors and for whole numbers that the type cannot hold, ValueError where the shape
    does not fit.
    """
    kind = tensor.dtype.base_dtype
    if isinstance(value, (Tensor, Operation)):
        raise TypeError(
            "The value of a feed cannot be a tf.Tensor object. Acceptable feed values include Python scalars, strings, "
            "lists, numpy ndarrays, or TensorHandles. "
            f"For reference, the tensor object was {value!r} which was passed to "
            f"the argument `feed_dict` with key {tensor!r}."
        )
    if kind in (dtypes.resource, dtypes.variant) or isinstance(value, PinnedInput):
        return value
    if kind == dtypes.string:
        array = _strings(value)
    else:
        wanted = kind.as_numpy_dtype
        if (
            isinstance(value, int)
            and not isinstance(value, bool)
            and kind.is_integer
            and int(wanted(value)) != value
        ):
            raise TypeError(
                f"Type of feed value {value} with type {type(value)} is not compatible with Tensor type {wanted}. "
                "Try explicitly setting the type of the feed tensor to a larger type (e.g. int64)."
            )
        array = np.asarray(value, dtype=wanted)
    if not compatible(tensor.dims, array.shape):
        raise ValueError(
            f"Cannot feed value of shape {array.shape} for Tensor {tensor.name}, which has shape {str(tensor.shape)!r}"
        )
    return array


def _strings(value: Any) -> Any:
    # As objects: NumPy's own strings lose zero bytes at their ends.
    array = value if isinstance(value, np.ndarray) else np.asarray(value, dtype=object)
    if array.dtype.kind == "O" and all(type(item) is bytes for item in array.flat):
        return array
    flat = [
        item.encode() if isinstance(item, str) else bytes(item) for item in array.ravel().tolist()
    ]
    result = np.empty(len(flat), object)
    result[:] = flat
    return result.reshape(array.shape)


def _sparse_tensor(key: SparseTensor, value: Any) -> Sequence[tuple[Any, Any]]:
    return list(zip((key.indices, key.values, key.dense_shape), value, strict=True))


register_expansion(SparseTensor, _sparse_tensor)
