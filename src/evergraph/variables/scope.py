"""Variable scopes: what variables made within are called, and what ``get_variable`` gives them
where a program does not say.

``variable_scope`` opens a name scope too, and the two can differ: a variable scope that is entered
again keeps its variables' names, while its operations get a name scope of their own (``layer_1/``).
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from evergraph.graph.collections import GraphKeys
from evergraph.graph.default_graph import get_default_graph, graph_of
from evergraph.graph.scopes import name_scope
from evergraph.variables import distribution
from evergraph.variables.partitioned_variable import PartitionedVariable
from evergraph.variables.scope_defaults import VariableScope
from evergraph.variables.store import (
    AUTO_REUSE,
    VariableStore,
    disable_resource_variables,
    enable_resource_variables,
    resource_variables_enabled,
)
from evergraph.variables.variable import variable_creator_scope

__all__ = [
    "AUTO_REUSE",
    "VariableScope",
    "disable_resource_variables",
    "enable_resource_variables",
    "get_local_variable",
    "get_partitioned_variable",
    "get_variable",
    "get_variable_scope",
    "no_regularizer",
    "resource_variables_enabled",
    "variable_creator_scope",
    "variable_op_scope",
    "variable_scope",
]

_STORE = "evergraph.variables.store"
_SCOPES = "evergraph.variables.scopes"


class _ScopeStack(threading.local):
    """A thread's current scope in a graph, and how often scopes of each name have been opened."""

    def __init__(self) -> None:
        self.current = VariableScope(False)
        self.counts: dict[str, int] = {}

    def open(self, name: str) -> None:
        self.counts[name] = self.counts.get(name, 0) + 1

    def close_within(self, name: str) -> None:
        """The names within scope ``name`` may be taken again."""
        for other in self.counts:
            if other.startswith(f"{name}/"):
                self.counts[other] = 0

    def unique(self, prefix: str) -> str:
        """``prefix``, or ``prefix_n`` where the current scope has had one of that name."""
        outer = f"{self.current.name}/" if self.current.name else ""
        name, number = prefix, 0
        while self.counts.get(outer + name, 0):
            number += 1
            name = f"{prefix}_{number}"
        return name


def _attachment(key: str, kind: type[Any]) -> Any:
    attachments = get_default_graph().attachments
    if key not in attachments:
        attachments[key] = kind()
    return attachments[key]


def _stack() -> _ScopeStack:
    stack: _ScopeStack = _attachment(_SCOPES, _ScopeStack)
    return stack


def _store() -> VariableStore:
    store: VariableStore = _attachment(_STORE, VariableStore)
    return store


def shared_variables() -> Mapping[str, Any]:
    """What ``get_variable`` has made in the default graph, by full name; a part of a variable by the part's name."""
    return _store()._vars


def get_variable_scope() -> VariableScope:
    """The current variable scope."""
    return _stack().current


def get_variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool | None = None,
    collections: Any = None,
    caching_device: Any = None,
    partitioner: Any = None,
    validate_shape: bool = True,
    use_resource: bool | None = None,
    custom_getter: Any = None,
    constraint: Any = None,
    synchronization: Any = distribution.VariableSynchronization.AUTO,
    aggregation: Any = distribution.VariableAggregation.NONE,
) -> Any:
    """The variable ``name`` of the current scope: a new one, or that of an earlier call where the
    scope reuses.

    Args:
        name: its name within the scope.
        shape: its shape; not with an ``initializer`` that is a value.
        dtype: its type (default: the scope's, float32).
        initializer: a function of shape and type, an Initializer (or its class), or a value.
        regularizer: a function of the variable whose result is added to REGULARIZATION_LOSSES.
        The others are as in Variable; what is None is as the scope says.

    Raises:
        ValueError: it is there and may not be shared, is not there and must be, or does not fit.
    """
    return get_variable_scope().get_variable(
        _store(),
        name,
        shape=shape,
        dtype=dtype,
        initializer=initializer,
        regularizer=regularizer,
        trainable=trainable,
        collections=collections,
        caching_device=caching_device,
        partitioner=partitioner,
        validate_shape=validate_shape,
        use_resource=use_resource,
        custom_getter=custom_getter,
        constraint=constraint,
        synchronization=synchronization,
        aggregation=aggregation,
    )


