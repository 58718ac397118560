"""The checkpoints of a folder: the ``checkpoint`` state file, which one is the latest, which files belong to one."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Sequence
from typing import Any

from evergraph import errors
from evergraph.formats import checkpoint_state
from evergraph.formats.protos import SaverDef
from evergraph.storage import gfile, publish
from evergraph.storage.filesystem import filesystem
from evergraph.storage.removal import remove_together

_LOG = logging.getLogger("evergraph")
STATE_FILE = "checkpoint"
# The end of the name of a shard of format V1, or of the pattern for them all.
_SHARDS = re.compile(r"-[\d?]+-of-\d+\Z")


def generate_checkpoint_state_proto(
    save_dir: str,
    model_checkpoint_path: str,
    all_model_checkpoint_paths: Sequence[str] | None = None,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
) -> Any:
    """The CheckpointState message for a folder: paths as given, relative ones relative to ``save_dir``.

    Raises ValueError where there are timestamps, but not one for each path.
    """
    return checkpoint_state.make_state(
        save_dir,
        model_checkpoint_path,
        all_model_checkpoint_paths,
        all_model_checkpoint_timestamps,
        last_preserved_timestamp,
    ).to_proto()


def update_checkpoint_state(
    save_dir: str,
    model_checkpoint_path: str,
    all_model_checkpoint_paths: Sequence[str] | None = None,
    latest_filename: str | None = None,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
    *,
    save_relative_paths: bool = False,
) -> None:
    """Writes the state file of ``save_dir``, all or nothing.

    Raises RuntimeError where the checkpoint's own path is that of the state file.
    """
    path = checkpoint_state.state_path(save_dir, latest_filename)
    state = checkpoint_state.make_state(
        save_dir,
        model_checkpoint_path,
        all_model_checkpoint_paths,
        all_model_checkpoint_timestamps,
        last_preserved_timestamp,
        relative=save_relative_paths,
    )
    if path == state.model_checkpoint_path:
        raise RuntimeError(
            f"Save path '{model_checkpoint_path}' conflicts with path used for checkpoint state. "
            "Please use a different save path."
        )
    publish.publish_bytes(path, checkpoint_state.format_state(state).encode())


def get_checkpoint_state(checkpoint_dir: Any, latest_filename: str | None = None) -> Any:
    """The CheckpointState of a folder, its relative paths joined to the folder; None where there is none to read.

    A state file that cannot be parsed is logged and gives None. Raises ValueError where it names no checkpoint.
    """
    folder = os.fspath(checkpoint_dir)
    path = checkpoint_state.state_path(folder, latest_filename)
    if not gfile.Exists(path):
        return None
    try:
        state = checkpoint_state.parse(filesystem(path).read_file(path), path)
    except errors.InvalidValueError:
        raise
    except errors.OpError as error:
        _LOG.warning("%s: %s", type(error).__name__, error.message)
        _LOG.warning("%s: Checkpoint ignored", path)
        return None
    return checkpoint_state.resolve(state, folder).to_proto()


def latest_checkpoint(checkpoint_dir: Any, latest_filename: str | None = None) -> str | None:
    """The prefix of the newest checkpoint of a folder, as its state file says; None where there is none.

    Where the files have been moved together with their folder, the same name beside the state file is taken, with a
    notice. Where there is none the log says what was looked for.
    """
    folder = os.fspath(checkpoint_dir)
    state = get_checkpoint_state(folder, latest_filename)
    if state is None:
        _LOG.info("no checkpoint state file '%s' in %s", latest_filename or STATE_FILE, folder)
        return None
    path: str = state.model_checkpoint_path
    if checkpoint_exists(path):
        return path
    beside = os.path.join(folder, os.path.basename(path))
    if beside != path and checkpoint_exists(beside):
        _LOG.warning(
            "%s names the checkpoint %s, which is not there; taking %s beside it (the folder was moved).",
            os.path.join(folder, latest_filename or STATE_FILE),
            path,
            beside,
        )
        return beside
    _LOG.error("Couldn't match files for checkpoint %s", path)
    return None


def checkpoint_exists(checkpoint_prefix: Any) -> bool:
    """True where a checkpoint of either format has this prefix."""
    return bool(_found(os.fspath(checkpoint_prefix)))


def get_checkpoint_mtimes(checkpoint_prefixes: Iterable[str]) -> list[float]:
    """When each checkpoint was written (seconds since the epoch); prefixes of which nothing is there are left out."""
    times = []
    for prefix in checkpoint_prefixes:
        found = _found(prefix)
        if found:
            times.append(gfile.Stat(found[0]).mtime_nsec / 1e9)
    return times


def remove_checkpoint(
    checkpoint_prefix: str,
    checkpoint_format_version: int = SaverDef.V2,
    meta_graph_suffix: str = "meta",
) -> None:
    """Deletes the files of a checkpoint; what is not there is passed over."""
    if checkpoint_format_version == SaverDef.V2:
        # The index goes first: without it nobody takes the data for a checkpoint.
        data = gfile.Glob(_literal(checkpoint_prefix) + ".data-?????-of-?????")
        paths = [checkpoint_prefix + ".index", *data]
    else:
        paths = gfile.Glob(_literal(checkpoint_prefix))
    remove_together([*paths, meta_graph_filename(checkpoint_prefix, meta_graph_suffix)])


def _found(prefix: str) -> list[str]:
    """What shows that a checkpoint is there: its index, or the files of format V1; ``prefix`` may be a pattern."""
    for pattern in (_literal(prefix), prefix):
        found = gfile.Glob(pattern + ".index") or gfile.Glob(pattern)
        if found:
            return found
    return []


def _literal(prefix: str) -> str:
    """A pattern that matches ``prefix`` only, or the shards that it stands for: a folder may be named ``lr=[0.1]``."""
    shards = _SHARDS.search(prefix)
    end = shards.start() if shards else len(prefix)
    return re.sub(r"[\[\]*?\\]", r"\\\g<0>", prefix[:end]) + prefix[end:]


def meta_graph_filename(checkpoint_filename: str, meta_graph_suffix: str = "meta") -> str:
    """The path of the MetaGraph that belongs to a checkpoint (what names the shards of V1 is taken off)."""
    return f"{_SHARDS.sub('', checkpoint_filename)}.{meta_graph_suffix}"
