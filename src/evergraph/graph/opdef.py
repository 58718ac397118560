"""OpDef messages from declarations: what ``stripped_op_list`` of a MetaGraph holds, and what the oracle compares."""

from __future__ import annotations

from typing import Any

from evergraph.formats.protos import OpDef
from evergraph.graph import attributes
from evergraph.graph.registry import Declaration
from evergraph.graph.signature import NO_DEFAULT, Arg, Attr


def to_op_def(declaration: Declaration) -> Any:
    """The OpDef message of an op: arguments, attributes and flags (without documentation)."""
    message = OpDef(name=declaration.name)
    for arg in declaration.inputs:
        _fill_arg(arg, message.input_arg.add())
    for arg in declaration.outputs:
        _fill_arg(arg, message.output_arg.add())
    for attr in declaration.attrs.values():
        _fill_attr(attr, message.attr.add())
    message.is_commutative = declaration.commutative
    message.is_aggregate = declaration.aggregate
    message.is_stateful = declaration.stateful
    message.allows_uninitialized_input = declaration.allows_uninitialized_input
    return message


def _fill_arg(arg: Arg, message: Any) -> None:
    message.name = arg.name
    if arg.dtype is not None:
        message.type = arg.dtype.as_datatype_enum
    if arg.type_attr is not None:
        message.type_attr = arg.type_attr
    if arg.number_attr is not None:
        message.number_attr = arg.number_attr
    if arg.type_list_attr is not None:
        message.type_list_attr = arg.type_list_attr
    message.is_ref = arg.is_ref


def _fill_attr(attr: Attr, message: Any) -> None:
    message.name = attr.name
    message.type = attr.kind
    if attr.default is not NO_DEFAULT:
        attributes.encode(attr.kind, attr.default, message.default_value)
    if attr.minimum is not None:
        message.has_minimum = True
        message.minimum = attr.minimum
    if attr.allowed is not None:
        one = "type" if attr.kind in ("type", "list(type)") else "string"
        attributes.encode(f"list({one})", attr.allowed, message.allowed_values)
