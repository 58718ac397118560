"""What variables keep their values in.

A *reference variable* is a RefCell: one buffer, written in place while its shape stays, so that
everything that aliases it (Identity, Reshape ...) sees the update. A *resource variable* is a
ResourceCell: what was read before stays as it was, so a write makes a new array, unless nobody else
holds the old one.

Every write holds the cell's lock; reading a resource takes it too, reading a reference does not (as
in TensorFlow).
"""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats.dtypes import DType
from evergraph.formats.pinned_array import PinnedArray
from evergraph.graph.shape import Dims, is_fully_defined, text

Array = Any

#: Pins the value of a cell.
Pin = Callable[[Array], PinnedArray]
#: ``find(name)`` gives the session's cell of that name, or None.
Find = Callable[[str], Any]

_COPY = re.compile(r"_\d+$")
#: Seconds between looks at whether a save has got what it waits for.
_GIVE_WAY = 0.0002


class Handover(np.ndarray[Any, Any]):
    """An array that its maker gives away: the variable that it is assigned to may keep it."""


class CellLock:
    """A lock for writers, who come often and stay shortly, and for a save, which must not wait for ever.

    Python's locks go to whoever asks at the right moment; a thread that trains in a loop would
    keep one that saves waiting. So who asks to be ``first`` is let through by writers who come later.
    """

    __slots__ = ("_asked", "_lock")

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._asked: list[object] = []

    def acquire(self) -> None:
        """Waits for the lock; the thread that holds it may take it again."""
        if self._asked and not self._lock._is_owned():  # type: ignore[attr-defined]
            while self._asked:
                time.sleep(_GIVE_WAY)
        self._lock.acquire()

    def release(self) -> None:
        """Gives the lock back."""
        self._lock.release()

    __enter__ = acquire

    def __exit__(self, *unused: object) -> None:
        self._lock.release()

    def acquire_first(self) -> None:
        """Waits for the lock, and gets it before all who ask for it from now on."""
        if self._lock.acquire(blocking=False):
            return
        request = object()
        self._asked.append(request)
        try:
            self._lock.acquire()
        finally:
            self._asked.remove(request)

    @contextmanager
    def first(self) -> Iterator[None]:
        """Holds the lock: `acquire_first`, and `release` in the end."""
        self.acquire_first()
        try:
            yield
        finally:
            self._lock.release()


class RefCell:
    """The state of a reference variable: its buffer, or None before it is initialized."""

    __slots__ = ("__weakref__", "_find", "buffer", "dtype", "lock", "name", "pins", "shape")

    def __init__(self, name: str = "", dtype: DType | None = None, shape: Dims = None) -> None:
        self.name = name
        self.dtype = dtype
        #: The declared shape; the buffer's may be another one (``validate_shape=False``).
        self.shape = shape
        self.lock = CellLock()
        self.buffer: Array = None
        #: What the buffer's elements are pinned for.
        self.pins: list[PinnedArray] = []
        self._find: Find | None = None

    @property
    def initialized(self) -> bool:
        return self.buffer is not None

    def look_around(self, find: Find) -> None:
        """Says where a variable that is not initialized finds the others, for the sentence of its
        error.
        """
        if self.buffer is None:
            self._find = find

    def read(self) -> Array:
        """The buffer itself. Raises FailedPreconditionError where the variable is not
        initialized.
        """
        if self.buffer is None:
            raise errors.FailedPreconditionError(
                None,
                None,
                "Attempting to use uninitialized value "
                f"{self.name}{twin_hint(self.name, self._find)}",
            )
        return self.buffer

    def writable(self) -> Array:
        """The buffer, to be written to in place, with the lock held."""
        buffer = self.read()
        if self.pins:
            self._move_pins()
        return buffer

    def pin(self, make: Pin) -> PinnedArray:
        """The value as it is now: before it is written to, what is still needed of it is copied elsewhere."""
        self.lock.acquire_first()
        try:
            pin = make(self.read())
            self.pins = [*(known for known in self.pins if known.is_needed), pin]
        finally:
            self.lock.release()
        return pin

    def _move_pins(self) -> None:
        while self.pins:
            self.pins[-1].move()  # where it fails, for want of memory, the pin stays
            self.pins.pop()

    def assign(self, value: Array, validate_shape: bool = True) -> None:
        """Takes over the contents of ``value``: in place where the shape is the same.

        Raises InvalidArgumentError where ``validate_shape`` asks for the same shape and it is
        another one.
        """
        if not isinstance(value, np.ndarray):
            value = as_array(value, self.dtype)
        with self.lock:
            buffer = self.buffer
            if buffer is not None and buffer.shape == value.shape and buffer.dtype == value.dtype:
                if buffer is value:
                    return
                if self.pins:
                    self._move_pins()
                np.copyto(buffer, value)
                return
            if validate_shape:
                self._check_shape(value.shape)
            self.buffer = kept(value)
            self.pins = []
            self._find = None

    def _check_shape(self, given: tuple[int, ...]) -> None:
        declared = self.shape if self.buffer is None else self.buffer.shape
        if is_fully_defined(declared) and declared != given:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Assign requires shapes of both tensors to match. lhs shape= {text(declared)} "
                f"rhs shape= {text(given)}: the variable '{self.name}' has shape "
                f"{text(declared)}, the value that it is to take has shape {text(given)}",
            )


