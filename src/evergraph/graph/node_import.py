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
from evergraph.graph.shape import Dims
from evergraph.graph.signature import NO_DEFAULT, Attr
from evergraph.graph.tensor import Tensor

#: The type of an output that nobody has declared and no consumer tells the type of.
UNKNOWN_DTYPE = dtypes.INVALID
#: A few bytes of a file may ask for any number of outputs, and each is an object; no op has nearly as many.
MOST_OUTPUTS = 1 << 16
#: And how many the nodes of one graph that have more than a few may have together.
MOST_WIDE_OUTPUTS = 1 << 20
_FEW_OUTPUTS = 64
OUTPUT_SHAPES = Attr("_output_shapes", "list(shape)")


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
        count = sum(arg.count(attrs) for arg in declaration.outputs)
        check_output_count(name, node.op, count)
        _check_wide_nodes(graph, count)
        kinds = [kind for arg in declaration.outputs for kind in arg.dtypes(attrs)]
        _check_inputs(node, name, declaration, attrs, inputs)
    try:
        op = graph.add_operation(
            declaration, node.op, name, inputs, attrs, kinds, node, control_inputs, node.device
        )
    except (ArithmeticError, LookupError, AttributeError) as error:
        # Shape rules are written for attributes that a program could have given.
        raise ValueError(
            f"Node '{name}' ({node.op}) does not fit its op: {type(error).__name__}: {error}"
        ) from error
    _refine_shapes(op)
    return op


def check_output_count(name: str, kind: str, count: int) -> None:
    """Raises ValueError for more outputs than `MOST_OUTPUTS`."""
    if not 0 <= count <= MOST_OUTPUTS:
        raise ValueError(f"'{name}' ({kind}) has {count} outputs; {MOST_OUTPUTS} are the most")


def _check_wide_nodes(graph: Graph, count: int) -> None:
    if count > _FEW_OUTPUTS:
        total = graph.attachments[__name__] = graph.attachments.get(__name__, 0) + count
        if total > MOST_WIDE_OUTPUTS:
            raise ValueError(
                f"Nodes with more than {_FEW_OUTPUTS} outputs have {total} together; {MOST_WIDE_OUTPUTS} are the most"
            )


def _undeclared_outputs(
    graph: Graph, op_type: str, attrs: Mapping[str, Any], hints: Mapping[int, DType]
) -> Sequence[DType]:
    """The types of the outputs of an op that nobody has declared: by the OpDef that came with the graph, else as far as
    recorded shapes and consumers tell."""
    op_def = graph.op_defs.get(op_type)
    if op_def is not None:
        try:
            values = {attr.name: attributes.decode(attr.default_value) for attr in op_def.attr}
            values.update((name, attributes.decode(value)) for name, value in attrs.items())
            args = [to_arg(arg) for arg in op_def.output_arg]
            if sum(arg.count(values) for arg in args) <= MOST_OUTPUTS:
                kinds = [kind for arg in args for kind in arg.dtypes(values)]
                if all(isinstance(kind, DType) for kind in kinds):
                    return kinds
        except (KeyError, TypeError, AttributeError):
            pass  # The OpDef and the node do not fit together: the node is carried all the same.
    shapes = _recorded_shapes(attrs)
    count = max(max(hints, default=-1) + 1, len(shapes))
    check_output_count("", op_type, count)
    _check_wide_nodes(graph, count)
    return [hints.get(i, UNKNOWN_DTYPE) for i in range(count)]


def _recorded_shapes(attrs: Mapping[str, Any]) -> Sequence[Dims]:
    """The shapes that a node was exported with. ValueError where the attribute is of another kind."""
    if "_output_shapes" not in attrs:
        return ()
    try:
        shapes: Sequence[Dims] = attributes.decode_as(OUTPUT_SHAPES, attrs["_output_shapes"])
    except TypeError as error:
        raise ValueError(str(error)) from None
    return shapes


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
            try:
                attrs[key] = attributes.decode_as(attr, given.pop(key))
                attributes.check(attr, attrs[key], node.op)
            except (TypeError, ValueError) as error:
                raise ValueError(f"{error} (node '{node.name}', op '{node.op}')") from None
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
    count = sum(arg.count(attrs) for arg in declaration.inputs)
    if count != len(inputs):
        raise ValueError(
            f"Node '{name}' ({node.op}) takes {count} inputs, its NodeDef lists {len(inputs)}"
        )
    expected: list[DType] = []
    for arg in declaration.inputs:
        expected.extend(arg.dtypes(attrs))
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
    if "_output_shapes" not in op.attrs or op.declaration is None:
        return
    for tensor, dims in zip(op.outputs, _recorded_shapes(op.attrs), strict=False):
        try:
            tensor.set_shape(dims)
        except ValueError as error:
            raise errors.InvalidValueError(
                op.node_def,
                op,
                f"Node '{op.name}' has an _output_shapes attribute inconsistent with its op: {error}",
            ) from None
    op._clear_attr("_output_shapes")
