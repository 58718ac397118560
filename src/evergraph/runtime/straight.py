"""Straight-line plans: a list of steps, one closure for each operation, over a list of value slots.

For subgraphs without control flow and without ops that wait. Everything that can be known before a run is settled here:
which slot each value lies in, which inputs are references to be read, which values nobody needs any more after a step,
what is constant.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph import kernel
from evergraph.graph.operation import Operation
from evergraph.graph.shape import product
from evergraph.graph.tensor import Tensor
from evergraph.runtime import failures

Step = Callable[[list[Any]], None]

#: Constants larger than this are not computed ahead: they would live as long as the plan.
_FOLD_MOST = 1 << 20
#: Values known to be smaller than this stay in their slots to the end of the run: freeing them costs more than they do.
_KEEP_MOST = 1 << 10


class StraightPlan:
    """Steps to run in order. Several threads may execute one plan at once: a run's values are its own."""

    def __init__(
        self,
        order: Sequence[Operation],
        feeds: Sequence[Tensor],
        fetches: Sequence[Tensor],
        bind: Callable[[Operation], Callable[..., Any]],
    ) -> None:
        self._bind = bind
        self._slots: dict[Tensor, int] = {}
        self._template: list[Any] = []
        self._steps: list[Step] = []
        self._ops: list[Operation] = []
        fed = set(feeds)
        self._fed = fed
        self._feed_slots = [self._slot(tensor) for tensor in feeds]
        keep = set(fetches) | fed
        last_use = _last_uses(order)
        constant: set[Tensor] = set()
        for op in order:
            # An op all of whose outputs are fed has nothing to do.
            if op.outputs and all(tensor in fed for tensor in op.outputs):
                continue
            declaration = op.declaration
            if declaration is not None and not op.outputs and not declaration.needs_context:
                continue  # NoOp: it stands for its control inputs, which have run.
            if declaration is not None and declaration.handle and op.outputs[0] not in fed:
                self._template[self._slot(op.outputs[0])] = bind(op)()
                continue
            if foldable(op, constant):
                self._fold(op, constant)
                continue
            # A fed output must keep its fed value: the op's own result goes to a slot that nobody reads.
            outputs = [
                self._scratch() if tensor in fed else self._slot(tensor) for tensor in op.outputs
            ]
            frees = [
                self._slots[tensor]
                for tensor in dict.fromkeys(op._inputs)
                if last_use[tensor] is op
                and tensor not in keep
                and tensor not in constant
                and is_large(tensor)
            ]
            self._steps.append(self._step(op, outputs, frees))
            self._ops.append(op)
        self._fetch_slots = [self._slots[tensor] for tensor in fetches]

    def _slot(self, tensor: Tensor) -> int:
        slot = self._slots.get(tensor)
        if slot is None:
            slot = self._slots[tensor] = self._scratch()
        return slot

    def _scratch(self) -> int:
        self._template.append(None)
        return len(self._template) - 1

    def _fold(self, op: Operation, constant: set[Tensor]) -> None:
        values = [self._template[self._slots[tensor]] for tensor in op._inputs]
        try:
            with np.errstate(all="ignore"):
                outputs = kernel.flatten(op, self._bind(op)(*values))
        except Exception as error:
            raise failures.attach(error, op) from error
        for tensor, value in zip(op.outputs, outputs, strict=True):
            if tensor not in self._fed:
                self._template[self._slot(tensor)] = value
                constant.add(tensor)

    def _step(self, op: Operation, outputs: list[int], frees: list[int]) -> Step:
        function = self._bind(op)
        inputs = [self._slots[tensor] for tensor in op._inputs]
        reads = reference_reads(op, self._fed)
        step = closure(op, function, inputs, reads, outputs)
        if not frees:
            return step

        def step_and_free(values: list[Any]) -> None:
            step(values)
            for slot in frees:
                values[slot] = None

        return step_and_free

    def execute(self, fed_values: Sequence[Any]) -> list[Any]:
        """One run: the values of the fetched tensors (a RefCell where a reference is fetched)."""
        values = self._template.copy()
        for slot, value in zip(self._feed_slots, fed_values, strict=True):
            values[slot] = value
        step = None
        try:
            with np.errstate(all="ignore"):
                for step in self._steps:
                    step(values)
        except Exception as error:
            op = self._ops[self._steps.index(step)]  # type: ignore[arg-type]  # a step has failed
            raise failures.attach(error, op) from error
        return [values[slot] for slot in self._fetch_slots]


