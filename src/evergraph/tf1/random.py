"""``tf.random``: random numbers."""

from __future__ import annotations

from evergraph.tf1.lazy import namespace

_TABLE = {
    "evergraph.ops.random": (
        "categorical multinomial normal=random_normal shuffle=random_shuffle truncated_normal "
        "uniform=random_uniform"
    ),
    "evergraph.ops.random_parameterized": "gamma=random_gamma poisson=random_poisson",
    "evergraph.ops.random_seed": "get_seed set_random_seed",
    "evergraph.ops.stateless_random": (
        "stateless_normal=stateless_random_normal stateless_truncated_normal "
        "stateless_uniform=stateless_random_uniform"
    ),
    "evergraph.ops.stateless_random_parameterized": "stateless_categorical stateless_multinomial",
}

__getattr__, __dir__ = namespace(__name__, "tf.random", _TABLE)
