"""Transposed convolutions as layers: from small images to large ones."""

from __future__ import annotations

from typing import Any

from evergraph.graph.tensor import Tensor
from evergraph.nn.layers.arguments import ZEROS, InputSpec
from evergraph.nn.layers.convolutional import Convolution
from evergraph.ops import array
from evergraph.ops.convolution import conv2d_transpose as transpose_images
from evergraph.ops.convolution import conv3d_transpose as transpose_volumes
from evergraph.ops.stacking import stack
from evergraph.ops.transposing import transpose


class _Transposed(Convolution):
    """The kernel is [*window, out, in]: what a convolution of the outputs would have."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str = "channels_last",
        **kwargs: Any,
    ) -> None:
        super().__init__(filters, kernel_size, strides, padding, data_format, **kwargs)
        self.input_spec = InputSpec(ndim=self._rank + 2)

    def build(self, input_shape: Any) -> None:
        rank = self._rank + 2
        if len(input_shape) != rank:
            raise ValueError(f"Inputs should have rank {rank}. Received input shape: {input_shape}")
        axis, channels = self._channels(input_shape)
        self.input_spec = InputSpec(ndim=rank, axes={axis: channels})
        self.kernel = self.add_weight(
            "kernel",
            shape=(*self.kernel_size, self.filters, channels),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self._add_bias()
        self.built = True

    def _output_sizes(self, sizes: Any) -> list[Any]:
        """The sizes of the outputs, for the spatial ``sizes`` (numbers, scalar tensors, None) of the inputs."""
        return [
            None if size is None else _output_size(size, window, stride, self.padding)
            for size, window, stride in zip(sizes, self.kernel_size, self.strides, strict=True)
        ]

    def _set_shape(self, inputs: Any, outputs: Tensor) -> None:
        dims = inputs.shape.dims_or_none
        first = self._first
        sizes = self._output_sizes(dims[2:] if first else dims[1:-1])
        outputs.set_shape(
            [dims[0], self.filters, *sizes] if first else [dims[0], *sizes, self.filters]
        )


def _output_size(size: Any, window: int, stride: int, padding: str) -> Any:
    length = size * stride
    return length if padding == "same" else length + max(window - stride, 0)


class Conv2DTranspose(_Transposed):
    _rank = 2

    def call(self, inputs: Any, **kwargs: Any) -> Tensor:
        shape = array.shape(inputs)
        batch = shape[0]
        dims = inputs.shape.dims_or_none
        places = (2, 3) if self._first else (1, 2)
        known = [dims[place] for place in places]
        sizes = self._output_sizes(
            [
                shape[place] if size is None else size
                for place, size in zip(places, known, strict=True)
            ]
        )
        whole = [batch, self.filters, *sizes] if self._first else [batch, *sizes, self.filters]
        output_shape = stack(whole)
        images = transpose(inputs, (0, 2, 3, 1)) if self._first else inputs
        if self._first:
            # On CPUs, TensorFlow turns such images round.
            output_shape = stack([output_shape[place] for place in (0, 2, 3, 1)])
        else:
            output_shape[0]  # TensorFlow leaves this node behind; names follow from it.
        outputs = transpose_images(
            images,
            self.kernel,
            output_shape,
            (1, *self.strides, 1),
            padding=self.padding.upper(),
        )
        if self._first:
            outputs = transpose(outputs, (0, 3, 1, 2))
        self._set_shape(inputs, outputs)
        return self._finished(outputs)


class Conv3DTranspose(_Transposed):
    _rank = 3

    def call(self, inputs: Any, **kwargs: Any) -> Tensor:
        shape = array.shape(inputs)
        batch = shape[0]
        places = (2, 3, 4) if self._first else (1, 2, 3)
        sizes = self._output_sizes([shape[place] for place in places])
        first = self._first
        output_shape = stack(
            [batch, self.filters, *sizes] if first else [batch, *sizes, self.filters]
        )
        outputs = transpose_volumes(
            inputs,
            self.kernel,
            output_shape,
            (1, 1, *self.strides) if first else (1, *self.strides, 1),
            padding=self.padding.upper(),
            data_format=self._layout,
        )
        self._set_shape(inputs, outputs)
        return self._finished(outputs)


def conv2d_transpose(
    inputs: Any,
    filters: int,
    kernel_size: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: str = "channels_last",
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
    """The transpose of a convolution of images: ``strides`` times as large."""
    layer = Conv2DTranspose(
        filters,
        kernel_size,
        strides,
        padding,
        data_format,
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


def conv3d_transpose(
    inputs: Any,
    filters: int,
    kernel_size: Any,
    strides: Any = (1, 1, 1),
    padding: str = "valid",
    data_format: str = "channels_last",
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
    """The transpose of a convolution of volumes: ``strides`` times as large."""
    layer = Conv3DTranspose(
        filters,
        kernel_size,
        strides,
        padding,
        data_format,
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