def get_partitioned_variable(name: str | None, **request: Any) -> PartitionedVariable:
    """The variable ``name`` of the current scope (None: of the scope's own name) in parts.

    Arguments as ``get_variable``, without a custom getter. Raises ValueError.
    """
    return get_variable_scope()._get_partitioned_variable(_store(), name, **request)


def get_local_variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool = False,
    collections: Any = None,
    caching_device: Any = None,
    partitioner: Any = None,
    validate_shape: bool = True,
    use_resource: bool | None = None,
    custom_getter: Any = None,
    constraint: Any = None,
    synchronization: Any = distribution.VariableSynchronization.AUTO,
    aggregation: Any = distribution.VariableAggregation.NONE,
) -> Any:
    """As ``get_variable``, for a variable that is not trained and not saved: it goes to
    LOCAL_VARIABLES.
    """
    return get_variable(
        name,
        shape=shape,
        dtype=dtype,
        initializer=initializer,
        regularizer=regularizer,
        trainable=False,
        collections=[*(collections or ()), GraphKeys.LOCAL_VARIABLES],
        caching_device=caching_device,
        partitioner=partitioner,
        validate_shape=validate_shape,
        use_resource=use_resource,
        custom_getter=custom_getter,
        constraint=constraint,
        synchronization=synchronization,
        aggregation=aggregation,
    )


def no_regularizer(variable: Any) -> None:
    """A regularizer that adds no loss, to switch off that of the scope."""


def _chained(custom_getter: Any, outer: Any) -> Any:
    """A custom getter whose ``getter`` asks that of the scope outside."""
    if outer is None:
        return custom_getter

    def getter_within(getter: Any, *args: Any, **kwargs: Any) -> Any:
        return custom_getter(functools.partial(outer, getter), *args, **kwargs)

    return getter_within


