"""Batch normalization as a layer, with moving averages of the moments for use after training.

Ioffe and Szegedy 2015, "Batch Normalization: Accelerating Deep Network Training".
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.formats.dtypes import DType
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.scopes import colocate_with, name_scope
from evergraph.graph.tensor import Tensor
from evergraph.nn.layers import arguments
from evergraph.nn.layers.arguments import ONES, ZEROS, InputSpec
from evergraph.nn.layers.base import Layer
from evergraph.ops import array
from evergraph.ops.batch_norm import fused_batch_norm
from evergraph.ops.casts import cast
from evergraph.ops.cond import smart_cond, smart_constant_value
from evergraph.ops.constant import constant
from evergraph.ops.moments import batch_normalization as normalize
from evergraph.ops.moments import moments
from evergraph.ops.state import assign_sub
from evergraph.variables.distribution import VariableAggregation, VariableSynchronization

_NARROW = (dtypes.float16, dtypes.bfloat16)
_FUSED_FORMATS = {(1, 4): "NCHW", (3, 4): "NHWC", (1, 5): "NCDHW", (4, 5): "NDHWC"}


class BatchNormalization(Layer):
    """``gamma * (inputs - mean) / sqrt(variance + epsilon) + beta`` for each channel.

    Called with ``training=True``, the moments are those of the batch, and the operations that move ``moving_mean`` and
    ``moving_variance`` are added to UPDATE_OPS; otherwise the moments are these two.
    """

    def __init__(
        self,
        axis: Any = -1,
        momentum: Any = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = ZEROS,
        gamma_initializer: Any = ONES,
        moving_mean_initializer: Any = ZEROS,
        moving_variance_initializer: Any = ONES,
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: Any = None,
        renorm_momentum: float = 0.99,
        fused: bool | None = None,
        trainable: bool = True,
        virtual_batch_size: int | None = None,
        adjustment: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(trainable=trainable, name=name, **kwargs)
        given = (
            ("renorm", renorm),
            ("virtual_batch_size", virtual_batch_size),
            ("adjustment", adjustment),
        )
        for argument, value in given:
            if value:
                raise errors.UnimplementedError(
                    None,
                    None,
                    f"evergraph has no `{argument}` of batch normalization (layer {self.name}); "
                    "leave the argument out",
                )
        self.axis = list(axis) if isinstance(axis, (list, tuple)) else [axis]
        self.momentum = momentum
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = arguments.initializer(beta_initializer)
        self.gamma_initializer = arguments.initializer(gamma_initializer)
        self.moving_mean_initializer = arguments.initializer(moving_mean_initializer)
        self.moving_variance_initializer = arguments.initializer(moving_variance_initializer)
        self.beta_regularizer = beta_regularizer
        self.gamma_regularizer = gamma_regularizer
        self.beta_constraint = beta_constraint
        self.gamma_constraint = gamma_constraint
        self.fused = True if fused is None else fused

    @property
    def _parameter_type(self) -> DType:
        kind = self.dtype or dtypes.float32
        return dtypes.float32 if kind in _NARROW else kind

    def build(self, input_shape: Any) -> None:
        dims = input_shape.dims_or_none
        if dims is None:
            raise ValueError(f"Input has undefined rank. Received: {input_shape}")
        rank = len(dims)
        for axis in self.axis:
            if not -rank <= axis < rank:
                raise ValueError(f"Invalid value for `axis`: {axis}, the input has rank {rank}")
        self.axis = [axis + rank if axis < 0 else axis for axis in self.axis]
        self._settle_fused(rank)
        sizes = {axis: dims[axis] for axis in self.axis}
        if None in sizes.values():
            raise ValueError(
                "Input has undefined `axis` dimension. "
                f"Received input with shape {dims} and axis={tuple(self.axis)}"
            )
        self.input_spec = InputSpec(ndim=rank, axes=sizes)
        shape = list(sizes.values()) if len(sizes) == 1 else [sizes.get(i, 1) for i in range(rank)]
        self._parameter_shape = shape
        self.gamma = self.beta = None
        if self.scale:
            self.gamma = self._parameter(
                "gamma", self.gamma_initializer, self.gamma_regularizer, self.gamma_constraint
            )
        if self.center:
            self.beta = self._parameter(
                "beta", self.beta_initializer, self.beta_regularizer, self.beta_constraint
            )
        self.moving_mean = self._statistic("moving_mean", self.moving_mean_initializer)
        self.moving_variance = self._statistic("moving_variance", self.moving_variance_initializer)
        self.built = True

    def _settle_fused(self, rank: int) -> None:
        """Whether one op does it all, and in which format."""
        can = len(self.axis) == 1 and self.dtype in (*_NARROW, dtypes.float32)
        self.fused = self.fused and rank in (4, 5) and can
        if not self.fused:
            return
        found = _FUSED_FORMATS.get((self.axis[0], rank))
        if found is None and rank == 4:
            raise ValueError(
                "Unsupported axis. The use of `fused=True` is only possible with `axis=1` or "
                f"`axis=3` for 4D input tensors. Received: axis={tuple(self.axis)}"
            )
        self.fused = found is not None
        self._data_format = found or ""

    def _parameter(self, name: str, initializer: Any, regularizer: Any, constraint: Any) -> Any:
        return self.add_weight(
            name,
            self._parameter_shape,
            self._parameter_type,
            initializer,
            regularizer,
            constraint=constraint,
        )

    def _statistic(self, name: str, initializer: Any) -> Any:
        assert self._scope is not None
        partitioner = self._scope.partitioner
        self._scope.set_partitioner(None)
        try:
            return self.add_weight(
                name,
                self._parameter_shape,
                self._parameter_type,
                initializer,
                trainable=False,
                synchronization=VariableSynchronization.ON_READ,
                aggregation=VariableAggregation.MEAN,
            )
        finally:
            self._scope.set_partitioner(partitioner)

    def call(self, inputs: Any, training: Any = False, **kwargs: Any) -> Tensor:
        inputs = cast(inputs, self.dtype)
        if self.fused:
            return self._fused(inputs, training)
        kind = inputs.dtype.base_dtype
        wide = cast(inputs, dtypes.float32) if kind in _NARROW else inputs
        scale, offset = self._broadcast(self.gamma, wide), self._broadcast(self.beta, wide)
        mean, variance = self.moving_mean, self.moving_variance
        if smart_constant_value(training) is not False:
            mean, variance = self._batch_moments(wide, training)
        wide_kind = wide.dtype.base_dtype
        mean, variance = cast(mean, wide_kind), cast(variance, wide_kind)
        offset = offset if offset is None else cast(offset, wide_kind)
        scale = scale if scale is None else cast(scale, wide_kind)
        outputs = normalize(
            wide,
            self._broadcast(mean, wide),
            self._broadcast(variance, wide),
            offset,
            scale,
            self.epsilon,
        )
        outputs = cast(outputs, kind)
        outputs.set_shape(inputs.shape)
        return outputs

    def _broadcast(self, values: Any, inputs: Tensor) -> Any:
        """``values`` of the channels in a shape that broadcasts to that of ``inputs``."""
        dims = inputs.dims
        assert dims is not None
        last = self.axis == [len(dims) - 1]
        if values is None or len(values.shape) == len(dims) or last:
            return values
        shape: list[Any] = [1] * len(dims)
        shape[self.axis[0]] = dims[self.axis[0]]
        return array.reshape(values, shape)

    def _batch_moments(self, inputs: Tensor, training: Any) -> tuple[Any, Any]:
        """The moments to use: those of the batch, in training; and their moving averages' updates."""
        assert inputs.dims is not None
        axes = [axis for axis in range(len(inputs.dims)) if axis not in self.axis]
        batch = moments(cast(inputs, self._parameter_type), axes, keep_dims=len(self.axis) > 1)
        moving = (self.moving_mean, self.moving_variance)
        used = [
            smart_cond(training, _value(new), _value(old))
            for new, old in zip(batch, moving, strict=True)
        ]
        for variable, value in zip(moving, used, strict=True):
            step = functools.partial(_move, variable, value, self.momentum)
            self.add_update(smart_cond(training, step, functools.partial(_itself, variable)))
        return used[0], used[1]

    def _fused(self, inputs: Tensor, training: Any) -> Tensor:
        beta, gamma = (
            constant(number, dtype=self._parameter_type, shape=self._parameter_shape)
            if variable is None
            else variable
            for variable, number in ((self.beta, 0.0), (self.gamma, 1.0))
        )

        def normalized(in_training: bool) -> Callable[[], Any]:
            return lambda: fused_batch_norm(
                inputs,
                gamma,
                beta,
                mean=self.moving_mean,
                variance=self.moving_variance,
                epsilon=self.epsilon,
                is_training=in_training,
                data_format=self._data_format,
            )

        output, mean, variance = smart_cond(training, normalized(True), normalized(False))
        known = smart_constant_value(training)
        if known is not False:
            if known is None:
                momentum = smart_cond(training, lambda: self.momentum, lambda: 1.0)
            else:
                momentum = convert_to_tensor(self.momentum)
            self.add_update(_move(self.moving_mean, mean, momentum))
            self.add_update(_move(self.moving_variance, variance, momentum))
        result: Tensor = output
        return result


