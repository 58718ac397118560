"""Nodes whose op type is the name of a function in the graph's library: calls, as TensorFlow 1's ``Defun`` made
them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evergraph.formats import dtypes
from evergraph.formats.protos import NameAttrList
from evergraph.graph import attributes, registry
from evergraph.graph.registry import Declaration
from evergraph.graph.signature import Arg, Attr, Signature

if TYPE_CHECKING:
    from evergraph.graph.graph import Graph

_CACHE = __name__


def lookup(graph: Graph, op_type: str) -> Declaration | None:
    """The declaration of ``op_type``: a declared op, or a function of the library of ``graph``; None where it is
    neither."""
    declared = registry.lookup(op_type)
    definition = graph.functions.get(op_type) if declared is None else None
    if definition is None:
        return declared
    cache: dict[str, tuple[Any, Declaration]] = graph.attachments.setdefault(_CACHE, {})
    known = cache.get(op_type)
    if known is None or known[0] is not definition:
        known = cache[op_type] = (definition, _declare(definition.signature))
    return known[1]


def to_arg(arg: Any) -> Arg:
    """An ArgDef message as the Arg of a signature."""
    return Arg(
        arg.name,
        dtype=dtypes.as_dtype(arg.type) if arg.type else None,
        type_attr=arg.type_attr or None,
        type_list_attr=arg.type_list_attr or None,
        number_attr=arg.number_attr or None,
        is_ref=arg.is_ref,
    )


def _to_attr(attr: Any) -> Attr:
    found = Attr(attr.name, attr.type)
    if attr.HasField("default_value"):
        found = replace(found, default=attributes.decode_as(found, attr.default_value))
    return found


def _declare(op_def: Any) -> Declaration:
    signature = Signature(
        op_def.name,
        tuple(to_arg(arg) for arg in op_def.input_arg),
        tuple(to_arg(arg) for arg in op_def.output_arg),
        {attr.name: _to_attr(attr) for attr in op_def.attr},
    )
    flags = {"stateful": op_def.is_stateful, "calls": True}
    return Declaration(signature, _Call, flags)


class _Call:
    """What a call does: its function, with the node's attributes, on its inputs."""

    def compute(ctx: Any, *inputs: Any) -> Any:
        flat: list[Any] = []
        for value in inputs:
            flat.extend(value) if isinstance(value, tuple) else flat.append(value)
        results = ctx.call(ctx.state(lambda: function_of(ctx.op)), flat)
        outputs = ctx.op.declaration.outputs
        if len(outputs) == 1:
            return tuple(results) if outputs[0].is_list else results[0]
        rest = iter(results)
        return tuple(
            tuple(next(rest) for _ in range(arg.count(ctx.op.attrs))) if arg.is_list else next(rest)
            for arg in outputs
        )

    def gradient(op: Any, *grads: Any) -> Any:
        symbolic = registry.lookup("SymbolicGradient")
        assert symbolic is not None  # the ops that make gradients declare it
        kinds = [tensor.dtype.base_dtype for tensor in op.inputs]
        return symbolic([*op.inputs, *grads], Tout=kinds, f=function_of(op))


def function_of(op: Any) -> Any:
    """The function that a call ``op`` calls, as a NameAttrList with the attributes that it needs."""
    message = NameAttrList(name=op.type)
    for name, attr in op.declaration.attrs.items():
        attributes.encode(attr.kind, op.attrs[name], message.attr[name])
    return message
