"""Optional values: what a branch of a cond in its second version hands to its gradient, or nothing.

An optional is a value of type ``variant``: the tuple of its components, or None for nothing.
"""

from __future__ import annotations

import numpy as np

from evergraph import errors
from evergraph.graph.registry import op
from evergraph.ops import shape_rules


class Optional:
    """An optional value; ``components`` is None where there is none."""

    __slots__ = ("components",)
    #: As a tensor it is a scalar.
    shape = ()

    def __init__(self, components):
        self.components = components


@op("OptionalNone", "-> optional: variant", host=True)
class OptionalNone:
    shape = shape_rules.scalar

    def compute(xp):
        return Optional(None)


@op("OptionalFromValue", "components: Toutput_types -> optional: variant",
    Toutput_types="list(type) >= 1", host=True)  # fmt: skip
class OptionalFromValue:
    shape = shape_rules.scalar

    def compute(xp, components):
        return Optional(components)

    def gradient(op, grad):
        shapes = tuple(tensor.dims for tensor in op.inputs)
        kinds = tuple(tensor.dtype for tensor in op.inputs)
        return OptionalGetValue(grad, output_types=kinds, output_shapes=shapes)


@op("OptionalHasValue", "optional: variant -> has_value: bool", host=True)
class OptionalHasValue:
    shape = shape_rules.scalar

    def compute(xp, optional):
        return np.bool_(optional.components is not None)


@op("OptionalGetValue", "optional: variant -> components: output_types",
    output_types="list(type) >= 1", output_shapes="list(shape) >= 1", host=True)  # fmt: skip
class OptionalGetValue:
    def shape(c):
        return list(c["output_shapes"])

    def compute(xp, optional):
        if optional.components is None:
            raise errors.InvalidArgumentError(
                None, None, "The given optional does not have a value."
            )
        return optional.components

    def gradient(op, *grads):
        return OptionalFromValue(list(grads))
