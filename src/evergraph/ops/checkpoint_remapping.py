"""A matrix of a checkpoint under another vocabulary: GenerateVocabRemapping and LoadAndRemapMatrix.

A vocabulary is a text file with one entity a line; its line number is the row (or column) that the entity has in a
matrix. The first op says where each entity of a new vocabulary was in the old one, -1 where it is new; the second
reads the old matrix in that order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.formats.checkpoint import Checkpoint, open_checkpoint
from evergraph.formats.tensor_slice import WHOLE, TensorSlice
from evergraph.graph import shape as shapes
from evergraph.graph.attributes import to_text
from evergraph.graph.registry import op
from evergraph.ops.table_files import lines

_MISSING = -1


@op(
    "GenerateVocabRemapping",
    "new_vocab_file: string, old_vocab_file: string -> remapping: int64, num_present: int32",
    new_vocab_offset="int >= 0",
    num_new_vocab="int >= 0",
    old_vocab_size="int >= -1 = -1",
    host=True,
    reads=True,
)
class GenerateVocabRemapping:
    gradient = None

    def shape(c):
        shapes.with_rank(c.shape(0), 0)
        shapes.with_rank(c.shape(1), 0)
        return [(c["num_new_vocab"],), ()]

    def compute(
        ctx, new_vocab_file, old_vocab_file, *, new_vocab_offset, num_new_vocab, old_vocab_size
    ):
        ctx.require("files")
        path = _path(new_vocab_file, "new_vocab_file")
        new = list(lines(path))
        end = new_vocab_offset + num_new_vocab
        if end > len(new):
            raise errors.InvalidArgumentError(
                None,
                None,
                f"The new vocabulary {path} has {len(new)} lines, and lines {new_vocab_offset} to {end} are wanted: "
                "lookup table size must be larger than last new vocab entry's line",
            )
        old = _line_numbers(_path(old_vocab_file, "old_vocab_file"), old_vocab_size)
        wanted = new[new_vocab_offset:end]
        remapping = np.array([old.get(entity, _MISSING) for entity in wanted], np.int64)
        return remapping, np.int32(np.count_nonzero(remapping != _MISSING))


def _path(value: Any, what: str) -> str:
    if np.ndim(value) != 0:
        raise errors.InvalidArgumentError(
            None, None, f"{what} should be a single string, but got {shapes.text(np.shape(value))}"
        )
    path = to_text(np.asarray(value).item())
    if not path:
        raise errors.InvalidArgumentError(None, None, f"{what} cannot be empty: it names no file")
    return path


def _line_numbers(path: str, size: int) -> dict[bytes, int]:
    """Where each of the first ``size`` entities stands.

    Raises FailedPreconditionError where one stands twice.
    """
    found: dict[bytes, int] = {}
    for number, entity in enumerate(lines(path, size)):
        first = found.setdefault(entity, number)
        if first != number:
            raise errors.FailedPreconditionError(
                None,
                None,
                f"{path}: HashTable has different value for same key. Key {to_text(entity)} is in line "
                f"{first + 1} and again in line {number + 1}",
            )
    return found


@op(
    "LoadAndRemapMatrix",
    "ckpt_path: string, old_tensor_name: string, row_remapping: int64, col_remapping: int64, "
    "initializing_values: float -> output_matrix: float",
    num_rows="int >= 0",
    num_cols="int >= 1",
    max_rows_in_memory=-1,
    stateful=True,
    host=True,
)
class LoadAndRemapMatrix:
    gradient = None

    def shape(c):
        shapes.with_rank(c.shape(0), 0)
        shapes.with_rank(c.shape(1), 0)
        shapes.with_rank(c.shape(2), 1)
        shapes.with_rank(c.shape(3), 1)
        return (c["num_rows"], c["num_cols"])

    # `max_rows_in_memory` is not asked for: a stored tensor has one checksum, so it is read as a whole.
    def compute(
        ctx,
        ckpt_path,
        old_tensor_name,
        row_remapping,
        col_remapping,
        initializing_values,
        *,
        num_rows,
        num_cols,
    ):
        ctx.require("files")
        rows = _sources(row_remapping, num_rows, "row_remapping", "num_rows")
        name = _path(old_tensor_name, "old_tensor_name")
        with open_checkpoint(_path(ckpt_path, "ckpt_path")) as checkpoint:
            old_rows, old_columns = _matrix_shape(checkpoint, name)
            if col_remapping.size:
                columns = _sources(col_remapping, num_cols, "col_remapping", "num_cols")
            elif old_columns == num_cols:
                columns = np.arange(num_cols)
            else:
                raise errors.InvalidArgumentError(
                    None,
                    None,
                    f"Tensor {name} has shape {shapes.text((old_rows, old_columns))}, where the size of its 2nd "
                    f"dimension is {old_columns} instead of being equal to num_cols={num_cols}",
                )
            _check_within(rows, old_rows, f"row of tensor {name}")
            _check_within(columns, old_columns, f"column of tensor {name}")
            matrix = _fresh(rows, columns, initializing_values)
            _copy(checkpoint, name, rows, columns, matrix)
        return matrix


def _sources(remapping: Any, count: int, what: str, attribute: str) -> Any:
    """Where each new row (or column) was; all that is negative says that it is new."""
    if remapping.shape != (count,):
        raise errors.InvalidArgumentError(
            None,
            None,
            f"Size of {what} is {remapping.size} instead of being equal to {attribute}={count}",
        )
    present = remapping[remapping >= 0]
    if len(np.unique(present)) != len(present):
        raise errors.UnimplementedError(
            None,
            None,
            f"{what} {remapping.tolist()} takes one old index for several new ones, which is not supported",
        )
    return np.maximum(remapping, _MISSING)


def _matrix_shape(checkpoint: Checkpoint, name: str) -> tuple[int, int]:
    info = checkpoint.info(name)
    if info.dtype != dtypes.float32:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"Tensor {name} has invalid type {info.dtype.name} instead of expected type float32",
        )
    if len(info.shape) != 2:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"Tensor {name} has shape {shapes.text(info.shape)} of invalid rank {len(info.shape)} instead of "
            "expected shape of rank 2.",
        )
    return info.shape[0], info.shape[1]


def _check_within(sources: Any, size: int, what: str) -> None:
    if sources.size and sources.max() >= size:
        raise errors.InvalidArgumentError(
            None, None, f"Trying to read {what} number {sources.max()}, of which there are {size}"
        )


def _fresh(rows: Any, columns: Any, initializing_values: Any) -> Any:
    """The new matrix with the initializing values, row by row, where a row or a column is new."""
    missing = (rows == _MISSING)[:, None] | (columns == _MISSING)[None, :]
    given = initializing_values.reshape(-1)
    if np.count_nonzero(missing) != given.size:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"initializing_values contained {given.size} elements, but there are {np.count_nonzero(missing)} "
            "missing values.",
        )
    matrix = np.zeros(missing.shape, np.float32)
    matrix[missing] = given
    return matrix


def _copy(checkpoint: Checkpoint, name: str, rows: Any, columns: Any, matrix: Any) -> None:
    """Copies what the old matrix has."""
    to_rows, to_columns = np.flatnonzero(rows != _MISSING), np.flatnonzero(columns != _MISSING)
    if not to_rows.size:
        return
    from_rows, from_columns = rows[to_rows], columns[to_columns]
    first, end = int(from_rows.min()), int(from_rows.max()) + 1
    old = checkpoint.read_slice(name, TensorSlice(((first, end - first), (0, WHOLE))))
    matrix[np.ix_(to_rows, to_columns)] = old[np.ix_(from_rows - first, from_columns)]
