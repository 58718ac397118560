"""Queues: FIFOQueue, PaddingFIFOQueue, RandomShuffleQueue, and what is done with them."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph import shape as shapes
from evergraph.graph.registry import op
from evergraph.ops.philox_bits import Philox
from evergraph.ops.queue_state import PaddingQueue, Queue, ShuffleQueue
from evergraph.ops.shape_rules import scalar, unknown


def _draws(seed: int, seed2: int) -> Any:
    """Numbers below a limit, one 32-bit word of the Philox stream at a time."""
    if not seed and not seed2:
        seed, seed2 = (int(n) for n in np.random.SeedSequence().generate_state(2, np.uint64))
    place = [Philox.from_seeds(seed, seed2)]
    words: list[int] = []

    def draw(limit: int) -> int:
        if not words:
            words.extend(int(word) for word in np.ravel(place[0].words(1))[::-1])
            place[0] = place[0].skip(1)
        return words.pop() % limit

    return draw


def _name(ctx: Any, shared_name: str) -> str:
    return shared_name or ctx.op.name


@op(
    "FIFOQueueV2",
    "-> handle: resource",
    component_types="list(type) >= 1",
    shapes="list(shape) >= 0 = []",
    capacity=-1,
    container="string = ''",
    shared_name="string = ''",
    stateful=True,
)
class FIFOQueueV2:
    shape = scalar

    def compute(ctx, *, component_types, shapes, capacity, shared_name):
        name = _name(ctx, shared_name)
        return ctx.resource(Queue, lambda: Queue(name, component_types, shapes, capacity))

    gradient = None


@op(
    "PaddingFIFOQueueV2",
    "-> handle: resource",
    component_types="list(type) >= 1",
    shapes="list(shape) >= 0 = []",
    capacity=-1,
    container="string = ''",
    shared_name="string = ''",
    stateful=True,
)
class PaddingFIFOQueueV2:
    shape = scalar

    def compute(ctx, *, component_types, shapes, capacity, shared_name):
        name = _name(ctx, shared_name)
        return ctx.resource(
            PaddingQueue, lambda: PaddingQueue(name, component_types, shapes, capacity)
        )

    gradient = None


@op(
    "RandomShuffleQueueV2",
    "-> handle: resource",
    component_types="list(type) >= 1",
    shapes="list(shape) >= 0 = []",
    capacity=-1,
    min_after_dequeue=0,
    seed=0,
    seed2=0,
    container="string = ''",
    shared_name="string = ''",
    stateful=True,
)
class RandomShuffleQueueV2:
    shape = scalar

    def compute(
        ctx, *, component_types, shapes, capacity, min_after_dequeue, seed, seed2, shared_name
    ):
        name = _name(ctx, shared_name)

        def make():
            draw = _draws(seed, seed2)
            return ShuffleQueue(name, component_types, shapes, capacity, min_after_dequeue, draw)

        return ctx.resource(ShuffleQueue, make)

    gradient = None


def _owned(value: Any) -> Any:
    """A copy: the value may be a variable's buffer, which the next step changes."""
    return np.array(value, copy=True)


@op(
    "QueueEnqueueV2",
    "handle: resource, components: Tcomponents ->",
    Tcomponents="list(type) >= 1",
    timeout_ms=-1,
    stateful=True,
    blocking=True,
)
class QueueEnqueueV2:
    def compute(ctx, handle, components):
        handle.put([tuple(_owned(value) for value in components)], ctx.wait)

    gradient = None


@op(
    "QueueEnqueueManyV2",
    "handle: resource, components: Tcomponents ->",
    Tcomponents="list(type) >= 1",
    timeout_ms=-1,
    stateful=True,
    blocking=True,
)
class QueueEnqueueManyV2:
    def compute(ctx, handle, components):
        sizes = {np.shape(value)[:1] for value in components}
        if len(sizes) != 1 or sizes == {()}:
            raise errors.InvalidArgumentError(
                None,
                None,
                "All components of what is enqueued must have the same size in their first dimension, got shapes "
                + ", ".join(shapes.text(np.shape(value)) for value in components),
            )
        owned = [_owned(value) for value in components]
        rows = [tuple(np.asarray(row, value.dtype) for value, row in zip(owned, element, strict=True))
                for element in zip(*owned, strict=True)]  # fmt: skip
        handle.put(rows, ctx.wait)

    gradient = None


@op(
    "QueueDequeueV2",
    "handle: resource -> components: component_types",
    component_types="list(type) >= 1",
    timeout_ms=-1,
    stateful=True,
    blocking=True,
)
class QueueDequeueV2:
    shape = unknown

    def compute(ctx, handle):
        return handle.take(1, ctx.wait)[0]

    gradient = None


@op(
    "QueueDequeueManyV2",
    "handle: resource, n: int32 -> components: component_types",
    component_types="list(type) >= 1",
    timeout_ms=-1,
    stateful=True,
    blocking=True,
)
class QueueDequeueManyV2:
    shape = unknown

    def compute(ctx, handle, n):
        handle.check_can_batch()
        return tuple(handle.batch(handle.take(_count(n), ctx.wait)))

    gradient = None


@op(
    "QueueDequeueUpToV2",
    "handle: resource, n: int32 -> components: component_types",
    component_types="list(type) >= 1",
    timeout_ms=-1,
    stateful=True,
    blocking=True,
)
class QueueDequeueUpToV2:
    shape = unknown

    def compute(ctx, handle, n):
        handle.check_can_batch()
        return tuple(handle.batch(handle.take(_count(n), ctx.wait, at_least=1)))

    gradient = None


def _count(n: Any) -> int:
    if n < 0:
        raise errors.InvalidArgumentError(None, None, f"requested {n} < 0 elements")
    return int(n)


@op("QueueCloseV2", "handle: resource ->", cancel_pending_enqueues=False, stateful=True)
class QueueCloseV2:
    def compute(ctx, handle, *, cancel_pending_enqueues):
        handle.close(cancel_pending_enqueues)

    gradient = None


@op("QueueSizeV2", "handle: resource -> size: int32", stateful=True)
class QueueSizeV2:
    shape = scalar

    def compute(ctx, handle):
        return np.int32(len(handle))

    gradient = None


@op("QueueIsClosedV2", "handle: resource -> is_closed: bool", stateful=True)
class QueueIsClosedV2:
    shape = scalar

    def compute(ctx, handle):
        return np.bool_(handle.closed)

    gradient = None