def _last_uses(order: Sequence[Operation]) -> dict[Tensor, Operation]:
    return {tensor: op for op in order for tensor in op._inputs}


def is_large(tensor: Tensor) -> bool:
    """True where letting go of the value as soon as it is not needed is worth a step."""
    if tensor.dtype._is_ref_dtype:
        return False
    size = None if tensor.dims is None else product(tensor.dims)
    return size is None or size > _KEEP_MOST


def foldable(op: Operation, constant: Container[Tensor]) -> bool:
    """True where the outputs are the same in every run, given that the tensors ``constant`` are, and small enough
    to keep."""
    declaration = op.declaration
    if declaration is None or declaration.needs_context or declaration.compute is None:
        return False
    if not op.outputs:
        return False
    if not op._inputs and op.type != "Const":
        return False
    if not all(tensor in constant for tensor in op._inputs):
        return False
    sizes = [None if tensor.dims is None else product(tensor.dims) for tensor in op.outputs]
    return op.type == "Const" or all(size is not None and size <= _FOLD_MOST for size in sizes)


def reference_reads(op: Operation, fed: set[Tensor]) -> list[bool]:
    """For each input: is it a reference whose value, not whose cell, the op wants?"""
    assert op.declaration is not None
    wants_cell: list[bool] = []
    for arg in op.declaration.inputs:
        wants_cell.extend([arg.is_ref] * arg.count(op.attrs))
    reads = []
    for tensor, cell in zip(op._inputs, wants_cell, strict=True):
        is_cell = tensor.dtype._is_ref_dtype and tensor not in fed
        if cell and not is_cell:
            raise errors.InvalidArgumentError(
                op.node_def,
                op,
                f"{tensor.name} was fed, but '{op.name}' ({op.type}) needs the variable itself",
            )
        reads.append(is_cell and not cell)
    return reads


def closure(
    op: Operation,
    function: Callable[..., Any],
    inputs: list[int],
    reads: list[bool],
    outputs: list[int],
) -> Step:
    """The step of ``op``, in the cheapest of the forms that fit it."""
    arguments = op.declaration.outputs if op.declaration is not None else ()
    if len(arguments) == 1 and not arguments[0].is_list:
        if any(reads):
            return _single_reading(function, inputs, reads, outputs[0])
        return _single(function, inputs, outputs[0])
    return _general(op, function, inputs, reads, outputs)


def _single(function: Callable[..., Any], inputs: list[int], out: int) -> Step:
    if len(inputs) == 1:
        (i,) = inputs

        def step_1(values: list[Any]) -> None:
            values[out] = function(values[i])

        return step_1
    if len(inputs) == 2:
        i, j = inputs

        def step_2(values: list[Any]) -> None:
            values[out] = function(values[i], values[j])

        return step_2
    if len(inputs) == 3:
        i, j, k = inputs

        def step_3(values: list[Any]) -> None:
            values[out] = function(values[i], values[j], values[k])

        return step_3

    def step_n(values: list[Any]) -> None:
        values[out] = function(*[values[slot] for slot in inputs])

    return step_n


def _single_reading(
    function: Callable[..., Any], inputs: list[int], reads: list[bool], out: int
) -> Step:
    if len(inputs) == 1:
        (i,) = inputs

        def step_read(values: list[Any]) -> None:
            values[out] = function(values[i].read())

        return step_read
    places = list(zip(inputs, reads, strict=True))

    def step_n_read(values: list[Any]) -> None:
        values[out] = function(
            *[values[slot].read() if read else values[slot] for slot, read in places]
        )

    return step_n_read


def _general(
    op: Operation,
    function: Callable[..., Any],
    inputs: list[int],
    reads: list[bool],
    outputs: list[int],
) -> Step:
    places = list(zip(inputs, reads, strict=True))

    def step(values: list[Any]) -> None:
        result = function(*[values[slot].read() if read else values[slot] for slot, read in places])
        for slot, value in zip(outputs, kernel.flatten(op, result), strict=True):
            values[slot] = value

    return step
