"""Why a restore failed: everything that does not fit between a graph and a checkpoint, in one error.

Stock TensorFlow names the first missing key. Here the error lists all missing keys with the nearest names that the
checkpoint has, all shapes and types that differ, by the variables' names, and what to do about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from evergraph import errors
from evergraph.formats import part_names
from evergraph.formats.bundle_reader import BundleReader
from evergraph.formats.dtypes import DType
from evergraph.formats.tensor_info import TensorInfo
from evergraph.formats.tensor_slice import parse_shape_and_slice
from evergraph.graph.constant_value import constant_value
from evergraph.graph.graph import Graph
from evergraph.graph.operation import Operation
from evergraph.graph.shape import Dims, compatible, text
from evergraph.nearest import nearest

_RESTORES = frozenset(("RestoreV2", "Restore", "RestoreSlice"))
_MOST_LISTED = 20


class _Wanted(NamedTuple):
    """One tensor that the graph wants from the checkpoint, whole or in parts."""

    name: str
    dtype: DType
    dims: Dims
    variable: str


def explain(error: errors.OpError, prefix: str, graph: Graph, saver_def: Any) -> errors.OpError:
    """An error of the same class as ``error`` that says all that does not fit; ``error`` itself where
    nothing is found.
    """
    try:
        with BundleReader(prefix) as reader:
            wanted = list(dict.fromkeys(_wanted(graph, saver_def)))
            missing = [item for item in wanted if item.name not in reader]
            present = [(item, reader.info(item.name)) for item in wanted if item.name in reader]
            names = reader.names() if missing else []
    except errors.OpError:
        return error
    different = [(item, info) for item, info in present if not _fits(item, info)]
    if missing:
        return errors.KeyNotFoundError(
            error.node_def, error.op, _missing_text(missing, names, prefix, wanted)
        )
    if different:
        return errors.InvalidValueError(
            error.node_def, error.op, _different_text(different, prefix)
        )
    return error


def _wanted(graph: Graph, saver_def: Any) -> Iterator[_Wanted]:
    """What the restore operation reads, and the variables that it sets with it."""
    stack = [graph.as_graph_element(saver_def.restore_op_name)]
    seen: set[Operation] = set()
    while stack:
        op = stack.pop()
        if op in seen:
            continue
        seen.add(op)
        stack.extend(op.control_inputs)
        stack.extend(tensor.op for tensor in op.inputs)
        if op.type in _RESTORES:
            names = _constant_texts(op, 1)
            slices = _constant_texts(op, 2) or [""] * len(names)
            for name, spec, output in zip(names, slices, op.outputs, strict=False):
                variable, dims = _variable_set_by(output) or ("", None)
                if spec:
                    variable, dims = name, parse_shape_and_slice(spec)[0]
                yield _Wanted(name, output.dtype, dims, variable)


def _constant_texts(op: Operation, index: int) -> list[str]:
    """The strings in an input of ``op``; none where it has no such input, or they are not known."""
    value = constant_value(op.inputs[index]) if index < len(op.inputs) else None
    return [] if value is None else [text.decode() for text in value.reshape(-1)]


def _variable_set_by(tensor: Any) -> tuple[str, Dims] | None:
    """The name and shape of the variable that a restored tensor is assigned to."""
    for op in tensor.consumers():
        if op.type == "Assign":
            return op.inputs[0].op.name, op.inputs[0].dims
        if op.type == "AssignVariableOp":
            return op.inputs[0].op.name, op.inputs[0].op.attrs.get("shape")
        if op.type == "Identity":
            return _variable_set_by(op.outputs[0])
    return None


def _fits(item: _Wanted, info: TensorInfo) -> bool:
    return item.dtype.base_dtype == info.dtype and compatible(item.dims, info.shape)


def _missing_text(
    missing: Sequence[_Wanted], names: Sequence[str], prefix: str, wanted: Sequence[_Wanted]
) -> str:
    lines = [
        f"Key {missing[0].name} not found in checkpoint {prefix}. "
        f"{len(missing)} of the {len(wanted)} variables that the graph restores are not in it:"
    ]
    renamed: dict[str, str] = {}
    for item in missing[:_MOST_LISTED]:
        near = nearest(item.name, names)
        lines.append(f"  {item.name}" + (f"  (near: {', '.join(near)})" if near else ""))
        if near:
            renamed[near[0]] = item.name
    if len(missing) > _MOST_LISTED:
        lines.append(f"  ... and {len(missing) - _MOST_LISTED} more")
    own = {item.name for item in wanted}
    unused = [name for name in names if name not in own]
    if unused:
        shown = ", ".join(unused[:_MOST_LISTED])
        more = f", ... ({len(unused)} in all)" if len(unused) > _MOST_LISTED else ""
        lines.append(f"The checkpoint has these that the graph does not restore: {shown}{more}.")
    hints = list(part_names.hints((item.name for item in missing), names))
    return "\n".join([*lines, *(hints or _advice(renamed, prefix))])


def _advice(renamed: Mapping[str, str], prefix: str) -> Iterator[str]:
    yield (
        "The graph was built differently from the one that was saved. To restore what is there, pass the"
    )
    yield "variables that it has, by the names that they have in it:"
    example = ", ".join(f"{old!r}: <variable {new}>" for old, new in list(renamed.items())[:2])
    yield (
        f"  tf.train.Saver({{{example or '<name in the checkpoint>: <variable>'}}}).restore(sess, {prefix!r})"
    )


def _different_text(different: Sequence[tuple[_Wanted, TensorInfo]], prefix: str) -> str:
    lines = [f"{len(different)} variables have another shape or type than in checkpoint {prefix}:"]
    for item, info in different[:_MOST_LISTED]:
        lines.append(
            f"  {item.variable or item.name}: {item.dtype.base_dtype.name}{text(item.dims)} in the graph, "
            f"{info.dtype.name}{text(info.shape)} in the checkpoint"
        )
    if len(different) > _MOST_LISTED:
        lines.append(f"  ... and {len(different) - _MOST_LISTED} more")
    lines.append(
        "To leave these variables as they are, restore the others: tf.train.Saver([<the other variables>])."
    )
    return "\n".join(lines)
