"""GraphDefs by their nodes: what a set of outputs needs, and names given in any of the forms that people write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evergraph import errors
from evergraph.formats.protos import GraphDef
from evergraph.graph.importer import parse_input
from evergraph.nearest import nearest

#: Nodes without an effect on predictions that usually end a graph: no candidates for outputs.
_NOT_OUTPUTS = frozenset(
    """NoOp Const Placeholder PlaceholderWithDefault Assert Save SaveV2 SaveSlices Restore RestoreV2 RestoreSlice
    MergeV2Checkpoints ShardedFilename ShardedFilespec Assign AssignAdd AssignSub AssignVariableOp
    AssignAddVariableOp AssignSubVariableOp IsVariableInitialized VarIsInitializedOp Variable VariableV2 VarHandleOp
    ReadVariableOp MergeSummary ScalarSummary HistogramSummary ImageSummary AudioSummary Print QueueEnqueueV2
    QueueEnqueueManyV2 QueueCloseV2 QueueSizeV2 LookupTableImport ControlTrigger""".split()
)
_SETS = ("Assign", "AssignVariableOp")
_UPDATES = (
    "Apply",
    "ResourceApply",
    "SparseApply",
    "ResourceSparseApply",
    "Scatter",
    "ResourceScatter",
)
_TRAINING_SCOPES = ("gradients", "save", "report_uninitialized_variables", "init")


def nodes_by_name(graph_def: Any) -> dict[str, Any]:
    """The nodes of a GraphDef. Raises ValueError where a name is there twice."""
    found: dict[str, Any] = {}
    for node in graph_def.node:
        if node.name in found:
            raise ValueError(f"Duplicate node name '{node.name}' in graph")
        found[node.name] = node
    return found


def node_names(names: str | Sequence[str]) -> list[str]:
    """Names of nodes from a list or a comma-separated string; ``:0`` and ``^`` are taken off."""
    parts = names.split(",") if isinstance(names, str) else list(names)
    return [parse_input(part.strip()).node for part in parts if part.strip()]


def check_names(nodes: Mapping[str, Any], wanted: Iterable[str]) -> None:
    """Raises MissingNodeError, with the nearest names, for the first of ``wanted`` that is not among ``nodes``."""
    for name in wanted:
        if name not in nodes:
            near = nearest(name, nodes)
            hint = f" Near names: {', '.join(near)}." if near else ""
            ranked = ", ".join(candidate_outputs(nodes.values())[:5])
            raise MissingNodeError(
                f"{name} is not in graph.{hint}"
                + (f" Likely outputs of this graph: {ranked}." if ranked else "")
            )


class MissingNodeError(errors.InvalidArgumentError, AssertionError, ValueError):
    """A node that was named is not in the graph (stock TensorFlow raises AssertionError here)."""

    def __init__(self, message: str) -> None:
        super().__init__(None, None, message)

    def __reduce__(self) -> Any:
        return type(self), (self.message,)


def extract_sub_graph(graph_def: Any, dest_nodes: str | Sequence[str]) -> Any:
    """The part of ``graph_def`` that ``dest_nodes`` depend on, nodes in their order, with library and versions.

    Raises TypeError for what is no GraphDef or no list, MissingNodeError (an AssertionError) for a
    name that is not there.
    """
    if not hasattr(graph_def, "node") or not hasattr(graph_def, "versions"):
        raise TypeError(
            f"graph_def must be a graph_pb2.GraphDef proto, but got type {type(graph_def)}."
        )
    if isinstance(dest_nodes, str):
        raise TypeError(
            f"dest_nodes must be an iterable of strings, but got type {type(dest_nodes)}."
        )
    nodes = nodes_by_name(graph_def)
    wanted = node_names(dest_nodes)
    check_names(nodes, wanted)
    kept = reachable(nodes, wanted)
    result = GraphDef()
    result.node.extend(node for node in graph_def.node if node.name in kept)
    result.library.CopyFrom(graph_def.library)
    result.versions.CopyFrom(graph_def.versions)
    return result


def reachable(nodes: Mapping[str, Any], wanted: Iterable[str]) -> set[str]:
    """The names of the nodes that ``wanted`` depend on, themselves included."""
    stack = list(wanted)
    found: set[str] = set()
    while stack:
        name = stack.pop()
        if name in found or name not in nodes:
            continue
        found.add(name)
        stack.extend(parse_input(text).node for text in nodes[name].input)
    return found


def candidate_outputs(nodes: Iterable[Any]) -> list[str]:
    """Nodes that look like the outputs of a model, the likeliest first.

    They are the ends of the graph that are neither training, saving, summaries nor initialization.
    What is called like an output, has more of the graph behind it, and was made later comes first.
    """
    nodes = list(nodes)
    by_name = {node.name: node for node in nodes}
    used: set[str] = set()
    for node in nodes:
        # What a variable is set to is its initial value, no output; what is summed up or printed may be one.
        if node.op in _SETS or not _is_side_effect(node):
            used.update(parse_input(text).node for text in node.input)
    ends = [
        (i, node)
        for i, node in enumerate(nodes)
        if node.name not in used and not _is_side_effect(node)
    ]
    ranked = []
    for i, node in ends:
        behind = reachable(by_name, [node.name])
        placeholders = sum(by_name[name].op.startswith("Placeholder") for name in behind)
        if len(behind) > 1:
            ranked.append((_name_score(node), placeholders > 0, len(behind), i, node.name))
    return [name for *_, name in sorted(ranked, reverse=True)]


def candidate_inputs(nodes: Iterable[Any]) -> list[Any]:
    """The nodes that a model is fed through: its placeholders, without those of training and saving."""
    return [
        node
        for node in nodes
        if node.op.startswith("Placeholder") and not _is_in_training_scope(node)
    ]


_OUTPUT_WORDS = (
    "prediction", "output", "softmax", "prob", "logit", "detection", "embedding", "score", "class", "result",
)  # fmt: skip


def _name_score(node: Any) -> int:
    last = node.name.rpartition("/")[2].lower()
    return int(any(word in last for word in _OUTPUT_WORDS)) + int(
        node.op in ("Softmax", "Sigmoid", "ArgMax", "TopKV2", "LogSoftmax")
    )


def _is_side_effect(node: Any) -> bool:
    if node.op in _NOT_OUTPUTS or node.op.startswith(_UPDATES):
        return True
    return _is_in_training_scope(node)


def _is_in_training_scope(node: Any) -> bool:
    return node.name.partition("/")[0].rstrip("_0123456789") in _TRAINING_SCOPES
