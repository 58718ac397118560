"""Pooling layers: the greatest value, or the mean, of each window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evergraph.graph.tensor import Tensor
from evergraph.nn.layers import arguments
from evergraph.nn.layers.arguments import InputSpec
from evergraph.nn.layers.base import Layer
from evergraph.ops import array, pooling
from evergraph.ops.transposing import transpose


class _Pooling(Layer):
    """Windows over ``_rank`` dimensions."""

    _rank: int
    _pool: Callable[..., Tensor]

    def __init__(
        self,
        pool_size: Any,
        strides: Any,
        padding: str = "valid",
        data_format: str = "channels_last",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.pool_size = arguments.sizes(pool_size, self._rank, "pool_size")
        strides = pool_size if strides is None else strides
        self.strides = arguments.sizes(strides, self._rank, "strides", least=0)
        self.padding = arguments.padding_of(padding, "valid", "same")
        self._first = arguments.channels_first(data_format)
        self.input_spec = InputSpec(ndim=self._rank + 2)

    def _pooled(self, inputs: Any, size: Any, strides: Any, first: bool) -> Tensor:
        """``inputs`` after pooling, by the function that the subclass names."""
        layout = arguments.layout_of(first, len(size) + 2)
        return type(self)._pool(
            inputs,
            ksize=(1, 1, *size) if first else (1, *size, 1),
            strides=(1, 1, *strides) if first else (1, *strides, 1),
            padding=self.padding.upper(),
            data_format=layout,
        )

    def call(self, inputs: Any, **kwargs: Any) -> Tensor:
        return self._pooled(inputs, self.pool_size, self.strides, self._first)


class _Pooling1D(_Pooling):
    """Sequences, pooled as images of one column."""

    _rank = 1

    def call(self, inputs: Any, **kwargs: Any) -> Tensor:
        place = 3 if self._first else 2
        image = array.expand_dims(inputs, place)
        if self._first:
            image = transpose(image, (0, 2, 3, 1))
        outputs = self._pooled(image, (*self.pool_size, 1), (*self.strides, 1), False)
        if self._first:
            outputs = transpose(outputs, (0, 3, 1, 2))
        return array.squeeze(outputs, place)


class _Pooling3D(_Pooling):
    """Volumes, with their channels moved to the end."""

    _rank = 3

    def call(self, inputs: Any, **kwargs: Any) -> Tensor:
        if self._first:
            inputs = transpose(inputs, (0, 2, 3, 4, 1))
        outputs = self._pooled(inputs, self.pool_size, self.strides, False)
        return transpose(outputs, (0, 4, 1, 2, 3)) if self._first else outputs


class MaxPooling1D(_Pooling1D):
    _pool = pooling.max_pool


class AveragePooling1D(_Pooling1D):
    _pool = pooling.avg_pool


class MaxPooling2D(_Pooling):
    _rank = 2
    _pool = pooling.max_pool


class AveragePooling2D(_Pooling):
    _rank = 2
    _pool = pooling.avg_pool


class MaxPooling3D(_Pooling3D):
    _pool = pooling.max_pool3d


class AveragePooling3D(_Pooling3D):
    _pool = pooling.avg_pool3d


def max_pooling1d(
    inputs: Any,
    pool_size: Any,
    strides: Any,
    padding: str = "valid",
    data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:
    """The greatest value of each window of a sequence."""
    result: Tensor = MaxPooling1D(pool_size, strides, padding, data_format, name)(inputs)
    return result


def average_pooling1d(
    inputs: Any,
    pool_size: Any,
    strides: Any,
    padding: str = "valid",
    data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:
    """The mean of each window of a sequence."""
    result: Tensor = AveragePooling1D(pool_size, strides, padding, data_format, name)(inputs)
    return result


def max_pooling2d(
    inputs: Any,
    pool_size: Any,
    strides: Any,
    padding: str = "valid",
    data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:
    """The greatest value of each window of an image."""
    result: Tensor = MaxPooling2D(pool_size, strides, padding, data_format, name)(inputs)
    return result


def average_pooling2d(
    inputs: Any,
    pool_size: Any,
    strides: Any,
    padding: str = "valid",
    data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:
    """The mean of each window of an image."""
    result: Tensor = AveragePooling2D(pool_size, strides, padding, data_format, name)(inputs)
    return result


def max_pooling3d(
    inputs: Any,
    pool_size: Any,
    strides: Any,
    padding: str = "valid",
    data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:
    """The greatest value of each window of a volume."""
    result: Tensor = MaxPooling3D(pool_size, strides, padding, data_format, name)(inputs)
    return result


def average_pooling3d(
    inputs: Any,
    pool_size: Any,
    strides: Any,
    padding: str = "valid",
    data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:
    """The mean of each window of a volume."""
    result: Tensor = AveragePooling3D(pool_size, strides, padding, data_format, name)(inputs)
    return result
