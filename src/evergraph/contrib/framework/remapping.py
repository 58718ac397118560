"""``tf.contrib.framework``'s initializers that load matrices of a checkpoint under other vocabularies, beside those
that TensorFlow kept (``evergraph.train.matrix_remapping``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evergraph.formats import dtypes
from evergraph.train.matrix_remapping import Initializer, load_and_remap_matrix_initializer


def load_linear_multiclass_bias_initializer(
    ckpt_path: Any,
    bias_tensor_name: Any,
    new_class_vocab_size: int,
    old_class_vocab_file: Any,
    new_class_vocab_file: Any,
    num_class_oov_buckets: int = 0,
    initializer: Callable[[Any], Any] | None = None,
    max_rows_in_memory: int = -1,
) -> Initializer:
    """``load_and_remap_matrix_initializer`` for the biases of classes, ``[classes, 1]``."""
    return load_and_remap_matrix_initializer(
        ckpt_path=ckpt_path,
        old_tensor_name=bias_tensor_name,
        new_row_vocab_size=new_class_vocab_size,
        new_col_vocab_size=1,
        old_row_vocab_file=old_class_vocab_file,
        new_row_vocab_file=new_class_vocab_file,
        num_row_oov_buckets=num_class_oov_buckets,
        initializer=initializer,
        max_rows_in_memory=max_rows_in_memory,
    )


def load_variable_slot_initializer(
    ckpt_path: Any,
    old_tensor_name: Any,
    primary_partition_info: Any,
    new_row_vocab_size: int,
    new_col_vocab_size: int,
    old_row_vocab_file: Any = None,
    new_row_vocab_file: Any = None,
    old_col_vocab_file: Any = None,
    new_col_vocab_file: Any = None,
    num_row_oov_buckets: int = 0,
    num_col_oov_buckets: int = 0,
    initializer: Callable[[Any], Any] | None = None,
    max_rows_in_memory: int = -1,
) -> Initializer:
    """``load_and_remap_matrix_initializer`` for a slot (an optimizer's accumulator) of a variable or of its part.

    A slot is made without its variable's partitioning, so ``primary_partition_info`` says which part that is.
    """
    initialize = load_and_remap_matrix_initializer(
        ckpt_path=ckpt_path,
        old_tensor_name=old_tensor_name,
        new_row_vocab_size=new_row_vocab_size,
        new_col_vocab_size=new_col_vocab_size,
        old_row_vocab_file=old_row_vocab_file,
        new_row_vocab_file=new_row_vocab_file,
        old_col_vocab_file=old_col_vocab_file,
        new_col_vocab_file=new_col_vocab_file,
        num_row_oov_buckets=num_row_oov_buckets,
        num_col_oov_buckets=num_col_oov_buckets,
        initializer=initializer,
        max_rows_in_memory=max_rows_in_memory,
    )

    def initialize_slot(shape: Any, dtype: Any = dtypes.float32, partition_info: Any = None) -> Any:
        return initialize(shape, dtype, partition_info=primary_partition_info)

    return initialize_slot
