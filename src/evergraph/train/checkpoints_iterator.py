"""Waiting for the checkpoints that another process saves: ``tf.train.checkpoints_iterator``."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

from evergraph.train.checkpoints import latest_checkpoint

_LOG = logging.getLogger("evergraph")


def wait_for_new_checkpoint(
    checkpoint_dir: Any,
    last_checkpoint: str | None = None,
    seconds_to_sleep: float = 1,
    timeout: float | None = None,
) -> str | None:
    """The latest checkpoint of a folder, as soon as it is another one than ``last_checkpoint``.

    The folder is looked at every ``seconds_to_sleep``; None once ``timeout`` seconds (None: for ever) would be over.
    """
    _LOG.info("Waiting for new checkpoint at %s", checkpoint_dir)
    end = None if timeout is None else time.monotonic() + timeout
    while True:
        found = latest_checkpoint(checkpoint_dir)
        if found is not None and found != last_checkpoint:
            _LOG.info("Found new checkpoint at %s", found)
            return found
        if end is not None and time.monotonic() + seconds_to_sleep > end:
            return None
        time.sleep(seconds_to_sleep)


def checkpoints_iterator(
    checkpoint_dir: Any,
    min_interval_secs: float = 0,
    timeout: float | None = None,
    timeout_fn: Callable[[], bool] | None = None,
) -> Iterator[str]:
    """The checkpoints of a folder as they appear; those that come while the caller is busy with one are passed over,
    but for the latest.

    Args:
      checkpoint_dir: the folder.
      min_interval_secs: how long it takes from one checkpoint to the next, at least.
      timeout: seconds to wait for a new checkpoint; None: for ever.
      timeout_fn: is asked when they are over: True ends the iteration, False waits as long again. None: it ends.
    """
    last: str | None = None
    while True:
        found = wait_for_new_checkpoint(checkpoint_dir, last, timeout=timeout)
        if found is not None:
            last, start = found, time.monotonic()
            yield found
            time.sleep(max(0.0, start + min_interval_secs - time.monotonic()))
        elif timeout_fn is None or timeout_fn():
            _LOG.info("Timed-out waiting for a checkpoint.")
            return
