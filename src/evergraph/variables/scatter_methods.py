"""The methods of a variable that update some of its rows or elements."""

from __future__ import annotations

from typing import Any

from evergraph.ops import state_scatter
from evergraph.ops.indexed_slices import IndexedSlices


def _parts(sparse_delta: Any) -> tuple[Any, Any]:
    if not isinstance(sparse_delta, IndexedSlices):
        raise TypeError(f"sparse_delta is not IndexedSlices: {sparse_delta}")
    return sparse_delta.indices, sparse_delta.values


class ScatterMethods:
    """Each method gives the variable after the update.

    ``sparse_delta`` is an IndexedSlices (TypeError for anything else); ``indices`` of the ``nd``
    methods are [..., K], places in the first K dimensions.
    """

    def scatter_update(
        self, sparse_delta: Any, use_locking: bool = False, name: str | None = None
    ) -> Any:
        """Puts the rows in."""
        indices, rows = _parts(sparse_delta)
        return state_scatter.scatter_update(self, indices, rows, use_locking, name)

    def scatter_add(
        self, sparse_delta: Any, use_locking: bool = False, name: str | None = None
    ) -> Any:
        """Adds the rows."""
        indices, rows = _parts(sparse_delta)
        return state_scatter.scatter_add(self, indices, rows, use_locking, name)

    def scatter_sub(
        self, sparse_delta: Any, use_locking: bool = False, name: str | None = None
    ) -> Any:
        """Subtracts the rows."""
        indices, rows = _parts(sparse_delta)
        return state_scatter.scatter_sub(self, indices, rows, use_locking, name)

    def scatter_mul(
        self, sparse_delta: Any, use_locking: bool = False, name: str | None = None
    ) -> Any:
        """Multiplies by the rows."""
        indices, rows = _parts(sparse_delta)
        return state_scatter.scatter_mul(self, indices, rows, use_locking, name)

    def scatter_div(
        self, sparse_delta: Any, use_locking: bool = False, name: str | None = None
    ) -> Any:
        """Divides by the rows."""
        indices, rows = _parts(sparse_delta)
        return state_scatter.scatter_div(self, indices, rows, use_locking, name)

    def scatter_min(
        self, sparse_delta: Any, use_locking: bool = False, name: str | None = None
    ) -> Any:
        """Takes the smaller of each element and the one in the rows."""
        indices, rows = _parts(sparse_delta)
        return state_scatter.scatter_min(self, indices, rows, use_locking, name)

    def scatter_max(
        self, sparse_delta: Any, use_locking: bool = False, name: str | None = None
    ) -> Any:
        """Takes the larger of each element and the one in the rows."""
        indices, rows = _parts(sparse_delta)
        return state_scatter.scatter_max(self, indices, rows, use_locking, name)

    def scatter_nd_update(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Puts ``updates`` in."""
        return state_scatter.scatter_nd_update(self, indices, updates, True, name)

    def scatter_nd_add(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Adds ``updates``."""
        return state_scatter.scatter_nd_add(self, indices, updates, True, name)

    def scatter_nd_sub(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Subtracts ``updates``."""
        return state_scatter.scatter_nd_sub(self, indices, updates, True, name)

    def scatter_nd_min(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Takes the smaller of each element and the one in ``updates``."""
        return state_scatter.scatter_nd_min(self, indices, updates, True, name)

    def scatter_nd_max(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Takes the larger of each element and the one in ``updates``."""
        return state_scatter.scatter_nd_max(self, indices, updates, True, name)

    def batch_scatter_update(
        self, sparse_delta: Any, use_locking: bool = False, name: str | None = None
    ) -> Any:
        """Puts rows in, batch by batch."""
        indices, rows = _parts(sparse_delta)
        return state_scatter.batch_scatter_update(self, indices, rows, use_locking, name)
