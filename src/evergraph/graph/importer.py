"""import_graph_def: the nodes of a GraphDef into the default graph."""

from __future__ import annotations

import heapq
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evergraph import errors
from evergraph.formats import protos
from evergraph.formats.dtypes import DType
from evergraph.formats.protos import AttrValue, GraphDef, NodeDef, OpList
from evergraph.graph import attributes, registry
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.function_calls import lookup
from evergraph.graph.graph import Graph
from evergraph.graph.node_import import UNKNOWN_DTYPE, add_node
from evergraph.graph.operation import Operation
from evergraph.graph.tensor import Tensor
from evergraph.nearest import nearest

_LOG = logging.getLogger("evergraph")
_LOOP_ENDS = ("NextIteration", "RefNextIteration")
_MOST_LISTED = 10
_MERGES = ("Merge", "RefMerge")


@dataclass(frozen=True, slots=True)
class _Source:
    """One entry of ``NodeDef.input``: a node and an output of it, or (index -1) the node's end."""

    node: str
    index: int


def parse_input(text: str) -> _Source:
    """Reads ``"node"``, ``"node:1"`` or ``"^node"``."""
    if text.startswith("^"):
        return _Source(text[1:], -1)
    node, colon, index = text.rpartition(":")
    return _Source(node, int(index)) if colon and index.isdigit() else _Source(text, 0)


def import_graph_def(
    graph_def: Any,
    input_map: Mapping[str, Any] | None = None,
    return_elements: Sequence[str] | None = None,
    name: str | None = None,
    op_dict: Any = None,
    producer_op_list: Any = None,
) -> list[Any] | None:
    """Adds the nodes of ``graph_def`` to the default graph, their names under ``name/`` (default ``import``).

    ``input_map`` replaces tensors of the graph_def (``"x:0"``) by existing ones; ``return_elements`` names operations
    and tensors of the graph_def to return. Ops that are not declared come along as they are; where ``producer_op_list``
    (an OpList, as a MetaGraph has one) lists them, their outputs get their types from it. Attributes that are not known
    are kept in any case, and ``op_dict`` is not needed.

    Raises TypeError for what is no GraphDef or OpList; ValueError for duplicate names, inputs that are not there, types
    that do not fit, cycles, and names of ``input_map`` or ``return_elements`` that are not in the graph_def.
    """
    graph_def = _as_message(graph_def, GraphDef, "graph_def")
    op_list = _as_message(producer_op_list or OpList(), OpList, "producer_op_list")
    wanted = _check_return_elements(return_elements)
    graph = get_default_graph()
    graph._check_not_finalized()
    saved = graph._names.scope
    try:
        if name == "":
            prefix = saved + "/" if saved else ""
        else:
            prefix = graph.enter_name_scope("import" if name is None else name)
        # Values of the map that are no tensors yet become constants within the scope.
        mapped = _Map(input_map or {})
    finally:
        graph._names.scope = saved
    for op_def in op_list.op:
        if registry.lookup(op_def.name) is None:
            graph.op_defs.setdefault(op_def.name, op_def)
    if not graph.version and not prefix:
        graph.imported_rest = _rest(graph_def)
    importer = _Importer(graph, graph_def, prefix, mapped)
    importer.run()
    _warn_of_unknown_attributes(graph_def)
    mapped.check_used()
    return None if wanted is None else [importer.element(text) for text in wanted]


def _as_message(message: Any, kind: Any, argument: str) -> Any:
    if isinstance(message, kind):
        return message
    # Another protobuf class of the same message (stock TensorFlow's, say) serves as well.
    full_name = getattr(getattr(message, "DESCRIPTOR", None), "full_name", None)
    if full_name == kind.DESCRIPTOR.full_name:
        return protos.adopt(message)
    name = kind.DESCRIPTOR.name
    if isinstance(message, (str, bytes, os.PathLike)) and name == "GraphDef":
        raise errors.documented(
            TypeError(
                f"graph_def must be a GraphDef proto, got {type(message).__name__}. To import a file, parse it first: "
                "graph_def = tf.GraphDef(); graph_def.ParseFromString(tf.gfile.GFile(path, 'rb').read()). "
                "(evergraph.load_model(path) makes a function of it.)"
            )
        )
    raise TypeError(f"{argument} must be a {name} proto, got {type(message).__name__}.")


