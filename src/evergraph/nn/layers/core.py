"""Dense, Dropout and Flatten."""

from __future__ import annotations

import math
import numbers
from typing import Any

from evergraph.formats import dtypes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.tensor import Tensor
from evergraph.nn.layers import arguments
from evergraph.nn.layers.arguments import ZEROS, InputSpec
from evergraph.nn.layers.base import Layer
from evergraph.ops import array
from evergraph.ops.bias import bias_add
from evergraph.ops.casts import cast
from evergraph.ops.cond import smart_cond
from evergraph.ops.constant import constant
from evergraph.ops.dropout import dropout as drop
from evergraph.ops.matmul import matmul
from evergraph.ops.tensordot import tensordot
from evergraph.ops.transposing import transpose


class Dense(Layer):
    """``activation(inputs @ kernel + bias)``, along the last axis."""

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = None,
        bias_initializer: Any = ZEROS,
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            trainable=trainable, name=name, activity_regularizer=activity_regularizer, **kwargs
        )
        self.units = int(units)
        if self.units <= 0:
            raise ValueError(f"`units` must be a positive integer. Received: units={units}")
        self.activation = arguments.activation(activation)
        self.use_bias = use_bias
        self.kernel_initializer = arguments.initializer(kernel_initializer)
        self.bias_initializer = arguments.initializer(bias_initializer)
        self.kernel_regularizer = kernel_regularizer
        self.bias_regularizer = bias_regularizer
        self.kernel_constraint = kernel_constraint
        self.bias_constraint = bias_constraint
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape: Any) -> None:
        kind = self.dtype or dtypes.float32
        if not (kind.is_floating or kind.is_complex):
            raise TypeError(
                f"A Dense layer can only be built with a floating-point dtype. Received: {kind!r}"
            )
        dims = input_shape.dims_or_none
        last = None if dims is None else dims[-1]
        if last is None:
            raise ValueError(
                "The last dimension of the inputs to a Dense layer should be defined. "
                f"Found None. Full input shape received: {input_shape}"
            )
        self.input_spec = InputSpec(min_ndim=2, axes={-1: last})
        self.kernel = self.add_weight(
            "kernel",
            shape=[last, self.units],
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                "bias",
                shape=[self.units],
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.built = True

    def call(self, inputs: Any, **kwargs: Any) -> Tensor:
        inputs = cast(inputs, self.dtype)
        dims = inputs.shape.dims_or_none
        if dims is None or len(dims) == 2:
            outputs = matmul(inputs, self.kernel)
        else:
            outputs = tensordot(inputs, self.kernel, [[len(dims) - 1], [0]])
            outputs.set_shape([*dims[:-1], self.units])
        if self.bias is not None:
            outputs = bias_add(outputs, self.bias)
        return outputs if self.activation is None else self.activation(outputs)


class Dropout(Layer):
    """In training, elements set to zero at random and the others scaled up; else the inputs as they are."""

    def __init__(
        self,
        rate: Any = 0.5,
        noise_shape: Any = None,
        seed: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        if isinstance(rate, numbers.Real) and not 0 <= float(rate) <= 1:
            raise ValueError(f"Invalid value {rate} received for `rate`, expected between 0 and 1.")
        self.rate = rate
        self.noise_shape = noise_shape
        self.seed = seed

    def call(self, inputs: Any, training: Any = False, **kwargs: Any) -> Any:
        if isinstance(self.rate, numbers.Real) and self.rate == 0:
            return array.identity(inputs)
        return smart_cond(training, lambda: self._dropped(inputs), lambda: array.identity(inputs))

    def _dropped(self, inputs: Any) -> Tensor:
        seed = self.seed
        if seed is not None:
            # The next call draws other numbers.
            self.seed = seed + 1
        return drop(inputs, rate=self.rate, noise_shape=self._noise_shape(inputs), seed=seed)

    def _noise_shape(self, inputs: Any) -> Any:
        if self.noise_shape is None:
            return None
        shape = array.shape(inputs)
        return convert_to_tensor(
            [shape[i] if size is None else size for i, size in enumerate(self.noise_shape)]
        )


class Flatten(Layer):
    """Each example as one row."""

    def __init__(self, data_format: str = "channels_last", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._first = arguments.channels_first(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Any, **kwargs: Any) -> Tensor:
        dims = inputs.shape.dims_or_none
        if self._first and dims is not None and len(dims) > 1:
            inputs = transpose(inputs, [0, *range(2, len(dims)), 1])
            dims = inputs.shape.dims_or_none
        if dims is None:
            raise ValueError("The inputs to `Flatten` need a known rank.")
        if len(dims) == 1:
            return array.expand_dims(inputs, 1)
        if None not in dims[1:]:
            last = math.prod(size or 0 for size in dims[1:])
            return array.reshape(inputs, constant([-1, last]))
        if dims[0] is not None:
            return array.reshape(inputs, constant([dims[0], -1]))
        return array.reshape(inputs, [array.shape(inputs)[0], -1])


def dense(
    inputs: Any,
    units: int,
    activation: Any = None,
    use_bias: bool = True,
    kernel_initializer: Any = None,
    bias_initializer: Any = ZEROS,
    kernel_regularizer: Any = None,
    bias_regularizer: Any = None,
    activity_regularizer: Any = None,
    kernel_constraint: Any = None,
    bias_constraint: Any = None,
    trainable: bool = True,
    name: str | None = None,
    reuse: Any = None,
) -> Tensor:
    """``activation(inputs @ kernel + bias)`` with a new layer's variables (``reuse``: those of layer ``name``)."""
    layer = Dense(
        units,
        activation=activation,
        use_bias=use_bias,
        kernel_initializer=kernel_initializer,
        bias_initializer=bias_initializer,
        kernel_regularizer=kernel_regularizer,
        bias_regularizer=bias_regularizer,
        activity_regularizer=activity_regularizer,
        kernel_constraint=kernel_constraint,
        bias_constraint=bias_constraint,
        trainable=trainable,
        name=name,
        _scope=name,
        _reuse=reuse,
    )
    result: Tensor = layer(inputs)
    return result


def dropout(
    inputs: Any,
    rate: Any = 0.5,
    noise_shape: Any = None,
    seed: int | None = None,
    training: Any = False,
    name: str | None = None,
) -> Tensor:
    """In ``training`` (a bool or a tensor), ``inputs`` with a share of ``rate`` set to zero and the rest scaled up."""
    layer = Dropout(rate, noise_shape=noise_shape, seed=seed, name=name)
    result: Tensor = layer(inputs, training=training)
    return result


def flatten(inputs: Any, name: str | None = None, data_format: str = "channels_last") -> Tensor:
    """Each example of ``inputs`` as one row."""
    result: Tensor = Flatten(name=name, data_format=data_format)(inputs)
    return result