class variable_scope:  # the name that programs use
    """Variables and operations made within are under a name.

    Args:
        name_or_scope: a name, or a VariableScope to enter again; None: ``default_name``.
        default_name: a name that is made unique in the current scope.
        values: tensors whose graph becomes the default one.
        initializer, regularizer, caching_device, partitioner, custom_getter, dtype, use_resource,
            constraint: the scope's defaults for ``get_variable``; None: as outside.
        reuse: True: ``get_variable`` shares what is there; AUTO_REUSE: makes what is not; None: as
            outside.
        auxiliary_name_scope: False: the name scope outside stays.

    Raises:
        TypeError, ValueError: as TensorFlow does.
    """

    def __init__(
        self,
        name_or_scope: Any,
        default_name: str | None = None,
        values: Iterable[Any] | None = None,
        initializer: Any = None,
        regularizer: Any = None,
        caching_device: Any = None,
        partitioner: Any = None,
        custom_getter: Any = None,
        reuse: Any = None,
        dtype: Any = None,
        use_resource: bool | None = None,
        constraint: Any = None,
        auxiliary_name_scope: bool = True,
    ) -> None:
        if default_name is None and name_or_scope is None:
            raise TypeError("If default_name is None then name_or_scope is required")
        if reuse is False:
            reuse = None
        if not (reuse is True or reuse is None or reuse is AUTO_REUSE):
            raise ValueError("The reuse parameter must be True or False or None.")
        if name_or_scope is not None and not isinstance(name_or_scope, (str, VariableScope)):
            raise TypeError("VariableScope: name_or_scope must be a string or VariableScope.")
        if name_or_scope is None and reuse:
            raise ValueError("reuse=True cannot be used without a name_or_scope")
        if not isinstance(auxiliary_name_scope, bool):
            raise TypeError(
                "The auxiliary_name_scope must be `True` or `False`, while get "
                f"{auxiliary_name_scope}"
            )
        self._name_or_scope = name_or_scope
        self._default_name = default_name
        self._graph = graph_of(list(values or ()))
        self._defaults = {
            "initializer": initializer,
            "regularizer": regularizer,
            "caching_device": caching_device,
            "partitioner": partitioner,
            "dtype": dtype,
            "use_resource": use_resource,
        }
        self._custom_getter = custom_getter
        self._reuse = reuse
        self._constraint = constraint
        self._auxiliary_name_scope = auxiliary_name_scope
        #: What the first entry has settled: the name within the scope outside, and the name scope.
        self._settled: tuple[str, str] | None = None
        self._entered: list[ExitStack] = []

    def __enter__(self) -> VariableScope:
        with ExitStack() as contexts:
            contexts.enter_context(self._graph.as_default())
            opened = self._open_name_scope()
            scope_name = "" if opened is None else contexts.enter_context(opened)
            if self._settled is None:
                self._settled = self._settle(scope_name)
            scope = self._scope(*self._settled)
            contexts.callback(self._push(scope))
            self._entered.append(contexts.pop_all())
        return scope

    def __exit__(self, *error: Any) -> None:
        self._entered.pop().__exit__(*error)

    def _open_name_scope(self) -> AbstractContextManager[str] | None:
        if not self._auxiliary_name_scope:
            outer = self._graph.get_name_scope()
            return name_scope(f"{outer}/" if outer else "")
        if self._name_or_scope is None:
            return name_scope(self._default_name)
        if isinstance(self._name_or_scope, VariableScope):
            name = self._name_or_scope.name.split("/")[-1]
        else:
            name = self._name_or_scope
        return name_scope(name) if name else None

    def _settle(self, scope_name: str) -> tuple[str, str]:
        if isinstance(self._name_or_scope, VariableScope):
            return self._name_or_scope.name, self._name_or_scope.original_name_scope
        if self._name_or_scope is None:
            assert self._default_name is not None
            return _stack().unique(self._default_name), scope_name
        return self._name_or_scope, scope_name

    def _scope(self, name: str, original_name_scope: str) -> VariableScope:
        """The VariableScope to enter, with the defaults of the one that it goes on from."""
        outer = get_variable_scope()
        base = outer
        if isinstance(self._name_or_scope, VariableScope):
            base = self._name_or_scope
        elif outer.name:
            name = f"{outer.name}/{name}"
        scope = VariableScope(
            self._reuse or base.reuse,
            name=name,
            custom_getter=base.custom_getter,
            name_scope=original_name_scope,
            constraint=self._constraint,
        )
        for key, value in self._defaults.items():
            setattr(scope, f"_{key}", getattr(base, key) if value is None else value)
        if self._custom_getter is not None:
            scope.set_custom_getter(_chained(self._custom_getter, base.custom_getter))
        return scope

    def _push(self, scope: VariableScope) -> Any:
        """Makes ``scope`` the current one; the result undoes that."""
        stack = _stack()
        outer = stack.current
        stack.open(scope.name)
        counts = dict(stack.counts) if isinstance(self._name_or_scope, VariableScope) else None
        stack.current = scope

        def pop() -> None:
            if stack.current is not scope:
                raise RuntimeError("Improper nesting of variable_scope.")
            if counts is None:
                stack.close_within(scope.name)
            else:
                stack.counts = counts
            stack.current = outer

        return pop


def variable_op_scope(
    values: Iterable[Any], name_or_scope: Any, default_name: str | None = None, **defaults: Any
) -> variable_scope:
    """``variable_scope`` with its arguments in the order of TensorFlow 0.x."""
    return variable_scope(name_or_scope, default_name, values, **defaults)
