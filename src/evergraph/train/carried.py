"""What an imported MetaGraph says beside its nodes, kept with the graph so that an export says it again.

TensorFlow drops most of it: what wrote the file, its signatures and assets, OpDefs of ops that it does not know,
collections that it cannot read, fields of newer versions. Here the graph that came out of a whole MetaGraph (imported
into an empty graph, under no scope) carries the rest of the message:

* as long as nothing was added to the graph or changed in it, an export writes all of it, as it came in;
* afterwards what still holds: signatures, assets, tags, object graph, unknown fields, and collections of plain values
  that nobody touched. What wrote the file, the saver and the list of ops are then those of the export.

What the caller of the export gives takes the place of what was carried.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any, Final

from evergraph.formats.protos import AttrValue, MetaGraphDef, VersionDef
from evergraph.graph import attributes, collection_protos
from evergraph.graph.graph import Graph
from evergraph.graph.registry import Declaration

#: What ``meta_info_def`` says of the program that wrote the file, and of the nodes as that wrote them.
_WRITER_FIELDS: Final = (
    "stripped_op_list",
    "tensorflow_version",
    "tensorflow_git_version",
    "stripped_default_attrs",
)


class Carried:
    """The rest of one MetaGraph.

    Args:
        graph: the graph that it was imported into, right after that.
        message: the MetaGraphDef. It becomes this object's, and loses its graph.
        keys: the collections that were imported.

    Attributes:
        versions: those of the GraphDef; the graph itself counts as no newer than evergraph.
    """

    def __init__(self, graph: Graph, message: Any, keys: Iterable[str]) -> None:
        self._state = _state(graph)
        self._restored = {key: graph.get_collection(key) for key in keys}
        self.versions = VersionDef()
        self.versions.CopyFrom(message.graph_def.versions)
        message.ClearField("graph_def")
        self._message = message
        self._devices = {
            op.name: op.device
            for op in graph.get_operations()
            if op._original is not None and op.device != op._original.device
        }

    def is_whole(self, graph: Graph) -> bool:
        """Whether the graph is still what was imported."""
        return _state(graph) == self._state

    def start(self, graph: Graph) -> Any:
        """The message that an export of ``graph`` goes on filling: without graph and collections."""
        message = MetaGraphDef()
        message.CopyFrom(self._message)
        message.ClearField("collection_def")
        if not self.is_whole(graph):
            message.ClearField("saver_def")
            for field in _WRITER_FIELDS:
                message.meta_info_def.ClearField(field)
        return message

    def restore_nodes(self, graph: Graph, graph_def: Any, devices: bool) -> None:
        """Makes what the import worked out for nodes what the file has: attributes that it leaves out, since they have
        their defaults, and ``devices`` of nodes that follow others."""
        for node in graph_def.node:
            op = graph.get_operation_by_name(node.name)
            if op._original is None:
                continue
            if devices and self._devices.get(node.name) == node.device:
                node.device = op._original.device
            if op.declaration is not None:
                _leave_out_defaults(node, op._original, op.declaration)

    @property
    def collections(self) -> list[str]:
        """The names of the collections that were imported."""
        return list(self._restored)

    def collection(self, key: str, graph: Graph) -> Any:
        """The CollectionDef ``key`` as it came in, where it still says what is in the graph; else None.

        An object that has a converter may have changed with the graph (a loop that gradients went through).
        """
        restored = self._restored.get(key)
        if restored is None:
            return None
        now = graph.get_collection(key)
        is_same = len(now) == len(restored) and all(map(operator.is_, now, restored))
        is_plain = collection_protos.converter(key) is None
        if is_same and (is_plain or self.is_whole(graph)):
            return self._message.collection_def[key]
        return None


def carry(graph: Graph, message: Any, keys: Iterable[str]) -> None:
    """Keeps the rest of ``message`` with the graph that it was imported into. Takes the message over."""
    graph.attachments[__name__] = Carried(graph, message, keys)


def carried_by(graph: Graph) -> Carried | None:
    """What the graph carries, or None where it did not come out of a MetaGraph."""
    found: Carried | None = graph.attachments.get(__name__)
    return found


def _leave_out_defaults(node: Any, original: Any, declaration: Declaration) -> None:
    for name, default in declaration.defaults.items():
        if name in node.attr and name not in original.attr:
            filled = AttrValue()
            attributes.encode(declaration.attrs[name].kind, default, filled)
            if node.attr[name] == filled:
                del node.attr[name]


def _state(graph: Graph) -> tuple[int, int]:
    return graph.version, graph.mutations
