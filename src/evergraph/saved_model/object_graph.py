"""The objects in a SavedModel of TensorFlow 2: its variables and functions, by their paths.

Source of the form: SavedObjectGraph's documentation in TensorFlow's saved_object_graph.proto. Node 0 is the model; a
node's children have names, and a path is the names from the model to it (``optimizer/_iterations``). The checkpoint
holds a graph of the same names (a TrackableObjectGraph, under ``_CHECKPOINTABLE_OBJECT_GRAPH``), whose nodes say under
which keys their values lie.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.formats.protos import TrackableObjectGraph
from evergraph.graph.shape import TensorShape

OBJECT_GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
_VALUE = "VARIABLE_VALUE"
#: Of a longer path, the end is kept: a file could otherwise name more than fits into memory.
_LONGEST_PATH = 1000


class SavedVariable(NamedTuple):
    """A variable: its path, its own name, its type and shape, and its key in the checkpoint (None: not saved)."""

    path: str
    name: str
    dtype: dtypes.DType
    shape: TensorShape
    key: str | None


class SavedFunction(NamedTuple):
    """A function: its path, and the names of its graphs (one for each set of input types) in the library."""

    path: str
    graphs: Sequence[str]


class ObjectGraph:
    """The objects of a MetaGraph.

    Args:
      message: its SavedObjectGraph.
      checkpoint: the checkpoint beside it, a mapping of names to values; None where it has none.

    Raises DataLossError where one of the graphs refers to nodes that it does not have.
    """

    def __init__(self, message: Any, checkpoint: Mapping[str, Any] | None = None) -> None:
        self._message = message
        stored = TrackableObjectGraph()
        if checkpoint is not None and OBJECT_GRAPH_KEY in checkpoint:
            stored.ParseFromString(checkpoint[OBJECT_GRAPH_KEY].item())
        self._paths: dict[int, str] = {}
        self._keys: dict[int, str] = {}
        self._walk(stored.nodes)

    def _walk(self, stored: Any) -> None:
        """Gives every node its shortest path, and its key by following the same names through ``stored``."""
        nodes = self._message.nodes
        waiting = [(0, 0 if stored else None, "")] if nodes else []
        matched: set[int] = set()
        for node, twin, path in waiting:
            # A shorter path may be one that the checkpoint does not have: then a longer one is followed too.
            if node in matched or (node in self._paths and twin is None):
                continue
            self._paths.setdefault(node, path)
            names: dict[str, int] = {}
            if twin is not None:
                matched.add(node)
                other = _at(stored, twin)
                names = {child.local_name: child.node_id for child in other.children}
                for value in other.attributes:
                    if value.name == _VALUE:
                        self._keys[node] = value.checkpoint_key
            for child in _at(nodes, node).children:
                below = f"{path}/{child.local_name}" if path else child.local_name
                waiting.append((child.node_id, names.get(child.local_name), below[-_LONGEST_PATH:]))

    def variables(self) -> list[SavedVariable]:
        """The variables, in the order of the nodes."""
        return [
            SavedVariable(
                path,
                self._message.nodes[node].variable.name,
                dtypes.as_dtype(self._message.nodes[node].variable.dtype),
                TensorShape(self._message.nodes[node].variable.shape),
                self._keys.get(node),
            )
            for node, path in sorted(self._paths.items())
            if self._message.nodes[node].HasField("variable")
        ]

    def functions(self) -> list[SavedFunction]:
        """The functions, in the order of the nodes; signatures and traces among them."""
        found = []
        for node, path in sorted(self._paths.items()):
            saved = self._message.nodes[node]
            kind = saved.WhichOneof("kind")
            if kind == "function":
                found.append(SavedFunction(path, list(saved.function.concrete_functions)))
            elif kind == "bare_concrete_function":
                name = saved.bare_concrete_function.concrete_function_name
                found.append(SavedFunction(path, [name]))
        return found

    def captured_keys(self, function: str) -> list[str | None]:
        """What the last arguments of a call of ``function`` are, in order: the checkpoint keys of variables, None for
        other objects. Nothing for a function that is not known.
        """
        known = self._message.concrete_functions.get(function)
        return [self._keys.get(node) for node in known.bound_inputs] if known is not None else []


def _at(nodes: Any, index: int) -> Any:
    if not 0 <= index < len(nodes):
        raise errors.DataLossError(
            None, None, f"The graph of objects refers to node {index} and has {len(nodes)} nodes."
        )
    return nodes[index]
