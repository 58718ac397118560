"""What variables keep their values in.

A *reference variable* is a RefCell: one buffer, written in place while its shape stays, so that everything that aliases it
(Identity, Reshape ...) sees the update. A *resource variable* is a ResourceCell: every write makes a new array, so that
what was read before stays as it was.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors

Array = Any


class RefCell:
    """The state of a reference variable: its buffer, or None before it is initialized."""

    __slots__ = ("buffer", "dtype", "name")

    def __init__(self, name: str = "", dtype: Any = None) -> None:
        self.name = name
        self.dtype = dtype
        self.buffer: Array = None

    @property
    def initialized(self) -> bool:
        return self.buffer is not None

    def read(self) -> Array:
        """The buffer itself. Raises FailedPreconditionError where the variable is not initialized."""
        if self.buffer is None:
            raise errors.FailedPreconditionError(
                None, None, f"Attempting to use uninitialized value {self.name}"
            )
        return self.buffer

    def assign(self, value: Array) -> None:
        """Takes over the contents of ``value``: in place where the shape is the same."""
        buffer = self.buffer
        if buffer is not None and buffer.shape == value.shape and buffer.dtype == value.dtype:
            if buffer is not value:
                np.copyto(buffer, value)
        else:
            self.buffer = np.array(value, copy=True)


class ResourceCell:
    """The state of a resource variable: an array that is replaced, never written to."""

    __slots__ = ("container", "dtype", "name", "shape", "value")

    def __init__(
        self, name: str = "", dtype: Any = None, shape: Any = None, container: str = ""
    ) -> None:
        self.name = name
        self.container = container
        self.dtype = dtype
        self.shape = shape
        self.value: Array = None

    @property
    def initialized(self) -> bool:
        return self.value is not None

    def read(self) -> Array:
        """The value. Raises FailedPreconditionError where the variable is not initialized."""
        value = self.value
        if value is None:
            raise errors.FailedPreconditionError(
                None,
                None,
                f"Error while reading resource variable {self.name} from Container: {self.container or 'localhost'}. "
                "This could mean that the variable was uninitialized.",
            )
        return value

    def assign(self, value: Array) -> None:
        """Replaces the value by a copy of ``value``, which the caller may go on writing to."""
        self.value = np.array(value, copy=True)
