"""Fetches: what ``session.run`` was asked for, in any nesting, and how results go back into that shape."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph.elements import as_graph_element
from evergraph.graph.graph import Graph
from evergraph.graph.operation import Operation
from evergraph.graph.tensor import Tensor
from evergraph.ops.cells import RefCell, ResourceCell
from evergraph.ops.indexed_slices import IndexedSlices, IndexedSlicesValue
from evergraph.ops.sparse_tensor import SparseTensor, SparseTensorValue

#: ``pack(results)``: one fetch's result out of the list of all fetched values.
Pack = Callable[[list[Any]], Any]

#: How upper floors fetch their own types: type -> (parts to fetch, how to put their values together).
_expansions: list[tuple[type, Callable[[Any], tuple[list[Any], Callable[[list[Any]], Any]]]]] = []


def register_expansion(
    kind: type, expand: Callable[[Any], tuple[list[Any], Callable[[list[Any]], Any]]]
) -> None:
    """Makes ``kind`` fetchable: ``expand(value)`` gives the parts to fetch and a function that combines
    their values.
    """
    _expansions.insert(0, (kind, expand))


def structure_key(fetches: Any) -> Hashable:
    """A hashable picture of ``fetches``, so that the work for the same fetches is done once."""
    if isinstance(fetches, (list, tuple)):
        return (type(fetches), *map(structure_key, fetches))
    if isinstance(fetches, Mapping):
        return (type(fetches), tuple(fetches), *map(structure_key, fetches.values()))
    return fetches


class FetchPlan:
    """The tensors and operations to run for ``fetches``, and how their values are put back into its shape."""

    def __init__(self, graph: Graph, fetches: Any) -> None:
        self._graph = graph
        self._positions: dict[Tensor, int] = {}
        self.targets: list[Operation] = []
        self.pack = self._visit(fetches)
        self.tensors = list(self._positions)

    def _visit(self, fetch: Any) -> Pack:
        if fetch is None:
            raise TypeError("Fetch argument None has invalid type <class 'NoneType'>")
        if isinstance(fetch, (list, tuple)):
            return self._sequence(fetch)
        if isinstance(fetch, Mapping):
            return self._mapping(fetch)
        if _is_attrs(fetch):
            fields = [field.name for field in type(fetch).__attrs_attrs__]
            parts = [self._visit(getattr(fetch, field)) for field in fields]
            return lambda values: type(fetch)(*[pack(values) for pack in parts])
        for kind, expand in _expansions:
            if isinstance(fetch, kind):
                wanted, combine = expand(fetch)
                several = [self._visit(item) for item in wanted]
                return lambda values: combine([pack(values) for pack in several])
        return self._element(fetch)

    def _element(self, fetch: Any) -> Pack:
        try:
            element = as_graph_element(self._graph, fetch)
        except TypeError:
            raise TypeError(
                f"Fetch argument {fetch!r} has invalid type {type(fetch)}, must be a string or Tensor. "
                f"(Can not convert a {type(fetch).__name__} into a Tensor or Operation.)"
            ) from None
        except ValueError as error:
            raise ValueError(
                f"Fetch argument {fetch!r} cannot be interpreted as a Tensor. ({error})"
            ) from None
        except KeyError as error:
            raise errors.documented(
                ValueError(
                    f"Fetch argument {fetch!r} cannot be interpreted as a Tensor. ({error.args[0]})"
                )
            ) from None
        if not self._graph.is_fetchable(element):
            raise ValueError(f"Operation {element.name!r} has been marked as not fetchable.")
        if isinstance(element, Operation):
            self.targets.append(element)
            return _nothing
        position = self._positions.setdefault(element, len(self._positions))
        return lambda values: values[position]

    def _sequence(self, fetches: Sequence[Any]) -> Pack:
        parts = [self._visit(item) for item in fetches]
        if isinstance(fetches, tuple) and hasattr(fetches, "_fields"):
            make = type(fetches)
            return lambda values: make(*[pack(values) for pack in parts])
        if isinstance(fetches, list):
            return lambda values: [pack(values) for pack in parts]
        return lambda values: tuple([pack(values) for pack in parts])

    def _mapping(self, fetches: Mapping[Any, Any]) -> Pack:
        kind = type(fetches) if type(fetches) is not dict else dict
        parts = {key: self._visit(item) for key, item in fetches.items()}
        return lambda values: kind((key, pack(values)) for key, pack in parts.items())  # type: ignore[call-arg]


def _nothing(values: list[Any]) -> None:
    return None


def _is_attrs(fetch: Any) -> bool:
    return hasattr(type(fetch), "__attrs_attrs__")


def detach(results: list[Any], i: int) -> Any:
    """``results[i]`` as the caller of a run gets it: an array that nobody else holds, or a NumPy scalar.

    What a variable, a constant, a feed or a view's base may share is copied; a reference is read now, at the
    end of the run.
    """
    value = results[i]
    if isinstance(value, (RefCell, ResourceCell)):
        return np.array(value.read(), copy=True)[()] if isinstance(value, RefCell) else value
    if not isinstance(value, np.ndarray):
        return value
    if value.ndim == 0:
        return value[()]
    # The list, the local name and getrefcount's argument: whatever is above three is somebody else's.
    if value.base is not None or not value.flags.owndata or sys.getrefcount(value) > 3:
        return np.array(value, copy=True)
    return value


def _indexed_slices(fetch: IndexedSlices) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    parts: list[Any] = [fetch.values, fetch.indices]
    if fetch.dense_shape is None:
        return parts, lambda values: IndexedSlicesValue(values[0], values[1], None)
    return [*parts, fetch.dense_shape], lambda values: IndexedSlicesValue(*values)


register_expansion(IndexedSlices, _indexed_slices)


def _sparse_tensor(fetch: SparseTensor) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    parts: list[Any] = [fetch.indices, fetch.values, fetch.dense_shape]
    return parts, lambda values: SparseTensorValue(*values)


register_expansion(SparseTensor, _sparse_tensor)
