"""Session: runs parts of a graph, and keeps what lives between runs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

from evergraph.graph import default_graph, default_session
from evergraph.graph.graph import Graph
from evergraph.graph.operation import Operation
from evergraph.graph.tensor import Tensor
from evergraph.runtime import feeds as feeding
from evergraph.runtime.context import bound_kernel
from evergraph.runtime.fetches import FetchPlan, detach, structure_key
from evergraph.runtime.functions import FunctionRunner
from evergraph.runtime.initializing import initialized_variables, note_initialized
from evergraph.runtime.limits import Bounded, Limits
from evergraph.runtime.plan import Plan, make_plan
from evergraph.runtime.state import SessionState

#: Plans kept for each session; programs run a handful of signatures, loops that make new ones must not fill the memory.
_MOST_PLANS = 256


class _Signature:
    """A plan with the fetches and feeds that it serves."""

    __slots__ = ("_initialized", "fed", "fetch", "mutations", "plan")

    def __init__(self, fetch: FetchPlan, fed: Sequence[Tensor], plan: Plan, mutations: int) -> None:
        self.fetch = fetch
        self.fed = tuple(fed)
        self.plan = plan
        self.mutations = mutations
        self._initialized: frozenset[str] | None = None

    @property
    def initialized(self) -> frozenset[str]:
        """The names of the variables whose initializers a run runs."""
        if self._initialized is None:
            fetched = self.fetch.tensors, self.fetch.targets
            self._initialized = initialized_variables(*fetched, self.fed)
        return self._initialized


class BaseSession:
    """What Session and InteractiveSession share.

    ``target`` other than ``""`` names a server elsewhere; runs are local here all the same, and a warning says so.
    ``config`` (a ConfigProto) is accepted as it is: devices and threads are NumPy's matter.
    """

    def __init__(self, target: Any = "", graph: Graph | None = None, config: Any = None) -> None:
        if graph is not None and not isinstance(graph, Graph):
            raise TypeError(
                f"Argument `graph` must be a tf.Graph, but got {type(graph).__name__!r}."
            )
        self._target = target.encode() if isinstance(target, str) else target
        if self._target:
            warnings.warn(
                f"Session target {target!r}: evergraph runs every graph in this process; the target is not contacted.",
                stacklevel=3,
            )
        self._graph = graph if graph is not None else default_graph.get_default_graph()
        self._config = config
        self._state = SessionState()
        self._functions = FunctionRunner(self._graph, self._state)
        self._signatures: dict[Any, _Signature] = {}
        timeout_ms = getattr(config, "operation_timeout_in_ms", 0)
        self._limits = Limits(timeout_ms / 1000 if timeout_ms else None)
        self._entered: list[Any] = []

    @property
    def graph(self) -> Graph:
        return self._graph

    @property
    def graph_def(self) -> Any:
        return self._graph.as_graph_def()

    @property
    def sess_str(self) -> Any:
        return self._target

    @property
    def state(self) -> SessionState:
        """The session's variables and other resources."""
        return self._state

    def limit(
        self,
        *,
        capabilities: frozenset[str] | None = None,
        seconds: float | None = None,
        bytes: int | None = None,
        steps: int | None = None,
    ) -> None:
        """Bounds each later run: only with these capabilities (None: all), no longer than ``seconds``, no more than
        ``bytes`` in its values at a time, no more than ``steps`` iterations of loops and calls of functions.

        What exactly is counted: ``runtime.limits`` and ``runtime.memory``.
        """
        self._state.capabilities = capabilities
        self._limits = Limits(seconds, bytes, steps)
        self._state.is_bounded = self._limits != Limits()
        # Plans hold kernels that look at limits, or do not.
        self._signatures.clear()
        self._functions = FunctionRunner(self._graph, self._state)

    def _bounded(self, seconds: float | None = None) -> Bounded:
        """A context for a run; ``seconds`` go before the session's own."""
        limits = self._limits if seconds is None else self._limits._replace(seconds=seconds)
        return Bounded(self._state.limits, limits)

    def run(
        self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None
    ) -> Any:
        """Runs the graph and returns the values of ``fetches``, in its own nesting (None for an Operation).

        ``feed_dict`` maps tensors (or their names) to values that replace them. ``options.timeout_in_ms``
        bounds the run.
        Raises RuntimeError on a closed session, TypeError or ValueError for fetches and feeds that do not fit, and the
        classes of ``tf.errors`` for what goes wrong in a run.
        """
        if self._state.closed:
            raise RuntimeError("Attempted to use a closed Session.")
        timeout = getattr(options, "timeout_in_ms", 0)
        with self._bounded(timeout / 1000 if timeout else None):
            signature, given = self._signature(fetches, feed_dict)
            arrays = [
                feeding.to_array(tensor, value)
                for tensor, value in zip(signature.fed, given, strict=True)
            ]
            return self._execute(signature, arrays)

    def _execute(self, signature: _Signature, arrays: Sequence[Any]) -> Any:
        if self._state.restored:
            note_initialized(self._state, signature.initialized)
        results = signature.plan.execute(arrays)
        return signature.fetch.pack([detach(results, i) for i in range(len(results))])

    def _signature(self, fetches: Any, feed_dict: Any) -> tuple[_Signature, Sequence[Any]]:
        """The plan for ``fetches`` and the keys of ``feed_dict``, and the values for the tensors that it is fed."""
        keys = tuple(feed_dict) if feed_dict else ()
        signature_key: Any = (structure_key(fetches), keys)
        try:
            found = self._signatures.get(signature_key)
        except TypeError:
            found = signature_key = None  # Something unhashable among them: work it out anew.
        if found is not None and found.mutations == self._graph.mutations:
            return found, tuple(feed_dict.values()) if feed_dict else ()
        pairs = feeding.expand(self._graph, feed_dict or {})
        fed = dict(pairs)
        signature = self._make_signature(fetches, list(fed))
        # A key that stands for several tensors is taken apart anew each time.
        if signature_key is not None and len(fed) == len(keys):
            if len(self._signatures) >= _MOST_PLANS:
                self._signatures.pop(next(iter(self._signatures)))
            self._signatures[signature_key] = signature
        return signature, list(fed.values())

    def _make_signature(self, fetches: Any, fed: Sequence[Tensor]) -> _Signature:
        fetch = FetchPlan(self._graph, fetches)
        mutations = self._graph.mutations
        plan = make_plan(fed, fetch.tensors, fetch.targets, self._bind, self._state.check_running)
        return _Signature(fetch, fed, plan, mutations)

    def _bind(self, op: Operation) -> Callable[..., Any]:
        return bound_kernel(op, self._state, self._functions)

    def make_callable(
        self, fetches: Any, feed_list: Sequence[Any] | None = None, accept_options: bool = False
    ) -> Any:
        """A function of the values of ``feed_list`` (positional) that returns ``fetches``: a run without its
        preparation.
        """
        fed = [feeding.expand(self._graph, {key: None})[0][0] for key in feed_list or ()]
        signature = self._make_signature(fetches, fed)

        def call(*values: Any, options: Any = None, run_metadata: Any = None) -> Any:
            nonlocal signature
            if self._state.closed:
                raise RuntimeError("Attempted to use a closed Session.")
            if len(values) != len(fed):
                raise TypeError(f"this callable takes {len(fed)} feed values, got {len(values)}")
            if signature.mutations != self._graph.mutations:
                signature = self._make_signature(fetches, fed)
            arrays = [
                feeding.to_array(tensor, value) for tensor, value in zip(fed, values, strict=True)
            ]
            with self._bounded():
                return self._execute(signature, arrays)

        return call

    def partial_run_setup(self, fetches: Any, feeds: Sequence[Any] | None = None) -> Any:
        """Begins a run in parts; the handle goes to ``partial_run``."""
        from evergraph.runtime.partial_run import PartialRun

        return PartialRun(self, fetches, feeds or [])

    def partial_run(self, handle: Any, fetches: Any, feed_dict: Any = None) -> Any:
        """Goes on with a run in parts: what ``fetches`` needs and has not run yet runs, with the feeds so far."""
        return handle.run(fetches, feed_dict or {})

    def list_devices(self) -> list[Any]:
        """The devices that runs use: one, this machine's CPU."""
        from evergraph.runtime.devices import local_devices

        return local_devices()

    def close(self) -> None:
        """Ends the session: runs that wait are cancelled, its variables are gone."""
        self._state.close()
        self._signatures.clear()

    def as_default(self) -> Any:
        """Makes this the default session (not the graph) within a ``with`` block."""
        return default_session.default_session(self)

    def __repr__(self) -> str:
        return f"<evergraph {type(self).__name__} of {self._graph!r}>"


