"""The stack of default graphs: which Graph new operations go into, for each thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evergraph.graph.graph import Graph

_global: Graph | None = None


class _Stack(threading.local):
    def __init__(self) -> None:
        self.graphs: list[Graph] = []


_stack = _Stack()


def get_default_graph() -> Graph:
    """The innermost graph entered in this thread, or else the process's global one."""
    global _global  # noqa: PLW0603  # there is one for the process
    if _stack.graphs:
        return _stack.graphs[-1]
    if _global is None:
        from evergraph.graph.graph import Graph

        _global = Graph()
    return _global


def reset_default_graph() -> None:
    """Starts a new global graph. Raises AssertionError inside a ``with graph.as_default()`` block, as
    TensorFlow does.
    """
    global _global  # noqa: PLW0603  # there is one for the process
    if _stack.graphs:
        raise AssertionError(
            "Do not use tf.reset_default_graph() to clear nested graphs. "
            "If you need a cleared graph, exit the nesting and create a new graph."
        )
    _global = None


def has_default_graph(graph: Graph) -> bool:
    """True where ``graph`` is the default one of this thread."""
    return get_default_graph() is graph


@contextmanager
def default_graph(graph: Graph) -> Iterator[Graph]:
    """Makes ``graph`` the default one within a ``with`` block."""
    _stack.graphs.append(graph)
    try:
        yield graph
    finally:
        if _stack.graphs[-1] is not graph:
            raise AssertionError("Nesting violated for default stack of graphs")
        _stack.graphs.pop()


def push(graph: Graph) -> None:
    """Makes ``graph`` the default one until ``pop`` (InteractiveSession)."""
    _stack.graphs.append(graph)


def pop(graph: Graph) -> None:
    """Takes back ``push``."""
    if graph in _stack.graphs:
        _stack.graphs.remove(graph)


def graph_of(values: Sequence[Any], graph: Graph | None = None) -> Graph:
    """The graph that ``values`` (Tensors, Operations, anything) belong to, or the default one.

    Raises ValueError where two of them belong to different graphs.
    """
    found, first = graph, None
    for value in values:
        other = getattr(value, "graph", None)
        if other is None or not hasattr(other, "as_graph_element"):
            continue
        if found is None:
            found, first = other, value
        elif found is not other:
            raise ValueError(
                f"{first if first is not None else found!r} must be from the same graph as {value!r}."
            )
    return found if found is not None else get_default_graph()
