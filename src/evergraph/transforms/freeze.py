"""Freezing: a graph's variables folded into constants, so that one file predicts."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.formats.protos import AttrValue, GraphDef, NodeDef
from evergraph.formats.tensor_proto import make_tensor_proto
from evergraph.graph.importer import parse_input
from evergraph.transforms.subgraph import check_names, extract_sub_graph, node_names, nodes_by_name

_LOG = logging.getLogger("evergraph")

_REFERENCES = frozenset(("Variable", "VariableV2"))
_HANDLES = frozenset(("VarHandleOp",))
#: Ops that hand a resource on unchanged.
_PASS_RESOURCES = frozenset(
    "Identity Enter Switch Merge DisableCopyOnRead NextIteration Exit".split()
)
#: Updates of a variable that predictions depend on (batch norm saved while training): their values without the update.
_AS_VALUES = {
    "AssignSub": "Sub",
    "AssignAdd": "Add",
    "RefSwitch": "Switch",
    "RefMerge": "Merge",
    "RefEnter": "Enter",
    "RefExit": "Exit",
    "RefNextIteration": "NextIteration",
    "RefIdentity": "Identity",
    "RefSelect": "Select",
}


def convert_variables_to_constants(
    sess: Any,
    input_graph_def: Any,
    output_node_names: str | Sequence[str],
    variable_names_whitelist: Collection[str] | None = None,
    variable_names_blacklist: Collection[str] | None = None,
) -> Any:
    """The part of a graph that the outputs need, its variables replaced by constants with their values in ``sess``.

    Args:
      sess: a session in which the variables are initialized.
      input_graph_def: the graph (``sess.graph.as_graph_def()``).
      output_node_names: node names; ``:0`` at the end is taken off.
      variable_names_whitelist: only these variables are replaced (all).
      variable_names_blacklist: these are not.

    Returns:
      A GraphDef.

    Raises:
      MissingNodeError (an AssertionError): an output is not in the graph; the nearest names are in its message.
      FailedPreconditionError: a variable is not initialized.
    """
    wanted = node_names(output_node_names)
    check_names(nodes_by_name(input_graph_def), wanted)
    pruned = extract_sub_graph(input_graph_def, wanted)
    frozen = _Freezer(pruned, variable_names_whitelist, variable_names_blacklist).run(sess)
    return extract_sub_graph(frozen, wanted)


class _Freezer:
    """One freezing of a graph that holds only what its outputs need."""

    def __init__(
        self, graph_def: Any, only: Collection[str] | None, without: Collection[str] | None
    ) -> None:
        self._graph_def = graph_def
        self._nodes = nodes_by_name(graph_def)
        self._only = only
        self._without = without or ()

    def run(self, sess: Any) -> Any:
        variables = [
            node
            for node in self._graph_def.node
            if node.op in _REFERENCES | _HANDLES and self._is_wanted(node.name)
        ]
        values = self._read(sess, variables)
        result = GraphDef()
        result.library.CopyFrom(self._graph_def.library)
        result.versions.CopyFrom(self._graph_def.versions)
        for node in self._graph_def.node:
            if node.name in values:
                result.node.append(_constant(node.name, values[node.name]))
            else:
                result.node.extend(self._rewritten(node, values))
        _LOG.info("Froze %d variables.", len(values))
        _LOG.info("Converted %d variables to const ops.", len(values))
        return result

    def _is_wanted(self, name: str) -> bool:
        return name not in self._without and (self._only is None or name in self._only)

    def _read(self, sess: Any, variables: Sequence[Any]) -> dict[str, Any]:
        """The values of the variables in the session, by node name."""
        fetches: dict[str, str] = {}
        held: dict[str, Any] = {}
        for node in variables:
            if node.op in _REFERENCES:
                fetches[node.name] = node.name + ":0"
                continue
            container = node.attr["container"].s.decode()
            shared = node.attr["shared_name"].s.decode() or node.name
            cell = sess.state.find_resource(container, shared)
            if cell is None:
                raise errors.FailedPreconditionError(
                    None,
                    None,
                    f"Attempting to freeze uninitialized variable {node.name}: restore or initialize it first",
                )
            held[node.name] = cell.read()
        values: dict[str, Any] = sess.run(fetches) if fetches else {}
        return {**values, **held}

    def _variable_of(self, text: str) -> str | None:
        """The VarHandleOp that an input comes from, through whatever hands resources on."""
        seen: set[str] = set()
        while True:
            name = parse_input(text).node
            node = self._nodes.get(name)
            if node is None or name in seen:
                return None
            if node.op in _HANDLES:
                return name
            if node.op not in _PASS_RESOURCES:
                return None
            seen.add(name)
            text = node.input[0]

    def _rewritten(self, node: Any, values: dict[str, Any]) -> Sequence[Any]:
        """The node as it is among constants."""
        if node.op in ("ReadVariableOp", "ResourceGather", "VariableShape"):
            variable = self._variable_of(node.input[0])
            return [node] if variable not in values else _READS[node.op](node)
        if node.op in _PASS_RESOURCES and self._variable_of(node.input[0]) in values:
            copy = _copy(node)
            copy.attr["T"].type = self._value_type(node)
            return [copy]
        if node.op in _AS_VALUES and self._is_frozen_reference(node, values):
            copy = _copy(node)
            copy.op = _AS_VALUES[node.op]
            for name in ("use_locking", "validate_shape"):
                copy.attr.pop(name, None)
            return [copy]
        return [node]

    def _value_type(self, node: Any) -> int:
        variable = self._variable_of(node.input[0])
        return int(self._nodes[variable].attr["dtype"].type) if variable is not None else 0

    def _is_frozen_reference(self, node: Any, values: dict[str, Any]) -> bool:
        name = parse_input(node.input[0]).node
        while name in self._nodes and self._nodes[name].op in _AS_VALUES:
            name = parse_input(self._nodes[name].input[0]).node
        return name in values


def _copy(node: Any) -> Any:
    copy = NodeDef()
    copy.CopyFrom(node)
    return copy


def _constant(name: str, value: Any) -> Any:
    array = np.asarray(value)
    node = NodeDef(name=name, op="Const")
    node.attr["dtype"].type = dtypes.as_dtype(array.dtype).as_datatype_enum
    node.attr["value"].tensor.CopyFrom(make_tensor_proto(array))
    return node


def _read_as_identity(node: Any) -> Sequence[Any]:
    copy = NodeDef(name=node.name, op="Identity", input=node.input, device=node.device)
    copy.attr["T"].CopyFrom(node.attr["dtype"])
    if "_class" in node.attr:
        copy.attr["_class"].CopyFrom(node.attr["_class"])
    return [copy]


def _gather(node: Any) -> Sequence[Any]:
    axis = _constant(node.name + "/axis", np.int32(node.attr["batch_dims"].i))
    copy = NodeDef(name=node.name, op="GatherV2", device=node.device)
    copy.input.extend([node.input[0], node.input[1], axis.name])
    copy.attr["Tparams"].CopyFrom(node.attr["dtype"])
    copy.attr["Tindices"].CopyFrom(node.attr["Tindices"])
    copy.attr["Taxis"].type = dtypes.int32.as_datatype_enum
    copy.attr["batch_dims"].CopyFrom(AttrValue(i=node.attr["batch_dims"].i))
    return [axis, copy]


def _shape(node: Any) -> Sequence[Any]:
    copy = _copy(node)
    copy.op = "Shape"
    return [copy]


_READS = {"ReadVariableOp": _read_as_identity, "ResourceGather": _gather, "VariableShape": _shape}
