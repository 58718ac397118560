"""Arrays whose elements stay as they are for a file, while whoever owns the memory goes on working with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition
from typing import Any

import numpy as np

from evergraph import errors

Array = np.ndarray[Any, Any]


class PinnedArray:
    """The elements of an array as they are now.

    Who writes them to a file looks at the memory in short blocks (`steady`), and then lets go of it (`release`). Who
    owns the memory, and wants to write to it before that, gives the elements another place first (`move`): that waits
    for the end of one block, not for the file.

    Args:
        array: in C order.
        moved: a condition, which the arrays of one save may share.
        uses: how often it is going to be released.

    Attributes:
        shape, dtype, ndim, nbytes: of the array.
        copied_bytes: how much was copied because of it.
    """

    __slots__ = (
        "_array",
        "_in_use",
        "_moved",
        "_uses",
        "copied_bytes",
        "dtype",
        "nbytes",
        "ndim",
        "shape",
    )

    def __init__(self, array: Array, moved: Condition | None = None, uses: int = 1) -> None:
        self.shape: tuple[int, ...] = array.shape
        self.dtype: np.dtype[Any] = array.dtype
        self.ndim: int = array.ndim
        self.nbytes: int = array.nbytes
        self.copied_bytes = 0
        self._array: Array | None = array
        self._in_use: Array | None = None
        self._moved = moved or Condition()
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

    def move(self, copy: Array) -> None:
        """Takes the elements from ``copy`` from now on; when this returns, nobody looks at the old memory."""
        with self._moved:
            old = self._array
            if old is None:
                return
            self._array = copy
            self.copied_bytes = copy.nbytes
            self._moved.wait_for(lambda: self._in_use is not old)

    def release(self) -> None:
        """One use less: after the last, the memory is the owner's alone."""
        self._uses -= 1
        if self._uses <= 0:
            self._array = None

    def drop(self) -> None:
        """No use any more."""
        self._array = None
