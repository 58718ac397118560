"""What ``evergraph inspect`` finds out about a path: plain values, as its JSON shows them.

No tensor's value is read: a checkpoint costs its index, a graph its nodes.
"""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from evergraph import errors
from evergraph.formats import graph_file
from evergraph.formats.checkpoint import open_checkpoint
from evergraph.formats.checkpoint_path import FoundCheckpoint, checkpoints_in, find_checkpoint
from evergraph.formats.checkpoint_state import parse, resolve, state_path
from evergraph.formats.dtypes import as_dtype
from evergraph.formats.kinds import FileKind, advice
from evergraph.formats.sniff import sniff
from evergraph.graph.shape import TensorShape
from evergraph.storage import paths
from evergraph.storage.filesystem import filesystem

Facts = dict[str, Any]

_STEP = re.compile(r"-(\d+)$")
_MODEL_FILES = ("saved_model.pb", "saved_model.pbtxt")
_GRAPHS = (FileKind.GRAPH_DEF, FileKind.GRAPH_DEF_TEXT)
_METAS = (FileKind.META_GRAPH, FileKind.META_GRAPH_TEXT)
_SAVED = (FileKind.SAVED_MODEL, FileKind.SAVED_MODEL_TEXT)
_CHECKPOINTS = (
    FileKind.CHECKPOINT_STATE,
    FileKind.CHECKPOINT_INDEX,
    FileKind.CHECKPOINT_DATA,
    FileKind.CHECKPOINT_V1,
)
_MOST_CANDIDATES = 10


def facts_of(path: str) -> Facts:
    """What is known of the file, folder or checkpoint at ``path``; ``"kind"`` says what it is.

    Raises NotFoundError, DataLossError, or InvalidArgumentError where it is nothing of ours.
    """
    files = filesystem(path)
    if files.is_folder(path):
        if any(files.exists(os.path.join(path, name)) for name in _MODEL_FILES):
            return _saved_model(path)
        return _folder(path)
    if not files.exists(path):
        return _checkpoint(find_checkpoint(path))
    kind = sniff(path)
    if kind in _GRAPHS:
        graph_def = graph_file.read_graph_def(path)
        return {"kind": "graph", "path": path, "bytes": _size(path), **_graph(graph_def)}
    if kind in _METAS or path.endswith(".meta"):
        return _meta_graph(path)
    if kind in _SAVED:
        return _saved_model(path)
    if kind is FileKind.CHECKPOINT_STATE:
        return _folder(paths.split(path)[0] or ".", os.path.basename(path))
    if kind in _CHECKPOINTS:
        return _checkpoint(find_checkpoint(path))
    raise errors.InvalidArgumentError(
        None, None, f"{path} is {kind.value}. {advice(kind, path)}".rstrip()
    )


# ------------------------------------------------------------------------------------ checkpoints


def _checkpoint(found: FoundCheckpoint) -> Facts:
    with open_checkpoint(found.prefix) as checkpoint:
        tensors = [
            {
                "name": info.name,
                "dtype": info.dtype.name,
                "shape": list(info.shape),
                "bytes": info.nbytes,
            }
            for info in checkpoint.tensors
        ]
    return {
        "kind": "checkpoint",
        "prefix": found.prefix,
        "format": f"V{found.version}",
        "step": _step(found.prefix),
        "notice": found.notice,
        "files": _files(found),
        "tensors": tensors,
        "totals": _totals(tensors),
    }


def _files(found: FoundCheckpoint) -> list[Facts]:
    """The files that belong to a checkpoint, and what each holds."""
    folder, name = paths.split(found.prefix)
    names = filesystem(found.prefix).list_folder(folder or ".")
    roles = {".index": "names, types, shapes", ".meta": "the graph"}
    belonging = []
    for file in sorted(names):
        if not file.startswith(name.partition("-?????-of-")[0]):
            continue
        rest = file[len(name) :]
        if file == name or (found.version == 1 and "-?????-of-" in name and rest != ".meta"):
            role = "names and values"
        elif re.fullmatch(r"\.data-\d{5}-of-\d{5}", rest):
            role = "values"
        elif rest in roles:
            role = roles[rest]
        else:
            continue
        belonging.append({"name": file, "holds": role, "bytes": _size(os.path.join(folder, file))})
    return belonging


