"""Functions of a graph's library: a FunctionDef, with the attributes of a call, as a Graph of its own.

Source of the form: FunctionDef's documentation in TensorFlow's function.proto (inputs are named ``arg``, ``node:output_arg:i``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from evergraph import errors
from evergraph.formats.dtypes import DType
from evergraph.formats.protos import AttrValue, NodeDef
from evergraph.graph import attributes, registry
from evergraph.graph.builder import build
from evergraph.graph.default_graph import default_graph
from evergraph.graph.graph import Graph
from evergraph.graph.node_import import add_node
from evergraph.graph.operation import Operation
from evergraph.graph.signature import Arg
from evergraph.graph.tensor import Tensor


class FunctionBody(NamedTuple):
    """A function made into a graph: what to feed, what to fetch, what to run for its effect."""

    graph: Graph
    inputs: list[Tensor]
    outputs: list[Tensor]
    targets: list[Operation]


def instantiate(library: Graph, name: str, attrs: Mapping[str, Any]) -> FunctionBody:
    """The body of function ``name`` of ``library``'s functions, for a call with these AttrValue ``attrs``.

    Raises NotFoundError where the library has no such function, InvalidArgumentError where its body is not well formed.
    """
    definition = library.functions.get(name)
    if definition is None:
        raise errors.NotFoundError(None, None, f"Function '{name}' is not in the graph's library")
    return _Body(library, definition, attrs).make()


class _Body:
    def __init__(self, library: Graph, definition: Any, attrs: Mapping[str, Any]) -> None:
        self._definition = definition
        self._attrs = dict(attrs)
        self._graph = Graph()
        self._graph.functions = library.functions
        self._graph.function_gradients = library.function_gradients
        #: ``arg`` or ``node:output_arg`` -> its tensors.
        self._values: dict[str, list[Tensor]] = {}
        self._ops: dict[str, Operation] = {}
        for attr in definition.signature.attr:
            if attr.name not in self._attrs and attr.HasField("default_value"):
                self._attrs[attr.name] = attr.default_value

    def make(self) -> FunctionBody:
        inputs: list[Tensor] = []
        for arg in self._definition.signature.input_arg:
            inputs.extend(self._add_argument(arg))
        waiting = list(self._definition.node_def)
        while waiting:
            later = [node for node in waiting if not self._try_add(node)]
            if len(later) == len(waiting):
                names = ", ".join(node.name for node in later[:5])
                raise errors.InvalidArgumentError(
                    None,
                    None,
                    f"function '{self._definition.signature.name}': inputs of {names} cannot be found",
                )
            waiting = later
        outputs: list[Tensor] = []
        for arg in self._definition.signature.output_arg:
            outputs.extend(self._resolve(self._definition.ret[arg.name]) or self._missing(arg.name))
        targets = [self._ops[name] for name in self._definition.control_ret.values()]
        targets.extend(
            op
            for op in self._ops.values()
            if op.declaration is not None and op.declaration.stateful
        )
        return FunctionBody(self._graph, inputs, outputs, list(dict.fromkeys(targets)))

    def _missing(self, name: str) -> list[Tensor]:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"function '{self._definition.signature.name}' does not compute its result '{name}'",
        )

    def _add_argument(self, arg: Any) -> list[Tensor]:
        placeholder = registry.lookup("Placeholder")
        if placeholder is None:
            raise errors.UnimplementedError(None, None, "op Placeholder is not declared")
        tensors = []
        with default_graph(self._graph):
            for i, kind in enumerate(self._kinds(arg)):
                name = arg.name if i == 0 else f"{arg.name}_{i}"
                tensors.append(build(placeholder, (), name, {"dtype": kind}))
        self._values[arg.name] = tensors
        return tensors

    def _kinds(self, arg: Any) -> tuple[DType, ...]:
        values = {key: attributes.decode(value) for key, value in self._attrs.items()}
        plain = Arg(
            arg.name,
            dtype=attributes.decode(AttrValue(type=arg.type)) if arg.type else None,
            type_attr=arg.type_attr or None,
            type_list_attr=arg.type_list_attr or None,
            number_attr=arg.number_attr or None,
        )
        return plain.dtypes(values)

    def _try_add(self, node: Any) -> bool:
        inputs: list[Tensor] = []
        controls: list[Operation] = []
        for text in node.input:
            if text.startswith("^"):
                name = text[1:]
                if name in self._values:
                    continue  # A control edge from an argument says nothing: arguments are there from the start.
                if name not in self._ops:
                    return False
                controls.append(self._ops[name])
                continue
            found = self._resolve(text)
            if found is None:
                return False
            inputs.extend(found)
        kept = NodeDef()
        kept.CopyFrom(node)
        self._graph._names.mark(node.name)
        op = add_node(self._graph, kept, node.name, inputs, controls, {}, self._attrs)
        self._ops[node.name] = op
        position = 0
        for arg in op.declaration.outputs if op.declaration is not None else ():
            count = arg.count(op.attrs)
            self._values[f"{node.name}:{arg.name}"] = op.outputs[position : position + count]
            position += count
        return True

    def _resolve(self, text: str) -> list[Tensor] | None:
        """The tensors that ``arg``, ``arg:0``, ``node:output_arg`` or ``node:output_arg:0`` stands for; None: not there yet."""
        if text in self._values:
            return self._values[text]
        whole, _, index = text.rpartition(":")
        found = self._values.get(whole)
        if found is None or not index.isdigit() or int(index) >= len(found):
            return None
        return [found[int(index)]]