def _check_return_elements(return_elements: Sequence[str] | None) -> list[str] | None:
    if return_elements is None:
        return None
    given: list[Any] = list(return_elements)
    texts = [item.decode() if isinstance(item, bytes) else item for item in given]
    if isinstance(return_elements, (str, bytes)) or not all(
        isinstance(item, str) for item in texts
    ):
        raise TypeError("return_elements must be a list of strings.")
    return texts


class _Map:
    """The caller's input_map: which tensors and operations stand in for which of the graph_def."""

    def __init__(self, input_map: Mapping[str, Any]) -> None:
        if not all(isinstance(key, (str, bytes)) for key in input_map):
            raise TypeError(
                f"input_map must be a dictionary mapping strings to Tensor objects. Got {input_map!r}"
            )
        self._values: dict[_Source, Any] = {}
        self._texts: dict[_Source, str] = {}
        given: dict[Any, Any] = dict(input_map)
        for key, value in given.items():
            text = key.decode() if isinstance(key, bytes) else key
            source = parse_input(text)
            is_control = source.index == -1
            self._values[source] = (
                getattr(value, "op", value) if is_control else convert_to_tensor(value)
            )
            self._texts[source] = text
        self._used: set[_Source] = set()

    def find(self, source: _Source) -> Any:
        found = self._values.get(source)
        if found is not None:
            self._used.add(source)
        return found

    def check_used(self) -> None:
        """Raises ValueError for entries that nothing in the graph_def refers to."""
        unused = [text for source, text in self._texts.items() if source not in self._used]
        if unused:
            raise ValueError(
                "Attempted to map inputs that were not found in graph_def: ["
                + ", ".join(unused)
                + "]"
            )


