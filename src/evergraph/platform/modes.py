"""The switches between TensorFlow 1's ways and 2's, and what a build supports. evergraph has the first, on the CPU."""

from __future__ import annotations

from typing import Any

from evergraph import errors


def executing_eagerly() -> bool:
    """False: operations are added to a graph, and a session runs them."""
    return False


def disable_eager_execution() -> None:
    """Nothing: operations are added to a graph anyhow. So with the other switches to TensorFlow 1's ways."""


disable_v2_behavior = disable_v2_tensorshape = disable_control_flow_v2 = disable_eager_execution
disable_tensor_equality = disable_eager_execution


def control_flow_v2_enabled() -> bool:
    """False: conditions and loops are TensorFlow 1's."""
    return False


def enable_eager_execution(
    config: Any = None, device_policy: Any = None, execution_mode: Any = None
) -> None:
    """Raises UnimplementedError: there are graphs and sessions only."""
    raise errors.UnimplementedError(
        None,
        None,
        "evergraph is TensorFlow 1's graphs and sessions; there is no eager execution. Programs written for it "
        "(tf.enable_eager_execution, TensorFlow 2) need TensorFlow 2.",
    )


enable_v2_behavior = enable_eager_execution


def is_gpu_available(cuda_only: bool = False, min_cuda_compute_capability: Any = None) -> bool:
    """False: runs use the CPU."""
    return False


def is_built_with_cuda() -> bool:
    """False: runs use the CPU."""
    return False


is_built_with_rocm = is_built_with_xla = is_built_with_gpu_support = is_built_with_cuda


def gpu_device_name() -> str:
    """Empty: there is no GPU in use."""
    return ""
