"""Building a node from a declaration: ``MatMul(a, b, transpose_a=True, name="product")``.

Does what TensorFlow's op library does: opens a name scope of the node's name, converts the inputs in it (so that a
number becomes ``add/y``), infers the attributes that the inputs determine, fills in defaults, checks types.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import lru_cache
from typing import Any

from evergraph.formats.dtypes import DType
from evergraph.graph import attributes
from evergraph.graph.conversion import convert_n_to_tensor, convert_to_tensor
from evergraph.graph.default_graph import default_graph, graph_of
from evergraph.graph.graph import Graph
from evergraph.graph.operation import Operation
from evergraph.graph.registry import Declaration
from evergraph.graph.signature import NO_DEFAULT, Arg, Attr
from evergraph.graph.tensor import Tensor


def build(
    declaration: Declaration, inputs: Sequence[Any], name: str | None, attrs: dict[str, Any]
) -> Any:
    """Makes the node and returns its output Tensor, the list or tuple of them, or the Operation where it has none."""
    if len(inputs) != len(declaration.inputs):
        names = ", ".join(arg.name for arg in declaration.inputs)
        raise TypeError(
            f"{declaration.name} takes {len(declaration.inputs)} inputs ({names}), got {len(inputs)}"
        )
    flat = [
        x for value in inputs for x in (value if isinstance(value, (list, tuple)) else (value,))
    ]
    graph = graph_of(flat)
    table = graph._names
    saved = table.scope
    try:
        # The scope's own name becomes the node's; constants made on the way, and what a control-flow context adds to
        # bring the inputs in, lie under it.
        scope = graph.enter_name_scope(name or declaration.name)
        with default_graph(graph):
            known, tensors = _convert(declaration, inputs, attrs)
            op = _add(graph, declaration, scope[:-1], tensors, known)
    finally:
        table.scope = saved
    return results(op, declaration)


def _convert(
    declaration: Declaration, inputs: Sequence[Any], given: dict[str, Any]
) -> tuple[dict[str, Any], list[Tensor]]:
    """The attributes, complete and checked, and the flat input tensors."""
    known: dict[str, Any] = {}
    for key, value in given.items():
        attr = declaration.attrs.get(key)
        if attr is None:
            raise TypeError(f"{declaration.name}() got an unexpected keyword argument '{key}'")
        if value is not None or attr.kind in ("shape",):
            known[key] = attributes.normalize(attr, value, declaration.name)
    tensors: list[Tensor] = []
    sources: dict[str, str] = {}
    for arg, value in zip(declaration.inputs, inputs, strict=True):
        if arg.is_list:
            tensors.extend(_convert_list(declaration, arg, value, known, sources))
        else:
            tensors.append(_convert_one(declaration, arg, value, known, sources))
    complete: dict[str, Any] = {}
    for key, attr in declaration.attrs.items():
        if key in known:
            complete[key] = known[key]
        elif attr.default is not NO_DEFAULT:
            complete[key] = attr.default
        else:
            raise TypeError(f"{declaration.name}() missing required attribute '{key}'")
    return complete, tensors


def _convert_one(
    declaration: Declaration, arg: Arg, value: Any, known: dict[str, Any], sources: dict[str, str]
) -> Tensor:
    key = arg.type_attr
    dtype: DType | None = arg.dtype if key is None else known.get(key)
    if arg.is_ref and not _is_ref(value):
        raise TypeError(
            f"'{declaration.name}' Op requires that input '{arg.name}' be a mutable tensor (e.g.: a tf.Variable)"
        )
    try:
        if dtype is None and key is not None and isinstance(declaration.attrs[key].default, DType):
            tensor = _convert_with_default(declaration.attrs[key], arg, value)
        else:
            tensor = convert_to_tensor(value, dtype, name=arg.name, as_ref=arg.is_ref)
    except (TypeError, ValueError) as error:
        raise _mismatch(declaration, arg, value, dtype, sources, error) from None
    if key is not None:
        _settle(declaration, key, tensor.dtype.base_dtype, arg, known, sources)
    return tensor


def _convert_with_default(attr: Attr, arg: Arg, value: Any) -> Tensor:
    """``value`` in its own type where the attribute allows that, else in the attribute's default.

    As in TensorFlow, a first conversion that is not used leaves its node behind: names made after it count on it.
    """
    if attr.allowed:
        try:
            tensor = convert_to_tensor(value, name=arg.name, as_ref=arg.is_ref)
        except TypeError:
            pass  # A list of Dimensions, say, which has no type of its own.
        else:
            if tensor.dtype.base_dtype in _allowed(attr.allowed):
                return tensor
    return convert_to_tensor(value, name=arg.name, preferred_dtype=attr.default, as_ref=arg.is_ref)


def _is_ref(value: Any) -> bool:
    # Variables convert to their reference; what is a Tensor already must be one.
    return not isinstance(value, Tensor) or value.dtype._is_ref_dtype


def _convert_list(
    declaration: Declaration, arg: Arg, value: Any, known: dict[str, Any], sources: dict[str, str]
) -> list[Tensor]:
    if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
        raise TypeError(
            f"Expected list for '{arg.name}' argument to '{declaration.name}' Op, not {value!r}."
        )
    values = list(value)
    if arg.type_list_attr is not None:
        kinds = known.get(arg.type_list_attr)
        if kinds is not None and len(kinds) == len(values):
            tensors = [
                convert_to_tensor(item, kind, name=f"{arg.name}_{i}", as_ref=arg.is_ref)
                for i, (item, kind) in enumerate(zip(values, kinds, strict=True))
            ]
        else:
            tensors = convert_n_to_tensor(values, name=arg.name, as_ref=arg.is_ref)
        found = tuple(tensor.dtype.base_dtype for tensor in tensors)
        attributes.check(declaration.attrs[arg.type_list_attr], found, declaration.name)
        known[arg.type_list_attr] = found
        return tensors
    key = arg.type_attr
    dtype = arg.dtype if key is None else known.get(key)
    if dtype is None:
        dtype = next((_base(item) for item in values if _base(item) is not None), None)
    default = declaration.attrs[key].default if key is not None else None
    preferred = default if dtype is None and isinstance(default, DType) else None
    try:
        tensors = convert_n_to_tensor(values, dtype, arg.name, preferred, arg.is_ref)
    except (TypeError, ValueError) as error:
        kinds_text = ", ".join(
            "<NOT CONVERTIBLE>" if kind is None else kind.name for kind in map(_base, values)
        )
        raise TypeError(
            f"Tensors in list passed to '{arg.name}' of '{declaration.name}' Op have types [{kinds_text}] "
            f"that don't all match: {error}"
        ) from None
    first = tensors[0].dtype.base_dtype if tensors else dtype
    for tensor in tensors:
        if tensor.dtype.base_dtype != first:
            kinds_text = ", ".join(item.dtype.name for item in tensors)
            raise TypeError(
                f"Tensors in list passed to '{arg.name}' of '{declaration.name}' Op have types [{kinds_text}] "
                "that don't all match."
            )
    if key is not None and first is not None:
        _settle(declaration, key, first, arg, known, sources)
    if arg.number_attr is not None:
        attr = declaration.attrs[arg.number_attr]
        expected = known.setdefault(arg.number_attr, len(tensors))
        if expected != len(tensors):
            raise ValueError(
                f"List argument '{arg.name}' to '{declaration.name}' Op with length {len(tensors)} must match "
                f"length {expected} of argument '{sources.get(arg.number_attr, arg.number_attr)}'."
            )
        sources.setdefault(arg.number_attr, arg.name)
        attributes.check(attr, len(tensors), declaration.name)
    return tensors


def _base(value: Any) -> DType | None:
    dtype = getattr(value, "dtype", None)
    return dtype.base_dtype if isinstance(dtype, DType) else None


def _settle(
    declaration: Declaration,
    key: str,
    dtype: DType,
    arg: Arg,
    known: dict[str, Any],
    sources: dict[str, str],
) -> None:
    """Records that type attribute ``key`` is ``dtype``, as argument ``arg`` says."""
    before = known.get(key)
    if before is None:
        attr = declaration.attrs[key]
        if attr.allowed is not None and dtype not in _allowed(attr.allowed):
            names = ", ".join(kind.name for kind in attr.allowed)
            raise TypeError(
                f"Value passed to parameter '{arg.name}' has DataType {dtype.name} "
                f"not in list of allowed values: {names}"
            )
        known[key] = dtype
        sources[key] = arg.name
    elif before != dtype:
        raise TypeError(
            f"Input '{arg.name}' of '{declaration.name}' Op has type {dtype.name} that does not match type "
            f"{before.name} of argument '{sources.get(key, key)}'."
        )


@lru_cache(maxsize=4096)
def _allowed(kinds: tuple[DType, ...]) -> frozenset[DType]:
    return frozenset(kinds)


def _mismatch(
    declaration: Declaration,
    arg: Arg,
    value: Any,
    dtype: DType | None,
    sources: dict[str, str],
    error: Exception,
) -> Exception:
    base = _base(value)
    if dtype is None or base is None:
        return type(error)(str(error))
    key = arg.type_attr
    if key is not None and key in sources:
        expected = f"type {dtype.name} of argument '{sources[key]}'"
    else:
        expected = f"expected type of {dtype.name}"
    return TypeError(
        f"Input '{arg.name}' of '{declaration.name}' Op has type {base.name} that does not match {expected}."
    )


def _add(
    graph: Graph, declaration: Declaration, name: str, tensors: list[Tensor], attrs: dict[str, Any]
) -> Operation:
    kinds: list[DType] = []
    for arg in declaration.outputs:
        kinds.extend(arg.dtypes(attrs))
    if not declaration.has_ref_inputs:
        return graph.add_operation(declaration, declaration.name, name, tensors, attrs, kinds)
    with ExitStack() as scopes:
        # What takes a reference stays with its variable.
        for arg, tensor in zip(declaration.inputs, tensors, strict=False):
            if arg.is_ref:
                scopes.enter_context(graph.colocate_with(tensor))
        return graph.add_operation(declaration, declaration.name, name, tensors, attrs, kinds)


def results(op: Operation, declaration: Declaration) -> Any:
    """What a builder returns: the Operation, its one Tensor, or a named tuple with one entry for each output
    argument."""
    outputs = op.outputs
    arguments = declaration.outputs
    if not arguments:
        return op
    if len(arguments) == 1:
        # An empty list of results leaves nothing to wait for but the node itself.
        return (list(outputs) or op) if arguments[0].is_list else outputs[0]
    if not declaration.has_list_outputs:
        return declaration.result_type(*outputs)
    grouped: list[Any] = []
    position = 0
    for arg in arguments:
        count = arg.count(op.attrs)
        part = outputs[position : position + count]
        grouped.append(list(part) if arg.is_list else part[0])
        position += count
    return declaration.result_type(*grouped)
