"""MetaGraphs: a graph together with its collections, its saver and the ops that it uses, out and in."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable
from typing import Any

from evergraph.formats import graph_file, message_text, protos
from evergraph.formats.protos import MetaGraphDef
from evergraph.graph import collection_protos, registry
from evergraph.graph.attributes import to_text
from evergraph.graph.collections import GraphKeys
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.graph import Graph
from evergraph.graph.importer import import_graph_def
from evergraph.graph.opdef import to_op_def
from evergraph.storage import paths, publish
from evergraph.train import large_constants
from evergraph.train.carried import carried_by, carry
from evergraph.train.checkpoints import graph_file_at
from evergraph.train.collection_defs import (
    UNBOUND_INPUT_PREFIX,
    add_collection_def,
    restore_collection,
)
from evergraph.train.debug_info import graph_debug_info

#: What ``meta_info_def`` says wrote the file. Readers compare the ops, not this.
PRODUCER_VERSION = "2.15.1"

_SAVER_OPS = frozenset(
    "SaveV2 Save SaveSlice SaveSlices RestoreV2 Restore RestoreSlice LegacySave LegacyRestore".split()
)


def export_meta_graph(
    filename: str | None = None,
    meta_info_def: Any = None,
    graph_def: Any = None,
    saver_def: Any = None,
    collection_list: Iterable[str] | None = None,
    as_text: bool = False,
    graph: Graph | None = None,
    export_scope: str | None = None,
    clear_devices: bool = False,
    clear_extraneous_savers: bool = False,
    strip_default_attrs: bool = False,
    save_debug_info: bool = False,
    **unused: Any,
) -> Any:
    """The default graph (or ``graph``) as a MetaGraphDef, also written to ``filename`` where that is given.

    A graph that came out of a whole MetaGraph carries what else that says, and an export writes it again (see
    `evergraph.train.carried`): unless ``graph_def`` or a scope is given.

    Args:
      collection_list: the collections to write (all that are strings).
      export_scope: write only what lies under this name scope, with the scope taken off the names.
      clear_devices: leave out the nodes' devices.
      clear_extraneous_savers: leave out the nodes of savers other than that of ``saver_def``.
      strip_default_attrs: leave out attributes that have their default value (for older readers).
      save_debug_info: also write where the nodes were made, into a file that ends in ``.debug`` instead.
    """
    message, _ = export_scoped_meta_graph(
        filename=filename,
        graph_def=graph_def,
        graph=graph,
        export_scope=export_scope,
        as_text=as_text,
        clear_devices=clear_devices,
        saver_def=saver_def,
        collection_list=collection_list,
        meta_info_def=meta_info_def,
        clear_extraneous_savers=clear_extraneous_savers,
        strip_default_attrs=strip_default_attrs,
        save_debug_info=save_debug_info,
    )
    return message


def export_scoped_meta_graph(
    filename: str | None = None,
    graph_def: Any = None,
    graph: Graph | None = None,
    export_scope: str | None = None,
    as_text: bool = False,
    unbound_inputs_col_name: str = "unbound_inputs",
    clear_devices: bool = False,
    saver_def: Any = None,
    clear_extraneous_savers: bool = False,
    strip_default_attrs: bool = False,
    collection_list: Iterable[str] | None = None,
    meta_info_def: Any = None,
    save_debug_info: bool = False,
    **unused: Any,
) -> tuple[Any, dict[str, Any]]:
    """As ``export_meta_graph``; also returns the exported variables by their names (``w:0``) without the scope.

    Raises ValueError where a variable of a collection lies in the scope only in part.
    """
    graph = graph or get_default_graph()
    excluded: Collection[str] = ()
    scope = export_scope + "/" if export_scope and not export_scope.endswith("/") else export_scope
    is_all = graph_def is None and not scope
    given = graph.as_graph_def(add_shapes=True) if graph_def is None or scope else graph_def
    if clear_extraneous_savers:
        excluded = _other_savers_nodes(given, saver_def)
    carried = carried_by(graph) if is_all else None
    is_whole = carried is not None and not excluded and carried.is_whole(graph)
    message = carried.start(graph) if carried is not None else MetaGraphDef()
    unbound: list[str] = []
    _copy_nodes(given, message.graph_def, scope, excluded, clear_devices, unbound)
    if meta_info_def is not None:
        message.meta_info_def.CopyFrom(meta_info_def)
    if carried is not None and is_whole:
        message.graph_def.versions.CopyFrom(carried.versions)
        carried.restore_nodes(graph, message.graph_def, devices=not clear_devices)
    if strip_default_attrs:
        strip_defaults(message.graph_def)
        message.meta_info_def.stripped_default_attrs = True
    if not is_whole or meta_info_def is not None:
        message.meta_info_def.tensorflow_version = (
            message.meta_info_def.tensorflow_version or PRODUCER_VERSION
        )
    if not (is_whole and message.meta_info_def.stripped_op_list.op):
        _list_ops(message, graph)
    if saver_def is not None:
        message.saver_def.CopyFrom(saver_def)
    elif excluded:
        message.ClearField("saver_def")
    if collection_list is None:
        imported = carried.collections if carried is not None else []
        collection_list = dict.fromkeys([*graph.get_all_collection_keys(), *imported])
    for key in collection_list:
        only_one_saver = clear_extraneous_savers and key == GraphKeys.SAVERS
        as_it_came = None
        if carried is not None and not excluded and not only_one_saver:
            as_it_came = carried.collection(key, graph)
        if as_it_came is not None:
            message.collection_def[key].CopyFrom(as_it_came)
        else:
            items = _only_saver(saver_def) if only_one_saver else None
            add_collection_def(message, key, graph, scope, excluded, items)
    if unbound:
        message.collection_def[unbound_inputs_col_name].bytes_list.value.extend(
            text.encode() for text in unbound
        )
    if filename:
        folder, name = paths.split(filename)
        write_message(message, folder, name, as_text)
        if save_debug_info:
            exported = [node.name for node in message.graph_def.node]
            debug_info = graph_debug_info(
                (node, graph.get_operation_by_name((scope or "") + node)) for node in exported
            )
            write_message(debug_info, folder, os.path.splitext(name)[0] + ".debug", as_text)
    return message, _exported_variables(graph, scope)


def _exported_variables(graph: Graph, scope: str | None) -> dict[str, Any]:
    pattern = re.escape(scope) if scope else None
    variables = graph.get_collection(GraphKeys.GLOBAL_VARIABLES, scope=pattern)
    return {variable.name.removeprefix(scope or ""): variable for variable in variables}


def _only_saver(saver_def: Any) -> list[Any]:
    """The collection of savers where all others are left out."""
    converter = collection_protos.converter(GraphKeys.SAVERS)
    if saver_def is None or converter is None or converter.from_proto is None:
        return []
    return [converter.from_proto(saver_def)]


def _copy_nodes(
    source: Any,
    target: Any,
    scope: str | None,
    excluded: Collection[str],
    clear_devices: bool,
    unbound: list[str],
) -> None:
    if not scope and not excluded:
        target.CopyFrom(source)
    else:
        target.versions.CopyFrom(source.versions)
        target.library.CopyFrom(source.library)
        for node in source.node:
            if node.name not in excluded and node.name.startswith(scope or ""):
                target.node.append(node)
    for node in target.node:
        if clear_devices:
            node.device = ""
        if scope:
            _take_off_scope(node, scope, unbound)


def _take_off_scope(node: Any, scope: str, unbound: list[str]) -> None:
    node.name = node.name.removeprefix(scope)
    for i, text in enumerate(node.input):
        control, name = ("^", text[1:]) if text.startswith("^") else ("", text)
        if name.startswith(scope):
            node.input[i] = control + name.removeprefix(scope)
        else:
            node.input[i] = control + UNBOUND_INPUT_PREFIX + name
            unbound.append(node.input[i])
    if "_class" in node.attr:
        groups = [to_text(group) for group in node.attr["_class"].list.s]
        inside = [
            group.replace(f"loc:@{scope}", "loc:@", 1)
            for group in groups
            if group.startswith(f"loc:@{scope}")
        ]
        node.attr["_class"].list.s[:] = [group.encode() for group in inside]
    if node.op in ("Enter", "RefEnter"):
        node.attr["frame_name"].s = node.attr["frame_name"].s.removeprefix(scope.encode())


def _other_savers_nodes(graph_def: Any, saver_def: Any) -> set[str]:
    """The nodes of savers other than that of ``saver_def``: whatever shares a name scope with their save and
    restore ops.
    """
    kept = set()
    if saver_def is not None:
        for name in (saver_def.save_tensor_name, saver_def.restore_op_name):
            kept.add(name.rpartition("/")[0] + "/")
    names = {node.name for node in graph_def.node if node.op in _SAVER_OPS}
    scopes = {name.rpartition("/")[0] for name in names} - names
    others = tuple({scope + "/" for scope in scopes} - kept)
    return {node.name for node in graph_def.node if others and node.name.startswith(others)}


def strip_defaults(graph_def: Any) -> None:
    """Removes attributes that have their op's default value, so that older readers accept the graph."""
    bodies = [graph_def.node, *(function.node_def for function in graph_def.library.function)]
    defaults: dict[str, dict[str, Any]] = {}
    for nodes in bodies:
        for node in nodes:
            if node.op not in defaults:
                declaration = registry.lookup(node.op)
                op_def = to_op_def(declaration) if declaration is not None else None
                defaults[node.op] = {
                    attr.name: attr.default_value
                    for attr in (op_def.attr if op_def is not None else ())
                    if attr.HasField("default_value")
                }
            for name, default in defaults[node.op].items():
                if name in node.attr and node.attr[name] == default:
                    del node.attr[name]


