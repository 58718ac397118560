"""The memory of an array, as bytes."""

from __future__ import annotations

from typing import Any

import numpy as np

_BUILT_IN = 1  # not one of ml_dtypes', which give no buffer


def memory_of(array: np.ndarray[Any, Any]) -> memoryview:
    """The bytes of an array of numbers in C order: a view, writable as the array is."""
    if array.size and array.dtype.isbuiltin == _BUILT_IN:
        return array.data.cast("B")  # in half of the time of the other way
    return array.reshape(-1).view(np.uint8).data
