"""tf.TensorArray: an array of tensors that loops write to and read from, one place at a time.

Every change gives a new TensorArray of the same handle with another *flow*, the tensor that keeps reads and writes in
order; ``tf.while_loop`` and ``tf.cond`` carry the flow around and put the object together again (``with_flow``).
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from evergraph.formats import dtypes
from evergraph.formats.dtypes import DType
from evergraph.graph.constant_value import constant_value
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.operation import Operation
from evergraph.graph.scopes import colocate_with, control_dependencies, device, name_scope
from evergraph.graph.shape import TensorShape, as_dims, compatible, merge
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.tensor_array_ops import (
    TensorArrayCloseV3,
    TensorArrayConcatV3,
    TensorArrayGatherV3,
    TensorArrayGradV3,
    TensorArrayReadV3,
    TensorArrayScatterV3,
    TensorArraySizeV3,
    TensorArraySplitV3,
    TensorArrayV3,
    TensorArrayWriteV3,
)


class _Shared:
    """What all TensorArrays of one handle know together: the shape of the elements, and what they are colocated
    with."""

    def __init__(self, element_shape: Any, colocate: bool) -> None:
        self.element_dims = as_dims(element_shape)
        self.colocate = colocate
        self.first_written: Any = None


class TensorArray:
    """An array of tensors of one type, each written once.

    Args:
      dtype: the type of the elements.
      size: an int32 scalar: how many places (needed where no ``handle`` is given).
      dynamic_size: whether writes may make it longer.
      clear_after_read: whether a value is gone once it has been read (default True).
      tensor_array_name: a name for messages.
      handle, flow: an existing TensorArray's.
      infer_shape: whether all elements must have one shape.
      element_shape: what is known of that shape.
      colocate_with_first_write_call: place it where the first value written comes from.
      name: for the nodes.

    Raises:
      ValueError: arguments that exclude each other, or neither ``size`` nor ``handle``.
      TypeError: ``handle`` is no Tensor.
    """

    def __init__(
        self,
        dtype: Any,
        size: Any = None,
        dynamic_size: bool | None = None,
        clear_after_read: bool | None = None,
        tensor_array_name: str | None = None,
        handle: Tensor | None = None,
        flow: Tensor | None = None,
        infer_shape: bool = True,
        element_shape: Any = None,
        colocate_with_first_write_call: bool = True,
        name: str | None = None,
    ) -> None:
        self._dtype = dtypes.as_dtype(dtype).base_dtype
        self._dynamic_size = bool(dynamic_size)
        self._infer_shape = infer_shape
        self._size = size
        self._shared = _Shared(element_shape, colocate_with_first_write_call)
        if handle is not None:
            _check_given_handle(
                handle,
                flow,
                size=size,
                tensor_array_name=tensor_array_name,
                element_shape=element_shape,
                dynamic_size=dynamic_size,
                clear_after_read=clear_after_read,
            )
        elif size is None:
            raise ValueError("Argument `size` must be provided if handle is not provided.")
        with name_scope(name, "TensorArray", [handle, size, flow]) as scope:
            if handle is not None:
                assert flow is not None  # checked above
                self._handle, self._flow = handle, flow
                return
            nowhere = colocate_with_first_write_call
            with (
                device(None) if nowhere else nullcontext(),
                colocate_with(None, ignore_existing=True) if nowhere else nullcontext(),
            ):
                self._handle, self._flow = TensorArrayV3(
                    size,
                    dtype=dtype,
                    element_shape=element_shape,
                    identical_element_shapes=infer_shape,
                    dynamic_size=self._dynamic_size,
                    clear_after_read=True if clear_after_read is None else clear_after_read,
                    tensor_array_name=tensor_array_name,
                    name=scope,
                )

    @property
    def flow(self) -> Tensor:
        return self._flow

    @property
    def dtype(self) -> DType:
        return self._dtype

    @property
    def handle(self) -> Tensor:
        return self._handle

    @property
    def graph(self) -> Any:
        return self._flow.graph

    @property
    def element_shape(self) -> TensorShape:
        return TensorShape(self._shared.element_dims)

    @property
    def dynamic_size(self) -> bool:
        return self._dynamic_size

    def _with_flow(self, flow: Tensor) -> TensorArray:
        result = TensorArray(
            self._dtype, handle=self._handle, flow=flow, infer_shape=self._infer_shape
        )
        result._dynamic_size = self._dynamic_size
        result._size = self._size
        result._shared = self._shared
        return result

    def _saw_element(self, dims: Any) -> None:
        known = self._shared.element_dims
        if not compatible(dims, known):
            raise ValueError(
                f"Inconsistent shapes: saw {TensorShape(dims)} but expected {TensorShape(known)} "
            )
        if self._infer_shape:
            self._shared.element_dims = merge(known, dims)

    def _by_first_written(self, value: Tensor) -> AbstractContextManager[Any]:
        shared = self._shared
        if not shared.colocate:
            return nullcontext()
        if shared.first_written is None:
            shared.first_written = value
        return colocate_with(shared.first_written)

    def identity(self) -> TensorArray:
        """This array, after the current control dependencies."""
        return self._with_flow(array.identity(self._flow))

    def grad(self, source: str, flow: Tensor | None = None, name: str | None = None) -> TensorArray:
        """The array of gradients that the call of ``gradients`` named ``source`` keeps for this one."""
        flow = self._flow if flow is None else flow
        with name_scope(name, "TensorArrayGrad", [self._handle]):
            with colocate_with(self._handle):
                handle, _ = TensorArrayGradV3(self._handle, flow, source=source, name=name)
                with control_dependencies([handle]):
                    flow = array.identity(flow, name="gradient_flow")
            result = TensorArray(
                self._dtype,
                handle=handle,
                flow=flow,
                infer_shape=self._infer_shape,
                colocate_with_first_write_call=False,
            )
            result._shared.element_dims = self._shared.element_dims
            return result

    def read(self, index: Any, name: str | None = None) -> Tensor:
        """The value at ``index``."""
        value: Tensor = TensorArrayReadV3(
            self._handle, index, self._flow, dtype=self._dtype, name=name
        )
        value.set_shape(self._shared.element_dims)
        return value

    def write(self, index: Any, value: Any, name: str | None = None) -> TensorArray:
        """The array with ``value`` at ``index``. Raises ValueError where its shape is another than that of the
        elements."""
        with name_scope(name, "TensorArrayWrite", [self._handle, index, value]):
            value = convert_to_tensor(value, preferred_dtype=self._dtype, name="value")
            self._saw_element(value.dims)
            with self._by_first_written(value):
                flow = TensorArrayWriteV3(self._handle, index, value, self._flow, name=name)
            return self._with_flow(flow)

    def stack(self, name: str | None = None) -> Tensor:
        """All values, as one tensor with a new first dimension."""
        from evergraph.ops.sequences import range_

        with colocate_with(self._handle), name_scope(name, "TensorArrayStack", [self._handle]):
            value = self.gather(range_(0, self.size()), name=name)
            dims = self._shared.element_dims
            if dims is not None and not self._dynamic_size and self._size is not None:
                value.set_shape((_known_size(self._size), *dims))
            return value

    def pack(self, name: str | None = None) -> Tensor:
        """``stack``, as TensorFlow 0.x called it."""
        return self.stack(name)

    def gather(self, indices: Any, name: str | None = None) -> Tensor:
        """The values at ``indices``, as one tensor with a new first dimension."""
        dims = self._shared.element_dims
        value: Tensor = TensorArrayGatherV3(
            self._handle, indices, self._flow, dtype=self._dtype, element_shape=dims, name=name
        )
        if dims is not None:
            value.set_shape((None, *dims))
        return value

    def concat(self, name: str | None = None) -> Tensor:
        """All values one after the other along their first dimension."""
        dims = self._shared.element_dims
        value, _ = TensorArrayConcatV3(
            self._handle,
            self._flow,
            dtype=self._dtype,
            element_shape_except0=None if dims is None else dims[1:],
            name=name,
        )
        if dims is not None:
            first = None
            size = _known_size(self.size()) if self._infer_shape else None
            if size is not None and dims[0] is not None:
                first = size * dims[0]
            value.set_shape((first, *dims[1:]))
        return value

    def unstack(self, value: Any, name: str | None = None) -> TensorArray:
        """The array with the rows of ``value`` in its places."""
        from evergraph.ops.sequences import range_

        with name_scope(name, "TensorArrayUnstack", [self._handle, value]):
            count = array.shape(value)[0]
            return self.scatter(range_(0, count), value, name=name)

    def unpack(self, value: Any, name: str | None = None) -> TensorArray:
        """``unstack``, as TensorFlow 0.x called it."""
        return self.unstack(value, name)

    def scatter(self, indices: Any, value: Any, name: str | None = None) -> TensorArray:
        """The array with the rows of ``value`` at ``indices``."""
        with name_scope(name, "TensorArrayScatter", [self._handle, value, indices]):
            value = convert_to_tensor(value, preferred_dtype=self._dtype, name="value")
            self._saw_element(None if value.dims is None else value.dims[1:])
            with self._by_first_written(value):
                flow = TensorArrayScatterV3(self._handle, indices, value, self._flow, name=name)
            return self._with_flow(flow)

    def split(self, value: Any, lengths: Any, name: str | None = None) -> TensorArray:
        """The array with pieces of ``value``, of ``lengths`` rows, in its places."""
        from evergraph.ops.casts import cast

        with name_scope(name, "TensorArraySplit", [self._handle, value, lengths]):
            value = convert_to_tensor(value, dtype=self._dtype, name="value")
            with self._by_first_written(value):
                lengths = cast(lengths, dtypes.int64)
                known = constant_value(lengths)
                equal = known is not None and known.size and known.max() == known.min()
                if known is not None and equal and value.dims is not None:
                    self._saw_element((int(known.flat[0]), *value.dims[1:]))
                flow = TensorArraySplitV3(self._handle, value, lengths, self._flow, name=name)
            return self._with_flow(flow)

    def size(self, name: str | None = None) -> Tensor:
        """How many places there are."""
        if not self._dynamic_size and self._size is not None:
            return convert_to_tensor(self._size, dtype=dtypes.int32)
        return TensorArraySizeV3(self._handle, self._flow, name=name)

    def close(self, name: str | None = None) -> Operation:
        """An operation that lets go of everything."""
        return TensorArrayCloseV3(self._handle, name=name)


def _check_given_handle(handle: Any, flow: Any, **others: Any) -> None:
    if not isinstance(handle, Tensor):
        raise TypeError(
            f"Expected `handle` to be a Tensor, but got `{handle}` of type `{type(handle)}` instead."
        )
    for name, value in others.items():
        if value is not None:
            raise ValueError(
                f"Cannot provide both a `handle` and `{name}` arguments at the same time."
            )
    if flow is None:
        raise ValueError("flow must not be None if handle is not None.")


def _known_size(size: Any) -> int | None:
    if not isinstance(size, Tensor):
        return int(size)
    value = constant_value(size)
    return None if value is None else int(value)


def flow_of(value: Any) -> Any:
    """The flow of a TensorArray; anything else as it is."""
    return value.flow if isinstance(value, TensorArray) else value


def with_flow(like: Any, tensor: Tensor) -> Any:
    """``tensor``; where ``like`` is a TensorArray, that one with ``tensor`` as its flow."""
    return like._with_flow(tensor) if isinstance(like, TensorArray) else tensor
