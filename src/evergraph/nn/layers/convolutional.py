"""Convolution layers."""

from __future__ import annotations

from typing import Any

from evergraph.graph.tensor import Tensor
from evergraph.nn.layers import arguments
from evergraph.nn.layers.arguments import ZEROS, InputSpec
from evergraph.nn.layers.base import Layer
from evergraph.ops import array
from evergraph.ops.bias import bias_add
from evergraph.ops.dilated import convolution
from evergraph.ops.padding import pad


class Convolution(Layer):
    """A convolution over ``_rank`` dimensions, plus a bias, through an activation function."""

    _rank: int
    #: The name of the node.
    _node: str

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str = "channels_last",
        dilation_rate: Any = 1,
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
        if filters is not None and filters <= 0:
            raise ValueError(f"`filters` must be greater than 0. Received filters={filters}")
        schemes = ("valid", "same", "causal") if self._rank == 1 else ("valid", "same")
        self.filters = int(filters)
        self.kernel_size = arguments.sizes(kernel_size, self._rank, "kernel_size")
        self.strides = arguments.sizes(strides, self._rank, "strides", least=0)
        self.padding = arguments.padding_of(padding, *schemes)
        self.dilation_rate = arguments.sizes(dilation_rate, self._rank, "dilation_rate")
        self._first = arguments.channels_first(data_format)
        self.activation = arguments.activation(activation)
        self.use_bias = use_bias
        self.kernel_initializer = arguments.initializer(kernel_initializer)
        self.bias_initializer = arguments.initializer(bias_initializer)
        self.kernel_regularizer = kernel_regularizer
        self.bias_regularizer = bias_regularizer
        self.kernel_constraint = kernel_constraint
        self.bias_constraint = bias_constraint
        self.input_spec = InputSpec(min_ndim=self._rank + 2)

    @property
    def data_format(self) -> str:
        return "channels_first" if self._first else "channels_last"

    @property
    def _layout(self) -> str:
        return arguments.layout_of(self._first, self._rank + 2)

    def _channels(self, input_shape: Any) -> tuple[int, int]:
        """(the axis of the channels, their number)."""
        axis = 1 if self._first else -1
        return axis, arguments.channel_count(input_shape, axis, type(self).__name__)

    def build(self, input_shape: Any) -> None:
        axis, channels = self._channels(input_shape)
        self.kernel = self.add_weight(
            "kernel",
            shape=(*self.kernel_size, channels, self.filters),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self._add_bias()
        self.input_spec = InputSpec(min_ndim=self._rank + 2, axes={axis: channels})
        self.built = True

    def _add_bias(self) -> None:
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                "bias",
                shape=(self.filters,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def call(self, inputs: Any, **kwargs: Any) -> Tensor:
        scheme = self.padding.upper()
        if self.padding == "causal":
            inputs, scheme = self._padded_in_front(inputs), "VALID"
        outputs = convolution(
            inputs,
            self.kernel,
            padding=scheme,
            strides=list(self.strides),
            dilation_rate=list(self.dilation_rate),
            data_format=self._layout,
            name=self._node,
        )
        if self.bias is not None and self._rank == 1 and self._first:
            outputs += array.reshape(self.bias, (1, self.filters, 1))
            return self._activated(outputs)
        return self._finished(outputs)

    def _finished(self, outputs: Tensor) -> Tensor:
        if self.bias is not None:
            outputs = bias_add(outputs, self.bias, data_format=self._layout)
        return self._activated(outputs)

    def _activated(self, outputs: Tensor) -> Tensor:
        return outputs if self.activation is None else self.activation(outputs)

    def _padded_in_front(self, inputs: Any) -> Tensor:
        """A sequence with as much in front that no output sees what comes later."""
        edge = [self.dilation_rate[0] * (self.kernel_size[0] - 1), 0]
        return pad(inputs, [[0, 0], [0, 0], edge] if self._first else [[0, 0], edge, [0, 0]])


class Conv1D(Convolution):
    _rank = 1
    _node = "Conv1D"


class Conv2D(Convolution):
    _rank = 2
    _node = "Conv2D"


class Conv3D(Convolution):
    _rank = 3
    _node = "Conv3D"


def conv1d(
    inputs: Any,
    filters: int,
    kernel_size: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str = "channels_last",
    dilation_rate: Any = 1,
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
    """The convolution of sequences, with a new layer's variables (``reuse``: those of layer ``name``)."""
    layer = Conv1D(
        filters,
        kernel_size,
        strides,
        padding,
        data_format,
        dilation_rate,
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


def conv2d(
    inputs: Any,
    filters: int,
    kernel_size: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: str = "channels_last",
    dilation_rate: Any = (1, 1),
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
    """The convolution of images, with a new layer's variables (``reuse``: those of layer ``name``)."""
    layer = Conv2D(
        filters,
        kernel_size,
        strides,
        padding,
        data_format,
        dilation_rate,
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


def conv3d(
    inputs: Any,
    filters: int,
    kernel_size: Any,
    strides: Any = (1, 1, 1),
    padding: str = "valid",
    data_format: str = "channels_last",
    dilation_rate: Any = (1, 1, 1),
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
    """The convolution of volumes, with a new layer's variables (``reuse``: those of layer ``name``)."""
    layer = Conv3D(
        filters,
        kernel_size,
        strides,
        padding,
        data_format,
        dilation_rate,
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