class _Importer:
    """One import: nodes are added when their inputs are there, otherwise in the order of the graph_def."""

    def __init__(self, graph: Graph, graph_def: Any, prefix: str, mapped: _Map) -> None:
        self._graph = graph
        self._nodes = list(graph_def.node)
        self._prefix = prefix
        self._mapped = mapped
        self._by_name: dict[str, int] = {}
        self._made: dict[str, Operation] = {}
        self._loops: list[tuple[Operation, int, _Source]] = []
        #: Every imported node gets these, whatever its inputs.
        self._surrounding = [op for entry in graph._control_stack for op in entry.inputs]
        for i, node in enumerate(self._nodes):
            if node.name in self._by_name:
                raise ValueError(f"Node '{node.name}' is not unique")
            self._by_name[node.name] = i
        self._sources = [[parse_input(text) for text in node.input] for node in self._nodes]
        self._check_inputs()
        # What a node's type is the name of may be a function.
        for function in graph_def.library.function:
            graph.functions.setdefault(function.signature.name, function)
        for gradient in graph_def.library.gradient:
            graph.function_gradients.setdefault(gradient.function_name, gradient.gradient_func)
        self._hints = self._output_hints()
        _lower_versions(graph.graph_def_versions, graph_def.versions)

    def _check_inputs(self) -> None:
        for node, sources in zip(self._nodes, self._sources, strict=True):
            if self._prefix + node.name in self._graph._operations:
                raise errors.documented(
                    ValueError(
                        f"Node name '{self._prefix}{node.name}' already exists in the Graph; import under another "
                        "name= (a prefix), or into a fresh tf.Graph()"
                    )
                )
            for source in sources:
                if source.node not in self._by_name and self._mapped.find(source) is None:
                    near = nearest(source.node, self._by_name)
                    hint = f" (near: {', '.join(near)})" if near else ""
                    raise ValueError(
                        f"Node '{node.name}': Unknown input node '{source.node}'{hint}"
                    )

    def _output_hints(self) -> dict[str, dict[int, DType]]:
        """What consumers tell of the outputs of undeclared ops: how many there are, and of which types."""
        undeclared = {node.name for node in self._nodes if lookup(self._graph, node.op) is None}
        hints: dict[str, dict[int, DType]] = {}
        if not undeclared:
            return hints
        for node, sources in zip(self._nodes, self._sources, strict=True):
            data = [source for source in sources if source.index >= 0]
            if not any(source.node in undeclared for source in data):
                continue
            for source, kind in zip(data, _expected(self._graph, node, len(data)), strict=True):
                if source.node in undeclared:
                    known = hints.setdefault(source.node, {})
                    if kind is not None or source.index not in known:
                        known[source.index] = kind.base_dtype if kind is not None else UNKNOWN_DTYPE
        return hints

    def run(self) -> None:
        """Adds all nodes. Raises ValueError for a cycle that is no loop."""
        waits = [0] * len(self._nodes)
        followers: list[list[int]] = [[] for _ in self._nodes]
        for i, sources in enumerate(self._sources):
            for source in sources:
                other = self._by_name.get(source.node)
                if (
                    other is None
                    or self._mapped.find(source) is not None
                    or self._closes_loop(i, other)
                ):
                    continue
                waits[i] += 1
                followers[other].append(i)
        ready = [i for i, count in enumerate(waits) if count == 0]
        heapq.heapify(ready)
        while ready:
            i = heapq.heappop(ready)
            self._add(i)
            for follower in followers[i]:
                waits[follower] -= 1
                if waits[follower] == 0:
                    heapq.heappush(ready, follower)
        if len(self._made) < len(self._nodes):
            stuck = [node.name for node in self._nodes if node.name not in self._made]
            raise ValueError(f"{len(stuck)} nodes in a cycle, among them {', '.join(stuck[:5])}")
        for merge, position, source in self._loops:
            merge._update_input(position, self._tensor(merge.name, source))
        self._take_devices_of_groups()

    def _take_devices_of_groups(self) -> None:
        """What is colocated has the device of its group, and none of its own, as in TensorFlow."""
        groups: dict[Operation, list[str]] = {}
        for op in self._made.values():
            names = [text[5:].decode() for text in op._class_strings() if text[:5] == b"loc:@"]
            others = [name for name in names if name != op.name]
            if others:
                groups[op] = others
                op._set_device("")
        for op, others in groups.items():
            members = [self._graph._operations.get(name) for name in others]
            op._set_device(next((other.device for other in members if other and other.device), ""))

    def _closes_loop(self, node: int, source: int) -> bool:
        return self._nodes[node].op in _MERGES and self._nodes[source].op in _LOOP_ENDS

    def _add(self, i: int) -> None:
        node = self._nodes[i]
        inputs: list[Tensor] = []
        controls: list[Operation] = []
        late: list[tuple[int, _Source]] = []
        for source in self._sources[i]:
            if source.index == -1:
                controls.append(self._mapped.find(source) or self._made[source.node])
                continue
            mapped = self._mapped.find(source)
            if mapped is None and source.node not in self._made:
                late.append((len(inputs), source))
                inputs.append(None)  # type: ignore[arg-type]  # replaced below
            else:
                inputs.append(mapped if mapped is not None else self._tensor(node.name, source))
        # The edge that closes a loop is not there yet: until it is, the Merge's first input stands in for it.
        stand_in = next((tensor for tensor in inputs if tensor is not None), None)
        for position, _ in late:
            if stand_in is None:
                raise ValueError(
                    f"Node '{node.name}' ({node.op}) has only inputs from later iterations"
                )
            inputs[position] = stand_in
        controls.extend(self._surrounding)
        name = self._prefix + node.name
        self._graph._names.mark(name)
        kept = NodeDef()
        kept.CopyFrom(node)
        op = add_node(self._graph, kept, name, inputs, controls, self._hints.get(node.name, {}))
        if self._prefix:
            _prefix_colocations(op, self._prefix)
        if late and "_output_shapes" not in node.attr:
            # What comes around the loop may have another shape, unless the file says which shapes there are.
            for output in op.outputs[:1]:
                output._dims = None if output._dims is None else (None,) * len(output._dims)
        self._made[node.name] = op
        self._loops.extend((op, position, source) for position, source in late)

    def _tensor(self, consumer: str, source: _Source) -> Tensor:
        op = self._made[source.node]
        if source.index >= len(op.outputs):
            raise ValueError(
                f"Node '{consumer}': Connecting to invalid output {source.index} of source node {source.node} "
                f"which has {len(op.outputs)} outputs."
            )
        return op.outputs[source.index]

    def element(self, text: str) -> Any:
        """The operation or tensor that was called ``text`` in the graph_def. Raises ValueError where there is none."""
        source = parse_input(text)
        mapped = self._mapped.find(source) if ":" in text else None
        if mapped is not None:
            return mapped
        op = self._made.get(source.node)
        if op is None or source.index >= max(1, len(op.outputs)):
            near = nearest(source.node, self._by_name)
            hint = f" (near: {', '.join(near)})" if near else ""
            raise ValueError(f"Requested return_element '{text}' not found in graph_def.{hint}")
        return op.outputs[source.index] if ":" in text else op


