"""Finding a graph's elements by name, and saying what is near when a name is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evergraph import errors
from evergraph.graph.operation import Operation
from evergraph.graph.tensor import Tensor
from evergraph.nearest import nearest

if TYPE_CHECKING:
    from evergraph.graph.graph import Graph


def as_graph_element(
    graph: Graph, obj: Any, allow_tensor: bool = True, allow_operation: bool = True
) -> Any:
    """The Tensor or Operation of ``graph`` that ``obj`` means: itself, its name, or what
    ``obj._as_graph_element()`` gives.

    Raises KeyError for a name that is not there, ValueError for an element of another graph or a name of the wrong
    form, TypeError for anything else.
    """
    if hasattr(obj, "_as_graph_element"):
        obj = obj._as_graph_element()
    if isinstance(obj, bytes):
        obj = obj.decode()
    if isinstance(obj, str):
        return _by_name(graph, obj, allow_tensor, allow_operation)
    wanted = " or ".join(
        kind
        for kind, allowed in (("Tensor", allow_tensor), ("Operation", allow_operation))
        if allowed
    )
    if (isinstance(obj, Tensor) and allow_tensor) or (
        isinstance(obj, Operation) and allow_operation
    ):
        if obj.graph is not graph:
            raise ValueError(f"{wanted} {obj!r} is not an element of this graph.")
        return obj
    raise TypeError(f"Can not convert a {type(obj).__name__} into a {wanted}.")


def find_operation(graph: Graph, name: str) -> Operation:
    """The operation ``name``. Raises KeyError where there is none, TypeError where ``name`` is not a string."""
    if not isinstance(name, str):
        raise TypeError(f"Operation names are strings (or similar), not {type(name).__name__}.")
    return as_graph_element(graph, name, allow_tensor=False)


def find_tensor(graph: Graph, name: str) -> Tensor:
    """The tensor ``name``. Raises KeyError where there is none, TypeError where ``name`` is not a string."""
    if not isinstance(name, str):
        raise TypeError(f"Tensor names are strings (or similar), not {type(name).__name__}.")
    return as_graph_element(graph, name, allow_operation=False)


def _by_name(graph: Graph, name: str, allow_tensor: bool, allow_operation: bool) -> Any:
    op_name, colon, index_text = name.partition(":")
    if not colon:
        return _operation(graph, name, allow_operation)
    if not allow_tensor:
        raise ValueError(f"Name '{name}' appears to refer to a Tensor, not a Operation.")
    if not index_text.isdigit():
        raise ValueError(
            f"The name '{name}' looks a like a Tensor name, but is not a valid one. "
            'Tensor names must be of the form "<op_name>:<output_index>".'
        )
    op = graph._operations.get(op_name)
    if op is None:
        raise errors.documented(
            KeyError(
                f"The name '{name}' refers to a Tensor which does not exist. "
                f"The operation, '{op_name}', does not exist in the graph.{_hint(graph, op_name, ':' + index_text)}"
            )
        )
    index = int(index_text)
    if index >= len(op.outputs):
        raise KeyError(
            f"The name '{name}' refers to a Tensor which does not exist. The operation, '{op_name}', "
            f"exists but only has {len(op.outputs)} outputs.{_of_unknown_type(op)}"
        )
    return op.outputs[index]


def _of_unknown_type(op: Operation) -> str:
    if op.declaration is not None:
        return ""
    return (
        f" Op type not registered '{op.type}': the node is carried as it is, and how many outputs it has is known only "
        "as far as other nodes take them."
    )


def _operation(graph: Graph, name: str, allow_operation: bool) -> Operation:
    op = graph._operations.get(name)
    if op is None:
        raise KeyError(
            f"The name '{name}' refers to an Operation not in the graph.{_hint(graph, name, '')}"
        )
    if not allow_operation:
        outputs = f"; its first output is '{name}:0'" if op.outputs else ""
        raise ValueError(
            f"The name '{name}' refers to an Operation, not a Tensor{outputs}. "
            'Tensor names must be of the form "<op_name>:<output_index>".'
        )
    return op


def _hint(graph: Graph, name: str, suffix: str) -> str:
    near = nearest(name, graph._operations)
    if not near:
        return ""
    text = " Near names: " + ", ".join(f"'{candidate}{suffix}'" for candidate in near) + "."
    if any(candidate == f"import/{name}" for candidate in near):
        text += " Pass name='' to import_graph_def to import without the prefix 'import/'."
    return text