class ResourceCell:
    """The state of a resource variable, or None before it is initialized; what it once gave out
    never changes.
    """

    __slots__ = ("__weakref__", "_find", "container", "dtype", "lock", "name", "shape", "value")

    def __init__(
        self, name: str = "", dtype: DType | None = None, shape: Dims = None, container: str = ""
    ) -> None:
        self.name = name
        self.container = container
        self.dtype = dtype
        self.shape = shape
        self.lock = CellLock()
        self.value: Array = None
        self._find: Find | None = None

    @property
    def initialized(self) -> bool:
        return self.value is not None

    def look_around(self, find: Find) -> None:
        """Says where a variable that is not initialized finds the others, for the sentence of its
        error.
        """
        if self.value is None:
            self._find = find

    def read(self) -> Array:
        """The value. Raises FailedPreconditionError where the variable is not initialized."""
        with self.lock:
            value = self.value
        if value is None:
            raise errors.FailedPreconditionError(None, None, self.missing())
        return value

    def pin(self, make: Pin) -> PinnedArray:
        """The value as it is now. It does not change: while it is needed, a write makes a new array."""
        return make(self.read())

    def missing(self) -> str:
        """The sentence for a variable that is not initialized."""
        return (
            f"Could not find variable {self.name}. This could mean that the variable has been "
            "deleted, or that it is uninitialized: run its initializer or restore it first. "
            f"Container: {self.container or 'localhost'}.{twin_hint(self.name, self._find)}"
        )

    def writable(self) -> Array:
        """The array to write to in place, with the lock held: the value where nobody else holds it,
        else a copy.

        Raises NotFoundError where the variable is not initialized, as TensorFlow does for updates
        of a resource.
        """
        if self.value is None:
            raise errors.NotFoundError(None, None, self.missing())
        # getrefcount's own argument and this cell: a third one is somebody who has read the value.
        if sys.getrefcount(self.value) > 2:
            self.value = np.array(self.value, copy=True)
        return self.value

    def assign(self, value: Array, validate_shape: bool = False) -> None:
        """Replaces the value by a copy of ``value``, which the caller may go on writing to.

        Raises InvalidArgumentError where ``validate_shape`` asks for the declared shape and it is
        another one.
        """
        if validate_shape and is_fully_defined(self.shape) and self.shape != np.shape(value):
            raise errors.InvalidArgumentError(
                None,
                None,
                "Trying to assign to variable with tensor with wrong shape. "
                f"Expected {text(self.shape)} got {text(np.shape(value))} (variable '{self.name}')",
            )
        with self.lock:
            self.value = kept(as_array(value, self.dtype))
            self._find = None

    def destroy(self) -> None:
        """Forgets the value."""
        with self.lock:
            self.value = None


Cell = RefCell | ResourceCell


@contextmanager
def writing(cells: Sequence[Cell]) -> Iterator[None]:
    """Holds the locks of ``cells``, taken in one order for all, so that two updates never wait for
    each other.
    """
    held: list[Cell] = []
    try:
        for cell in sorted(cells, key=id):
            cell.lock.acquire()
            held.append(cell)
        yield
    finally:
        for cell in held:
            cell.lock.release()


def as_array(value: Any, dtype: DType | None) -> Array:
    """``value`` (an array, a NumPy scalar, bytes) as an array."""
    if isinstance(value, np.ndarray):
        return value
    return np.asarray(value, None if dtype is None else dtype.as_numpy_dtype)


def kept(value: Array) -> Array:
    """``value`` as a variable may keep it: itself where it was given away, else a copy.

    Elements are in row order, so that reshaping gives views.
    """
    if isinstance(value, Handover) and value.flags.c_contiguous:
        return value.view(np.ndarray)
    return np.array(value, copy=True, order="C")


def twin_hint(name: str, find: Find | None) -> str:
    """What to add to "uninitialized" where a variable whose name differs only by ``_n`` is
    initialized.

    That is how it looks when a model was built twice and the initializer or the Saver knew only one
    of the two.
    """
    if find is None:
        return ""
    for other in _twins(name):
        cell = find(other)
        if isinstance(cell, (RefCell, ResourceCell)) and cell.initialized:
            return (
                f". '{other}' is initialized: the graph may hold the model twice, and only the "
                "other one was initialized or restored"
            )
    return ""


def _twins(name: str) -> Iterator[str]:
    parts = name.split("/")
    for i, part in enumerate(parts):
        plain = _COPY.sub("", part)
        for other in (plain, f"{plain}_1", f"{plain}_2"):
            if other != part:
                yield "/".join((*parts[:i], other, *parts[i + 1 :]))