def _list_ops(message: Any, graph: Graph) -> None:
    """``stripped_op_list``: the OpDefs of the ops that the graph and its functions use.

    Of ops that nobody has declared, those that came with an imported MetaGraph.
    """
    functions = {function.signature.name for function in message.graph_def.library.function}
    used = {node.op for node in message.graph_def.node}
    for function in message.graph_def.library.function:
        used.update(node.op for node in function.node_def)
    del message.meta_info_def.stripped_op_list.op[:]
    for name in sorted(used - functions):
        declaration = registry.lookup(name)
        op_def = graph.op_defs.get(name) if declaration is None else to_op_def(declaration)
        if op_def is not None:
            message.meta_info_def.stripped_op_list.op.append(op_def)


def import_scoped_meta_graph(
    meta_graph_or_file: Any,
    clear_devices: bool = False,
    graph: Graph | None = None,
    import_scope: str | None = None,
    input_map: dict[str, Any] | None = None,
    unbound_inputs_col_name: str = "unbound_inputs",
    restore_collections_predicate: Callable[[str], bool] = lambda key: True,
) -> dict[str, Any]:
    """Adds a MetaGraph's nodes to ``graph`` (or the default one) and restores its collections.

    Returns the imported variables by their names (``w:0``) without the scope. Raises ValueError for inputs outside the
    exported scope that ``input_map`` does not bind, and what reading the file and importing its graph raise.
    """
    message = as_meta_graph_def(meta_graph_or_file)
    graph_def = message.graph_def
    if unbound_inputs_col_name in message.collection_def:
        _check_bound(message.collection_def[unbound_inputs_col_name], input_map)
    graph = graph or get_default_graph()
    with graph.as_default():
        if clear_devices:
            for node in graph_def.node:
                node.device = ""
        # The scope as it will come out where its name is taken, or where there are scopes around.
        scope = (
            graph.unique_name(import_scope, mark_as_used=False)
            if import_scope
            else graph.get_name_scope()
        )
        is_alone = not graph.version and not scope and not input_map
        import_graph_def(
            graph_def,
            name=import_scope or "",
            input_map=input_map,
            producer_op_list=message.meta_info_def.stripped_op_list,
        )
        keys = [
            key
            for key in sorted(message.collection_def)
            if key != unbound_inputs_col_name and restore_collections_predicate(key)
        ]
        for key in keys:
            restore_collection(graph, key, message.collection_def[key], scope)
    if is_alone:
        carry(graph, message, keys)
    return _exported_variables(graph, scope + "/" if scope else None)


