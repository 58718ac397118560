"""The checkpoints of a folder: the ``checkpoint`` state file, which one is the latest, which files belong to one."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Sequence
from typing import Any

from evergraph import errors
from evergraph.formats import checkpoint_state
from evergraph.formats.bundle import index_path, prefix_of
from evergraph.formats.checkpoint import open_checkpoint
from evergraph.formats.checkpoint_path import checkpoints_in
from evergraph.formats.protos import SaverDef
from evergraph.formats.saved_model_folder import model_file
from evergraph.formats.verification import newest_whole
from evergraph.storage import gfile, paths
from evergraph.storage.filesystem import filesystem, path_text
from evergraph.storage.publish import Durability, publish_bytes
from evergraph.storage.removal import remove_together

_LOG = logging.getLogger("evergraph")
STATE_FILE = "checkpoint"
_SHOWN = 8
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
    durability: Durability = "full",
) -> None:
    """Writes the state file of ``save_dir``, all or nothing; ``durability`` as of a Saver.

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
    publish_bytes(path, checkpoint_state.format_state(state).encode(), durability)


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


def latest_checkpoint(
    checkpoint_dir: Any, latest_filename: str | None = None, *, valid: bool = False
) -> str | None:
    """The prefix of the newest checkpoint of a folder, as its state file says; None where there is none.

    Where the files have been moved together with their folder, the same name beside the state file is taken, with a
    notice. Where there is none the log says what was looked for.

    Args:
      checkpoint_dir: the folder.
      latest_filename: the name of the state file (``checkpoint``).
      valid: the newest that is whole, every checksum looked at: where newer ones are damaged or half gone they are
        passed over, with a notice. TensorFlow has no such argument.
    """
    folder = os.fspath(checkpoint_dir)
    if valid:
        return _latest_valid(folder, latest_filename)
    state = get_checkpoint_state(folder, latest_filename)
    if state is None:
        _say_what_is_there(folder, latest_filename or STATE_FILE)
        return None
    path: str = state.model_checkpoint_path
    found = find_moved(path, folder)
    if found is not None:
        if found != path:
            _LOG.warning(
                "%s names the checkpoint %s, which is not there; taking %s beside it (the folder was moved).",
                os.path.join(folder, latest_filename or STATE_FILE),
                path,
                found,
            )
        return found
    _LOG.error(
        "Couldn't match files for checkpoint %s, which %s names. %s",
        path,
        os.path.join(folder, latest_filename or STATE_FILE),
        _others(folder) or f"No checkpoint is in {folder}.",
    )
    return None


def _say_what_is_there(folder: str, state_name: str) -> None:
    """Why there is no latest checkpoint. A folder without any is where a program begins, and no cause for alarm."""
    others = _others(folder)
    if others:
        _LOG.warning("There is no state file '%s' in %s. %s", state_name, folder, others)
    elif gfile.IsDirectory(folder):
        _LOG.info("There is no state file '%s' in %s, and no checkpoint.", state_name, folder)
    else:
        _LOG.info("There is no folder %s, so there is no checkpoint in it.", folder)


def _others(folder: str) -> str:
    """The checkpoints that are in a folder, in a sentence; nothing where there are none."""
    names = checkpoints_in(folder)
    if not names:
        return ""
    shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    return (
        f"Checkpoints there: {shown}; restore one by its name, such as {os.path.join(folder, names[-1])!r}, or take "
        f"the newest that is whole: tf.train.latest_checkpoint({folder!r}, valid=True)."
    )


def _latest_valid(folder: str, latest_filename: str | None) -> str | None:
    if not gfile.IsDirectory(folder):
        _LOG.warning("There is no folder %s", folder)
        return None
    found, passed_over = newest_whole(folder, latest_filename)
    for report in passed_over:
        _LOG.warning("Passed over: %s", report)
    if found is None:
        _LOG.warning("No checkpoint in %s is whole.", folder)
        return None
    return found.prefix


def checkpoint_exists(checkpoint_prefix: Any) -> bool:
    """True where a checkpoint of either format has this prefix."""
    return bool(_found(os.fspath(checkpoint_prefix)))


def find_moved(prefix: str, folder: str) -> str | None:
    """Where a checkpoint is that the state file of ``folder`` names: there, or by the same name beside that file where
    the folder was moved. None where it is in neither place.
    """
    places = (prefix, os.path.join(folder, os.path.basename(prefix)))
    return next((place for place in places if checkpoint_exists(place)), None)


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
    *,
    durability: Durability = "full",
) -> None:
    """Deletes the files of a checkpoint; what is not there is passed over. ``durability`` as of a Saver."""
    if checkpoint_format_version == SaverDef.V2:
        # The index goes first: without it nobody takes the data for a checkpoint.
        data = gfile.Glob(_literal(checkpoint_prefix) + ".data-?????-of-?????")
        paths = [checkpoint_prefix + ".index", *data]
    else:
        paths = gfile.Glob(_literal(checkpoint_prefix))
    remove_together([*paths, meta_graph_filename(checkpoint_prefix, meta_graph_suffix)], durability)


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


def graph_file_of(prefix: str) -> str:
    """The file with the graph of a checkpoint.

    Raises:
      NotFoundError: there is none; what the checkpoint is good for is said. DataLossError: it is no checkpoint at all.
    """
    path = meta_graph_filename(prefix)
    if gfile.Exists(path):
        return path
    with open_checkpoint(prefix):
        above = paths.split(paths.split(prefix)[0])[0] or "."
        if model_file(above) is not None:
            why = f"Its graph is that of the SavedModel {above}."
        else:
            why = "It was saved with write_meta_graph=False, or the .meta was not copied with it."
    raise errors.FileMissingError(
        None,
        None,
        f"{path} is not there: the checkpoint {prefix} has values but no graph. {why} Its values can be read: "
        f"evergraph.open_checkpoint({prefix!r}) has them by name; or build the graph in code, and restore into it with "
        "tf.train.Saver().",
    )


def graph_file_at(path: Any) -> str:
    """The file of a MetaGraph: ``path``, or the ``.meta`` beside it where that is a checkpoint or another of its files.

    Raises as ``graph_file_of`` where the checkpoint has none.
    """
    text = path_text(path)
    prefix = prefix_of(text) or text
    is_other = prefix == text and gfile.Exists(text)
    if is_other or not (gfile.Exists(text) or gfile.Exists(index_path(prefix))):
        return text
    meta = graph_file_of(prefix)
    if text != meta:
        _LOG.warning("%s belongs to a checkpoint; its graph is read, %s.", text, meta)
    return meta
