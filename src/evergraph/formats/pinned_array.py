"""Arrays whose elements stay as they are for a file, while whoever owns the memory goes on working with it."""

from __future__ import annotations

from collections.abc import Container, Iterator
from contextlib import contextmanager
from threading import Condition
from typing import Any

import numpy as np

from evergraph import errors

Array = np.ndarray[Any, Any]

# Below it, fresh memory costs nothing that could be seen.
_LARGE = 64 << 10


class SpareArrays:
    """Arrays that nobody needs any more, to be used again: filling fresh memory takes twice as long.

    Several threads may give and take.
    """

    def __init__(self) -> None:
        self._spares: dict[tuple[tuple[int, ...], np.dtype[Any]], list[Array]] = {}

    def copy(self, array: Array) -> Array:
        """A copy of ``array``, in C order."""
        try:
            copy = self._spares[array.shape, array.dtype].pop()
        except (KeyError, IndexError):
            copy = np.empty(array.shape, array.dtype)
        np.copyto(copy, array)
        return copy

    def give(self, array: Array) -> None:
        """Takes in an array that only the caller has."""
        if array.nbytes >= _LARGE and not array.dtype.hasobject:
            self._spares.setdefault((array.shape, array.dtype), []).append(array)

    def keep(self, kinds: Container[tuple[tuple[int, ...], np.dtype[Any]]]) -> None:
        """Forgets those whose shape and type are not among ``kinds``."""
        for kind in list(self._spares):  # in one go: another thread may give one meanwhile
            if kind not in kinds:
                self._spares.pop(kind, None)


class PinnedArray:
    """The elements of an array as they are now.

    Who writes them to a file looks at the memory in short blocks (`steady`), and then lets go of it (`release`). Who
    owns the memory, and wants to write to it before that, has the elements copied elsewhere first (`move`): that waits
    for the end of one block, not for the file.

    Args:
        array: in C order.
        uses: how often it is going to be released.
        moved: a condition, which the arrays of one save may share.
        spares: where memory for the copy comes from, and goes.

    Attributes:
        shape, dtype, ndim, nbytes: of the array.
        copied_bytes: how much was copied because of it.
    """

    __slots__ = (
        "_array",
        "_in_use",
        "_moved",
        "_spares",
        "_uses",
        "copied_bytes",
        "dtype",
        "nbytes",
        "ndim",
        "shape",
    )

    def __init__(
        self,
        array: Array,
        uses: int = 1,
        moved: Condition | None = None,
        spares: SpareArrays | None = None,
    ) -> None:
        self.shape: tuple[int, ...] = array.shape
        self.dtype: np.dtype[Any] = array.dtype
        self.ndim: int = array.ndim
        self.nbytes: int = array.nbytes
        self.copied_bytes = 0
        self._array: Array | None = array
        self._in_use: Array | None = None
        self._moved = moved or Condition()
        self._spares = spares or SpareArrays()
        self._uses = uses

    @property
    def is_needed(self) -> bool:
        """Whether somebody is still going to look at the elements."""
        return self._array is not None

    @contextmanager
    def steady(self) -> Iterator[Array]:
        """The array, whose elements stay as they are until the block is left; the next time it may be another array.

        Raises:
            FailedPreconditionError: it has been released.
        """
        with self._moved:
            array = self._in_use = self._array
        if array is None:
            raise errors.FailedPreconditionError(None, None, "A pinned array has been released.")
        try:
            yield array
        finally:
            with self._moved:
                self._in_use = None
                self._moved.notify_all()

    def move(self) -> None:
        """Copies the elements elsewhere, if they are needed; when this returns, nobody looks at the old memory."""
        old = self._array
        if old is None:
            return
        copy = self._spares.copy(old)
        with self._moved:
            if self._array is None:
                self._spares.give(copy)
                return
            self._array = copy
            self.copied_bytes = copy.nbytes
            # Not: that it is no more the old one. A move that was interrupted here is done again, from the copy.
            self._moved.wait_for(lambda: self._in_use is None or self._in_use is self._array)

    def release(self) -> None:
        """One use less: after the last, the memory is the owner's alone."""
        self._uses -= 1
        if self._uses <= 0:
            self.drop()

    def drop(self) -> None:
        """No use any more."""
        with self._moved:
            array, self._array = self._array, None
        if array is not None and self.copied_bytes:
            self._spares.give(array)
