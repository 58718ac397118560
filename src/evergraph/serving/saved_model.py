"""A SavedModel as a model: its signatures, with its variables restored and its tables filled."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from evergraph import errors
from evergraph.formats.checkpoint import open_checkpoint
from evergraph.formats.tensor_proto import make_ndarray
from evergraph.graph.graph import Graph
from evergraph.graph.operation import Operation
from evergraph.nearest import nearest
from evergraph.ops.cells import ResourceCell
from evergraph.runtime.limits import Limits
from evergraph.runtime.session import Session
from evergraph.saved_model import constants
from evergraph.saved_model.assets import asset_paths
from evergraph.saved_model.loader import SavedModelLoader, init_op
from evergraph.saved_model.object_graph import SavedObjects
from evergraph.saved_model.signature_constants import DEFAULT_SERVING_SIGNATURE_DEF_KEY
from evergraph.saved_model.tag_constants import SERVING
from evergraph.saved_model.tensor_info import get_tensor_from_tensor_info
from evergraph.serving.initializing import reads_only_assets
from evergraph.serving.model import Element, Model, bounded, damage_told, graph_model
from evergraph.storage.filesystem import filesystem
from evergraph.train.restore_only import restore_only

#: Signatures that name an operation to be run once, or while training: nothing to call a model for.
_RESERVED = (constants.INIT_OP_SIGNATURE_KEY, constants.TRAIN_OP_SIGNATURE_KEY)


def serve(
    graph: Graph,
    folder: str,
    outputs: str | Sequence[str] | None,
    signature: str | None,
    tags: str | Collection[str] | None,
    allow: Collection[str],
    limits: Limits,
) -> Model:
    """The SavedModel in ``folder``, loaded into ``graph``, which is the default one. See ``load_model``."""
    loader = SavedModelLoader(folder)
    meta_graph = _choose(loader, tags)
    with damage_told(f"SavedModel {folder}", folder):
        session = _loaded(graph, loader, meta_graph, allow, limits)
        signatures = {
            name: _signature(graph, session, name, each)
            for name, each in sorted(meta_graph.signature_def.items())
            if name not in _RESERVED
        }
    return _default(graph, session, folder, signatures, signature, outputs)


def _loaded(
    graph: Graph,
    loader: SavedModelLoader,
    meta_graph: Any,
    allow: Collection[str],
    limits: Limits,
) -> Session:
    """A session with the graph, its variables restored and its tables filled."""
    saver, _ = loader.load_graph(graph, meta_graph.meta_info_def.tags, clear_devices=True)
    session = bounded(graph, allow, limits)
    if saver is not None and saver.saver_def is not None:
        session.limit(capabilities=frozenset({"files"}), **limits._asdict())
        restore_only(session, saver, loader.variables_path)
    if meta_graph.HasField("object_graph_def"):
        _restore_captured(session, meta_graph, loader.variables_path)
    _initialize(session, meta_graph, loader.export_dir, allow, limits)
    session.limit(capabilities=frozenset(allow), **limits._asdict())
    return session


def _choose(loader: SavedModelLoader, tags: str | Collection[str] | None) -> Any:
    """The MetaGraph with these tags; for None, the only one, or the one to serve."""
    if tags is None:
        found = list(loader.saved_model.meta_graphs)
        if len(found) > 1:
            found = [meta for meta in found if SERVING in meta.meta_info_def.tags]
        if len(found) == 1:
            return found[0]
        raise errors.InvalidValueError(
            None,
            None,
            f"{loader.export_dir} holds graphs with the tags {loader.available_tags()}: choose one with tags=",
        )
    try:
        return loader.get_meta_graph_def_from_tags(tags)
    except RuntimeError as error:
        raise errors.InvalidValueError(None, None, str(error)) from None


def _restore_captured(session: Session, meta_graph: Any, prefix: str) -> None:
    """Gives variables that functions have captured, and that the restore function has left out, their values.

    Keras 3 saves so: its restore function sets copies of the variables, and only the graph of objects tells which of
    them is which.
    """
    if not filesystem(prefix).exists(prefix + ".index"):
        return
    with open_checkpoint(prefix) as checkpoint:
        objects = SavedObjects(meta_graph.object_graph_def, checkpoint.object_graph)
        for op in session.graph.get_operations():
            function = op.attrs.get("f") if op.type == "StatefulPartitionedCall" else None
            keys = objects.captured_keys(function.name) if function is not None else []
            for handle, key in zip(op.inputs[len(op.inputs) - len(keys) :], keys, strict=False):
                if key is None or handle.op.type != "VarHandleOp":
                    continue
                cell = _cell(session, handle.op)
                if cell.initialized:
                    continue
                dtype = handle.op.attrs["dtype"]
                if checkpoint.dtype(key) != dtype:
                    raise errors.InvalidArgumentError(
                        None,
                        None,
                        f"variable '{cell.name}' is {dtype.name}, '{key}' in {prefix} is "
                        f"{checkpoint.dtype(key).name}",
                    )
                cell.assign(checkpoint[key], validate_shape=True)


def _cell(session: Session, op: Operation) -> ResourceCell:
    name, attrs = op.attrs["shared_name"] or op.name, op.attrs
    container = attrs["container"]
    return session.state.resource(
        container,
        name,
        ResourceCell,
        lambda: ResourceCell(name, attrs["dtype"], attrs["shape"], container),
    )


def _initialize(
    session: Session, meta_graph: Any, folder: str, allow: Collection[str], limits: Limits
) -> None:
    """Runs what the MetaGraph wants to be run once. It reads its assets, and nothing else unless allowed."""
    op = init_op(meta_graph)
    if op is None:
        return
    paths = asset_paths(folder, meta_graph, follow_links="files" in allow)
    assets = {session.graph.get_tensor_by_name(name) for name in paths}
    capabilities = frozenset(allow)
    if reads_only_assets(op, assets):
        capabilities |= {"files"}
    session.limit(capabilities=capabilities, **limits._asdict())
    session.run(op, paths)


def _signature(graph: Graph, session: Session, name: str, message: Any) -> Model:
    try:
        inputs, outputs = _elements(graph, message.inputs), _elements(graph, message.outputs)
    except (KeyError, ValueError) as error:
        raise errors.InvalidValueError(
            None, None, f"signature '{name}' does not fit its graph: {error.args[0]}"
        ) from None
    defaults = {key: make_ndarray(value) for key, value in message.defaults.items()}
    return Model(graph, session, inputs, outputs, defaults=defaults)


def _elements(graph: Graph, infos: Mapping[str, Any]) -> dict[str, Element]:
    return {name: get_tensor_from_tensor_info(info, graph) for name, info in sorted(infos.items())}


def _default(
    graph: Graph,
    session: Session,
    folder: str,
    signatures: Mapping[str, Model],
    name: str | None,
    outputs: str | Sequence[str] | None,
) -> Model:
    """The model that is called by itself: that of the signature ``name``, or the usual one, with all others."""
    if name is not None and name not in signatures:
        near = nearest(name, signatures)
        hint = f" Near: {', '.join(near)}." if near else ""
        raise errors.InvalidValueError(
            None,
            None,
            f"{folder} has no signature '{name}'; it has {', '.join(signatures) or 'none'}.{hint}",
        )
    if name is None and DEFAULT_SERVING_SIGNATURE_DEF_KEY in signatures:
        name = DEFAULT_SERVING_SIGNATURE_DEF_KEY
    if name is None and len(signatures) == 1:
        name = next(iter(signatures))
    if name is None and (outputs or not signatures):
        model = graph_model(graph, session, folder, outputs)
    elif name is None:
        model = Model(graph, session, {}, {})
    else:
        model = signatures[name].with_outputs(outputs)
    model.signatures = dict(signatures)
    return model
