"""``tf.initializers``: what variables begin with."""

from __future__ import annotations

from evergraph.tf1.lazy import namespace

_TABLE = {
    "evergraph.variables.initializers": (
        "constant=constant_initializer glorot_normal=glorot_normal_initializer "
        "glorot_uniform=glorot_uniform_initializer he_normal he_uniform identity=Identity "
        "lecun_normal lecun_uniform ones=ones_initializer orthogonal=orthogonal_initializer "
        "random_normal=random_normal_initializer random_uniform=random_uniform_initializer "
        "truncated_normal=truncated_normal_initializer "
        "uniform_unit_scaling=uniform_unit_scaling_initializer "
        "variance_scaling=variance_scaling_initializer zeros=zeros_initializer"
    ),
    "evergraph.variables.collections": (
        "global_variables=global_variables_initializer local_variables=local_variables_initializer "
        "variables=variables_initializer"
    ),
    "evergraph.ops.tables": "tables_initializer",
}

__getattr__, __dir__ = namespace(__name__, "tf.initializers", _TABLE)
