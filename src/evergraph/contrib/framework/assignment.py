"""Assigning a checkpoint's values, or any, to variables without a place for them in the graph: they are fed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from evergraph.contrib.framework.variables import (
    get_variable_full_name,
    get_variables,
    near_variables,
)
from evergraph.formats.checkpoint import Checkpoint
from evergraph.formats.tensor_slice import TensorSlice
from evergraph.graph.operation import Operation
from evergraph.graph.tensor import Tensor
from evergraph.nearest import did_you_mean
from evergraph.ops.grouping import group
from evergraph.ops.passing import placeholder
from evergraph.train.checkpoint_reader import open_checkpoint_at
from evergraph.train.saver import Saver

_LOG = logging.getLogger("evergraph")

#: An operation that assigns, and what to feed it.
Assignment = tuple[Operation, dict[Tensor, Any]]


def assign_from_values(var_names_to_values: Mapping[str, Any]) -> Assignment:
    """An operation that sets global variables to values, and the ``feed_dict`` to run it with.

    ``var_names_to_values``: the variables' full names, and arrays, which are reshaped to the variables' shapes.
    Raises ValueError where there is no such variable, or the value has not as many elements.
    """
    feeds: dict[Tensor, Any] = {}
    assignments = []
    for name, value in var_names_to_values.items():
        variable = _variable_named(name)
        assignments.append(_assign_fed(variable, np.asarray(value), feeds))
    return group(*assignments), feeds


def _variable_named(name: str) -> Any:
    found = get_variables(name)
    if not found:
        raise ValueError(f"Variable {name} wasn't found.{near_variables(name)}")
    exact = [variable for variable in found if variable.op.name == name]
    if exact or len(found) == 1:
        return (exact or found)[0]
    raise ValueError(
        f"Variable {name} doesn't uniquely identify a variable: it is the beginning of "
        f"{', '.join(variable.op.name for variable in found)}"
    )


def _assign_fed(variable: Any, value: Any, feeds: dict[Tensor, Any]) -> Any:
    """An assignment of a placeholder; ``value`` is what it is fed."""
    shape = variable.get_shape()
    fed = placeholder(
        variable.dtype.base_dtype, shape=shape, name=f"placeholder/{variable.op.name}"
    )
    feeds[fed] = value.reshape(shape.as_list()) if shape.is_fully_defined() else value
    return variable.assign(fed)


def assign_from_values_fn(
    var_names_to_values: Mapping[str, Any],
) -> Callable[[Any], Any]:
    """A function of a session that sets global variables to values; arguments and errors as ``assign_from_values``."""
    assignment, feeds = assign_from_values(var_names_to_values)
    return lambda session: session.run(assignment, feeds)


def assign_from_checkpoint(
    model_path: Any, var_list: Any, ignore_missing_vars: bool = False
) -> Assignment:
    """An operation that sets variables to what a checkpoint has, and the ``feed_dict`` to run it with.

    The checkpoint is read now.

    Args:
      model_path: a checkpoint's prefix.
      var_list: variables, or parts of partitioned ones; or a dict from names in the checkpoint to variables, or to
        lists of the parts of one.
      ignore_missing_vars: leaves out variables that the checkpoint has not, with a warning.

    Raises:
      ValueError: the checkpoint lacks a variable, or has it in another shape.
      NotFoundError, DataLossError: there is no checkpoint, or it is damaged.
    """
    feeds: dict[Tensor, Any] = {}
    assignments = []
    with open_checkpoint_at(model_path) as checkpoint:
        for name, variables in _by_stored_name(var_list).items():
            if name not in checkpoint:
                message = f"Checkpoint is missing variable [{name}]"
                if not ignore_missing_vars:
                    raise ValueError(f"{message}.{did_you_mean(name, checkpoint)}")
                _LOG.warning("%s", message)
                continue
            for variable in variables:
                value = _stored_value(checkpoint, name, variable)
                assignments.append(_assign_fed(variable, value, feeds))
    return group(*assignments), feeds


def _by_stored_name(var_list: Any) -> dict[str, list[Any]]:
    if isinstance(var_list, Mapping):
        return {
            name: list(value) if isinstance(value, (list, tuple)) else [value]
            for name, value in var_list.items()
        }
    grouped: dict[str, list[Any]] = {}
    for variable in var_list:
        grouped.setdefault(get_variable_full_name(variable), []).append(variable)
    return grouped


def _stored_value(checkpoint: Checkpoint, name: str, variable: Any) -> Any:
    """What the checkpoint has of a variable, or of the part that it is."""
    place = variable._get_save_slice_info()
    shape = checkpoint.shape(name)
    wanted = variable.get_shape() if place is None else place.full_shape
    if not (wanted.is_compatible_with(shape) if place is None else tuple(wanted) == shape):
        raise ValueError(
            f"Total size of new array must be unchanged for {name} lh_shape: [{shape}], rh_shape: [{wanted}]"
        )
    if place is None:
        return checkpoint[name]
    box = zip(place.var_offset, place.var_shape, strict=True)
    return checkpoint.read_slice(name, TensorSlice(tuple(box)))


def assign_from_checkpoint_fn(
    model_path: Any,
    var_list: Any,
    ignore_missing_vars: bool = False,
    reshape_variables: bool = False,
) -> Callable[[Any], None] | None:
    """A function of a session that restores variables from a checkpoint; None where it has none of them.

    Args:
      model_path: a checkpoint's prefix.
      var_list: variables, or a dict from names in the checkpoint to variables.
      ignore_missing_vars: leaves out variables that the checkpoint has not, with a warning.
      reshape_variables: gives values the shapes of the variables, where these have as many elements.

    Raises:
      ValueError: there are no variables.
      NotFoundError, DataLossError: with ``ignore_missing_vars``, as ``assign_from_checkpoint``.
    """
    if not var_list:
        raise ValueError("var_list cannot be empty")
    wanted = var_list
    if ignore_missing_vars:
        if not isinstance(var_list, Mapping):
            wanted = {variable.op.name: variable for variable in var_list}
        wanted = _present(model_path, wanted)
        if not wanted:
            _LOG.warning("No Variables to restore")
            return None
    saver = Saver(wanted, reshape=reshape_variables)
    return lambda session: saver.restore(session, model_path)


def _present(model_path: Any, wanted: Mapping[str, Any]) -> dict[str, Any]:
    with open_checkpoint_at(model_path) as checkpoint:
        missing = [name for name in wanted if name not in checkpoint]
        for name in missing:
            _LOG.warning(
                "Variable %s missing in checkpoint %s.%s",
                name,
                model_path,
                did_you_mean(name, checkpoint),
            )
    return {name: variable for name, variable in wanted.items() if name not in missing}
