"""Assert: a run fails where a condition does not hold, and says with what values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph.conversion import convert_n_to_tensor, convert_to_tensor
from evergraph.graph.operation import Operation
from evergraph.graph.registry import op
from evergraph.graph.scopes import name_scope
from evergraph.ops import array
from evergraph.ops.value_text import summary


@op("Assert", "condition: bool, data: T ->", T="list(type) >= 1", summarize=3, stateful=True)
class Assert:
    def compute(ctx, condition, data, *, summarize):
        if np.ndim(condition):
            raise errors.InvalidArgumentError(
                None, None, f"In[0] should be a scalar: {list(np.shape(condition))}"
            )
        if not condition:
            values = " ".join(f"[{summary(value, summarize)}]" for value in data)
            raise errors.InvalidArgumentError(None, None, f"assertion failed: {values}")

    gradient = None


def assert_(
    condition: Any, data: Sequence[Any], summarize: int | None = None, name: str | None = None
) -> Operation:
    """An operation that raises InvalidArgumentError where ``condition`` is false (``tf.Assert``).

    ``data``: tensors whose first ``summarize`` (3) elements the message shows.
    """
    from evergraph.ops.cond import cond

    with name_scope(name, "Assert", [condition, *data]):
        kinds = {tensor.dtype.base_dtype for tensor in convert_n_to_tensor(data)}
        if kinds <= {dtypes.string, dtypes.int32}:
            return Assert(condition, data, summarize=summarize, name="Assert")
        # On a device, what is to be printed is moved only where it has to be.
        condition = convert_to_tensor(condition, name="Condition")
        guarded = cond(
            condition,
            array.no_op,
            lambda: Assert(condition, data, summarize=summarize, name="Assert"),
            name="AssertGuard",
        )
        return guarded.op
