"""tf.parse_example: serialized tf.Examples as tensors, by a description of their features."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from evergraph.formats import dtypes
from evergraph.formats.dtypes import DType
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.scopes import name_scope
from evergraph.graph.shape import TensorShape
from evergraph.graph.tensor import Tensor
from evergraph.ops.array import rank, reshape
from evergraph.ops.assertions import assert_
from evergraph.ops.comparison import equal
from evergraph.ops.constant import constant
from evergraph.ops.example_parsing import ParseExampleV2
from evergraph.ops.grouping import with_dependencies
from evergraph.ops.sparse_tensor import SparseTensor

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.\-/]")


class FixedLenFeature(NamedTuple):
    """A feature of the same shape in every example; ``default_value`` stands in where it is missing."""

    shape: Any
    dtype: Any
    default_value: Any = None


class FixedLenSequenceFeature(NamedTuple):
    """A feature of as many blocks of ``shape`` as an example has, padded with ``default_value`` in a batch."""

    shape: Any
    dtype: Any
    allow_missing: bool = False
    default_value: Any = None


class VarLenFeature(NamedTuple):
    """A feature of any length in each example: a SparseTensor."""

    dtype: Any


class _Dense(NamedTuple):
    key: str
    dtype: DType
    shape: TensorShape
    default: Any

    def default_tensor(self) -> Tensor:
        name = _NOT_IN_NAMES.sub("_", self.key)
        if self.shape.ndims and self.shape.dims is not None and self.shape.dims[0].value is None:
            if self.default is None:
                return convert_to_tensor("" if self.dtype == dtypes.string else 0, dtype=self.dtype)
            padding = convert_to_tensor(self.default, dtype=self.dtype, name="padding_" + name)
            return reshape(padding, [])
        if self.default is None:
            return constant([], dtype=self.dtype)
        if isinstance(self.default, Tensor):
            return self.default
        default = convert_to_tensor(self.default, dtype=self.dtype, name="key_" + name)
        return reshape(default, self.shape)


def parse_example(
    serialized: Any, features: Mapping[str, Any], name: str | None = None, example_names: Any = None
) -> dict[str, Any]:
    """A batch of serialized Examples as tensors by the names of ``features``.

    Args:
      serialized: strings, [batch].
      features: name -> FixedLenFeature (a Tensor [batch, ...]), FixedLenSequenceFeature (a Tensor
        [batch, longest, ...]) or VarLenFeature (a SparseTensor [batch, longest]).
      example_names: strings, [batch]: what to call the examples in errors.

    Raises ValueError for a feature that is none of these or lacks its type or shape. A run raises
    InvalidArgumentError for what is no Example, and for features that are missing or do not fit.
    """
    if not features:
        raise ValueError("Argument `features` cannot be None.")
    sparse: dict[str, DType] = {}
    dense: list[_Dense] = []
    for key in sorted(features):
        feature = features[key]
        if isinstance(feature, VarLenFeature):
            sparse[key] = _dtype(key, feature)
        else:
            dense.append(_dense(key, feature))
    with name_scope(name, "ParseExample", [serialized, example_names]):
        serialized = convert_to_tensor(serialized, name="serialized")
        outputs = ParseExampleV2(
            serialized,
            [] if example_names is None else example_names,
            list(sparse),
            [feature.key for feature in dense],
            [],
            [feature.default_tensor() for feature in dense],
            num_sparse=len(sparse),
            sparse_types=list(sparse.values()),
            ragged_value_types=[],
            ragged_split_types=[],
            dense_shapes=[feature.shape for feature in dense],
            name=name,
        )
        indices, values, sizes, dense_values = outputs[:4]
        tensors = [SparseTensor(*each) for each in zip(indices, values, sizes, strict=True)]
    keys = [*sparse, *(feature.key for feature in dense)]
    return dict(zip(keys, [*tensors, *dense_values], strict=True))


def parse_single_example(
    serialized: Any, features: Mapping[str, Any], name: str | None = None, example_names: Any = None
) -> dict[str, Any]:
    """One serialized Example (a scalar string) as tensors: as ``parse_example``, without the dimension of the batch."""
    if not features:
        raise ValueError("Invalid argument: features cannot be None.")
    with name_scope(name, "ParseSingleExample", [serialized, example_names]):
        serialized = _checked_scalar(convert_to_tensor(serialized, name="serialized"))
        return parse_example(serialized, features, name, example_names)


def _checked_scalar(serialized: Tensor) -> Tensor:
    if serialized.dims is not None:
        if serialized.dims:
            raise ValueError("Input serialized must be a scalar")
        return serialized
    check = assert_(
        equal(rank(serialized), 0),
        ["Input serialized must be a scalar"],
        name="SerializedIsScalar",
    )
    result: Tensor = with_dependencies([check], serialized, name="serializedDependencies")
    result.set_shape([])
    return result


def _dtype(key: str, feature: Any) -> DType:
    if not feature.dtype:
        raise ValueError(f"Missing type for feature {key}. Received feature={feature}")
    return dtypes.as_dtype(feature.dtype)


def _dense(key: str, feature: Any) -> _Dense:
    if not isinstance(feature, (FixedLenFeature, FixedLenSequenceFeature)):
        raise ValueError(f"Unsupported {type(feature).__name__} {feature} for key '{key}'")
    kind = _dtype(key, feature)
    if feature.shape is None:
        raise ValueError(f"Missing shape for feature {key}. Received feature={feature}.")
    if isinstance(feature, FixedLenSequenceFeature):
        if not feature.allow_missing:
            raise ValueError(
                "Unsupported: FixedLenSequenceFeature requires allow_missing to be True."
            )
        return _Dense(key, kind, TensorShape([None, *feature.shape]), feature.default_value)
    shape = TensorShape(feature.shape)
    if not shape.is_fully_defined():
        raise ValueError(
            f"All dimensions of shape for feature {key} need to be known but received {feature.shape!s}. Consider "
            "FixedLenSequenceFeature."
        )
    return _Dense(key, kind, shape, feature.default_value)
