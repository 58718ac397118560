"""Operations as one: ``tf.group``, ``tf.tuple``, and a tensor that waits for something else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from evergraph.graph import nest
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.operation import Operation
from evergraph.graph.scopes import colocate_with, control_dependencies, name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.control_flow import pass_on
from evergraph.ops.indexed_slices import IndexedSlices, convert_to_tensor_or_indexed_slices


def with_dependencies(
    dependencies: Iterable[Any], output_tensor: Any, name: str | None = None
) -> Any:
    """``output_tensor``, which is there only when ``dependencies`` have run."""
    dependencies = list(dependencies)
    with (
        name_scope(name, "control_dependency", [*dependencies, output_tensor]) as scope,
        colocate_with(output_tensor),
        control_dependencies(dependencies),
    ):
        output_tensor = convert_to_tensor_or_indexed_slices(output_tensor)
        if isinstance(output_tensor, IndexedSlices):
            values = pass_on(output_tensor.values, name=scope)
            return IndexedSlices(values, output_tensor.indices, output_tensor.dense_shape)
        return pass_on(output_tensor, name=scope)


def group(*inputs: Any, name: str | None = None, **unknown: Any) -> Operation:
    """An operation that has run when all of ``inputs`` (operations, tensors, nested lists of them) have.

    Raises TypeError for what is none of these, ValueError for another keyword.
    """
    if unknown:
        raise ValueError("Unknown keyword arguments: " + ", ".join(unknown))
    with name_scope(name, "group_deps", nest.flatten(inputs, expand_composites=True)) as scope:
        if not inputs:
            return array.no_op(name=scope)
        by_device: dict[str, list[Any]] = {}
        for item in nest.flatten(inputs, expand_composites=True):
            if not hasattr(item, "device"):
                raise TypeError(
                    "'inputs' should be zero or more (nested) Tensors. "
                    f"Received '{item}' with type '{type(item)}'."
                )
            by_device.setdefault(item.device or "", []).append(item)
        if len(by_device) == 1:
            ((device, items),) = by_device.items()
            return _no_op_after(device, items, scope)
        # One operation for each device, and one for them all.
        per_device = [_no_op_after(device, by_device[device], None) for device in sorted(by_device)]
        return _no_op_after("", per_device, scope)


def _no_op_after(device: str, items: Sequence[Any], name: str | None) -> Operation:
    graph = get_default_graph()
    with control_dependencies(items):
        if not device:
            return array.no_op(name=name)
        with graph.device(device):
            return array.no_op(name=name)


def tuple_(
    tensors: Sequence[Any], name: str | None = None, control_inputs: Any = None
) -> list[Any]:
    """``tensors`` (some may be None), each of which is there only when all of them are, and ``control_inputs``
    have run.

    Raises ValueError where there is no tensor, TypeError where ``control_inputs`` holds something else than
    operations and tensors.
    """
    with name_scope(name, "tuple", [t for t in tensors if t is not None]):
        values = [
            t
            if t is None or isinstance(t, (Operation, Tensor, IndexedSlices))
            else convert_to_tensor(t)
            for t in tensors
        ]
        gating = {t if isinstance(t, Operation) else t.op for t in values if t is not None}
        for control in control_inputs or ():
            if not isinstance(control, (Operation, Tensor)):
                raise TypeError(
                    "'control_inputs' must only contain Operation or Tensor. "
                    f"Received: {type(control)}"
                )
            gating.add(control.op if isinstance(control, Tensor) else control)
        if not gating:
            raise ValueError(f"'tensors' must have at least one Tensor. Received: {tensors}.")
        gate = group(*sorted(gating, key=lambda op: op._id))
        result: list[Any] = []
        for value in values:
            if isinstance(value, Operation):
                with control_dependencies([gate]):
                    result.append(group(value))
            else:
                result.append(None if value is None else with_dependencies([gate], value))
        return result
