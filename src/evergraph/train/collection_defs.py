"""The collections of a graph as the CollectionDefs of a MetaGraph, out and in."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any

import evergraph.train.queue_runner  # noqa: F401 - says how the collection of queue runners is read
from evergraph import errors
from evergraph.formats import protos
from evergraph.graph import collection_protos
from evergraph.graph.graph import Graph

#: Inputs that lie outside an exported scope get this before their name, as in TensorFlow.
UNBOUND_INPUT_PREFIX = "$unbound_inputs_"

_LOG = logging.getLogger("evergraph")


def add_collection_def(
    message: Any,
    key: Any,
    graph: Graph,
    scope: str | None = None,
    excluded: Collection[str] = (),
    items: list[Any] | None = None,
) -> None:
    """Writes the collection ``key`` of ``graph`` (or ``items`` in its stead) into the MetaGraphDef ``message``; one
    that cannot be written is named in the log.
    """
    if not isinstance(key, str):
        _LOG.warning(
            "Only collections with string type keys will be serialized. This key has %s", type(key)
        )
        return
    if items is None:
        items = [item for item in graph.get_collection(key) if _is_inside(item, scope, excluded)]
    if not items:
        return
    converter = collection_protos.converter(key)
    definition = protos.CollectionDef()
    try:
        if converter is not None and converter.to_proto is not None:
            for item in items:
                proto = converter.to_proto(item, export_scope=scope)
                if proto is not None:
                    definition.bytes_list.value.append(proto.SerializeToString())
        else:
            _fill_plain(definition, items, scope)
    # An object that programs put there may refuse in any way; the graph is saved all the same.
    except Exception as error:
        _LOG.warning(
            "Issue encountered when serializing %s.\nType is unsupported, or the types of the items don't match field "
            "type in CollectionDef. Note this is a warning and probably safe to ignore.\n%s",
            key,
            error,
        )
        return
    message.collection_def[key].CopyFrom(definition)


def _is_inside(item: Any, scope: str | None, excluded: Collection[str]) -> bool:
    name = item if isinstance(item, str) else getattr(item, "name", None)
    if not isinstance(name, str):
        return True
    if name in excluded or name.partition(":")[0] in excluded:
        return False
    return name.startswith(UNBOUND_INPUT_PREFIX) or not scope or name.startswith(scope)


def _fill_plain(definition: Any, items: list[Any], scope: str | None) -> None:
    first = items[0]
    if isinstance(first, (str, bytes)):
        definition.bytes_list.value.extend(
            item.encode() if isinstance(item, str) else item for item in items
        )
    elif isinstance(first, int):
        definition.int64_list.value.extend(items)
    elif isinstance(first, float):
        definition.float_list.value.extend(items)
    elif hasattr(first, "type_url"):
        for item in items:
            definition.any_list.value.add().ParseFromString(item.SerializeToString())
    else:
        for item in items:
            name = item.name
            if scope:
                name = name.removeprefix(scope)
            definition.node_list.value.append(name)


def restore_collection(graph: Graph, key: str, definition: Any, scope: str) -> None:
    """Adds what a CollectionDef lists to the collection ``key`` of ``graph``, whose nodes came under ``scope``.

    Raises DataLossError, ValueError or KeyError where an item cannot be read or does not fit the graph.
    """
    kind = definition.WhichOneof("kind")
    if kind is None:
        _LOG.error("Cannot identify data type for collection %s. Skipping.", key)
        return
    values = getattr(definition, kind).value
    converter = collection_protos.converter(key)
    if kind == "bytes_list" and converter is not None and converter.from_proto is not None:
        for value in values:
            graph.add_to_collection(key, _from_bytes(converter, key, value, scope))
    elif kind == "node_list":
        for name in values:
            full = f"{scope}/{name}" if scope else name
            graph.add_to_collection(key, _element(graph, full))
    elif kind == "int64_list":
        for value in values:
            graph.add_to_collection(key, int(value))
    else:
        for value in values:
            graph.add_to_collection(key, value)


def _from_bytes(converter: Any, key: str, value: bytes, scope: str) -> Any:
    """The object that an item of a collection describes.

    Raises DataLossError where it is no message, ValueError where it does not fit the graph, KeyError where it names
    what the graph does not have.
    """
    from google.protobuf.message import DecodeError

    try:
        message = converter.proto_type.FromString(value)
        return converter.from_proto(message, import_scope=scope or None)
    except DecodeError as error:
        raise errors.DataLossError(
            None, None, f"The collection '{key}' has an item that cannot be read: {error}."
        ) from None
    except (AttributeError, IndexError, NotImplementedError) as error:
        raise ValueError(
            f"The collection '{key}' has an item that does not fit the graph: {error}"
        ) from error


def _element(graph: Graph, name: str) -> Any:
    """What a node list names; the name itself where the graph has no such node (a file may list what it left out)."""
    try:
        return graph.as_graph_element(name)
    except (KeyError, ValueError):
        _LOG.warning(
            "A collection names '%s', which is not in the graph; it is kept as its name.", name
        )
        return name
