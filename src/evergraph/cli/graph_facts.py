"""What ``evergraph inspect`` says of files of graphs: GraphDefs, MetaGraphs and SavedModels."""

from __future__ import annotations

import math
import os
from collections import Counter
from contextlib import nullcontext
from typing import Any, Final

from evergraph import errors
from evergraph.cli.checkpoint_facts import checkpoint_facts, files_of, size_of, totals
from evergraph.formats import graph_file
from evergraph.formats.checkpoint import open_checkpoint
from evergraph.formats.checkpoint_path import find_checkpoint
from evergraph.formats.dtypes import as_dtype
from evergraph.graph.shape import TensorShape
from evergraph.storage import paths
from evergraph.storage.filesystem import filesystem

Facts = dict[str, Any]

_MOST_CANDIDATES = 10


def graph_file_facts(path: str) -> Facts:
    """What is in a file that holds a GraphDef."""
    graph_def = graph_file.read_graph_def(path)
    return {"kind": "graph", "path": path, "bytes": size_of(path), **_graph(graph_def)}


def _graph(graph_def: Any) -> Facts:
    from evergraph.transforms.subgraph import candidate_inputs, candidate_outputs

    constants = [_constant(node) for node in graph_def.node if node.op == "Const"]
    return {
        "nodes": len(graph_def.node),
        "producer": graph_def.versions.producer,
        "min_consumer": graph_def.versions.min_consumer,
        "functions": len(graph_def.library.function),
        "ops": dict(Counter(node.op for node in graph_def.node).most_common()),
        "inputs": [_declared(node) for node in candidate_inputs(graph_def.node)],
        "variables": [
            _declared(node)
            for node in graph_def.node
            if node.op in ("Variable", "VariableV2", "VarHandleOp")
        ],
        "likely_outputs": candidate_outputs(graph_def.node)[:_MOST_CANDIDATES],
        "tensors": constants,
        "totals": totals(constants),
    }


def _constant(node: Any) -> Facts:
    proto = node.attr["value"].tensor
    dtype = as_dtype(proto.dtype or node.attr["dtype"].type)
    shape = [dim.size for dim in proto.tensor_shape.dim]
    if dtype.name == "string":
        size = sum(map(len, proto.string_val))
    else:
        size = math.prod(shape) * dtype.size
    return {"name": node.name, "dtype": dtype.name, "shape": shape, "bytes": size}


def _declared(node: Any) -> Facts:
    """A node with a type and a shape of its own: an input or a variable."""
    shape = TensorShape(node.attr["shape"].shape) if "shape" in node.attr else TensorShape(None)
    return {
        "name": node.name,
        "dtype": as_dtype(node.attr["dtype"].type or 1).name,
        "shape": None if shape.ndims is None else shape.as_list(),
    }


def meta_graph_facts(path: str) -> Facts:
    """What is in a ``.meta`` file, and which files of its checkpoint lie beside it."""
    meta = graph_file.read_meta_graph(path)
    prefix = path.removesuffix(".meta")
    facts = {"kind": "meta graph", "path": path, "bytes": size_of(path), **_meta_facts(meta)}
    try:
        facts["files"] = files_of(find_checkpoint(prefix))
    except errors.OpError as error:
        facts["files"] = []
        facts["notice"] = f"Its checkpoint is not there: {error.message}"
    return facts


def _meta_facts(meta: Any) -> Facts:
    info = meta.meta_info_def
    return {
        "tags": list(info.tags),
        "tensorflow_version": info.tensorflow_version,
        "tensorflow_git_version": info.tensorflow_git_version,
        "collections": {
            key: _collection(value) for key, value in sorted(meta.collection_def.items())
        },
        "saver": _saver(meta.saver_def) if meta.HasField("saver_def") else None,
        "signatures": {
            key: {
                "method": signature.method_name,
                "inputs": _ends(signature.inputs),
                "outputs": _ends(signature.outputs),
            }
            for key, signature in sorted(meta.signature_def.items())
        },
        "assets": [
            {"file": asset.filename, "tensor": asset.tensor_info.name}
            for asset in meta.asset_file_def
        ],
        "object_nodes": len(meta.object_graph_def.nodes),
        **_graph(meta.graph_def),
    }


_ITEMS: Final = {
    "node_list": "nodes",
    "bytes_list": "byte strings or messages",
    "int64_list": "integers",
    "float_list": "floats",
    "any_list": "messages (Any)",
    None: "nothing",
}


def _collection(definition: Any) -> Facts:
    kind = definition.WhichOneof("kind")
    count = len(getattr(definition, kind).value) if kind else 0
    return {"items": _ITEMS[kind], "count": count}


def _saver(saver_def: Any) -> Facts:
    return {
        "format": f"V{max(1, saver_def.version)}",  # LEGACY (0) is V1
        "sharded": saver_def.sharded,
        "max_to_keep": saver_def.max_to_keep,
        "keep_checkpoint_every_n_hours": saver_def.keep_checkpoint_every_n_hours,
        "filename": saver_def.filename_tensor_name,
        "save": saver_def.save_tensor_name,
        "restore": saver_def.restore_op_name,
    }


def _ends(infos: Any) -> Facts:
    """The inputs or outputs of a signature: which tensors they are, of which type and shape."""
    found = {}
    for name, info in sorted(infos.items()):
        shape = TensorShape(info.tensor_shape) if info.HasField("tensor_shape") else None
        found[name] = {
            "tensor": info.name or f"({info.WhichOneof('encoding') or 'nothing'})",
            "dtype": as_dtype(info.dtype).name if info.dtype else "",
            "shape": None if shape is None or shape.ndims is None else shape.as_list(),
        }
    return found


def saved_model_facts(path: str) -> Facts:
    """What is in a SavedModel's folder, or in the file of one."""
    message = graph_file.read_saved_model(path)
    folder = path if filesystem(path).is_folder(path) else paths.split(path)[0]
    variables = os.path.join(folder, "variables", "variables")
    has_variables = filesystem(variables).exists(variables + ".index")
    prefix = variables if has_variables else None
    return {
        "kind": "saved model",
        "path": path,
        "meta_graphs": [
            {**_meta_facts(meta), **_object_facts(meta, prefix)} for meta in message.meta_graphs
        ],
        "variables": checkpoint_facts(find_checkpoint(variables)) if has_variables else None,
    }


def _object_facts(meta: Any, prefix: str | None) -> Facts:
    """The functions and variables in a MetaGraph of TensorFlow 2, by their paths in the graph of objects."""
    from evergraph.saved_model.object_graph import ObjectGraph

    if not meta.HasField("object_graph_def"):
        return {}
    with open_checkpoint(prefix) if prefix is not None else nullcontext() as checkpoint:
        objects = ObjectGraph(meta.object_graph_def, checkpoint)
    return {
        "object_functions": [function.path for function in objects.functions()],
        "objects": [
            {
                "name": variable.path,
                "variable": variable.name,
                "dtype": variable.dtype.name,
                "shape": variable.shape.as_list() if variable.shape.ndims is not None else None,
                "key": variable.key,
            }
            for variable in objects.variables()
        ],
    }
