"""QueueRunner: threads that fill a queue while a program trains, as programs of 2016 read their input."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Sequence
from typing import Any

from evergraph import errors
from evergraph.formats.protos import QueueRunnerDef
from evergraph.graph.collection_protos import register_proto_function
from evergraph.graph.collections import GraphKeys
from evergraph.graph.default_collections import add_to_collection, get_collection
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.default_session import get_default_session
from evergraph.ops.control_flow_context import prepend_name_scope, strip_name_scope
from evergraph.runtime.session import BaseSession
from evergraph.train.coordinator import Coordinator

_LOG = logging.getLogger("evergraph")
_ClosedTypes = tuple[type[errors.OpError], ...]


class QueueRunner:
    """Enqueue operations of a queue, each to be run again and again in a thread of its own.

    When all of them have come to the end of their input, the queue is closed: what is in it can still be taken. When
    the coordinator stops, it is closed and those that wait at it are cancelled.

    Args:
      queue: the queue.
      enqueue_ops: the operations.
      close_op: closes the queue; made if it is not given.
      cancel_op: closes it and cancels what waits; made if it is not given.
      queue_closed_exception_types: errors that mean the end of the input; ``(OutOfRangeError,)`` by default.
      queue_runner_def: instead of all these, a QueueRunnerDef, of nodes that are in the default graph...
      import_scope: ... under this name scope.

    Raises ValueError where queue or operations are missing, or both forms are given; TypeError for error types that are
    none.
    """

    def __init__(
        self,
        queue: Any = None,
        enqueue_ops: Sequence[Any] | None = None,
        close_op: Any = None,
        cancel_op: Any = None,
        queue_closed_exception_types: _ClosedTypes | None = None,
        queue_runner_def: Any = None,
        import_scope: str | None = None,
    ) -> None:
        if queue_runner_def is not None:
            if queue or enqueue_ops:
                raise ValueError("queue_runner_def and queue are mutually exclusive.")
            self._read(queue_runner_def, import_scope)
        else:
            if not queue or not enqueue_ops:
                raise ValueError("Must provide queue and enqueue_ops.")
            self._queue = queue
            self._enqueue_ops = enqueue_ops
            self._closed_types = _checked(queue_closed_exception_types)
            self._close_op = queue.close() if close_op is None else close_op
            if cancel_op is None:
                cancel_op = queue.close(cancel_pending_enqueues=True)
            self._cancel_op = cancel_op
        self._lock = threading.Lock()
        self._running: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._exceptions_raised: list[Exception] = []

    def _read(self, message: Any, import_scope: str | None) -> None:
        graph = get_default_graph()

        def element(name: str) -> Any:
            return graph.as_graph_element(prepend_name_scope(name, import_scope))

        self._queue = element(message.queue_name)
        self._enqueue_ops = [element(name) for name in message.enqueue_op_name]
        self._close_op = element(message.close_op_name)
        self._cancel_op = element(message.cancel_op_name)
        codes = message.queue_closed_exception_types
        # Files of before this field was there mean the default.
        types = tuple(errors.exception_type_from_error_code(code) for code in codes)
        self._closed_types = types or (errors.OutOfRangeError,)

    @property
    def queue(self) -> Any:
        """The queue; of a runner that came from a file, its operation."""
        return self._queue

    @property
    def enqueue_ops(self) -> Sequence[Any]:
        return self._enqueue_ops

    @property
    def close_op(self) -> Any:
        return self._close_op

    @property
    def cancel_op(self) -> Any:
        return self._cancel_op

    @property
    def queue_closed_exception_types(self) -> _ClosedTypes:
        return self._closed_types

    @property
    def exceptions_raised(self) -> list[Exception]:
        """Errors of the threads that no coordinator was told of."""
        return self._exceptions_raised

    @property
    def name(self) -> str:
        """The name of the queue's node."""
        name: str = self._queue.name
        return name

    def create_threads(
        self,
        sess: Any,
        coord: Coordinator | None = None,
        daemon: bool = False,
        start: bool = False,
    ) -> list[threading.Thread]:
        """One thread for each operation, and with ``coord`` one more, which closes the queue when that stops.

        No threads where those of an earlier call for ``sess`` still run.
        """
        with self._lock:
            if self._running.get(sess, 0) > 0:
                return []
            self._running[sess] = len(self._enqueue_ops)
            self._exceptions_raised = []
        prefix = f"QueueRunnerThread-{self.name}-"
        threads = [
            threading.Thread(target=self._run, args=(sess, op, coord), name=prefix + op.name)
            for op in self._enqueue_ops
        ]
        if coord is not None:
            arguments = (sess, coord)
            name = prefix + "close_on_stop"
            threads.append(threading.Thread(target=self._on_stop, args=arguments, name=name))
        for thread in threads:
            if coord is not None:
                coord.register_thread(thread)
            if daemon:
                thread.daemon = True
            if start:
                thread.start()
        return threads

    def _run(self, sess: Any, enqueue_op: Any, coord: Coordinator | None) -> None:
        try:
            enqueue = sess.make_callable(enqueue_op)
            while coord is None or not coord.should_stop():
                enqueue()
        except self._closed_types:
            if self._ended(sess) == 0:
                _run_quietly(sess, self._close_op)
        except Exception as error:
            self._ended(sess)
            if coord is not None:
                coord.request_stop(error)
                return
            _LOG.error("Exception in QueueRunner: %s", error)
            with self._lock:
                self._exceptions_raised.append(error)
            raise
        else:
            self._ended(sess)

    def _ended(self, sess: Any) -> int:
        """Says that one thread for ``sess`` has ended; how many still run."""
        with self._lock:
            self._running[sess] -= 1
            return self._running[sess]

    def _on_stop(self, sess: Any, coord: Coordinator) -> None:
        coord.wait_for_stop()
        _run_quietly(sess, self._cancel_op)

    def to_proto(self, export_scope: str | None = None) -> Any:
        """The QueueRunnerDef, names without ``export_scope``; None where the queue lies outside of it."""
        if export_scope is not None and not self.name.startswith(export_scope):
            return None
        codes = [errors.error_code_from_exception_type(kind) for kind in self._closed_types]
        return QueueRunnerDef(
            queue_name=strip_name_scope(self.name, export_scope),
            enqueue_op_name=[strip_name_scope(op.name, export_scope) for op in self._enqueue_ops],
            close_op_name=strip_name_scope(self._close_op.name, export_scope),
            cancel_op_name=strip_name_scope(self._cancel_op.name, export_scope),
            queue_closed_exception_types=codes,
        )

    @staticmethod
    def from_proto(queue_runner_def: Any, import_scope: str | None = None) -> QueueRunner:
        """The runner that a QueueRunnerDef describes, its nodes imported under ``import_scope``."""
        return QueueRunner(queue_runner_def=queue_runner_def, import_scope=import_scope)


