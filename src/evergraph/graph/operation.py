"""Operation: one node of a Graph."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Sequence
from types import CodeType
from typing import TYPE_CHECKING, Any, NamedTuple

from evergraph.formats.dtypes import DType
from evergraph.formats.protos import AttrValue, NodeDef
from evergraph.graph import attributes, default_session
from evergraph.graph.registry import Declaration
from evergraph.graph.shape import dims_to_proto
from evergraph.graph.tensor import Tensor

if TYPE_CHECKING:
    from evergraph.graph.graph import Graph

_TRACEBACK_DEPTH = 64


class Frame(NamedTuple):
    """One line of an operation's traceback."""

    filename: str
    lineno: int
    name: str
    line: str


class Operation:
    """A node: an op type, inputs, attributes, and as many output Tensors as its signature says.

    Made only by ``Graph.add_operation``. Inputs change only through ``_update_input`` and ``_add_control_input``, which
    control flow uses while it builds; the graph's ``mutations`` counter tells plans that they are out of date.
    """

    __slots__ = (
        "__weakref__", "_attrs", "_call_site", "_control_flow_context", "_control_inputs", "_control_outputs",
        "_declaration", "_device", "_gradient_function", "_graph", "_id", "_inputs", "_name", "_original",
        "_original_op", "_outputs", "_type",
    )  # fmt: skip

    def __init__(
        self,
        graph: Graph,
        declaration: Declaration | None,
        op_type: str,
        name: str,
        inputs: Sequence[Tensor],
        control_inputs: Sequence[Operation],
        attrs: dict[str, Any],
        output_dtypes: Sequence[DType],
    ) -> None:
        self._graph = graph
        self._declaration = declaration
        self._type = op_type
        self._name = name
        self._inputs = list(inputs)
        self._control_inputs = list(control_inputs)
        self._control_outputs: list[Operation] = []
        self._attrs = attrs
        self._device = ""
        self._id = 0
        self._control_flow_context: Any = None
        self._original_op: Operation | None = None
        self._gradient_function: Any = None
        #: The NodeDef that an imported node came from: fields this version does not know go out again as they came in.
        self._original: Any = None
        self._call_site = _call_site()
        self._outputs = [Tensor(self, i, dtype) for i, dtype in enumerate(output_dtypes)]

    # What it is

    @property
    def graph(self) -> Graph:
        return self._graph

    @property
    def name(self) -> str:
        return self._name

    @property
    def type(self) -> str:
        return self._type

    @property
    def device(self) -> str:
        return self._device

    @property
    def declaration(self) -> Declaration | None:
        """The declared op behind this node; None for one that evergraph only carries."""
        return self._declaration

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        return tuple(self._inputs)

    @property
    def outputs(self) -> list[Tensor]:
        return self._outputs

    @property
    def control_inputs(self) -> list[Operation]:
        return list(self._control_inputs)

    def values(self) -> tuple[Tensor, ...]:
        """The outputs, as a tuple."""
        return tuple(self._outputs)

    def run(self, feed_dict: Any = None, session: Any = None) -> None:
        """Runs this operation in ``session`` or the default one."""
        default_session.resolve(session, self._graph, "execute operation").run(self, feed_dict)

    def __repr__(self) -> str:
        return f"<tf.Operation '{self._name}' type={self._type}>"

    def __str__(self) -> str:
        return str(self.node_def)

    @property
    def traceback(self) -> list[Frame]:
        """Where the program made this operation, outermost call first."""
        frames = []
        for code, line in reversed(self._call_site):
            text = linecache.getline(code.co_filename, line).strip()
            frames.append(Frame(code.co_filename, line, code.co_name, text))
        return frames

    # Attributes

    @property
    def attrs(self) -> dict[str, Any]:
        """The attributes as plain values (see evergraph.graph.attributes). Not to be written to."""
        return self._attrs

    def get_attr(self, name: str) -> Any:
        """The attribute ``name`` as TensorFlow 1 gives it (strings as bytes, shapes as protos). Raises ValueError."""
        if name not in self._attrs:
            raise ValueError(f"Operation '{self._name}' has no attr named '{name}'.")
        return _public(self._attrs[name], self._kind(name))

    def _kind(self, name: str) -> str:
        attr = self._declaration.attrs.get(name) if self._declaration is not None else None
        return attr.kind if attr is not None else ""

    def _set_attr(self, name: str, value: Any) -> None:
        """Sets an attribute: an AttrValue message, or a plain value where the op declares the attribute."""
        if isinstance(value, AttrValue) and self._kind(name):
            value = attributes.decode(value)
        self._attrs[name] = value
        self._graph.mutated()

    def _clear_attr(self, name: str) -> None:
        self._attrs.pop(name, None)
        self._graph.mutated()

    def _set_device(self, device: Any) -> None:
        self._device = device.to_string() if hasattr(device, "to_string") else device or ""
        self._graph.annotations += 1

    def colocation_groups(self) -> list[bytes]:
        """The groups (``b"loc:@name"``) that this operation must share a device with."""
        classes = self._class_strings()
        found = [text for text in classes if text.startswith(b"loc:@")]
        return found or [b"loc:@" + attributes.to_bytes(self._name)]

    def _class_strings(self) -> list[bytes]:
        value = self._attrs.get("_class")
        if value is None:
            return []
        decoded = attributes.decode(value) if isinstance(value, AttrValue) else value
        return [attributes.to_bytes(item) for item in decoded]

    # Edges

    def _update_input(self, index: int, tensor: Tensor) -> None:
        old = self._inputs[index]
        old._consumers.remove(self)
        self._inputs[index] = tensor
        tensor._consumers.append(self)
        self._graph.mutated()

    def _add_control_inputs(self, ops: Sequence[Operation]) -> None:
        for op in ops:
            if op not in self._control_inputs:
                self._control_inputs.append(op)
                op._control_outputs.append(self)
        self._graph.mutated()

    def _add_control_input(self, op: Operation) -> None:
        self._add_control_inputs([op])

    def _remove_all_control_inputs(self) -> None:
        for op in self._control_inputs:
            op._control_outputs.remove(self)
        self._control_inputs.clear()
        self._graph.mutated()

    def _set_control_flow_context(self, context: Any) -> None:
        self._control_flow_context = context

    def _get_control_flow_context(self) -> Any:
        return self._control_flow_context

    # Protos

    @property
    def node_def(self) -> Any:
        """This node as a NodeDef message."""
        return self.fill_node_def(NodeDef())

    @property
    def op_def(self) -> Any:
        """The OpDef of this node's type; None where it is neither declared nor came with the graph."""
        from evergraph.graph.opdef import to_op_def

        if self._declaration is None:
            return self._graph.op_defs.get(self._type)
        return to_op_def(self._declaration)

    def fill_node_def(self, node: Any) -> Any:
        """Writes this node into the NodeDef ``node`` and returns that."""
        if self._original is not None:
            node.CopyFrom(self._original)
            del node.input[:]
            node.attr.clear()
        node.name = self._name
        node.op = self._type
        node.device = self._device
        node.input.extend(tensor._as_node_def_input() for tensor in self._inputs)
        # Sorted, as TensorFlow writes them: their order means nothing.
        node.input.extend(sorted("^" + op._name for op in self._control_inputs))
        for name, value in self._attrs.items():
            attributes.encode(self._kind(name), value, node.attr[name])
            if self._original is not None and name in self._original.attr:
                _restore_unknown_fields(node.attr[name], self._original.attr[name])
        return node


def _restore_unknown_fields(attr: Any, original: Any) -> None:
    """Makes ``attr`` what ``original`` is, where they differ only in fields that this version does not know."""
    if attr != original:
        known = AttrValue()
        known.CopyFrom(original)
        known.DiscardUnknownFields()
        if attr == known:
            attr.CopyFrom(original)


def _public(value: Any, kind: str) -> Any:
    if isinstance(value, AttrValue):
        field = value.WhichOneof("value")
        return _public(attributes.decode(value), "list(string)" if field == "list" else "")
    if kind == "shape":
        return dims_to_proto(value)
    if kind == "list(shape)":
        return [dims_to_proto(item) for item in value]
    if isinstance(value, str):
        return attributes.to_bytes(value)
    if isinstance(value, tuple):
        return [attributes.to_bytes(item) if isinstance(item, str) else item for item in value]
    return value


def _call_site() -> list[tuple[CodeType, int]]:
    frame = sys._getframe(3)
    site: list[tuple[CodeType, int]] = []
    while frame is not None and len(site) < _TRACEBACK_DEPTH:
        site.append((frame.f_code, frame.f_lineno))
        frame = frame.f_back  # type: ignore[assignment]
    return site
