"""What lives as long as a session: variables, random streams, queues; and how runs are stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from evergraph import errors
from evergraph.runtime.limits import RunLimits

if TYPE_CHECKING:
    from concurrent.futures import Future

State = TypeVar("State")


class SessionState:
    """The resources and node states of one session. Containers of a process-wide store can be shared by several."""

    def __init__(self, capabilities: frozenset[str] | None = None) -> None:
        self._lock = threading.RLock()
        self._resources: dict[tuple[str, str, type], Any] = {}
        self._kinds: dict[type, None] = {}
        self._node_states: dict[str, Any] = {}
        self._waiters: set[threading.Condition] = set()
        self.closed = False
        #: Variables that have been restored, and the checkpoints (`runtime.initializing`).
        self.restored: dict[str, str] = {}
        #: Work that goes on in other threads, and must come to its end before the session does.
        self.unfinished: list[Future[Any]] = []
        self.limits = RunLimits()
        #: Whether kernels look at the limits.
        self.is_bounded = False
        #: None: everything is allowed (a program's own graph).
        self.capabilities = capabilities

    def node_state(self, node: str, make: Callable[[], State]) -> State:
        """The state of node ``node``, made on first use."""
        with self._lock:
            if node not in self._node_states:
                self._node_states[node] = make()
            state: State = self._node_states[node]
            return state

    def resource(
        self, container: str, name: str, kind: type[State], make: Callable[[], State]
    ) -> State:
        """The object ``name`` of type ``kind`` in ``container``, made on first use."""
        key = (container, name, kind)
        with self._lock:
            if key not in self._resources:
                self._resources[key] = make()
                self._kinds[kind] = None
            found: State = self._resources[key]
            return found

    def find_resource(self, container: str, name: str, kind: type | None = None) -> Any:
        """The object ``name`` of type ``kind`` in ``container`` (None: whatever its type), or None."""
        with self._lock:
            if kind is not None:
                return self._resources.get((container, name, kind))
            for known in self._kinds:
                found = self._resources.get((container, name, known))
                if found is not None:
                    return found
        return None

    def delete_resource(self, resource: Any) -> None:
        """Forgets ``resource``."""
        with self._lock:
            for key in [key for key, value in self._resources.items() if value is resource]:
                del self._resources[key]

    def wait(self, condition: threading.Condition, ready: Callable[[], bool]) -> None:
        """Waits on ``condition``, which the caller holds, until ``ready()``; see KernelContext.wait."""
        with self._lock:
            self._waiters.add(condition)
        try:
            while not ready():
                if self.closed:
                    raise errors.CancelledError(None, None, "Session was closed.")
                deadline = self.limits.deadline
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    raise errors.DeadlineExceededError(
                        None, None, "Timed out waiting for notification"
                    )
                condition.wait(left)
        finally:
            with self._lock:
                self._waiters.discard(condition)

    def check_running(self) -> None:
        """For each iteration of a loop and each call of a function. Raises where this thread's run must stop:
        CancelledError, DeadlineExceededError, ResourceExhaustedError.
        """
        if self.closed:
            raise errors.CancelledError(None, None, "Session was closed.")
        self.limits.step()
        self.limits.check_time()

    def close(self) -> None:
        """Lets what is unfinished come to its end, then cancels whatever waits."""
        for work in tuple(self.unfinished):
            work.exception()
        self.closed = True
        with self._lock:
            waiters = list(self._waiters)
        for condition in waiters:
            with condition:
                condition.notify_all()