def _checked(types: Any) -> _ClosedTypes:
    if types is None:
        return (errors.OutOfRangeError,)
    if (
        not isinstance(types, tuple)
        or not types
        or not all(isinstance(kind, type) and issubclass(kind, errors.OpError) for kind in types)
    ):
        raise TypeError(
            "queue_closed_exception_types, when provided, must be a tuple of tf.error types, "
            f"but saw: {types}"
        )
    return types


def _run_quietly(sess: Any, op: Any) -> None:
    """Closes a queue, if it can be done: it may be closed already, or the session may."""
    try:
        sess.run(op)
    except Exception as error:
        _LOG.debug("Ignored exception: %s", error)


def add_queue_runner(qr: QueueRunner, collection: str = GraphKeys.QUEUE_RUNNERS) -> None:
    """Adds a QueueRunner to those that ``start_queue_runners`` starts."""
    add_to_collection(collection, qr)


def start_queue_runners(
    sess: Any = None,
    coord: Coordinator | None = None,
    daemon: bool = True,
    start: bool = True,
    collection: str = GraphKeys.QUEUE_RUNNERS,
) -> list[threading.Thread]:
    """Makes, and with ``start`` starts, the threads of all QueueRunners of the graph; returns them.

    Raises ValueError without a session, TypeError for what is none.
    """
    sess = get_default_session() if sess is None else sess
    if sess is None:
        raise ValueError(
            "Cannot start queue runners: No default session is registered. Use `with sess.as_default()` or pass an "
            "explicit session to tf.train.start_queue_runners(sess=sess)"
        )
    if not isinstance(sess, BaseSession):
        if type(sess).__name__ in ("MonitoredSession", "SingularMonitoredSession"):
            return []  # Those start them themselves.
        raise TypeError(f"sess must be a `tf.Session` object. Given class: {type(sess)}")
    with sess.graph.as_default():
        runners = get_collection(collection)
        if not runners:
            _LOG.warning(
                "`tf.train.start_queue_runners()` was called when no queue runners were defined."
            )
        return [
            thread
            for runner in runners
            for thread in runner.create_threads(sess, coord=coord, daemon=daemon, start=start)
        ]


register_proto_function(
    GraphKeys.QUEUE_RUNNERS,
    proto_type=QueueRunnerDef,
    to_proto=QueueRunner.to_proto,
    from_proto=QueueRunner.from_proto,
)