def copy_scoped_meta_graph(
    from_scope: str, to_scope: str, from_graph: Graph | None = None, to_graph: Graph | None = None
) -> dict[str, Any]:
    """Copies what lies under a name scope of one graph to a scope of another or the same (the default graph).

    Returns the new variables by their names without the scope. Raises ValueError where both scopes are the same one.
    """
    from_graph = from_graph or get_default_graph()
    to_graph = to_graph or get_default_graph()
    if from_graph is to_graph and from_scope == to_scope:
        raise ValueError(
            f"'from_scope' and 'to_scope' need to be different to copy within a graph; both are {from_scope!r}."
        )
    message, _ = export_scoped_meta_graph(export_scope=from_scope, graph=from_graph)
    return import_scoped_meta_graph(message, graph=to_graph, import_scope=to_scope)


def _check_bound(definition: Any, input_map: dict[str, Any] | None) -> None:
    unbound = [value.decode() for value in definition.bytes_list.value]
    missing = [name for name in unbound if name not in (input_map or {})]
    if missing:
        raise ValueError(
            f"Graph contains unbound inputs: {', '.join(missing)}. Must provide these inputs through input_map."
        )


def as_meta_graph_def(meta_graph_or_file: Any) -> Any:
    """A MetaGraphDef from a message (ours or another protobuf class of it) or the path of a file, binary or text."""
    if isinstance(meta_graph_or_file, MetaGraphDef):
        copy = MetaGraphDef()
        copy.CopyFrom(meta_graph_or_file)
        return copy
    if hasattr(meta_graph_or_file, "SerializeToString"):
        return protos.adopt(meta_graph_or_file)
    return graph_file.read_meta_graph(graph_file_at(meta_graph_or_file))


def write_message(message: Any, folder: str, name: str, as_text: bool) -> str:
    """Writes a message to a file, all or nothing, making the folder where needed; returns the path."""
    path = os.path.join(folder, name)
    contents = (
        message_text.to_text(message, exact_floats=True).encode()
        if as_text
        else large_constants.serialized(message, path)
    )
    publish.publish_bytes(path, contents)
    return path


def write_graph(graph_or_graph_def: Any, logdir: str, name: str, as_text: bool = True) -> str:
    """Writes a graph (a Graph or a GraphDef) to ``logdir/name``, as text or binary; returns the path."""
    is_graph = isinstance(graph_or_graph_def, Graph)
    message = graph_or_graph_def.as_graph_def() if is_graph else graph_or_graph_def
    return write_message(message, logdir, name, as_text)
