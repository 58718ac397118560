"""Adding a bias: one number for each channel."""

from __future__ import annotations

from typing import Any

from evergraph import errors
from evergraph.graph import shape as shapes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.narrow_floats import wide_dtype
from evergraph.ops.types import NUMERIC

_FORMAT = "{'NHWC', 'NCHW'} = 'NHWC'"


def _channel_axis(rank: int, data_format: str) -> int:
    return 1 if data_format == "NCHW" else rank - 1


def _biased_shape(c):
    bias = shapes.with_rank(c.shape(1), 1)
    value = c.shape(0)
    if value is None:
        return None
    if len(value) < 2:
        raise ValueError(f"Shape must be at least rank 2 but is rank {len(value)}")
    data_format = c["data_format"] if "data_format" in c.op.attrs else "NHWC"
    place = _channel_axis(len(value), data_format)
    channel = shapes.merge((value[place],), bias)
    return (*value[:place], *channel, *value[place + 1 :])


def _add_bias(value, bias, data_format):
    if value.ndim < 2:
        raise errors.InvalidArgumentError(
            None, None, f"Input tensor must be at least 2D: {shapes.text(value.shape)}"
        )
    if bias.ndim != 1:
        raise errors.InvalidArgumentError(
            None, None, f"Biases must be 1D: {shapes.text(bias.shape)}"
        )
    place = _channel_axis(value.ndim, data_format)
    if value.shape[place] != bias.shape[0]:
        raise errors.InvalidArgumentError(
            None,
            None,
            "Must provide as many biases as the channel dimension of the input tensor: "
            f"{shapes.text(bias.shape)} vs. {value.shape[place]} in {shapes.text(value.shape)}",
        )
    return value + bias.reshape((-1,) + (1,) * (value.ndim - 1 - place))


@op("BiasAdd", "value: T, bias: T -> output: T", T=NUMERIC, data_format=_FORMAT)
class BiasAdd:
    shape = _biased_shape

    def compute(xp, value, bias, *, data_format):
        return _add_bias(value, bias, data_format)

    def gradient(op, grad):
        return grad, BiasAddGrad(grad, data_format=op.attrs["data_format"])


@op("BiasAddV1", "value: T, bias: T -> output: T", T=NUMERIC)
class BiasAddV1:
    """BiasAdd as it was before it knew of data formats."""

    shape = _biased_shape

    def compute(xp, value, bias):
        return _add_bias(value, bias, "NHWC")

    def gradient(op, grad):
        from evergraph.ops.reductions import reduce_sum
        from evergraph.ops.sequences import range_

        axes = range_(array.rank(grad) - 1)
        return grad, reduce_sum(grad, axes)


@op("BiasAddGrad", "out_backprop: T -> output: T", T=NUMERIC, data_format=_FORMAT)
class BiasAddGrad:
    """The sum of ``out_backprop`` over everything but its channels."""

    def shape(c):
        dims = c.shape(0)
        if dims is None:
            return (None,)
        if len(dims) < 2:
            raise ValueError(f"Shape must be at least rank 2 but is rank {len(dims)}")
        return (dims[_channel_axis(len(dims), c["data_format"])],)

    def compute(xp, out_backprop, *, data_format):
        if out_backprop.ndim < 2:
            raise errors.InvalidArgumentError(
                None, None, f"Input tensor must be at least 2D: {shapes.text(out_backprop.shape)}"
            )
        place = _channel_axis(out_backprop.ndim, data_format)
        axes = tuple(axis for axis in range(out_backprop.ndim) if axis != place)
        wide = wide_dtype(out_backprop.dtype)
        return xp.sum(out_backprop, axis=axes, dtype=wide).astype(out_backprop.dtype)

    def gradient(op, grad):
        from evergraph.ops.concatenation import concat
        from evergraph.ops.tiling import tile

        shape, bias_shape = array.shape(op.inputs[0]), array.shape(grad)
        if op.attrs["data_format"] == "NCHW":
            before, after = array.ones_like(shape[:1]), array.ones_like(shape[2:])
            expanded = concat([before, bias_shape, after], 0)
            times = concat([shape[:1], [1], shape[2:]], 0)
        else:
            expanded = concat([array.ones_like(shape[:-1]), bias_shape], 0)
            times = concat([shape[:-1], [1]], 0)
        return tile(array.reshape(grad, expanded), times)


def bias_add(
    value: Any, bias: Any, data_format: str | None = None, name: str | None = None
) -> Tensor:
    """``value`` with ``bias`` (a vector) added to its channels: the last axis, or in formats ``NC...`` axis 1.

    Raises ValueError for other formats than ``N...C`` and ``NC...``.
    """
    with name_scope(name, "BiasAdd", [value, bias]) as scope:
        format_2d = "NHWC"
        if data_format is not None:
            if data_format.startswith("NC"):
                format_2d = "NCHW"
            elif not (data_format.startswith("N") and data_format.endswith("C")):
                raise ValueError(
                    "`data_format` must be of the form `N...C` or `NC...`. "
                    f"Received: data_format={data_format}"
                )
        value = convert_to_tensor(value, name="input")
        bias = convert_to_tensor(bias, dtype=value.dtype.base_dtype, name="bias")
        return BiasAdd(value, bias, data_format=format_2d, name=scope)


def bias_add_v1(value: Any, bias: Any, name: str | None = None) -> Tensor:
    """``value`` with ``bias`` added along its last axis, by the op of TensorFlow's first versions."""
    with name_scope(name, "BiasAddV1", [value, bias]) as scope:
        value = convert_to_tensor(value, name="input")
        bias = convert_to_tensor(bias, dtype=value.dtype.base_dtype, name="bias")
        return BiasAddV1(value, bias, name=scope)


def xw_plus_b(x: Any, weights: Any, biases: Any, name: str | None = None) -> Tensor:
    """``matmul(x, weights) + biases``."""
    from evergraph.ops.matmul import matmul

    with name_scope(name, "xw_plus_b", [x, weights, biases]) as scope:
        x = convert_to_tensor(x, name="x")
        weights = convert_to_tensor(weights, name="weights")
        biases = convert_to_tensor(biases, name="biases")
        return bias_add(matmul(x, weights), biases, name=scope)


def relu_layer(x: Any, weights: Any, biases: Any, name: str | None = None) -> Tensor:
    """``relu(matmul(x, weights) + biases)``."""
    from evergraph.ops.activations import relu
    from evergraph.ops.matmul import matmul

    with name_scope(name, "relu_layer", [x, weights, biases]) as scope:
        x = convert_to_tensor(x, name="x")
        weights = convert_to_tensor(weights, name="weights")
        biases = convert_to_tensor(biases, name="biases")
        return relu(bias_add(matmul(x, weights), biases), name=scope)
