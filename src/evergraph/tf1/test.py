"""``tf.test``: what the machine has."""

from __future__ import annotations

from evergraph.tf1.lazy import namespace

_TABLE = {
    "evergraph.platform.modes": (
        "gpu_device_name is_built_with_cuda is_built_with_gpu_support is_built_with_rocm "
        "is_built_with_xla is_gpu_available"
    ),
}

__getattr__, __dir__ = namespace(__name__, "tf.test", _TABLE)
