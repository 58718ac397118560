"""Saves that end while training goes on: one thread, which finishes them in order."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from evergraph.runtime.session import BaseSession
from evergraph.runtime.snapshot import Snapshot

_LOG = logging.getLogger("evergraph")


@dataclass(frozen=True)
class SaveReport:
    """What one save in the background took.

    Attributes:
      path: the prefix of the checkpoint.
      call_seconds: how long ``save`` kept its caller.
      copied_bytes: how much of the model later runs copied, because they wrote to it while it was being saved.
      seconds: from the call until the checkpoint was there.
    """

    path: str
    call_seconds: float
    copied_bytes: int
    seconds: float


class BackgroundSaves:
    """The saves of one saver that have not ended. A process that ends waits for them."""

    def __init__(self, most_in_flight: int) -> None:
        if most_in_flight < 1:
            raise ValueError(f"most_in_flight is 1 or more, not {most_in_flight}.")
        self._most = most_in_flight
        self._pool: ThreadPoolExecutor | None = None
        self._process = os.getpid()
        self._pending: list[Future[SaveReport]] = []

    def start(
        self, session: BaseSession, snapshot: Snapshot, started: float, work: Callable[[], str]
    ) -> None:
        """Lets ``work`` write the checkpoint of ``snapshot``, which is released then.

        ``started`` is when the call began (``time.perf_counter()``).
        """
        called = time.perf_counter() - started

        def finish() -> SaveReport:
            try:
                path = work()
            except BaseException as error:
                # Whoever never asks again should know it all the same.
                _LOG.error("A checkpoint could not be saved in the background: %s", error)
                raise
            finally:
                copied = snapshot.release()
            return SaveReport(path, called, copied, time.perf_counter() - started)

        try:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(1, "evergraph-save")
            future = self._pool.submit(finish)
        except BaseException:  # such as at the end of the process
            snapshot.release()
            raise
        self._pending.append(future)
        # A session that is closed ends its runs: this one is let through first.
        session.state.unfinished.append(future)
        future.add_done_callback(session.state.unfinished.remove)

    def make_room(self, others: bool) -> BaseException | None:
        """Waits until one more save may be in flight, or, unless ``others`` may be, until none is.

        Returns the error of one that has failed, once.
        """
        self._begin_anew_after_a_fork()
        failed = None
        most = self._most - 1 if others else 0
        while self._pending and (len(self._pending) > most or self._pending[0].done()):
            failed = self._pending[0].exception() or failed
            self._pending.pop(0)
        return failed

    def wait(self) -> list[SaveReport]:
        """Waits for all; returns their reports, oldest first. Raises the error of one that failed, once."""
        self._begin_anew_after_a_fork()
        reports = []
        while self._pending:
            self._pending[0].exception()  # An interrupt leaves it where it is.
            reports.append(self._pending.pop(0).result())
        return reports

    def _begin_anew_after_a_fork(self) -> None:
        """Forgets the saves of the process that this one was forked from: the threads are that one's."""
        if self._process != os.getpid():
            self._process, self._pool, self._pending = os.getpid(), None, []
