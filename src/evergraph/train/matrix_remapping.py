"""Initializers that load a matrix of a checkpoint under another vocabulary: embeddings and output layers whose
rows or columns are entities of a text file. The ops are in ``evergraph.ops.checkpoint_remapping``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from evergraph.formats import dtypes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.tensor import Tensor
from evergraph.ops.checkpoint_remapping import GenerateVocabRemapping, LoadAndRemapMatrix
from evergraph.ops.concatenation import concat
from evergraph.ops.sequences import range_
from evergraph.variables.initializers import (
    truncated_normal_initializer,
    zeros_initializer,
)

#: ``initializer(shape, dtype=float32, partition_info=None)`` -> a tensor of that shape.
Initializer = Callable[..., Tensor]


def load_and_remap_matrix(
    ckpt_path: Any,
    old_tensor_name: Any,
    new_row_vocab_offset: int,
    num_rows_to_load: int,
    new_col_vocab_size: int,
    initializer: Callable[[Any], Any],
    old_row_vocab_size: int = -1,
    old_row_vocab_file: Any = None,
    new_row_vocab_file: Any = None,
    old_col_vocab_file: Any = None,
    new_col_vocab_file: Any = None,
    num_row_oov_buckets: int = 0,
    num_col_oov_buckets: int = 0,
    max_rows_in_memory: int = -1,
) -> Tensor:
    """A matrix of a checkpoint (float32) in the order of new vocabularies.

    Args:
      ckpt_path, old_tensor_name: the checkpoint's prefix and the matrix's name there.
      new_row_vocab_offset: the line of the new row vocabulary to begin with (above 0 in a part of a variable).
      num_rows_to_load, new_col_vocab_size: rows and columns of the result, without the buckets.
      initializer: a function from a shape to values: what is new gets them.
      old_row_vocab_size: how many lines of the old row vocabulary count (-1: all).
      old_row_vocab_file, new_row_vocab_file: text files, one entity a line; both None: rows stay in order.
      old_col_vocab_file, new_col_vocab_file: the same for columns.
      num_row_oov_buckets, num_col_oov_buckets: rows and columns to add at the end, for what is in no vocabulary.
      max_rows_in_memory: kept in the node; the matrix is read as a whole.

    Returns:
      A float32 tensor ``[num_rows_to_load + num_row_oov_buckets, new_col_vocab_size + num_col_oov_buckets]``.

    Raises ValueError for a negative number of buckets, one file of a pair without the other, or no file at all.
    """
    for what, count in (
        ("num_row_oov_buckets", num_row_oov_buckets),
        ("num_col_oov_buckets", num_col_oov_buckets),
    ):
        if count < 0:
            raise ValueError(f"{what} must be >= 0, but received {count}")
    _check_pair("row", old_row_vocab_file, new_row_vocab_file)
    _check_pair("col", old_col_vocab_file, new_col_vocab_file)
    if not (new_row_vocab_file or new_col_vocab_file):
        raise ValueError(
            "Must provide either row or column vocab files. If no remapping is necessary, use "
            "`tf.train.init_from_checkpoint` instead."
        )
    rows_present: Any = num_rows_to_load
    if new_row_vocab_file:
        row_remapping, rows_present = GenerateVocabRemapping(
            new_row_vocab_file,
            old_row_vocab_file,
            new_vocab_offset=new_row_vocab_offset,
            num_new_vocab=num_rows_to_load,
            old_vocab_size=old_row_vocab_size,
        )
    else:
        end = new_row_vocab_offset + num_rows_to_load
        row_remapping = range_(new_row_vocab_offset, end, dtype=dtypes.int64)
    col_remapping: Any = []
    cols_present: Any = new_col_vocab_size
    if new_col_vocab_file:
        col_remapping, cols_present = GenerateVocabRemapping(
            new_col_vocab_file,
            old_col_vocab_file,
            new_vocab_offset=0,
            num_new_vocab=new_col_vocab_size,
        )
    missing = num_rows_to_load * new_col_vocab_size - rows_present * cols_present
    matrix: Tensor = LoadAndRemapMatrix(
        ckpt_path,
        old_tensor_name,
        row_remapping,
        col_remapping,
        initializer([missing, 1]),
        num_rows=num_rows_to_load,
        num_cols=new_col_vocab_size,
        max_rows_in_memory=max_rows_in_memory,
    )
    if num_row_oov_buckets:
        more = convert_to_tensor(initializer([num_row_oov_buckets, new_col_vocab_size]))
        matrix = concat([matrix, more], 0)
    if num_col_oov_buckets:
        shape = [num_rows_to_load + num_row_oov_buckets, num_col_oov_buckets]
        matrix = concat([matrix, convert_to_tensor(initializer(shape))], 1)
    return matrix


def _check_pair(axis: str, old: Any, new: Any) -> None:
    if bool(old) != bool(new):
        raise ValueError(
            f"old_{axis}_vocab_file and new_{axis}_vocab_file must both be specified or left unspecified. "
            f"old_{axis}_vocab_file='{old}', new_{axis}_vocab_file='{new}'"
        )


def load_and_remap_matrix_initializer(
    ckpt_path: Any,
    old_tensor_name: Any,
    new_row_vocab_size: int,
    new_col_vocab_size: int,
    old_row_vocab_size: int = -1,
    old_row_vocab_file: Any = None,
    new_row_vocab_file: Any = None,
    old_col_vocab_file: Any = None,
    new_col_vocab_file: Any = None,
    num_row_oov_buckets: int = 0,
    num_col_oov_buckets: int = 0,
    initializer: Callable[[Any], Any] | None = None,
    max_rows_in_memory: int = -1,
) -> Initializer:
    """An initializer for a variable, partitioned along its rows or not, that loads a matrix of a checkpoint in the
    order of new vocabularies.

    The variable's shape is ``[new_row_vocab_size + num_row_oov_buckets, new_col_vocab_size + num_col_oov_buckets]``.
    ``initializer`` (default: zeros) gives the values of what is new. The other arguments are as in
    ``load_and_remap_matrix``. Raises TypeError where ``initializer`` cannot be called.
    """
    fresh = zeros_initializer() if initializer is None else initializer
    if not callable(fresh):
        raise TypeError(
            f"initializer must be callable, instead of being {fresh} of type {type(fresh)}."
        )
    columns = new_col_vocab_size + num_col_oov_buckets
    rows = new_row_vocab_size + num_row_oov_buckets

    def initialize(shape: Any, dtype: Any = dtypes.float32, partition_info: Any = None) -> Any:
        if dtype != dtypes.float32:
            raise TypeError(f"Currently, only float32 is supported. Received dtype: {dtype}")
        if len(shape) != 2:
            raise ValueError(f"Expected 2-dim shape, but received: {shape}")
        if shape[0] <= 0:
            raise ValueError(f"Expected 1st dim of shape to be > 0, but received shape: {shape}")
        if shape[1] != columns:
            raise ValueError(
                f"Expected 2nd dim of shape to be new_col_vocab_size ({new_col_vocab_size}) + num_col_oov_buckets "
                f"({num_col_oov_buckets}) = {columns}, but received shape: {shape}"
            )
        offset = 0 if partition_info is None else partition_info.single_offset(shape)
        end = offset + shape[0]
        if end > rows:
            raise ValueError(
                f"Trying to initialize {shape[0]} additional rows after {offset} rows have already been initialized, "
                f"which would exceed expected total row count of new_row_vocab_size ({new_row_vocab_size}) + "
                f"num_row_oov_buckets ({num_row_oov_buckets}) = {rows}."
            )
        if offset > new_row_vocab_size:
            return fresh(shape)
        row_buckets = min(shape[0], max(0, end - new_row_vocab_size))
        return load_and_remap_matrix(
            ckpt_path=ckpt_path,
            old_tensor_name=old_tensor_name,
            new_row_vocab_offset=offset,
            num_rows_to_load=shape[0] - row_buckets,
            new_col_vocab_size=new_col_vocab_size,
            initializer=fresh,
            old_row_vocab_size=old_row_vocab_size,
            old_row_vocab_file=old_row_vocab_file,
            new_row_vocab_file=new_row_vocab_file,
            old_col_vocab_file=old_col_vocab_file,
            new_col_vocab_file=new_col_vocab_file,
            num_row_oov_buckets=row_buckets,
            num_col_oov_buckets=num_col_oov_buckets,
            max_rows_in_memory=max_rows_in_memory,
        )

    return initialize


def load_embedding_initializer(
    ckpt_path: Any,
    embedding_tensor_name: Any,
    new_vocab_size: int,
    embedding_dim: int,
    old_vocab_file: Any,
    new_vocab_file: Any,
    old_vocab_size: int = -1,
    num_oov_buckets: int = 0,
    initializer: Callable[[Any], Any] | None = None,
    max_rows_in_memory: int = -1,
) -> Initializer:
    """``load_and_remap_matrix_initializer`` for an embedding, ``[vocabulary, embedding_dim]``.

    ``initializer`` (default: a truncated normal with the deviation ``1 / sqrt(embedding_dim)``) gives the vectors of
    what is new.
    """
    return load_and_remap_matrix_initializer(
        ckpt_path=ckpt_path,
        old_tensor_name=embedding_tensor_name,
        new_row_vocab_size=new_vocab_size,
        new_col_vocab_size=embedding_dim,
        old_row_vocab_size=old_vocab_size,
        old_row_vocab_file=old_vocab_file,
        new_row_vocab_file=new_vocab_file,
        num_row_oov_buckets=num_oov_buckets,
        initializer=initializer
        or truncated_normal_initializer(stddev=1.0 / math.sqrt(embedding_dim)),
        max_rows_in_memory=max_rows_in_memory,
    )