def _value(tensor: Any) -> Callable[[], Tensor]:
    return lambda: convert_to_tensor(tensor)


def _itself(variable: Any) -> Any:
    return variable


def _move(variable: Any, value: Tensor, momentum: Any) -> Tensor:
    """``variable`` after a step towards ``value``."""
    with name_scope("AssignMovingAvg") as scope, colocate_with(variable):
        kind = variable.dtype.base_dtype
        decay = cast(convert_to_tensor(1.0 - momentum, name="decay"), kind)
        delta = (variable - cast(value, kind)) * decay
        result: Tensor = assign_sub(variable, delta, name=scope)
        return result


def batch_normalization(
    inputs: Any,
    axis: Any = -1,
    momentum: Any = 0.99,
    epsilon: float = 1e-3,
    center: bool = True,
    scale: bool = True,
    beta_initializer: Any = ZEROS,
    gamma_initializer: Any = ONES,
    moving_mean_initializer: Any = ZEROS,
    moving_variance_initializer: Any = ONES,
    beta_regularizer: Any = None,
    gamma_regularizer: Any = None,
    beta_constraint: Any = None,
    gamma_constraint: Any = None,
    training: Any = False,
    trainable: bool = True,
    name: str | None = None,
    reuse: Any = None,
    renorm: bool = False,
    renorm_clipping: Any = None,
    renorm_momentum: float = 0.99,
    fused: bool | None = None,
    virtual_batch_size: int | None = None,
    adjustment: Any = None,
) -> Tensor:
    """``inputs`` normalized, with a new layer's variables (``reuse``: those of layer ``name``).

    ``training``: a bool or a tensor. In training, run the operations of UPDATE_OPS with each step, or the moving
    averages stay as they were initialized.
    """
    layer = BatchNormalization(
        axis=axis,
        momentum=momentum,
        epsilon=epsilon,
        center=center,
        scale=scale,
        beta_initializer=beta_initializer,
        gamma_initializer=gamma_initializer,
        moving_mean_initializer=moving_mean_initializer,
        moving_variance_initializer=moving_variance_initializer,
        beta_regularizer=beta_regularizer,
        gamma_regularizer=gamma_regularizer,
        beta_constraint=beta_constraint,
        gamma_constraint=gamma_constraint,
        renorm=renorm,
        renorm_clipping=renorm_clipping,
        renorm_momentum=renorm_momentum,
        fused=fused,
        trainable=trainable,
        virtual_batch_size=virtual_batch_size,
        adjustment=adjustment,
        name=name,
        _scope=name,
        _reuse=reuse,
    )
    result: Tensor = layer(inputs, training=training)
    return result
