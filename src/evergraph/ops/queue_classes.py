"""``tf.FIFOQueue`` and its kin: the classes that programs build queues with."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from evergraph.formats import dtypes
from evergraph.graph.constant_value import constant_value
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.operation import Operation
from evergraph.graph.scopes import name_scope
from evergraph.graph.shape import Dims, TensorShape, as_dims, as_shape
from evergraph.graph.tensor import Tensor
from evergraph.ops import queues, random_seed


class QueueBase:
    """What all queues have: ``enqueue``, ``dequeue``, their batched forms, ``size``, ``close``.

    ``names``: components are given and returned as dictionaries by these names.
    """

    def __init__(
        self, types: Any, shapes: Any, names: Sequence[str] | str | None, queue_ref: Tensor
    ) -> None:
        self._dtypes = types
        self._shapes = [TensorShape(None)] * len(types) if shapes is None else list(shapes)
        self._names = _as_names(names, types)
        self._queue_ref = queue_ref
        self._name = queue_ref.op.name.rsplit("/", 1)[-1]

    @property
    def queue_ref(self) -> Tensor:
        """The handle."""
        return self._queue_ref

    @property
    def name(self) -> str:
        """The node's name."""
        return self._queue_ref.op.name

    @property
    def dtypes(self) -> list[dtypes.DType]:
        """The types of the components."""
        return list(self._dtypes)

    @property
    def shapes(self) -> list[TensorShape]:
        """The shapes of the components."""
        return self._shapes

    @property
    def names(self) -> list[str] | None:
        """The names of the components, or None."""
        return self._names

    def enqueue(self, vals: Any, name: str | None = None) -> Operation:
        """Adds one element; running it waits while the queue is full.

        Raises ValueError where components are missing or have other shapes, TypeError for other types.
        """
        with name_scope(name, f"{self._name}_enqueue", _flat(vals)) as scope:
            components = self._components(vals)
            for value, shape in zip(components, self._shapes, strict=True):
                value.shape.assert_is_compatible_with(shape)
            node: Operation = queues.QueueEnqueueV2(self._queue_ref, components, name=scope)
            return node

    def enqueue_many(self, vals: Any, name: str | None = None) -> Operation:
        """Adds the slices of ``vals`` along their first dimension, which is the same for all."""
        with name_scope(name, f"{self._name}_EnqueueMany", _flat(vals)) as scope:
            components = self._components(vals)
            count = components[0].shape.with_rank_at_least(1)[0]
            for value, shape in zip(components, self._shapes, strict=True):
                count = count.merge_with(value.shape.with_rank_at_least(1)[0])
                value.shape[1:].assert_is_compatible_with(shape)
            node: Operation = queues.QueueEnqueueManyV2(self._queue_ref, components, name=scope)
            return node

    def dequeue(self, name: str | None = None) -> Any:
        """One element; running it waits while the queue is empty.

        Running it raises OutOfRangeError where the queue is closed and empty.
        """
        found = queues.QueueDequeueV2(
            self._queue_ref, component_types=self._dtypes, name=name or f"{self._name}_Dequeue"
        )
        return self._result(found, ())

    def dequeue_many(self, n: Any, name: str | None = None) -> Any:
        """``n`` elements, their components stacked along a new first dimension."""
        found = queues.QueueDequeueManyV2(
            self._queue_ref,
            n,
            component_types=self._dtypes,
            name=name or f"{self._name}_DequeueMany",
        )
        value = constant_value(found[0].op.inputs[1])
        return self._result(found, (None if value is None else int(value),))

    def dequeue_up_to(self, n: Any, name: str | None = None) -> Any:
        """As ``dequeue_many``; at least one where the queue is closed."""
        found = queues.QueueDequeueUpToV2(
            self._queue_ref,
            n,
            component_types=self._dtypes,
            name=name or f"{self._name}_DequeueUpTo",
        )
        return self._result(found, (None,))

    def close(self, cancel_pending_enqueues: bool = False, name: str | None = None) -> Operation:
        """Closes the queue: nothing more can be put in; what is in it can be taken."""
        node: Operation = queues.QueueCloseV2(
            self._queue_ref,
            cancel_pending_enqueues=cancel_pending_enqueues,
            name=name or f"{self._name}_Close",
        )
        return node

    def is_closed(self, name: str | None = None) -> Tensor:
        """True once the queue is closed."""
        result: Tensor = queues.QueueIsClosedV2(
            self._queue_ref, name=name or f"{self._name}_Is_Closed"
        )
        return result

    def size(self, name: str | None = None) -> Tensor:
        """How many elements are in the queue."""
        result: Tensor = queues.QueueSizeV2(self._queue_ref, name=name or f"{self._name}_Size")
        return result

    def _components(self, vals: Any) -> list[Tensor]:
        if isinstance(vals, Mapping):
            if not self._names:
                raise ValueError("Queue must have names to enqueue a dictionary")
            if sorted(self._names, key=str) != sorted(vals, key=str):
                raise ValueError(
                    "Keys in dictionary to enqueue do not match names of Queue. "
                    f"Dictionary: {sorted(vals)}, Queue: {sorted(self._names)}"
                )
            values = [vals[key] for key in self._names]
        else:
            if self._names:
                raise ValueError("You must enqueue a dictionary in a Queue with names")
            values = list(vals) if isinstance(vals, (list, tuple)) else [vals]
        if len(values) != len(self._dtypes):
            raise ValueError(f"Queue has {len(self._dtypes)} components, got {len(values)} values")
        return [
            convert_to_tensor(value, dtype=kind, name=f"component_{i}")
            for i, (value, kind) in enumerate(zip(values, self._dtypes, strict=True))
        ]

    def _result(self, found: Any, first: tuple[int | None, ...]) -> Any:
        tensors = list(found) if isinstance(found, (list, tuple)) else [found]
        for tensor, shape in zip(tensors, self._shapes, strict=True):
            dims = shape.dims_or_none
            tensor.set_shape(None if dims is None else (*first, *dims))
        if self._names:
            return dict(zip(self._names, tensors, strict=True))
        return tensors[0] if len(tensors) == 1 else tensors