def _warn_of_unknown_attributes(graph_def: Any) -> None:
    """One warning for all attributes that a newer TensorFlow has added to ops that are known here."""
    unknown: dict[str, str] = {}
    count = 0
    for node in graph_def.node:
        declaration = registry.lookup(node.op)
        if declaration is None:
            continue
        for key in node.attr:
            if key not in declaration.attrs and not key.startswith("_"):
                unknown.setdefault(f"'{key}' of {node.op}", node.name)
                count += 1
    if unknown:
        first = next(iter(unknown))
        shown = ", ".join(list(unknown)[:_MOST_LISTED])
        more = len(unknown) - _MOST_LISTED
        _LOG.warning(
            "The graph has %d attributes that are not known here, such as %s in node '%s': a newer TensorFlow has "
            "added them. They are kept, and have no effect: %s%s.",
            count,
            first,
            unknown[first],
            shown,
            f" and {more} more" if more > 0 else "",
        )


def _rest(graph_def: Any) -> Any:
    """What a GraphDef holds beside nodes, functions and versions, or None where there is nothing else."""
    from google.protobuf.unknown_fields import UnknownFieldSet

    others = {field.name for field, _ in graph_def.ListFields()} - {"node", "library", "versions"}
    library = {field.name for field, _ in graph_def.library.ListFields()} - {"function", "gradient"}
    if (
        not others
        and not library
        and not any(len(UnknownFieldSet(part)) for part in (graph_def, graph_def.library))
    ):
        return None
    rest = GraphDef()
    rest.CopyFrom(graph_def)
    rest.ClearField("node")
    rest.library.ClearField("function")
    rest.library.ClearField("gradient")
    return rest


def _lower_versions(versions: Any, imported: Any) -> None:
    """A graph is as old as the oldest that was imported into it: some ops meant other things then."""
    versions.producer = min(versions.producer, imported.producer)
    versions.min_consumer = max(versions.min_consumer, imported.min_consumer)
    versions.bad_consumers.extend(
        version for version in imported.bad_consumers if version not in versions.bad_consumers
    )


def _expected(graph: Graph, node: Any, count: int) -> Sequence[DType | None]:
    """The types of a node's inputs as its op declares them; Nones where it does not, or they do not add up."""
    declaration = lookup(graph, node.op)
    if declaration is not None:
        attrs = dict(declaration.defaults)
        try:
            for key in node.attr:
                attrs[key] = attributes.decode(node.attr[key])
            if sum(arg.count(attrs) for arg in declaration.inputs) == count:
                return [kind for arg in declaration.inputs for kind in arg.dtypes(attrs)]
        except (KeyError, TypeError):
            pass  # Adding the node says what is wrong.
    return [None] * count


def _prefix_colocations(op: Operation, prefix: str) -> None:
    groups = op._class_strings()
    if not groups:
        return
    value = AttrValue()
    for text in groups:
        value.list.s.append(
            b"loc:@" + prefix.encode() + text[5:] if text.startswith(b"loc:@") else text
        )
    op._attrs["_class"] = value
