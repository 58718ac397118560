"""``tf.contrib.util``: constants in and out of protos."""

from evergraph.formats.tensor_proto import make_ndarray, make_tensor_proto
from evergraph.graph.constant_value import constant_value

__all__ = ["constant_value", "make_ndarray", "make_tensor_proto"]
