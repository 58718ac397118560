"""The floats of two bytes, half and bfloat16: kernels compute with them in float32, as Eigen does."""

from __future__ import annotations

from typing import Any

import numpy as np


def is_narrow(dtype: Any) -> bool:
    """True for half and bfloat16 (a NumPy or JAX dtype)."""
    return dtype == np.float16 or dtype.name == "bfloat16"


def wide_dtype(dtype: Any) -> Any:
    """The type that is computed in: float32 for the narrow floats, otherwise ``dtype`` itself."""
    return np.dtype(np.float32) if is_narrow(dtype) else dtype


def widened(x: Any) -> Any:
    """``x`` in the type that is computed in; itself where that is its own."""
    return x.astype(np.float32) if is_narrow(x.dtype) else x