class Session(BaseSession):
    """Runs operations and evaluates tensors of a graph. As a context manager, it is the default session, its graph the
    default graph, and it is closed at the end."""

    def __enter__(self) -> Session:
        contexts = [self._graph.as_default(), self.as_default()]
        for context in contexts:
            context.__enter__()
        self._entered.append(contexts)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            for context in reversed(self._entered.pop()):
                context.__exit__(None, None, None)
        finally:
            self.close()

    @staticmethod
    def reset(target: str, containers: Sequence[str] | None = None, config: Any = None) -> None:
        """Clears containers of a server. Runs are local and containers belong to their session: nothing to clear."""


class InteractiveSession(BaseSession):
    """A session that is the default one from its creation to ``close()``, for shells and notebooks."""

    _open = 0

    def __init__(self, target: Any = "", graph: Graph | None = None, config: Any = None) -> None:
        super().__init__(target, graph, config)
        if InteractiveSession._open:
            warnings.warn(
                "An interactive session is already active. This can cause out-of-memory errors in some cases. You must "
                "explicitly call `InteractiveSession.close()` to release resources held by the other session(s).",
                stacklevel=2,
            )
        InteractiveSession._open += 1
        self._explicit_graph = graph
        if graph is not None:
            default_graph.push(graph)
        default_session.push(self)

    def close(self) -> None:
        """Ends the session and stops being the default one."""
        if not self._state.closed:
            InteractiveSession._open -= 1
            default_session.pop(self)
            if self._explicit_graph is not None:
                default_graph.pop(self._explicit_graph)
        super().close()