def _folder(folder: str, state_name: str = "checkpoint") -> Facts:
    """A folder of checkpoints: all of them, and the latest in full."""
    state = state_path(folder, state_name)
    files = filesystem(folder)
    latest: FoundCheckpoint | None = None
    problem = ""
    try:
        latest = find_checkpoint(state if state_name != "checkpoint" else folder)
    except errors.InvalidArgumentError as error:
        problem = error.message  # Several, and nothing says which: they are listed.
    paths = {os.path.join(folder, name) for name in checkpoints_in(folder)}
    kept: list[str] = []
    if files.exists(state):
        with files.open(state, "rb") as file:
            named = resolve(parse(file.read(), state), folder).all_model_checkpoint_paths
        # A folder that was moved: its state file may name the place where it was.
        beside = {os.path.basename(path): path for path in paths}
        kept = [beside.get(os.path.basename(prefix), prefix) for prefix in named]
    if latest is not None:
        paths.add(latest.prefix)
    checkpoints = [
        {
            "prefix": prefix,
            "step": _step(prefix),
            "latest": latest is not None and prefix == latest.prefix,
            "in_state_file": prefix in kept,
            "graph": files.exists(prefix + ".meta"),
        }
        for prefix in sorted(paths, key=lambda prefix: (_step(prefix) or -1, prefix))
    ]
    missing = [
        prefix for prefix in kept if prefix not in paths and not files.exists(prefix + ".index")
    ]
    return {
        "kind": "folder",
        "path": folder,
        "checkpoints": checkpoints,
        "missing": missing,
        "notice": problem,
        "latest": None if latest is None else _checkpoint(latest),
    }


def _step(prefix: str) -> int | None:
    match = _STEP.search(prefix)
    return int(match[1]) if match else None


def _size(path: str) -> int:
    return filesystem(path).stat(path).length


def _totals(tensors: Iterable[Facts]) -> Facts:
    tensors = list(tensors)
    return {
        "tensors": len(tensors),
        "elements": sum(math.prod(tensor["shape"]) for tensor in tensors),
        "bytes": sum(tensor["bytes"] for tensor in tensors),
    }


# ----------------------------------------------------------------------------------------- graphs


def _graph(graph_def: Any) -> Facts:
    from evergraph.transforms.subgraph import candidate_inputs, candidate_outputs

    constants = [_constant(node) for node in graph_def.node if node.op == "Const"]
    return {
        "nodes": len(graph_def.node),
        "producer": graph_def.versions.producer,
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
        "totals": _totals(constants),
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


def _meta_graph(path: str) -> Facts:
    meta = graph_file.read_meta_graph(path)
    prefix = path.removesuffix(".meta")
    facts = {"kind": "meta graph", "path": path, "bytes": _size(path), **_meta_facts(meta)}
    try:
        facts["files"] = _files(find_checkpoint(prefix))
    except errors.OpError as error:
        facts["files"] = []
        facts["notice"] = f"Its checkpoint is not there: {error.message}"
    return facts


def _meta_facts(meta: Any) -> Facts:
    return {
        "tags": list(meta.meta_info_def.tags),
        "tensorflow_version": meta.meta_info_def.tensorflow_version,
        "collections": {
            key: len(getattr(value, value.WhichOneof("kind") or "node_list").value)
            for key, value in sorted(meta.collection_def.items())
        },
        "signatures": {
            key: {
                "method": signature.method_name,
                "inputs": {name: info.name for name, info in sorted(signature.inputs.items())},
                "outputs": {name: info.name for name, info in sorted(signature.outputs.items())},
            }
            for key, signature in sorted(meta.signature_def.items())
        },
        **_graph(meta.graph_def),
    }


def _saved_model(path: str) -> Facts:
    message = graph_file.read_saved_model(path)
    folder = path if filesystem(path).is_folder(path) else paths.split(path)[0]
    variables = os.path.join(folder, "variables", "variables")
    has_variables = filesystem(variables).exists(variables + ".index")
    return {
        "kind": "saved model",
        "path": path,
        "meta_graphs": [_meta_facts(meta) for meta in message.meta_graphs],
        "variables": _checkpoint(find_checkpoint(variables)) if has_variables else None,
    }
