"""How much memory the run that this thread is in may take: what kernels ask before they make something large.

A socket: the runtime sets it for a session that is bounded (``Session.limit``). Where nothing is set, everything fits.

What an op's outputs take is known from their shapes, and the runtime asks for that itself. Kernels ask for what shapes
do not tell: how long strings get, how many places a TensorArray has, how large the tensors of a checkpoint are.
"""

from __future__ import annotations

import threading
from typing import Any, Protocol


class Room(Protocol):
    """The memory of one run."""

    def reserve(self, nbytes: int) -> None:
        """Raises ResourceExhaustedError where ``nbytes`` more are not allowed."""
        ...

    def keep(self, value: Any) -> None:
        """Counts the array ``value`` for as long as it lives, however small it is."""
        ...


class _Thread(threading.local):
    room: Room | None = None


_thread = _Thread()


def enter(room: Room | None) -> Room | None:
    """Makes ``room`` that of this thread; returns the one before."""
    before, _thread.room = _thread.room, room
    return before


def reserve(nbytes: int) -> None:
    """Raises ResourceExhaustedError where this run may not take ``nbytes`` more."""
    if _thread.room is not None:
        _thread.room.reserve(nbytes)


def is_bounded() -> bool:
    """Whether this run is that of a stranger's graph, say, which must not take as much as it likes."""
    return _thread.room is not None


def keep(value: Any) -> None:
    """Counts ``value``, which a collection of this run holds: many small ones are as much as a large one."""
    if _thread.room is not None:
        _thread.room.keep(value)
