"""Slots: the variables that an optimizer or a moving average keeps beside a variable,
``<variable>/<name>``.
"""

from __future__ import annotations

from typing import Any

from evergraph.graph.scopes import colocate_with
from evergraph.ops.array import shape as shape_of
from evergraph.ops.array import zeros
from evergraph.variables.initializers import zeros_initializer
from evergraph.variables.resource_variable import is_resource_variable
from evergraph.variables.save_slice import SaveSliceInfo
from evergraph.variables.scope import get_variable, get_variable_scope, variable_scope
from evergraph.variables.variable import Variable


def create_slot(primary: Any, val: Any, name: str, colocate_with_primary: bool = True) -> Any:
    """A slot of ``primary`` (a variable or a tensor) with the initial value ``val``, a tensor."""
    known = val.get_shape().is_fully_defined()
    return _create(primary, val, name, known, None, None, colocate_with_primary)


def create_slot_with_initializer(
    primary: Any,
    initializer: Any,
    shape: Any,
    dtype: Any,
    name: str,
    colocate_with_primary: bool = True,
) -> Any:
    """A slot of ``primary`` of a given shape and type, initialized by ``initializer``."""
    known = shape.is_fully_defined()
    return _create(primary, initializer, name, known, shape, dtype, colocate_with_primary)


def create_zeros_slot(
    primary: Any, name: str, dtype: Any = None, colocate_with_primary: bool = True
) -> Any:
    """A slot of zeros, of the shape and type of ``primary``."""
    dtype = primary.dtype if dtype is None else dtype
    shape = primary.get_shape()
    if shape.is_fully_defined():
        return create_slot_with_initializer(
            primary, zeros_initializer(), shape, dtype, name, colocate_with_primary
        )
    value = primary.initialized_value() if isinstance(primary, Variable) else primary
    return create_slot(primary, zeros(shape_of(value), dtype=dtype), name, colocate_with_primary)


def _create(
    primary: Any,
    value: Any,
    name: str,
    validate_shape: bool,
    shape: Any,
    dtype: Any,
    colocate: bool,
) -> Any:
    own_name = primary._shared_name if isinstance(primary, Variable) else primary.op.name
    with variable_scope(None, f"{own_name}/{name}"):
        scope = get_variable_scope()
        partitioner = scope.partitioner
        # A slot has the parts of its variable, never a partitioning of its own.
        scope.set_partitioner(None)
        try:
            if not colocate:
                return _variable(primary, value, validate_shape, shape, dtype)
            with colocate_with(primary):
                return _variable(primary, value, validate_shape, shape, dtype)
        finally:
            scope.set_partitioner(partitioner)


def _variable(primary: Any, value: Any, validate_shape: bool, shape: Any, dtype: Any) -> Any:
    slot = get_variable(
        "",
        initializer=value,
        trainable=False,
        use_resource=is_resource_variable(primary) if isinstance(primary, Variable) else None,
        shape=shape if callable(value) else None,
        dtype=dtype,
        validate_shape=validate_shape,
    )
    if isinstance(primary, Variable):
        _place(slot, primary)
    return slot


def _place(slot: Any, primary: Variable) -> None:
    """Makes the slot of a part the same part of the whole's slot: ``w/part_0/Adam`` of ``w/Adam``.

    A slot may have the first of the part's dimensions only; a scalar is a part of nothing.
    """
    whole, rank = primary._get_save_slice_info(), slot.shape.ndims
    if whole is None or rank == 0:
        return
    own_name = slot.name[len(f"{primary.op.name}/") : -len(":0")]
    slot._set_save_slice_info(
        SaveSliceInfo(
            f"{whole.full_name}/{own_name}",
            whole.full_shape[:rank],
            whole.var_offset[:rank],
            whole.var_shape[:rank],
        )
    )
