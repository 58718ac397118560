"""Which of the checkpoints that a saver has written are kept."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterable, Sequence

from evergraph import errors
from evergraph.storage import paths
from evergraph.storage.publish import Durability
from evergraph.train.checkpoints import (
    checkpoint_exists,
    find_moved,
    get_checkpoint_mtimes,
    get_checkpoint_state,
    remove_checkpoint,
)

_LOG = logging.getLogger("evergraph")


class Retention:
    """The checkpoints of one saver, oldest first, and those that are to go.

    Args:
      best: so many of those with the best metric stay, beside the newest.
      lower_is_better: whether a smaller metric is the better one.

    Attributes:
      entries: (path, seconds since the epoch when it was saved) of each that is kept for now.
      restored: the checkpoint that was restored last; while it is, it stays.
    """

    def __init__(self, best: int = 0, lower_is_better: bool = False) -> None:
        self.entries: list[tuple[str, float]] = []
        self.restored: str | None = None
        self._best = best
        self._lower_is_better = lower_is_better
        self._metrics: dict[str, float] = {}
        self._doomed: list[tuple[str, float]] = []
        self._every_seconds = float("inf")
        self._next_for_good = float("inf")

    def keep_one_every(self, hours: float) -> None:
        """From now on, one checkpoint in so many hours stays for good."""
        self._every_seconds = hours * 3600
        self._next_for_good = time.time() + self._every_seconds

    @property
    def paths(self) -> list[str]:
        """The prefixes of those that are kept for now, oldest first."""
        return [path for path, _ in self.entries]

    @property
    def best(self) -> list[str]:
        """Those with the best metric, the best one first; of equals, the newer one."""
        rated = [path for path in reversed(self.paths) if path in self._metrics]
        rated.sort(key=self._metrics.__getitem__, reverse=not self._lower_is_better)
        return rated[: self._best]

    def record(self, path: str, most: int, metric: float | None = None) -> None:
        """Adds a checkpoint that has just been saved; of more than ``most`` (0: no limit) the oldest are to go."""
        self._metrics.pop(path, None)
        if metric is not None and not math.isnan(metric):  # that is neither better nor worse
            self._metrics[path] = metric
        place = paths.absolute(path)
        self.entries = [entry for entry in self.entries if paths.absolute(entry[0]) != place]
        self.entries.append((path, time.time()))
        # Saved again, it is the newest: what was to be deleted under this name is it.
        self._doomed = [entry for entry in self._doomed if paths.absolute(entry[0]) != place]
        if not most:
            return
        best = set(self.best)
        too_many = max(0, sum(known not in best for known in self.paths) - most)
        staying = {paths.absolute(known) for known in best}
        if self.restored is not None:
            staying.add(paths.absolute(self.restored))
        old = [entry for entry in self.entries[:-1] if paths.absolute(entry[0]) not in staying]
        for entry in old[:too_many]:
            self.entries.remove(entry)
            self._doomed.append(entry)
            self._metrics.pop(entry[0], None)

    def recover(self, prefixes: Iterable[str]) -> None:
        """Takes up the list of an earlier process; those that are not there any more are left out."""
        there = [path for path in prefixes if checkpoint_exists(path)]
        self.entries = list(zip(there, get_checkpoint_mtimes(there), strict=True))

    def recover_from(self, folder: str, state_file: str) -> None:
        """Takes up what the state file of ``folder`` lists."""
        state = get_checkpoint_state(folder, state_file)
        listed: Sequence[str] = [] if state is None else state.all_model_checkpoint_paths
        found = (find_moved(path, folder) for path in listed)
        self.recover(path for path in found if path is not None)

    def delete_doomed(self, version: int, meta_graph_suffix: str, durability: Durability) -> None:
        """Deletes what is to go; what cannot be deleted is named in the log."""
        while self._doomed:
            path, saved_at = self._doomed.pop(0)
            if saved_at > self._next_for_good:
                self._next_for_good += self._every_seconds
                continue
            try:
                remove_checkpoint(path, version, meta_graph_suffix, durability=durability)
            except errors.OpError as error:
                _LOG.warning("could not delete the old checkpoint %s: %s", path, error.message)