class FIFOQueue(QueueBase):
    """A queue: elements come out in the order in which they were put in."""

    def __init__(
        self,
        capacity: int,
        dtypes: Any,
        shapes: Any = None,
        names: Any = None,
        shared_name: str | None = None,
        name: str = "fifo_queue",
    ) -> None:
        types, known = _as_types(dtypes), _as_shapes(shapes, dtypes)
        handle = queues.FIFOQueueV2(
            component_types=types,
            shapes=_attr(known),
            capacity=capacity,
            shared_name=shared_name,
            name=name,
        )
        super().__init__(types, known, names, handle)


class PaddingFIFOQueue(QueueBase):
    """A queue whose elements may differ in size: batches are filled up with zeros."""

    def __init__(
        self,
        capacity: int,
        dtypes: Any,
        shapes: Any,
        names: Any = None,
        shared_name: str | None = None,
        name: str = "padding_fifo_queue",
    ) -> None:
        types, known = _as_types(dtypes), _as_shapes(shapes, dtypes)
        if known is None or len(known) != len(types):
            raise ValueError(
                f"Shapes must be provided for all components, got {len(types)} dtypes and shapes {shapes}."
            )
        handle = queues.PaddingFIFOQueueV2(
            component_types=types,
            shapes=_attr(known),
            capacity=capacity,
            shared_name=shared_name,
            name=name,
        )
        super().__init__(types, known, names, handle)


class RandomShuffleQueue(QueueBase):
    """A queue whose elements come out in random order; while it is open, ``min_after_dequeue`` of them stay in."""

    def __init__(
        self,
        capacity: int,
        min_after_dequeue: int,
        dtypes: Any,
        shapes: Any = None,
        names: Any = None,
        seed: int | None = None,
        shared_name: str | None = None,
        name: str = "random_shuffle_queue",
    ) -> None:
        types, known = _as_types(dtypes), _as_shapes(shapes, dtypes)
        seed1, seed2 = random_seed.get_op_seed(seed)
        if seed is None and shared_name is not None and seed1 is not None:
            # Several programs that share the queue must agree on the seed.
            digest = hashlib.md5((str(seed1) + shared_name).encode(), usedforsecurity=False)
            seed2 = int(digest.hexdigest()[:8], 16) & 0x7FFFFFFF
        handle = queues.RandomShuffleQueueV2(
            component_types=types,
            shapes=_attr(known),
            capacity=capacity,
            min_after_dequeue=min_after_dequeue,
            seed=seed1 or 0,
            seed2=seed2 or 0,
            shared_name=shared_name,
            name=name,
        )
        super().__init__(types, known, names, handle)


def _flat(vals: Any) -> list[Any]:
    if isinstance(vals, Mapping):
        return list(vals.values())
    return list(vals) if isinstance(vals, (list, tuple)) else [vals]


def _as_types(types: Any) -> list[dtypes.DType]:
    if isinstance(types, (list, tuple)):
        return [dtypes.as_dtype(kind) for kind in types]
    return [dtypes.as_dtype(types)]


def _as_shapes(shapes: Any, types: Any) -> list[TensorShape] | None:
    """A list of shapes; a single one stands for one component."""
    if shapes is None:
        return None
    single = isinstance(shapes, TensorShape) or not isinstance(shapes, (list, tuple))
    if not single and not isinstance(types, (list, tuple)):
        single = not shapes or all(size is None or isinstance(size, int) for size in shapes)
    elif not single and shapes and isinstance(shapes[0], int):
        single = True
    return [as_shape(shape) for shape in ([shapes] if single else shapes)]


def _attr(shapes: list[TensorShape] | None) -> list[Dims]:
    return [] if shapes is None else [as_dims(shape) for shape in shapes]


def _as_names(names: Sequence[str] | str | None, types: Sequence[Any]) -> list[str] | None:
    if names is None:
        return None
    listed = [names] if isinstance(names, str) else list(names)
    if len(listed) != len(types):
        raise ValueError(
            f"List of names must have the same length as the list of dtypes, got {len(listed)} and {len(types)}."
        )
    return listed
