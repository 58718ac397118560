"""Restoring what a checkpoint has, with a report: ``evergraph.restore``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

from evergraph.formats.checkpoint import Checkpoint, open_checkpoint
from evergraph.formats.dtypes import as_dtype
from evergraph.formats.renaming import Rules
from evergraph.formats.tensor_slice import parse_shape_and_slice
from evergraph.graph import default_session
from evergraph.graph.graph import Graph
from evergraph.graph.operation import Operation
from evergraph.graph.scopes import name_scope
from evergraph.graph.shape import compatible
from evergraph.graph.tensor import Tensor
from evergraph.ops.passing import placeholder
from evergraph.runtime.session import BaseSession
from evergraph.storage.filesystem import Path
from evergraph.train.restore_report import RestoreReport, Wanted, compare
from evergraph.train.saveables import (
    ReferenceVariableSaveable,
    ResourceVariableSaveable,
    SaveableObject,
    SaveSpec,
    saveables,
)
from evergraph.variables.collections import all_saveable_objects

_BUILT = "evergraph.train.partial_restore"
_SETS = ("Assign", "AssignVariableOp")


def restore(
    checkpoint: Checkpoint | Path,
    variables: Any = None,
    *,
    session: Any = None,
    strict: bool = True,
    skip_mismatch: bool = False,
    rename: Rules | None = None,
) -> RestoreReport:
    """Sets a session's variables to what a checkpoint has of them, and tells what fitted.

        report = evergraph.restore("bert_model.ckpt", session=sess, strict=False, rename={"^bert/": "encoder/"})
        print(report)          # what was restored, what is missing, with the nearest names
        report.missing         # the same as lists

    Unlike a Saver's, this restoring adds nothing to the graph, may leave out what does not fit, and looks at
    everything before it sets anything: where it raises because of names, types or shapes, all values are as before.

    Args:
        checkpoint: a path, as ``open_checkpoint`` takes it, or an open checkpoint.
        variables: those to restore: a list, or a dict by their names in the checkpoint; None for all that a Saver of
            the session's graph would save.
        session: where; None for the default session.
        strict: variables that the checkpoint has not are an error; False leaves them as they are.
        skip_mismatch: leave variables as they are where type or shape differ; False makes that an error.
        rename: rules that make the checkpoint's names the graph's, as ``Checkpoint.rename`` takes them.

    Returns:
        The report. It is also the ``report`` of the errors below.

    Raises:
        NotFoundError: there is no checkpoint, or (``strict``) variables are not in it; all of them are named.
        InvalidArgumentError: types or shapes differ, all of them named; the rules make two tensors one.
        DataLossError: the file is damaged; what was set before that was found stays set.
        ValueError: there is no session, or no variables.
    """
    session = session or default_session.get_default_session()
    if not isinstance(session, BaseSession):
        raise ValueError(
            "evergraph.restore needs a session to restore into: pass session=, or call it in 'with tf.Session():'."
        )
    with session.graph.as_default(), _opened(checkpoint) as source:
        objects = saveables(all_saveable_objects() if variables is None else variables)
        if not objects:
            raise ValueError("No variables to restore: the graph of the session has none.")
        names = source if rename is None else source.rename(rename)
        report = compare([item for saved in objects for item in _wanted(saved)], names)
        if (report.missing and strict) or (report.different and not skip_mismatch):
            raise report.error(strict=strict)
        fits = set(report.matching)
        restored: list[str] = []
        for saved in objects:
            if all(spec.name in fits for spec in saved.specs):
                _set(session, saved, [_read(names, spec) for spec in saved.specs])
                restored += (spec.name for spec in saved.specs)
    return replace(report, restored=tuple(dict.fromkeys(restored)))


def _opened(checkpoint: Checkpoint | Path) -> AbstractContextManager[Checkpoint]:
    """An open checkpoint stays open; a path is opened, and closed afterwards."""
    if isinstance(checkpoint, Checkpoint):
        return nullcontext(checkpoint)
    return open_checkpoint(checkpoint)


def _wanted(saved: SaveableObject) -> Iterator[Wanted]:
    variable = _variable(saved)
    for spec in saved.specs:
        name, dims = "", None  # what is no variable looks at its values itself
        if variable is not None:
            name, dims = variable.op.name, variable.dims
            if variable.dtype.name == "resource":
                dims = variable.op.attrs.get("shape")
        dtype = as_dtype(spec.dtype).base_dtype
        if spec.slice_spec:  # a part: what it must fit is the whole
            name, dims = spec.name, parse_shape_and_slice(spec.slice_spec)[0]
        yield Wanted(spec.name, dtype, dims, name)


def _variable(saved: SaveableObject) -> Tensor | None:
    """The reference or the handle of the variable that is saved; None for what has a way of its own to be restored."""
    tensor: Tensor | None = None
    if type(saved) is ResourceVariableSaveable:
        tensor = saved.handle
    elif type(saved) is ReferenceVariableSaveable:
        tensor = saved.op.op.outputs[0]
    return tensor


def _read(checkpoint: Checkpoint, spec: SaveSpec) -> Any:
    if not spec.slice_spec:
        return checkpoint[spec.name]
    return checkpoint.read_slice(spec.name, parse_shape_and_slice(spec.slice_spec)[1])


def _set(session: BaseSession, saved: SaveableObject, values: list[Any]) -> None:
    """Gives an object its values; a variable's by an assignment that the graph has, with the value fed."""
    variable = _variable(saved)
    if variable is not None:
        for op in _assignments(session.graph, variable):
            if compatible(op.inputs[1].dims, values[0].shape):
                session.run(op, {op.inputs[1]: values[0]})
                return
    op, inputs = _restoring_nodes(session.graph, saved)
    session.run(op, dict(zip(inputs, values, strict=True)))


def _assignments(graph: Graph, variable: Tensor) -> Iterator[Operation]:
    """The operations that set a variable and do nothing else, in order of creation: its initializer first."""
    for op in variable.consumers():
        if (
            op.type in _SETS
            and op.inputs[0] is variable
            and not op.control_inputs
            and graph.is_feedable(op.inputs[1])
        ):
            yield op


def _restoring_nodes(graph: Graph, saved: SaveableObject) -> tuple[Any, list[Tensor]]:
    """Nodes that restore what no assignment there does; made once for an object, and kept with the graph."""
    built: dict[Any, tuple[Any, list[Tensor]]] = graph.attachments.setdefault(_BUILT, {})
    if saved.op not in built:
        with name_scope(None, "restore"):
            inputs = [placeholder(spec.dtype) for spec in saved.specs]
            built[saved.op] = saved.restore(inputs, None), inputs
    return built[saved.op]
