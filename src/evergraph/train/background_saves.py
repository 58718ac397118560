"""Saves that end while training goes on: one thread, which finishes them in order."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from evergraph.runtime.session import BaseSession
from evergraph.runtime.snapshot import Snapshot


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
        self._most = most_in_flight
        self._pool: ThreadPoolExecutor | None = None
        self._pending: list[Future[SaveReport]] = []

    def start(
        self, session: BaseSession, snapshot: Snapshot, started: float, work: Callable[[], str]
    ) -> None:
        """Lets ``work`` write the checkpoint of ``snapshot``, which is released then.

        ``started`` is when the call began (``time.perf_counter()``).
        """
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, "evergraph-save")
        called = time.perf_counter() - started

        def finish() -> SaveReport:
            try:
                path = work()
            finally:
                copied = snapshot.release()
            return SaveReport(path, called, copied, time.perf_counter() - started)

        future = self._pool.submit(finish)
        self._pending.append(future)
        # A session that is closed ends its runs: this one is let through first.
        session.state.unfinished.append(future)
        future.add_done_callback(session.state.unfinished.remove)

    def make_room(self) -> None:
        """Waits until one more save may be in flight. Raises the error of one that failed, once."""
        while len(self._pending) >= self._most:
            self._pending.pop(0).result()
        for future in [future for future in self._pending if future.done()]:
            self._pending.remove(future)
            future.result()

    def wait(self) -> list[SaveReport]:
        """Waits for all; returns their reports, oldest first. Raises the error of one that failed, once."""
        reports = []
        while self._pending:
            reports.append(self._pending.pop(0).result())
        return reports
