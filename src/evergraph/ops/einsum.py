"""Einsum: sums of products, said in subscripts (``"ij,jk->ik"``)."""

from __future__ import annotations

import collections
import re
from typing import Any

import numpy as np

from evergraph.formats import dtypes
from evergraph.graph import shape as shapes
from evergraph.graph.registry import op
from evergraph.graph.scopes import name_scope
from evergraph.graph.shape import Dims
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.concatenation import concat
from evergraph.ops.stacking import stack
from evergraph.ops.tiling import broadcast_to


def _parts(equation: str) -> tuple[list[str], str]:
    """The subscripts of the inputs and of the output. Raises ValueError where there is no ``->``."""
    inputs, arrow, output = equation.replace(" ", "").partition("->")
    if not arrow:
        raise ValueError(f"Expected exactly one '->' in einsum equation: {equation}")
    return inputs.split(","), output


def _named(labels: str, dims: tuple[int | None, ...]) -> tuple[dict[str, int | None], Dims]:
    """The sizes of the labels, and the sizes that ``...`` stands for. Raises ValueError where they do not fit."""
    before, dots, after = labels.partition("...")
    spare = len(dims) - len(before) - len(after)
    if spare < 0 or (spare and not dots):
        raise ValueError(
            f"Expected {len(before) + len(after)} dimensions for '{labels}', got {len(dims)}"
        )
    pairs = [
        *zip(before, dims, strict=False),
        *zip(after, dims[len(dims) - len(after) :], strict=True),
    ]
    sizes: dict[str, int | None] = {}
    for label, size in pairs:
        (sizes[label],) = shapes.merge((sizes.get(label),), (size,)) or (None,)
    return sizes, dims[len(before) : len(before) + spare]


@op("Einsum", "inputs: N * T -> output: T", equation="string", N="int >= 1", T="type")
class Einsum:
    def shape(c):
        given, output = _parts(c["equation"])
        if len(given) != len(c.shapes(0)):
            raise ValueError(
                f"Expected {len(given)} inputs for equation {c['equation']} but got {len(c.shapes(0))}"
            )
        if any(dims is None for dims in c.shapes(0)):
            return (None,) * len(output) if "..." not in output else None
        sizes: dict[str, int | None] = {}
        batch: Dims = ()
        for labels, dims in zip(given, c.shapes(0), strict=True):
            found, spare = _named(labels, dims)
            batch = shapes.broadcast(batch, spare)
            for label, size in found.items():
                (sizes[label],) = shapes.merge((sizes.get(label),), (size,)) or (None,)
        before, dots, after = output.partition("...")
        if dots and batch is None:
            return None
        return (
            *(sizes[label] for label in before),
            *(batch or () if dots else ()),
            *(sizes[label] for label in after),
        )

    def compute(xp, inputs, *, equation):
        kind = inputs[0].dtype
        wide = [
            x.astype(np.float32) if x.dtype.itemsize == 2 and x.dtype.kind != "i" else x
            for x in inputs
        ]
        given, output = _parts(equation)
        once = "".join(dict.fromkeys(output)) if "..." not in output else output
        result = xp.einsum(f"{','.join(given)}->{once}", *wide, optimize=len(wide) > 2)
        if once != output:
            # A label that is there twice: the result lies on the diagonal.
            sizes = dict(zip(once, result.shape, strict=True))
            whole = np.zeros([sizes[label] for label in output], result.dtype)
            np.einsum(f"{output}->{once}", whole)[...] = result
            result = whole
        return xp.asarray(result).astype(kind)

    def gradient(op, grad):
        from evergraph.ops.complex_numbers import conj

        given, output = _parts(op.attrs["equation"])
        if "..." in op.attrs["equation"]:
            raise LookupError(
                f"evergraph has no gradient for einsum with an ellipsis: '{op.attrs['equation']}' "
                f"(node '{op.name}')"
            )
        if len(given) == 1:
            return _einsum_gradient(grad, output, None, "", op.inputs[0], given[0])
        x, y = op.inputs
        return (
            _einsum_gradient(grad, output, conj(y), given[1], x, given[0]),
            _einsum_gradient(grad, output, conj(x), given[0], y, given[1]),
        )


def _einsum_gradient(
    grad: Tensor, output: str, other: Tensor | None, other_labels: str, x: Tensor, labels: str
) -> Tensor:
    """The gradient of one input: another einsum; labels that were only summed over are spread out again."""
    summed = [label for label in dict.fromkeys(labels) if label not in output + other_labels]
    kept = "".join(label for label in labels if label not in summed)
    if other is not None:
        grad = Einsum([grad, other], equation=f"{output},{other_labels}->{kept}")
    elif not summed:
        return Einsum([grad], equation=f"{output}->{labels}")
    else:
        kept = output
    if not summed:
        return grad
    sizes = array.shape(x)
    lengths = stack([sizes[labels.index(label)] for label in summed])
    ones = array.ones([len(summed)], dtype=dtypes.int32)
    spread = broadcast_to(
        array.reshape(grad, concat([ones, array.shape(grad)], 0)),
        concat([lengths, array.shape(grad)], 0),
    )
    return Einsum([spread], equation=f"{''.join(summed)}{kept}->{labels}")


_EQUATION = re.compile(r"([a-zA-Z,]|\.\.\.)*(->([a-zA-Z]|\.\.\.)*)?")


def einsum(equation: str, *inputs: Any, **kwargs: Any) -> Tensor:
    """The sum of products that ``equation`` says: ``einsum("ij,jk->ik", a, b)``. More than two inputs are multiplied
    pair by pair, from the left.

    Raises ValueError where the equation cannot be read or does not fit, TypeError for other keywords than ``name``
    and ``optimize``.
    """
    name = kwargs.pop("name", None)
    kwargs.pop("optimize", None)
    if kwargs:
        raise TypeError(f"Invalid keyword arguments for einsum: {', '.join(kwargs)}")
    with name_scope(name, "einsum", [equation, inputs]):
        given, output = _resolved(equation, len(inputs))
        values = list(inputs)
        while len(values) > 2:
            needed = set(output + "".join(given[2:]))
            labels = "".join(
                dict.fromkeys(c for c in given[0] + given[1] if c in needed and c != ".")
            )
            dots = "..." if "..." in given[0] + given[1] else ""
            pair = Einsum(values[:2], equation=f"{given[0]},{given[1]}->{dots}{labels}")
            values, given = [pair, *values[2:]], [dots + labels, *given[2:]]
        return Einsum(values, equation=f"{','.join(given)}->{output}")


def _resolved(equation: str, count: int) -> tuple[list[str], str]:
    plain = equation.replace(" ", "")
    if _EQUATION.fullmatch(plain) is None:
        raise ValueError(f"Subscripts have incorrect format: {plain}")
    left, arrow, output = plain.partition("->")
    if not arrow:
        counts = collections.Counter(left.replace("...", ""))
        dots = "..." if "..." in left else ""
        output = dots + "".join(c for c in sorted(counts) if c != "," and counts[c] == 1)
    given = left.split(",")
    if len(given) != count:
        raise ValueError(f'Got {count} inputs for equation "{equation}", expecting {len(given)}')
    labels = output.replace("...", "")
    if len(set(labels)) != len(labels):
        raise ValueError(f"Output subscripts contain a label appearing more than once: {equation}")
    for label in labels:
        if label not in left:
            raise ValueError(
                f"Output subscripts contain the label {label} not present in the input subscripts."
            )
    return given, output
