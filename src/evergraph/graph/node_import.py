"""One NodeDef -> one Operation, with everything that its op type has ever been written as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.formats.dtypes import DType
from evergraph.graph import attributes
from evergraph.graph.function_calls import lookup, to_arg
from evergraph.graph.graph import Graph
from evergraph.graph.operation import Operation
from evergraph.graph.registry import Declaration
from evergraph.graph.signature import NO_DEFAULT
from evergraph.graph.tensor import Tensor

#: The type of an output that nobody has declared and no consumer tells the type of.
UNKNOWN_DTYPE = dtypes.INVALID
#: An OpDef from a file may ask for any number of outputs; no op has nearly as many.
_MOST_OUTPUTS = 1 << 16


def add_node(
    graph: Graph,
    node: Any,
    name: str,
    inputs: Sequence[Tensor],
    control_inputs: Sequence[Operation],
    output_hints: Mapping[int, DType],
    attr_values: Mapping[str, Any] | None = None,
) -> Operation:
    """Adds the NodeDef ``node`` to ``graph`` under ``name``.

    ``output_hints``: for an undeclared op, what is known of its outputs: index -> type. ``attr_values`` replaces the
    attributes that are placeholders of a function. Raises ValueError where the node contradicts its op's signature.
    """
    declaration = lookup(graph, node.op)
    attrs = _attrs(node, declaration, attr_values or {})
    kinds: Sequence[DType]
    if declaration is None:
        kinds = _undeclared_outputs(graph, node.op, attrs, output_hints)
    else:
        kinds = [kind for arg in declaration.outputs for kind in arg.dtypes(attrs)]
        _check_inputs(node, name, declaration, attrs, inputs)
    op = graph.add_operation(
        declaration, node.op, name, inputs, attrs, kinds, node, control_inputs, device=node.device
    )
    _refine_shapes(op)
    return op


def _undeclared_outputs(
    graph: Graph, op_type: str, attrs: Mapping[str, Any], hints: Mapping[int, DType]
) -> Sequence[DType]:
    """The types of the outputs of an op that nobody has declared: by the OpDef that came with the graph, else as far as
    recorded shapes and consumers tell."""
    op_def = graph.op_defs.get(op_type)
    if op_def is not None:
        values = {attr.name: attributes.decode(attr.default_value) for attr in op_def.attr}
        values.update((name, attributes.decode(value)) for name, value in attrs.items())
        try:
            args = [to_arg(arg) for arg in op_def.output_arg]
            if sum(arg.count(values) for arg in args) <= _MOST_OUTPUTS:
                kinds = [kind for arg in args for kind in arg.dtypes(values)]
                if all(isinstance(kind, DType) for kind in kinds):
                    return kinds
        except (KeyError, TypeError, AttributeError):
            pass  # The OpDef and the node do not fit together: the node is carried all the same.
    shapes = attributes.decode(attrs["_output_shapes"]) if "_output_shapes" in attrs else ()
    count = max(max(hints, default=-1) + 1, len(shapes))
    return [hints.get(i, UNKNOWN_DTYPE) for i in range(count)]


def _attrs(node: Any, declaration: Declaration | None, values: Mapping[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for key in node.attr:
        message = node.attr[key]
        if message.WhichOneof("value") == "placeholder":
            message = values.get(message.placeholder, message)
        given[key] = message
    if declaration is None:
        return given
    attrs: dict[str, Any] = {}
    for key, attr in declaration.attrs.items():
        if key in given:
            attrs[key] = attributes.decode(given.pop(key))
            try:
                attributes.check(attr, attrs[key], node.op)
            except (TypeError, ValueError) as error:
                raise ValueError(f"{error} (node '{node.name}')") from None
        elif attr.default is not NO_DEFAULT:
            attrs[key] = attr.default
        else:
            raise ValueError(
                f"NodeDef missing attr '{key}' from Op<name={node.op}> in node '{node.name}': "
                "the file is damaged, or was written by something that leaves required attributes out"
            )
    # What this version does not know is kept, and written out again.
    attrs.update(given)
    return attrs


def _check_inputs(
    node: Any,
    name: str,
    declaration: Declaration,
    attrs: Mapping[str, Any],
    inputs: Sequence[Tensor],
) -> None:
    expected: list[DType] = []
    try:
        for arg in declaration.inputs:
            expected.extend(arg.dtypes(attrs))
    except TypeError as error:
        raise ValueError(f"node '{name}' ({node.op}): {error}") from None
    if len(expected) != len(inputs):
        raise ValueError(
            f"Node '{name}' ({node.op}) takes {len(expected)} inputs, its NodeDef lists {len(inputs)}"
        )
    for i, (kind, tensor) in enumerate(zip(expected, inputs, strict=True)):
        actual = tensor.dtype
        if actual == UNKNOWN_DTYPE:
            continue
        # A reference serves where a value is wanted, never the reverse.
        if actual != kind and (kind._is_ref_dtype or actual.base_dtype != kind):
            raise ValueError(
                f"Input {i} of node {name} was passed {_spelled(actual)} from {tensor.name} "
                f"incompatible with expected {_spelled(kind)}."
            )


def _spelled(kind: DType) -> str:
    text = dtypes.op_type_name(kind.base_dtype)
    return text + "_ref" if kind._is_ref_dtype else text


def _refine_shapes(op: Operation) -> None:
    """Exported shapes (``_output_shapes``) add to what inference finds; they are not kept, since they may go stale."""
    recorded = op.attrs.get("_output_shapes")
    if recorded is None or op.declaration is None:
        return
    shapes = attributes.decode(recorded)
    for tensor, dims in zip(op.outputs, shapes, strict=False):
        try:
            tensor.set_shape(dims)
        except ValueError as error:
            raise errors.InvalidValueError(
                op.node_def,
                op,
                f"Node '{op.name}' has an _output_shapes attribute inconsistent with its op: {error}",
            ) from None
    op._clear_attr("_output_shapes")
