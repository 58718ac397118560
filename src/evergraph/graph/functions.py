"""Functions of a graph's library: a FunctionDef, with the attributes of a call, as a Graph of its own.

Source of the form: FunctionDef's documentation in TensorFlow's function.proto (inputs are named ``arg``,
``node:output_arg:i``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from evergraph import errors
from evergraph.formats.protos import NodeDef
from evergraph.graph import attributes, registry
from evergraph.graph.builder import build
from evergraph.graph.default_graph import default_graph
from evergraph.graph.function_calls import to_arg
from evergraph.graph.graph import Graph
from evergraph.graph.node_import import OUTPUT_SHAPES, add_node, check_output_count
from evergraph.graph.operation import Operation
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
    """The making of a body: nodes are added as soon as what they need is there."""

    def __init__(self, library: Graph, definition: Any, attrs: Mapping[str, Any]) -> None:
        self._definition = definition
        self._name = definition.signature.name
        self._attrs = dict(attrs)
        self._graph = Graph()
        self._graph.functions = library.functions
        self._graph.function_gradients = library.function_gradients
        self._graph._versions.CopyFrom(library.graph_def_versions)
        #: ``arg`` or ``node:output_arg`` -> its tensors.
        self._values: dict[str, list[Tensor]] = {}
        self._ops: dict[str, Operation] = {}
        for attr in definition.signature.attr:
            if attr.name not in self._attrs and attr.HasField("default_value"):
                self._attrs[attr.name] = attr.default_value

    def make(self) -> FunctionBody:
        """The body. Raises InvalidArgumentError where it is not well formed."""
        inputs: list[Tensor] = []
        for i, arg in enumerate(self._definition.signature.input_arg):
            inputs.extend(self._add_argument(arg, self._definition.arg_attr.get(i)))
        self._add_nodes()
        outputs: list[Tensor] = []
        for arg in self._definition.signature.output_arg:
            source = self._definition.ret.get(arg.name)
            outputs.extend(self._resolve(source) or self._missing(arg.name))
        targets = [self._controlled(name) for name in self._definition.control_ret.values()]
        targets.extend(
            op
            for op in self._ops.values()
            if op.declaration is not None and op.declaration.stateful
        )
        return FunctionBody(self._graph, inputs, outputs, list(dict.fromkeys(targets)))

    def _missing(self, name: str) -> list[Tensor]:
        raise errors.InvalidArgumentError(
            None, None, f"function '{self._name}' does not compute its result '{name}'"
        )

    def _controlled(self, name: str) -> Operation:
        op = self._ops.get(name)
        if op is None:
            raise errors.InvalidArgumentError(
                None, None, f"function '{self._name}' has no node '{name}', which it must run"
            )
        return op

    def _add_argument(self, arg: Any, attr: Any) -> list[Tensor]:
        placeholder = registry.lookup("Placeholder")
        if placeholder is None:
            raise errors.UnimplementedError(None, None, "op Placeholder is not declared")
        try:
            values = {key: attributes.decode(value) for key, value in self._attrs.items()}
            known = to_arg(arg)
            check_output_count(arg.name, "argument", known.count(values))
            kinds = known.dtypes(values)
            shapes: Any = ()
            if attr is not None and "_output_shapes" in attr.attr:
                shapes = attributes.decode_as(OUTPUT_SHAPES, attr.attr["_output_shapes"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise errors.InvalidArgumentError(
                None, None, f"function '{self._name}': its argument '{arg.name}': {error}"
            ) from None
        tensors: list[Tensor] = []
        with default_graph(self._graph):
            for i, kind in enumerate(kinds):
                # An argument is no node: its name is free to be that of one.
                name = f"Arg/{arg.name}" if i == 0 else f"Arg/{arg.name}_{i}"
                shape = shapes[i] if i < len(shapes) else None
                tensors.append(build(placeholder, (), name, {"dtype": kind, "shape": shape}))
        self._values[arg.name] = tensors
        return tensors

    def _add_nodes(self) -> None:
        """Adds all nodes, in whatever order they are listed: each when what it needs is there."""
        waiting: dict[str, list[Any]] = {}
        missing: dict[str, int] = {}
        ready: list[Any] = []
        for node in self._definition.node_def:
            needs = {self._producer(text) for text in node.input} - {None}
            missing[node.name] = len(needs)
            for name in needs:
                waiting.setdefault(name, []).append(node)  # type: ignore[arg-type]  # None has been taken out
            if not needs:
                ready.append(node)
        for node in ready:
            self._add(node)
            for follower in waiting.get(node.name, ()):
                missing[follower.name] -= 1
                if not missing[follower.name]:
                    ready.append(follower)
        if len(ready) < len(self._definition.node_def):
            names = [node.name for node in self._definition.node_def if missing[node.name]]
            raise errors.InvalidArgumentError(
                None,
                None,
                f"function '{self._name}': inputs of {', '.join(names[:5])} cannot be found",
            )

    def _producer(self, text: str) -> str | None:
        """The node that an input is of; None where it is an argument, which is there from the start."""
        name = text.removeprefix("^").partition(":")[0]
        return None if name in self._values else name

    def _add(self, node: Any) -> None:
        inputs: list[Tensor] = []
        controls: list[Operation] = []
        for text in node.input:
            if not text.startswith("^"):
                inputs.extend(self._resolve(text) or self._unknown_input(node, text))
            elif text[1:] not in self._values:
                controls.append(self._ops[text[1:]])
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

    def _unknown_input(self, node: Any, text: str) -> list[Tensor]:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"function '{self._name}': node '{node.name}' ({node.op}) takes '{text}', which there is not",
        )

    def _resolve(self, text: str | None) -> list[Tensor] | None:
        """The tensors that ``arg``, ``arg:0``, ``node:output_arg`` or ``node:output_arg:0`` stands for, or None."""
        if text is None or text in self._values:
            return None if text is None else self._values[text]
        whole, _, index = text.rpartition(":")
        found = self._values.get(whole)
        if found is None or not index.isdigit() or int(index) >= len(found):
            return None
        return [found[int(index)]]
