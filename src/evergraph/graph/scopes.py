"""The scopes of the default graph: ``tf.name_scope``, ``tf.device``, ``tf.control_dependencies`` and their like."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

from evergraph.graph.default_graph import get_default_graph, graph_of
from evergraph.graph.graph import Graph


class name_scope:  # the name that programs use
    """Puts the names of the operations made within under ``name/``.

    ``name`` None takes ``default_name``; the graph is that of ``values`` (Tensors among them), or the
    default one, and is
    made the default one within. ``with name_scope(...) as scope`` gives the scope's name with its slash;
    passing that as
    ``name`` enters the very same scope again. Raises TypeError or ValueError as TensorFlow does.
    """

    def __init__(
        self, name: str | None, default_name: str | None = None, values: Iterable[Any] | None = None
    ) -> None:
        if not (default_name is None or isinstance(default_name, str)):
            raise TypeError(
                f"`default_name` type ({type(default_name)}) is not a string type. "
                "You likely meant to pass this into the `values` kwarg."
            )
        self._name = default_name if name is None else name
        self._values = list(values) if values is not None else None
        if self._name is None and self._values is not None:
            raise ValueError(
                f"At least one of name (None) and default_name ({default_name}) must be provided."
            )
        self._entered: list[tuple[Graph, str, AbstractContextManager[Graph] | None]] = []

    @property
    def name(self) -> str | None:
        return self._name

    def __enter__(self) -> str:
        graph = graph_of(self._values or ())
        as_default = graph.as_default() if self._values else None
        if as_default is not None:
            as_default.__enter__()
        saved = graph._names.scope
        try:
            scope = graph.enter_name_scope(self._name)
        except BaseException:
            if as_default is not None:
                as_default.__exit__(None, None, None)
            raise
        self._entered.append((graph, saved, as_default))
        return scope

    def __exit__(self, *unused: object) -> None:
        graph, saved, as_default = self._entered.pop()
        graph._names.scope = saved
        if as_default is not None:
            as_default.__exit__(None, None, None)


#: TensorFlow's older spelling, ``op_scope(values, name, default_name)``, argument order and all.
def op_scope(
    values: Iterable[Any], name: str | None, default_name: str | None = None
) -> name_scope:
    """``name_scope`` with its arguments in the order of TensorFlow 0.x."""
    return name_scope(name, default_name, values)


def device(device_name_or_function: Any) -> AbstractContextManager[None]:
    """Operations made within are for this device."""
    return get_default_graph().device(device_name_or_function)


def control_dependencies(control_inputs: Any) -> AbstractContextManager[None]:
    """Operations made within run after ``control_inputs``."""
    return get_default_graph().control_dependencies(control_inputs)


def colocate_with(op: Any, ignore_existing: bool = False) -> AbstractContextManager[None]:
    """Operations made within share a device with ``op``."""
    return get_default_graph().colocate_with(op, ignore_existing)


def container(container_name: str) -> AbstractContextManager[str]:
    """Stateful operations made within keep their state in this container."""
    return get_default_graph().container(container_name)
