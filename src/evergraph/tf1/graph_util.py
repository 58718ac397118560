"""``tf.graph_util``: GraphDefs into GraphDefs."""

from __future__ import annotations

from evergraph.tf1.lazy import namespace

_TABLE = {
    "evergraph.transforms.freeze": "convert_variables_to_constants",
    "evergraph.transforms.subgraph": "extract_sub_graph",
    "evergraph.transforms.training_nodes": "remove_training_nodes",
    "evergraph.graph.importer": "import_graph_def",
}

__getattr__, __dir__ = namespace(__name__, "tf.graph_util", _TABLE)
