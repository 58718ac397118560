"""The checkpoints of a folder: the ``checkpoint`` state file, which one is the latest, which files belong to one."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Sequence
from typing import Any

from evergraph import errors
from evergraph.formats import checkpoint_state
from evergraph.formats.protos import SaverDef
from evergraph.storage import gfile, publish
from evergraph.storage.removal import remove_together

_LOG = logging.getLogger("evergraph")
STATE_FILE = "checkpoint"


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
        with gfile.GFile(path, "rb") as file:
            state = checkpoint_state.parse(file.read(), path)
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
    prefix = os.fspath(checkpoint_prefix)
    if gfile.Glob(prefix + ".index"):
        return True
    # The V1 format: the prefix is the file, or the pattern of its shards' names.
    return bool(gfile.Glob(prefix))


def get_checkpoint_mtimes(checkpoint_prefixes: Iterable[str]) -> list[float]:
    """When each checkpoint was written (seconds since the epoch); prefixes of which nothing is there are left out."""
    times = []
    for prefix in checkpoint_prefixes:
        found = gfile.Glob(prefix + ".index") or gfile.Glob(prefix)
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
        paths = [
            checkpoint_prefix + ".index",
            *gfile.Glob(checkpoint_prefix + ".data-?????-of-?????"),
        ]
    else:
        paths = gfile.Glob(checkpoint_prefix)
    remove_together([*paths, meta_graph_filename(checkpoint_prefix, meta_graph_suffix)])


def meta_graph_filename(checkpoint_filename: str, meta_graph_suffix: str = "meta") -> str:
    """The path of the MetaGraph that belongs to a checkpoint (the shard pattern of a V1 name is taken off)."""
    base, separator, _ = checkpoint_filename.rpartition("-?????-of-")
    return f"{base if separator else checkpoint_filename}.{meta_graph_suffix}"
