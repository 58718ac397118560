"""The default session: a socket on this floor, so that ``tensor.eval()`` finds the session that an upper
floor provides.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evergraph.graph.graph import Graph


class _Stack(threading.local):
    def __init__(self) -> None:
        self.sessions: list[Any] = []


_stack = _Stack()


def get_default_session() -> Any:
    """The innermost session entered in this thread, or None."""
    return _stack.sessions[-1] if _stack.sessions else None


@contextmanager
def default_session(session: Any) -> Iterator[Any]:
    """Makes ``session`` the default one within a ``with`` block."""
    _stack.sessions.append(session)
    try:
        yield session
    finally:
        _stack.sessions.remove(session)


def push(session: Any) -> None:
    """Makes ``session`` the default one until ``pop`` (InteractiveSession)."""
    _stack.sessions.append(session)


def pop(session: Any) -> None:
    """Takes back ``push``."""
    if session in _stack.sessions:
        _stack.sessions.remove(session)


def resolve(session: Any, graph: Graph, what: str) -> Any:
    """``session``, or the default one. Raises ValueError where there is none, or it runs another graph."""
    if session is None:
        session = get_default_session()
        if session is None:
            raise ValueError(
                f"Cannot {what} using `eval()` or `run()`: No default session is registered. "
                "Use `with sess.as_default()` or pass an explicit session."
            )
        if session.graph is not graph:
            raise ValueError(
                f"Cannot use the default session to {what}: its graph is different from the session's graph. "
                "Pass an explicit session."
            )
    elif session.graph is not graph:
        raise ValueError(
            f"Cannot use the given session to {what}: its graph is different from the session's graph."
        )
    return session
