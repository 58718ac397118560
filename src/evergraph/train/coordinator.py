"""Threads that stop together: Coordinator, and LooperThread that does something again and again."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from evergraph import errors

_LOG = logging.getLogger("evergraph")
# How long to wait at first, and at a time, for a thread that should end.
_SHORTEST_WAIT = 0.001
_POLL = 1.0


class Coordinator:
    """Tells several threads when to stop, and hands the first error among them to whoever waits for them.

    A thread works ``while not coord.should_stop()``; any of them ends all by ``request_stop()``, with an error or
    without; ``join(threads)`` waits until they have ended and raises that error.

    Args:
      clean_stop_exception_types: errors that only mean that there is no more to do; ``OutOfRangeError`` by default,
        which queues raise at the end of their input.
    """

    def __init__(
        self, clean_stop_exception_types: Iterable[type[BaseException]] | None = None
    ) -> None:
        if clean_stop_exception_types is None:
            clean_stop_exception_types = (errors.OutOfRangeError,)
        self._clean = tuple(clean_stop_exception_types)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._joined = False
        self._threads: set[threading.Thread] = set()

    def request_stop(self, ex: Any = None) -> None:
        """Makes ``should_stop()`` true.

        ``ex`` (an exception, or what ``sys.exc_info()`` gives) is raised by ``join()`` if it is the first; where
        ``join()`` is over, here.
        """
        with self._lock:
            error = self._to_report(ex)
            if self._joined and error is not None:
                raise error
            if not self._stop.is_set():
                if error is not None:
                    _LOG.info("Error reported to Coordinator: %s: %s", type(error).__name__, error)
                    self._error = error
                self._stop.set()

    def _to_report(self, ex: Any) -> BaseException | None:
        error = ex[1] if isinstance(ex, tuple) and len(ex) == 3 else ex
        if error is None or isinstance(error, self._clean):
            return None
        if isinstance(error, BaseException):
            return error
        return ValueError(
            f"ex must be an exception, or a tuple as sys.exc_info() gives one, not {ex!r}"
        )

    def clear_stop(self) -> None:
        """Forgets that a stop was requested, and its error: the coordinator is as new."""
        with self._lock:
            self._joined = False
            self._error = None
            self._stop.clear()

    def should_stop(self) -> bool:
        """Whether a stop was requested."""
        return self._stop.is_set()

    @contextmanager
    def stop_on_exception(self) -> Iterator[None]:
        """An error within the ``with`` block requests a stop, and goes no further."""
        try:
            yield
        except BaseException:
            self.request_stop(ex=sys.exc_info())

    def wait_for_stop(self, timeout: float | None = None) -> bool:
        """Waits for a stop, at most ``timeout`` seconds; whether there was one."""
        return self._stop.wait(timeout)

    def register_thread(self, thread: threading.Thread) -> None:
        """Makes ``join()`` wait for ``thread``."""
        with self._lock:
            self._threads.add(thread)

    def join(
        self,
        threads: Iterable[threading.Thread] | None = None,
        stop_grace_period_secs: float = 120,
        ignore_live_threads: bool = False,
    ) -> None:
        """Waits until ``threads`` and those that were registered have ended.

        Raises the error of ``request_stop``; RuntimeError where threads go on ``stop_grace_period_secs`` after a stop
        was requested, unless ``ignore_live_threads``.
        """
        with self._lock:
            waited = self._threads.union(threads or ())

        def alive() -> list[threading.Thread]:
            return [thread for thread in waited if thread.is_alive()]

        while alive() and not self.wait_for_stop(_POLL):
            pass
        deadline = time.monotonic() + stop_grace_period_secs
        pause = _SHORTEST_WAIT
        while alive() and time.monotonic() < deadline:
            time.sleep(pause)
            pause = max(min(2 * pause, deadline - time.monotonic()), _SHORTEST_WAIT)
        late = " ".join(thread.name for thread in alive())
        with self._lock:
            self._joined = True
            self._threads = set()
            if self._error is not None:
                raise self._error
        if late and not ignore_live_threads:
            raise RuntimeError(f"Coordinator stopped with threads still running: {late}")
        if late:
            _LOG.info("Coordinator stopped with threads still running: %s", late)

    @property
    def joined(self) -> bool:
        """Whether ``join()`` is over."""
        return self._joined

    def raise_requested_exception(self) -> None:
        """Raises the error of ``request_stop``, if there was one."""
        with self._lock:
            if self._error is not None:
                raise self._error


class LooperThread(threading.Thread):
    """A thread that calls a function, or its own ``run_loop()``, until its coordinator stops it.

    An error in it stops the others too.

    Args:
      coord: its Coordinator, which will wait for it.
      timer_interval_secs: seconds from call to call; None: one after the other.
      target, args, kwargs: the function and its arguments.

    Raises ValueError for what is no coordinator, and for arguments without a function.
    """

    def __init__(
        self,
        coord: Coordinator,
        timer_interval_secs: float | None,
        target: Callable[..., Any] | None = None,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        if not isinstance(coord, Coordinator):
            raise ValueError(f"'coord' argument must be a Coordinator: {coord}")
        if target is None and (args or kwargs):
            raise ValueError("'args' and 'kwargs' argument require that you also pass 'target'")
        super().__init__(daemon=True)
        self._coord = coord
        self._timer_interval_secs = timer_interval_secs
        self._call = target
        self._call_args = tuple(args or ())
        self._call_kwargs = dict(kwargs or {})
        coord.register_thread(self)

    @staticmethod
    def loop(
        coord: Coordinator,
        timer_interval_secs: float | None,
        target: Callable[..., Any],
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
    ) -> LooperThread:
        """Makes such a thread, starts it and returns it."""
        looper = LooperThread(coord, timer_interval_secs, target=target, args=args, kwargs=kwargs)
        looper.start()
        return looper

    def run(self) -> None:
        """What the thread does."""
        with self._coord.stop_on_exception():
            self.start_loop()
            if self._timer_interval_secs is None:
                while not self._coord.should_stop():
                    self.run_loop()
            else:
                due = time.monotonic()
                while not self._coord.wait_for_stop(max(0.0, due - time.monotonic())):
                    due += self._timer_interval_secs
                    self.run_loop()
            self.stop_loop()

    def start_loop(self) -> None:
        """Called once before the first call; for classes that inherit."""

    def stop_loop(self) -> None:
        """Called once after the last call; for classes that inherit."""

    def run_loop(self) -> None:
        """Calls the function."""
        if self._call is not None:
            self._call(*self._call_args, **self._call_kwargs)
