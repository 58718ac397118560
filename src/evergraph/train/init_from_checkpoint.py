"""Variables whose initializers read a checkpoint: ``tf.train.init_from_checkpoint``.

Nothing is read when the graph is built: a RestoreV2 node is, and an assignment that becomes the variable's
initializer, so that ``tf.global_variables_initializer()`` (made afterwards) loads the value.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evergraph.formats.tensor_info import TensorInfo
from evergraph.graph.scopes import device
from evergraph.nearest import did_you_mean
from evergraph.ops.checkpoint_io import RestoreV2
from evergraph.storage import gfile
from evergraph.storage.filesystem import path_text
from evergraph.train.checkpoint_reader import open_checkpoint_at
from evergraph.train.checkpoints import checkpoint_exists, latest_checkpoint
from evergraph.train.saveables import saveables
from evergraph.variables.collections import global_variables
from evergraph.variables.resource_variable import is_resource_variable
from evergraph.variables.scope import shared_variables
from evergraph.variables.variable import Variable

_LOG = logging.getLogger("evergraph")
_PART = "/part_"


def init_from_checkpoint(ckpt_dir_or_file: Any, assignment_map: Any) -> None:
    """Makes the initializers of variables load their values from a checkpoint.

    Args:
      ckpt_dir_or_file: a checkpoint's prefix (or one of its files), or a folder: its latest one.
      assignment_map: a dict, or a list of pairs, from what is in the checkpoint to what is in the graph:
        ``"ckpt_scope/": "scope/"``: every variable under ``scope`` that ``get_variable`` has made, by its name there;
          ``"/"`` stands for the root on either side;
        ``"ckpt_name": "scope/name"``: the variable that ``get_variable`` has made by that name, partitioned or not;
        ``"ckpt_name": variable``: that variable;
        ``"ckpt_name": [part, part]``: the parts of one partitioned variable.

    Raises:
      ValueError: a variable or tensor is not there, or a shape does not fit; the message has the nearest names.
      NotFoundError, DataLossError: the checkpoint is not there (a folder without one is a ValueError too), or is
        damaged.
    """
    pairs = assignment_map.items() if isinstance(assignment_map, Mapping) else assignment_map
    with open_checkpoint_at(ckpt_dir_or_file) as checkpoint:
        stored = {info.name: info for info in checkpoint.tensors}
    prefix = checkpoint_prefix(ckpt_dir_or_file)
    for tensor_name, target in sorted(pairs, key=lambda pair: pair[0]):
        variable = _variable(target)
        if variable is not None:
            _set_initializers(variable, prefix, _stored(stored, tensor_name, prefix))
            continue
        for name, within in _scope_members(target, tensor_name):
            info = _stored(stored, within, prefix, wanted_by=name)
            _set_initializers(_shared_variable(name), prefix, info)


def checkpoint_prefix(path: Any) -> str:
    """The checkpoint at ``path``, by the name that TensorFlow would give to a node that reads it."""
    text = path_text(path)
    named = latest_checkpoint(text) if gfile.IsDirectory(text) else text
    if named is not None and checkpoint_exists(named):
        return named
    with open_checkpoint_at(path) as checkpoint:
        return checkpoint.prefix


# --------------------------------------------------------------------------- what is in the graph


def is_variable(value: Any) -> bool:
    """True for a variable of either kind."""
    return isinstance(value, Variable) or is_resource_variable(value)


def parts_of(value: Any) -> list[Any] | None:
    """The parts of a partitioned variable, given as such or as a list; None where it is neither."""
    if hasattr(value, "_get_variable_list"):
        value = value._get_variable_list()
    if isinstance(value, (list, tuple)) and value and all(map(is_variable, value)):
        return list(value)
    return None


def _variable(target: Any) -> Any:
    """The variable (or the list of its parts) that ``target`` is or names; None where it may name a scope."""
    if is_variable(target):
        return target
    parts = parts_of(target)
    if parts is not None:
        return parts
    if not isinstance(target, str):
        raise ValueError(
            "The values of an assignment map are variables, lists of the parts of one, names of variables, or "
            f"scopes ('scope/'), not {target!r}"
        )
    return _shared_variable(target)


def _shared_variable(name: str) -> Any:
    made = shared_variables()
    if name in made:
        return made[name]
    parts: list[Any] = []
    while f"{name}{_PART}{len(parts)}" in made:
        parts.append(made[f"{name}{_PART}{len(parts)}"])
    return parts or None


def _whole(name: str) -> str:
    """The variable that ``name`` is a part of, or ``name``."""
    whole = name.partition(_PART)[0]
    return name if _shared_variable(whole) is None else whole


def _scope_members(scope: str, ckpt_scope: str) -> Iterable[tuple[str, str]]:
    """The variables under ``scope``, each with the name of its tensor under ``ckpt_scope``."""
    if not ckpt_scope.endswith("/") or not (scope.endswith("/") or not scope):
        raise ValueError(_no_such_variable(scope, ckpt_scope))
    above = "" if scope == "/" else scope
    ckpt_above = "" if ckpt_scope == "/" else ckpt_scope
    names = {_whole(name) for name in shared_variables() if name.startswith(above)}
    if not names:
        _LOG.warning(
            "init_from_checkpoint: get_variable has made no variable under '%s', so nothing of '%s' is loaded.%s",
            scope,
            ckpt_scope,
            did_you_mean(scope, {_scope_of(name) for name in shared_variables()}),
        )
    for name in sorted(names):
        yield name, ckpt_above + name[len(above) :]


def _scope_of(name: str) -> str:
    return name.rpartition("/")[0] + "/"


def _no_such_variable(name: str, tensor_name: str) -> str:
    message = f"There is no variable '{name}' that tf.get_variable has made"
    if any(variable.op.name == name for variable in global_variables()):
        return f"{message}. There is one that tf.Variable has made: give the variable itself, not its name."
    message += f".{did_you_mean(name, shared_variables())}"
    if name.endswith("/") or tensor_name.endswith("/"):
        message += (
            f" To load a whole scope, end both names with '/': '{tensor_name.rstrip('/')}/': "
            f"'{name.rstrip('/')}/'."
        )
    return message


def _stored(
    stored: Mapping[str, TensorInfo], name: str, prefix: str, wanted_by: str | None = None
) -> TensorInfo:
    info = stored.get(name)
    if info is None:
        by = "" if wanted_by is None else f" (for variable {wanted_by})"
        raise ValueError(
            f"Tensor {name}{by} is not found in {prefix} checkpoint, which has {len(stored)} tensors."
            f"{did_you_mean(name, stored)}"
        )
    return info


# --------------------------------------------------------------------------- what is done to it


def _set_initializers(variable: Any, prefix: str, info: TensorInfo) -> None:
    if not isinstance(variable, Sequence):
        if not variable.shape.is_compatible_with(info.shape):
            raise ValueError(_wrong_shape(variable.name, variable.shape.as_list(), info))
        _set_initializer(variable, prefix, info.name, "")
        return
    slices = [part._get_save_slice_info() for part in variable]
    for part, place in zip(variable, slices, strict=True):
        if place is None:
            raise ValueError(f"{part.name} is not a part of a partitioned variable")
        if place.full_name != slices[0].full_name:
            raise ValueError(
                f"Slices must all be from the same tensor: {slices[0].full_name} != {place.full_name}"
            )
        if tuple(place.full_shape) != info.shape:
            raise ValueError(_wrong_shape(place.full_name, place.full_shape, info))
        _set_initializer(part, prefix, info.name, place.spec)


def _wrong_shape(name: str, shape: Any, info: TensorInfo) -> str:
    return (
        f"Shape of variable {name} ({shape}) doesn't match with shape of tensor {info.name} ({list(info.shape)}) "
        "from checkpoint reader."
    )


def _set_initializer(variable: Any, prefix: str, tensor_name: str, slice_spec: str) -> None:
    # The file is read on a CPU, wherever the variable is.
    with device(variable.device), device("/cpu:0"):
        (value,) = RestoreV2(
            prefix,
            [tensor_name],
            [slice_spec],
            dtypes=[variable.dtype.base_dtype],
            name="checkpoint_initializer",
        )
        (saveable,) = saveables([variable])
    initializer = saveable.restore([value], None)
    variable._initializer_op = getattr(initializer, "op", initializer)
    value.set_shape(variable.shape)
    variable._initial_value = value
