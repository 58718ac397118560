"""The values in serialized tf.Examples, as arrays: what the parsing ops compute.

An Example is a map of names to lists of bytes, floats or int64s (``example.proto``, ``feature.proto``). It comes from
outside: every list is measured before room is made for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.formats.dtypes import DType
from evergraph.graph import shape as shapes
from evergraph.graph.attributes import to_text
from evergraph.graph.shape import Dims

#: By type: the field of a Feature that holds it, and the name of its element in errors.
_KINDS = {
    dtypes.float32: ("float_list", "float"),
    dtypes.int64: ("int64_list", "int64"),
    dtypes.string: ("bytes_list", "string"),
}
_NAMES = dict(_KINDS.values())
#: More of a padded batch than this, where most of it is padding, was made to exhaust memory.
_MOST_PADDED = 1 << 31


class Dense(NamedTuple):
    """A feature with the same shape in every example; its first size may be None (then short ones are padded)."""

    key: str
    dtype: DType
    dims: tuple[int | None, ...]
    default: Any

    @property
    def is_variable(self) -> bool:
        return bool(self.dims) and self.dims[0] is None


class Examples:
    """A batch of parsed Examples, or a single one, whose results then have no dimension for the batch.

    Raises InvalidArgumentError where one is not an Example.
    """

    def __init__(self, serialized: Any, names: Any = ()) -> None:
        from google.protobuf.message import DecodeError

        from evergraph.formats.protos import Example

        serialized, names = np.asarray(serialized, object), np.asarray(names, object)
        if names.size and names.shape != serialized.shape:
            raise _bad(
                f"Expected names have the same shape as serialized: name.shape={shapes.text(names.shape)}, "
                f"serialized.shape={shapes.text(serialized.shape)}"
            )
        self._is_single = serialized.ndim == 0
        self._names = [to_text(name) for name in names.reshape(-1)]
        self._features: list[Any] = []
        for i, text in enumerate(serialized.reshape(-1)):
            try:
                self._features.append(Example.FromString(text).features.feature)
            except DecodeError:
                raise _bad(
                    f"Name: {self._name(i)}, Index: {i}.  Can't parse serialized Example: {len(text)} bytes that "
                    f"begin with {text[:20]!r}"
                ) from None

    def _name(self, i: int) -> str:
        return self._names[i] if self._names else "<unknown>"

    def _values(self, key: str, dtype: DType) -> list[Any]:
        """By example: its array for ``key``, or None where it has none."""
        field, wanted = _KINDS[dtype]
        found: list[Any] = []
        for i, features in enumerate(self._features):
            feature = features.get(key)
            kind = feature.WhichOneof("kind") if feature is not None else None
            if kind is None:
                found.append(None)
                continue
            if kind != field:
                raise _bad(
                    f"Name: {self._name(i)}, Key: {key}, Index: {i}.  Data types don't match. Data type: "
                    f"{_NAMES[kind]} but expected type: {wanted}"
                )
            found.append(_array(getattr(feature, field).value, dtype))
        return found

    def dense(self, feature: Dense) -> Any:
        """One array for the batch. Raises InvalidArgumentError where an example does not fit, or lacks the feature."""
        values = self._values(feature.key, feature.dtype)
        if feature.is_variable:
            return self._padded(feature, values)
        dims = tuple(size or 0 for size in feature.dims)
        size = shapes.product(dims)
        default = feature.default
        if default.size and default.shape != dims:
            raise _bad(
                f"The default of feature {feature.key} has the shape {shapes.text(default.shape)}, not that of the "
                f"feature, {shapes.text(dims)}"
            )
        for i, value in enumerate(values):
            if value is None:
                if default.size != size or not size:
                    raise _bad(
                        f"Name: {self._name(i)}, Feature: {feature.key} (data type: {_KINDS[feature.dtype][1]}) is "
                        f"required but could not be found.{self._known(i)}"
                    )
                values[i] = default.reshape(-1)
            elif value.size != size:
                raise _bad(
                    f"Name: {self._name(i)}, Key: {feature.key}, Index: {i}.  Number of "
                    f"{_KINDS[feature.dtype][1]} values != expected.  Values size: {value.size} but output shape: "
                    f"{shapes.text(dims)}"
                )
        if self._is_single:
            return values[0].reshape(dims)
        return _joined(values, feature.dtype).reshape((len(values), *dims))

    def _known(self, i: int) -> str:
        names = sorted(self._features[i])
        return f" The example has {', '.join(names[:10])}." if names else " The example is empty."

    def _padded(self, feature: Dense, values: list[Any]) -> Any:
        rest = tuple(size or 0 for size in feature.dims[1:])
        stride = shapes.product(rest)
        if feature.default.size != 1 and not self._is_single:
            raise _bad(
                f"The feature {feature.key} is of variable length: its default must be a single element, to pad with, "
                f"but its shape is {shapes.text(feature.default.shape)}"
            )
        for i, value in enumerate(values):
            if value is not None and (value.size % stride if stride else value.size):
                raise _bad(
                    f"Name: {self._name(i)}, Key: {feature.key}, Index: {i}.  Number of {_KINDS[feature.dtype][1]} "
                    f"values is not a multiple of stride length. Saw {value.size} values but output shape is: "
                    f"{shapes.text(feature.dims)}"
                )
        sizes = [0 if value is None else value.size for value in values]
        if self._is_single:
            value = values[0] if values[0] is not None else _array((), feature.dtype)
            return value.reshape((sizes[0] // stride if stride else 0, *rest))
        most = max(sizes, default=0)
        if most * len(values) > max(_MOST_PADDED, 2 * sum(sizes)):
            raise errors.ResourceExhaustedError(
                None,
                None,
                f"Key: {feature.key}: padding {len(values)} examples to the {most} values of the longest would take "
                f"{most * len(values)} elements.",
            )
        result = np.empty((len(values), most), _numpy(feature.dtype))
        result[...] = feature.default.reshape(-1)[0]
        for i, value in enumerate(values):
            if value is not None:
                result[i, : value.size] = value
        return result.reshape((len(values), most // stride if stride else 0, *rest))

    def sparse(self, key: str, dtype: DType) -> tuple[Any, Any, Any]:
        """Indices, values and shape of a feature of any length in each example."""
        values = self._values(key, dtype)
        sizes = np.array([0 if value is None else value.size for value in values], np.int64)
        joined = _joined([value for value in values if value is not None], dtype)
        columns = np.concatenate([np.arange(size) for size in sizes]) if sizes.size else sizes
        if self._is_single:
            return columns.astype(np.int64)[:, None], joined, sizes
        rows = np.repeat(np.arange(sizes.size), sizes)
        most = int(sizes.max(initial=0))
        indices = np.stack([rows, columns], axis=1).astype(np.int64)
        return indices, joined, np.array([sizes.size, most], np.int64)

    def ragged(self, key: str, dtype: DType, split_type: DType) -> tuple[Any, Any]:
        """Values and row splits of a feature of any length in each example; a single example has no splits."""
        values = self._values(key, dtype)
        joined = _joined([value for value in values if value is not None], dtype)
        if self._is_single:
            return joined, np.empty(0, split_type.as_numpy_dtype)
        sizes = [0, *(0 if value is None else value.size for value in values)]
        return joined, np.cumsum(sizes).astype(split_type.as_numpy_dtype)


def _numpy(dtype: DType) -> Any:
    return object if dtype == dtypes.string else dtype.as_numpy_dtype


def _array(values: Sequence[Any], dtype: DType) -> Any:
    if dtype != dtypes.string:
        return np.array(values, dtype.as_numpy_dtype)
    result = np.empty(len(values), object)
    result[:] = values
    return result


def _joined(arrays: Sequence[Any], dtype: DType) -> Any:
    return np.concatenate(arrays) if arrays else np.empty(0, _numpy(dtype))


def _bad(message: str) -> errors.InvalidArgumentError:
    return errors.InvalidArgumentError(None, None, message)


def static_dims(feature_dims: Dims, batch: Dims) -> Dims:
    """The static shape of a dense feature behind the dimensions of the batch."""
    return None if batch is None or feature_dims is None else (*batch, *feature_dims)
