"""Warm starts: a model's variables begin with those of an earlier one, whose vocabularies may have been others."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from evergraph.graph.collections import GraphKeys
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.default_graph import get_default_graph
from evergraph.nearest import did_you_mean
from evergraph.ops.state import assign
from evergraph.train.checkpoint_reader import open_checkpoint_at
from evergraph.train.init_from_checkpoint import (
    checkpoint_prefix,
    init_from_checkpoint,
    is_variable,
    parts_of,
)
from evergraph.train.matrix_remapping import load_and_remap_matrix_initializer
from evergraph.train.saveables import checkpoint_name, saved_tensor

_LOG = logging.getLogger("evergraph")


class _VocabInfo(NamedTuple):
    new_vocab: Any
    new_vocab_size: int
    num_oov_buckets: int
    old_vocab: Any
    old_vocab_size: int
    backup_initializer: Any
    axis: int


class VocabInfo(_VocabInfo):
    """Which vocabulary a variable had, and which it has now.

    Args:
      new_vocab: the file of the new vocabulary, one entity a line.
      new_vocab_size: how many of its entities the new variable has.
      num_oov_buckets: how many rows (or columns) it has behind them, for what is not in the vocabulary.
      old_vocab: the file of the vocabulary that the checkpoint was made with.
      old_vocab_size: how many of its entities count; -1: all.
      backup_initializer: gives the values of what is new; None: zeros.
      axis: 0 where the vocabulary is that of the rows, 1 for the columns.

    Raises:
      ValueError: another axis.
    """

    def __new__(
        cls,
        new_vocab: Any,
        new_vocab_size: int,
        num_oov_buckets: int,
        old_vocab: Any,
        old_vocab_size: int = -1,
        backup_initializer: Any = None,
        axis: int = 0,
    ) -> VocabInfo:
        if axis not in (0, 1):
            raise ValueError(
                f"The only supported values for the axis argument are 0 and 1.  Provided axis: {axis}"
            )
        return super().__new__(
            cls,
            new_vocab,
            new_vocab_size,
            num_oov_buckets,
            old_vocab,
            old_vocab_size,
            backup_initializer,
            axis,
        )


def warm_start(
    ckpt_to_initialize_from: Any,
    vars_to_warm_start: Any = ".*",
    var_name_to_vocab_info: Mapping[str, VocabInfo] | None = None,
    var_name_to_prev_var_name: Mapping[str, str] | None = None,
) -> None:
    """Makes the initializers of variables load the values that an earlier model ended with.

    Args:
      ckpt_to_initialize_from: a checkpoint's prefix, or a folder: its latest one.
      vars_to_warm_start: which variables:
        a regular expression: the trainable ones whose names it matches from their beginning;
        a list of regular expressions: the global ones that one of them matches;
        a list of variables;
        None: those trainable ones that ``var_name_to_vocab_info`` names.
      var_name_to_vocab_info: the variables (a partitioned one by its own name) whose vocabulary has changed.
      var_name_to_prev_var_name: variables that had another name in the checkpoint. Where there are none, those of
        ``tf.train.Checkpoint`` are found by the variables' names.

    Raises:
      ValueError: an argument of another kind; a name in one of the dicts that is none of the variables; and as
        ``init_from_checkpoint``.
    """
    _LOG.info("Warm-starting from: %s", ckpt_to_initialize_from)
    grouped = _grouped(vars_to_warm_start)
    vocabularies = var_name_to_vocab_info or {}
    previous = var_name_to_prev_var_name or _object_based_names(ckpt_to_initialize_from, grouped)
    count = 0
    pending: dict[str, Any] = {}
    for name, variables in grouped.items():
        tensor_name = previous.get(name) or name
        if name in vocabularies:
            _start_with_vocabulary(
                variables, ckpt_to_initialize_from, tensor_name, vocabularies[name]
            )
        elif vars_to_warm_start:
            if tensor_name in pending:
                init_from_checkpoint(ckpt_to_initialize_from, pending)
                pending = {}
            pending[tensor_name] = variables[0] if len(variables) == 1 else variables
        else:
            continue
        count += 1
    if pending:
        init_from_checkpoint(ckpt_to_initialize_from, pending)
    _LOG.info("Warm-started %d variables.", count)
    _check_used("var_name_to_prev_var_name", previous, grouped)
    _check_used("var_name_to_vocab_info", vocabularies, grouped)


def _grouped(wanted: Any) -> dict[str, list[Any]]:
    """The variables to start, by the names that they are saved under: the parts of one together."""
    collection = get_default_graph().get_collection
    if wanted is None or isinstance(wanted, str):
        found = collection(GraphKeys.TRAINABLE_VARIABLES, wanted)
    elif isinstance(wanted, list) and all(isinstance(item, str) for item in wanted):
        found = [v for scope in wanted for v in collection(GraphKeys.GLOBAL_VARIABLES, scope)]
    elif isinstance(wanted, list) and all(is_variable(item) for item in wanted):
        found = wanted
    elif isinstance(wanted, list):
        raise ValueError(
            "If `vars_to_warm_start` is a list, it must be all `Variable` or all `str`.  Given types are "
            f"{[type(item) for item in wanted]}"
        )
    else:
        raise ValueError(
            f"`vars_to_warm_start must be a `list` or `str`.  Given type is {type(wanted)}"
        )
    grouped: dict[str, list[Any]] = {}
    for variable in found:
        grouped.setdefault(_saved_name(variable), []).append(variable)
    return grouped


def _saved_name(variable: Any) -> str:
    """The name under which a variable is saved: that of the whole for a part of one."""
    part = variable._get_save_slice_info()
    name: str = checkpoint_name(saved_tensor(variable)) if part is None else part.full_name
    return name


def _object_based_names(ckpt: Any, names: Iterable[str]) -> dict[str, str]:
    """Where ``tf.train.Checkpoint`` has put variables; empty for a checkpoint that a Saver wrote.

    Raises ValueError where it has not all of them, DataLossError where it does not say so readably.
    """
    with open_checkpoint_at(ckpt) as checkpoint:
        objects = checkpoint.object_graph
    if objects is None:
        return {}
    keys = {saved.full_name: saved.key for node in objects.nodes for saved in node.attributes}
    missing = [name for name in names if name not in keys]
    if missing:
        raise ValueError(
            "Attempting to warm-start from an object-based checkpoint, but found that the checkpoint did not contain "
            f"values for all variables. The following variables were missing: {', '.join(missing)}."
            f"{did_you_mean(missing[0], keys)}"
        )
    return {name: keys[name] for name in names}


def _check_used(argument: str, names: Mapping[str, Any], grouped: Mapping[str, Any]) -> None:
    unused = [name for name in names if name not in grouped]
    if unused:
        near = "".join(did_you_mean(name, grouped) for name in unused[:3])
        raise ValueError(
            f"You provided the following variables in {argument} that were not used: {', '.join(unused)}. Perhaps you "
            f"misspelled them?{near} Here is the list of viable variable names: {', '.join(grouped)}"
        )


class _Part:
    """Where a part begins in the rows of the whole, as an initializer asks for it."""

    def __init__(self, var_offset: Sequence[int]) -> None:
        self._var_offset = var_offset

    def single_offset(self, shape: Any) -> int:
        return self._var_offset[0]


def _start_with_vocabulary(variables: Any, ckpt: Any, tensor_name: str, info: VocabInfo) -> None:
    if not (info.new_vocab and info.new_vocab_size and ckpt and info.old_vocab):
        raise ValueError(
            "Invalid args: Must provide all of new_vocab, new_vocab_size, old_vocab and the checkpoint."
        )
    parts = parts_of(variables) or variables
    rows = sum(part.get_shape().as_list()[0] for part in parts)
    for part in parts:
        shape = part.get_shape().as_list()
        place = part._get_save_slice_info()
        if info.axis == 0:
            vocabulary = {
                "new_row_vocab_size": info.new_vocab_size,
                "new_col_vocab_size": shape[1],
                "old_row_vocab_size": info.old_vocab_size,
                "old_row_vocab_file": info.old_vocab,
                "new_row_vocab_file": info.new_vocab,
                "num_row_oov_buckets": info.num_oov_buckets,
            }
        else:
            vocabulary = {
                "new_row_vocab_size": rows,
                "new_col_vocab_size": info.new_vocab_size,
                "old_col_vocab_file": info.old_vocab,
                "new_col_vocab_file": info.new_vocab,
                "num_col_oov_buckets": info.num_oov_buckets,
            }
        initialize = load_and_remap_matrix_initializer(
            checkpoint_prefix(ckpt),
            tensor_name,
            initializer=info.backup_initializer,
            **vocabulary,
        )
        value = convert_to_tensor(
            initialize(shape, partition_info=None if place is None else _Part(place.var_offset))
        )
        initializer = assign(part, value)
        part._initializer_op = getattr(initializer, "op", initializer)
