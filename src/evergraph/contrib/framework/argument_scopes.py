"""``arg_scope``: default arguments for functions that are called within.

    with arg_scope([conv2d, max_pool2d], padding="SAME") as scope:
        conv2d(images, 64)
    with arg_scope(scope):          # the same defaults again
        conv2d(images, 128)

A scope is a dict ``{key of a function: {argument: value}}``.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

Scope = dict[str, dict[str, Any]]


class _Scopes(threading.local):
    """A thread's scopes, the innermost last."""

    def __init__(self) -> None:
        self.stack: list[Scope] = [{}]


_scopes = _Scopes()
#: The arguments with defaults of each function that ``add_arg_scope`` has made.
_arguments: dict[str, tuple[str, ...]] = {}


def current_arg_scope() -> Scope:
    """The defaults that hold here."""
    return _scopes.stack[-1]


def arg_scope_func_key(op: Any) -> str:
    """The key of a function in a scope."""
    key: str = getattr(op, "_key_op", str(op))
    return key


@contextmanager
def arg_scope(list_ops_or_scope: Any, **kwargs: Any) -> Iterator[Scope]:
    """Gives functions default arguments within; gives the scope, to enter it again.

    Args:
      list_ops_or_scope: a list or tuple of functions made with ``add_arg_scope``; or a scope, which replaces what
        holds outside.
      **kwargs: the defaults, over those that hold outside; none with a scope.

    Raises:
      TypeError: something else than a list, a tuple or a scope.
      ValueError: a function that takes no scopes; arguments beside a scope.
    """
    if isinstance(list_ops_or_scope, dict):
        if kwargs:
            raise ValueError(
                "When attempting to re-use a scope by suppling a dictionary, kwargs must be empty."
            )
        scope = dict(list_ops_or_scope)
    elif isinstance(list_ops_or_scope, (list, tuple)):
        scope = _with_defaults(list_ops_or_scope, kwargs)
    else:
        raise TypeError(
            "list_ops_or_scope must either be a list/tuple or reused scope (i.e. dict), not "
            f"{list_ops_or_scope!r}"
        )
    _scopes.stack.append(scope)
    try:
        yield scope
    finally:
        _scopes.stack.pop()


def _with_defaults(functions: Sequence[Any], defaults: dict[str, Any]) -> Scope:
    scope = dict(current_arg_scope())
    for function in functions:
        if not has_arg_scope(function):
            name = f"{function.__module__}.{function.__qualname__}"
            raise ValueError(f"{name} is not decorated with @add_arg_scope")
        key = arg_scope_func_key(function)
        scope[key] = {**scope.get(key, {}), **defaults}
    return scope


def add_arg_scope(func: Callable[..., Any]) -> Callable[..., Any]:
    """``func``, whose default arguments an ``arg_scope`` can set."""
    key = arg_scope_func_key(func)

    @functools.wraps(func)
    def with_scope(*args: Any, **kwargs: Any) -> Any:
        return func(*args, **{**current_arg_scope().get(key, {}), **kwargs})

    parameters = inspect.signature(func).parameters.values()
    _arguments[key] = tuple(p.name for p in parameters if p.default is not p.empty)
    with_scope._key_op = key  # type: ignore[attr-defined]
    return with_scope


def has_arg_scope(func: Any) -> bool:
    """Whether ``add_arg_scope`` has made this function."""
    return arg_scope_func_key(func) in _arguments


def arg_scoped_arguments(func: Any) -> tuple[str, ...]:
    """The names of the arguments that an ``arg_scope`` can set."""
    assert has_arg_scope(func)
    return _arguments[arg_scope_func_key(func)]
