"""What initializing a SavedModel does: whether its files are its assets and nothing else.

An init op comes from a stranger. It may compute what it likes; it may read files only where every one that it can
reach is an asset of the model, read into a table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from evergraph.graph import registry
from evergraph.graph.graph import Graph
from evergraph.graph.operation import Operation
from evergraph.graph.tensor import Tensor
from evergraph.runtime.prune import needed

_READS = ("InitializeTableFromTextFile", "InitializeTableFromTextFileV2")
_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
#: Ops with state that reach nothing outside of the session.
_WITHIN = frozenset(
    """AnonymousHashTable AnonymousMutableDenseHashTable AnonymousMutableHashTable
    AnonymousMutableHashTableOfTensors Assign AssignVariableOp HashTable HashTableV2 InitializeTable
    InitializeTableV2 LookupTableImport LookupTableImportV2 LookupTableInsert LookupTableInsertV2
    MutableDenseHashTable MutableDenseHashTableV2 MutableHashTable MutableHashTableV2
    MutableHashTableOfTensors MutableHashTableOfTensorsV2 ReadVariableOp Variable VariableV2""".split()
)
_DEEPEST = 20


def reads_only_assets(op: Operation | Tensor, assets: set[Tensor]) -> bool:
    """Whether running ``op`` reads no other files than those that the tensors ``assets`` are fed with."""
    graph = op.graph
    targets = [op] if isinstance(op, Operation) else [op.op]
    ran = needed([], targets, assets)
    for each in ran:
        given = [_is_asset(tensor, assets, ran) for tensor in each.inputs]
        if not _is_harmless(graph, each.type, each.declaration, given, each.attrs.get("f"), 0):
            return False
    return True


def _is_asset(tensor: Tensor, assets: set[Tensor], ran: set[Operation]) -> bool:
    while tensor not in assets and tensor.op.type == "Identity":
        tensor = tensor.op.inputs[0]
    return tensor in assets or (
        tensor.op.type == "ReadVariableOp" and _reads_asset(tensor.op, assets, ran)
    )


def _reads_asset(read: Operation, assets: set[Tensor], ran: set[Operation]) -> bool:
    """Whether a variable holds the path of an asset, as TensorFlow 2 writes it.

    The read has to wait for that assignment, and nothing else that runs may set a variable of that name.
    """
    (handle,) = read.inputs
    if handle.op.type != "VarHandleOp":
        return False
    users = {
        user
        for other in ran
        if other.type == "VarHandleOp" and _variable(other) == _variable(handle.op)
        for user in other.outputs[0].consumers()
        if user in ran
    }
    assigned = {
        user for user in users if user.type == "AssignVariableOp" and user.inputs[1] in assets
    }
    others = users - assigned
    return not assigned.isdisjoint(read.control_inputs) and all(
        user.type in ("ReadVariableOp", "VarIsInitializedOp") for user in others
    )


def _variable(handle: Operation) -> tuple[str, str]:
    return handle.attrs["container"], handle.attrs["shared_name"] or handle.name


def _is_harmless(
    graph: Graph,
    kind: str,
    declaration: Any,
    inputs_are_assets: Sequence[bool],
    function: Any,
    depth: int,
) -> bool:
    if kind in _READS:
        return len(inputs_are_assets) == 2 and inputs_are_assets[1]
    if kind in _CALLS:
        return depth < _DEEPEST and _is_harmless_function(graph, function, inputs_are_assets, depth)
    if kind == "VarHandleOp":
        return not depth  # In a function it may be a variable that is taken for an asset outside.
    # What computes without the run's context can reach nothing.
    return kind in _WITHIN or (declaration is not None and not declaration.needs_context)


def _is_harmless_function(
    graph: Graph, function: Any, arguments_are_assets: Iterable[bool], depth: int
) -> bool:
    definition = graph.functions.get(function.name) if function is not None else None
    if definition is None:
        return False
    arguments = [arg.name for arg in definition.signature.input_arg]
    assets = {name for name, is_one in zip(arguments, arguments_are_assets, strict=False) if is_one}
    for node in definition.node_def:
        given = [text in assets for text in node.input if not text.startswith("^")]
        called = node.attr["f"].func if "f" in node.attr else None
        declaration = registry.lookup(node.op)
        if not _is_harmless(graph, node.op, declaration, given, called, depth + 1):
            return False
    return True
