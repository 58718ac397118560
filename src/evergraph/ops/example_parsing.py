"""Ops that parse tf.Examples: ParseExample, ParseExampleV2, ParseSingleExample."""

from __future__ import annotations

import numpy as np

from evergraph import errors
from evergraph.graph import shape as shapes
from evergraph.graph.attributes import to_text
from evergraph.graph.registry import op
from evergraph.ops.example_values import Dense, Examples, static_dims

_TYPES = "list({float, int64, string}) >= 0"


def _texts(values):
    return [to_text(value) for value in np.asarray(values, object).reshape(-1)]


def _outputs(examples, sparse_keys, sparse_types, dense_keys, dense_defaults, dense_shapes, Tdense):
    """The outputs that all of the ops have: sparse indices, values and shapes, dense values."""
    if len(dense_keys) != len(Tdense) or len(dense_shapes) != len(Tdense):
        raise errors.InvalidArgumentError(
            None,
            None,
            f"{len(dense_keys)} dense keys do not go with {len(Tdense)} types and {len(dense_shapes)} shapes",
        )
    if len(sparse_keys) != len(sparse_types):
        raise errors.InvalidArgumentError(
            None, None, f"{len(sparse_keys)} sparse keys do not go with {len(sparse_types)} types"
        )
    sparse = [
        examples.sparse(key, kind) for key, kind in zip(sparse_keys, sparse_types, strict=True)
    ]
    dense = tuple(
        examples.dense(Dense(key, kind, tuple(dims), np.asarray(default)))
        for key, kind, dims, default in zip(
            dense_keys, Tdense, dense_shapes, dense_defaults, strict=True
        )
    )
    indices, values, sizes = zip(*sparse, strict=True) if sparse else ((), (), ())
    return tuple(indices), tuple(values), tuple(sizes), dense


def _shapes(c, sparse_count, batch):
    """The static shapes of the same outputs, for a batch of these dimensions (one or none, None where unknown)."""
    rank = None if batch is None else len(batch) + 1
    return [
        *[(None, rank)] * sparse_count,
        *[(None,)] * sparse_count,
        *[(rank,)] * sparse_count,
        *[static_dims(dims, batch) for dims in c["dense_shapes"]],
    ]


@op(
    "ParseExample",
    "serialized: string, names: string, sparse_keys: Nsparse * string, dense_keys: Ndense * "
    "string, dense_defaults: Tdense -> sparse_indices: Nsparse * int64, sparse_values: "
    "sparse_types, sparse_shapes: Nsparse * int64, dense_values: Tdense",
    Nsparse="int >= 0",
    Ndense="int >= 0",
    sparse_types=_TYPES,
    Tdense=_TYPES,
    dense_shapes="list(shape) >= 0",
    host=True,
)
class ParseExample:
    def shape(c):
        batch = shapes.with_rank(c.shape(0), 1)
        shapes.with_rank(c.shape(1), 1)
        return _shapes(c, c["Nsparse"], batch)

    def compute(
        xp, serialized, names, sparse_keys, dense_keys, dense_defaults, *, sparse_types, Tdense, dense_shapes
    ):  # fmt: skip
        sparse, dense = (
            [to_text(key.item()) for key in keys] for keys in (sparse_keys, dense_keys)
        )
        return _outputs(
            Examples(serialized, names), sparse, sparse_types, dense, dense_defaults, dense_shapes, Tdense
        )  # fmt: skip

    gradient = None


@op(
    "ParseExampleV2",
    "serialized: string, names: string, sparse_keys: string, dense_keys: string, ragged_keys: "
    "string, dense_defaults: Tdense -> sparse_indices: num_sparse * int64, sparse_values: "
    "sparse_types, sparse_shapes: num_sparse * int64, dense_values: Tdense, ragged_values: "
    "ragged_value_types, ragged_row_splits: ragged_split_types",
    Tdense=_TYPES,
    num_sparse="int >= 0",
    sparse_types=_TYPES,
    ragged_value_types=_TYPES,
    ragged_split_types="list({int32, int64}) >= 0",
    dense_shapes="list(shape) >= 0",
    host=True,
)
class ParseExampleV2:
    def shape(c):
        batch = c.shape(0)
        if batch is not None and len(batch) > 1:
            raise ValueError(f"Shape must be at most rank 1 but is rank {len(batch)}")
        for i in range(2, 5):
            shapes.with_rank(c.shape(i), 1)
        # A batch of so many has one split more; a single example has none.
        splits = (batch[0] + 1,) if batch and batch[0] is not None else (None,)
        return [
            *_shapes(c, c["num_sparse"], batch),
            *[(None,)] * len(c["ragged_value_types"]),
            *[splits] * len(c["ragged_split_types"]),
        ]

    def compute(
        xp, serialized, names, sparse_keys, dense_keys, ragged_keys, dense_defaults, *,
        sparse_types, Tdense, dense_shapes, ragged_value_types, ragged_split_types,
    ):  # fmt: skip
        examples = Examples(serialized, names)
        found = _outputs(
            examples, _texts(sparse_keys), sparse_types, _texts(dense_keys), dense_defaults, dense_shapes, Tdense
        )  # fmt: skip
        keys = _texts(ragged_keys)
        if not len(keys) == len(ragged_value_types) == len(ragged_split_types):
            raise errors.InvalidArgumentError(
                None,
                None,
                f"{len(keys)} ragged keys do not go with {len(ragged_value_types)} types",
            )
        ragged = [
            examples.ragged(*each)
            for each in zip(keys, ragged_value_types, ragged_split_types, strict=True)
        ]
        values, splits = zip(*ragged, strict=True) if ragged else ((), ())
        return (*found, tuple(values), tuple(splits))

    gradient = None


@op(
    "ParseSingleExample",
    "serialized: string, dense_defaults: Tdense -> sparse_indices: num_sparse * int64, "
    "sparse_values: sparse_types, sparse_shapes: num_sparse * int64, dense_values: Tdense",
    num_sparse="int >= 0",
    sparse_keys="list(string) >= 0",
    dense_keys="list(string) >= 0",
    sparse_types=_TYPES,
    Tdense=_TYPES,
    dense_shapes="list(shape) >= 0",
    host=True,
)
class ParseSingleExample:
    def shape(c):
        shapes.with_rank(c.shape(0), 0)
        return _shapes(c, c["num_sparse"], ())

    def compute(
        xp, serialized, dense_defaults, *, sparse_keys, dense_keys, sparse_types, Tdense, dense_shapes
    ):  # fmt: skip
        if np.ndim(serialized):
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Expected serialized to be a scalar, got shape: {shapes.text(np.shape(serialized))}",
            )
        return _outputs(
            Examples(serialized), sparse_keys, sparse_types, dense_keys, dense_defaults, dense_shapes, Tdense
        )  # fmt: skip

    gradient = None
